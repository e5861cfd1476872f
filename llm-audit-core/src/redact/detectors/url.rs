//! Passwords in URLs (RFC 3986, section 3.2.1) and in the connection strings of databases.

use std::ops::Range;

use memchr::memchr_iter;

use super::{Anchor, Confidence, Detector};
use crate::redact::bytes::{ByteSet, before, byte, has, is_random, real, run, run_back};
use crate::redact::data_type::DataType;

pub(super) const URL: Detector = Detector::find(
    "url_credentials",
    DataType::UrlCredentials,
    Confidence::Context,
    &[Anchor::At],
    user_info,
);

/// Strings of ADO.NET and ODBC.
pub(super) const CONNECTION_STRING: Detector = Detector::find(
    "connection_string",
    DataType::UrlCredentials,
    Confidence::Context,
    &[
        Anchor::Literal("assword="),
        Anchor::Literal("ASSWORD="),
        Anchor::Literal("Pwd="),
        Anchor::Literal("pwd="),
        Anchor::Literal("PWD="),
    ],
    connection_string,
)
.up_to(|text, range| match range.len() {
    MAX_PASSWORD => {
        let rest = text.get(range.end..).unwrap_or_default();
        let ends = |b: &u8| *b == b';' || !VALUE.contains(*b);
        range.end + rest.iter().position(ends).unwrap_or(rest.len())
    }
    _ => range.end,
});

const MAX_USER_INFO: usize = 384;
const MAX_PASSWORD: usize = 256;
const MAX_HOST: usize = 253;

/// A password may hold any character that ends no URL in the texts around it.
const PASSWORD: ByteSet = NO_AT.and(b"@");
const NO_AT: ByteSet = ByteSet::ALNUM.and(b"-._~!$&'()*+,;=:%#?^|[]{}");
const VALUE: ByteSet = PASSWORD.and(b"/<>`");
const HOST: ByteSet = ByteSet::ALNUM.and(b".-_");

/// Reads the user-info before the `@` at `end`, which is rarer in texts than `://`.
fn user_info(text: &[u8], end: usize) -> Option<Range<usize>> {
    const FIRST_OF_HOST: ByteSet = HOST.and(b"[${<");
    if !FIRST_OF_HOST.contains(byte(text, end + 1)?) {
        return None;
    }
    let surely = is_host(text, end + 1);
    if !surely && !may_be_host(text, end + 1) {
        return None;
    }
    let mut start = run_back(text, end, &PASSWORD, MAX_USER_INFO);
    if end - start == MAX_USER_INFO && !text.get(start..end)?.contains(&b'@') {
        // Up to the `@` before it, what is read is read once.
        start = run_back(text, start, &NO_AT, usize::MAX);
    }
    let behind = |sign: &[u8]| {
        start
            .checked_sub(sign.len())
            .is_some_and(|at| has(text, at, sign))
    };
    if !behind(b"://") && !behind(b":\\/\\/") {
        return None;
    }
    // The first `@` with a host behind it ends the user-info. Where what stands behind none of them
    // can be a host, it is the last one.
    let ends = |range: Range<usize>| range.filter(|at| byte(text, *at) == Some(b'@'));
    if ends(start..end).any(|at| is_host(text, at + 1)) {
        return None;
    }
    let limit = run(text, end + 1, &PASSWORD, MAX_USER_INFO);
    if !surely && ends(end + 1..limit).next().is_some() {
        return None;
    }
    let colon = start
        + text
            .get(start..end)?
            .iter()
            .position(|b| *b == b':')
            .unwrap_or(end - start);
    let password = colon + 1..end;
    let user = start..colon.min(end);
    // A `?` or `#` before the colon begins a query or fragment: the `@` is not the host's.
    if text
        .get(user.clone())?
        .iter()
        .any(|b| matches!(b, b'?' | b'#' | b'\'' | b'@' | b'(' | b')'))
    {
        return None;
    }
    let password_value = text.get(password.clone()).unwrap_or_default();
    if password_value.is_empty() || password_value == b"x-oauth-basic" {
        // `token@host`: a user name is no random text.
        let value = text.get(user.clone())?;
        return (value.len() >= 16 && is_random(value)).then_some(user);
    }
    real(text, password)
}

/// Returns whether a host stands at `at`, and what can follow one.
fn is_host(text: &[u8], at: usize) -> bool {
    let end = if byte(text, at) == Some(b'[') {
        run(text, at + 1, &ByteSet::HEX.and(b":.%]"), 64)
    } else if matches!(byte(text, at), Some(b'$' | b'{' | b'<')) {
        return true;
    } else {
        run(text, at, &HOST, MAX_HOST)
    };
    // Behind a colon stands a port, unless a clause ends there.
    let port = byte(text, end) != Some(b':')
        || !byte(text, end + 1).is_some_and(|b| b.is_ascii_alphabetic());
    let next = byte(text, end).unwrap_or(b' ');
    end > at && port && !matches!(next, b'@' | b'!' | b'$' | b'%' | b'=' | b'+' | b'^' | b'~')
}

/// Returns whether a name stands at `at`, whatever follows it.
fn may_be_host(text: &[u8], at: usize) -> bool {
    byte(text, at).is_some_and(|b| b.is_ascii_alphanumeric())
        && byte(text, run(text, at, &HOST, MAX_HOST)) != Some(b'@')
}

fn connection_string(text: &[u8], at: usize) -> Option<Range<usize>> {
    let sign = at + text.get(at..)?.iter().position(|b| *b == b'=')?;
    let name = run_back(text, sign, &ByteSet::ALPHA, 16);
    let semicolon = |byte: Option<u8>| byte == Some(b';');
    let start = sign + 1;
    let end = start
        + text
            .get(start..run(text, start, &VALUE, MAX_PASSWORD))?
            .iter()
            .position(|b| *b == b';')
            .unwrap_or_else(|| run(text, start, &VALUE, MAX_PASSWORD) - start);
    let space = run_back(text, name, &ByteSet::of(b" "), 2);
    let belongs = semicolon(byte(text, end)) || semicolon(before(text, space));
    if !belongs && !is_beside_host(text, name, end) {
        return None;
    }
    real(text, start..end)
}

/// Returns whether parameters of a connection, as libpq takes them, stand around the one at
/// `start..end`.
fn is_beside_host(text: &[u8], start: usize, end: usize) -> bool {
    const REACH: usize = 64;
    let head = text
        .get(start.saturating_sub(REACH)..start)
        .unwrap_or_default();
    let tail = text
        .get(end..(end + REACH).min(text.len()))
        .unwrap_or_default();
    const NAMES: [&[u8]; 5] = [b"host", b"dbname", b"hostaddr", b"user", b"sslmode"];
    // How many of the names stand before a sign in the part.
    let count = |part: &[u8]| {
        let found = memchr_iter(b'=', part).fold(0_u32, |found, sign| {
            let head = part.get(..sign).unwrap_or_default();
            if !matches!(head.last(), Some(b't' | b'e' | b'r')) {
                return found;
            }
            let names = (0..).zip(NAMES);
            let ends = names.filter(|(_, name)| head.ends_with(name));
            ends.fold(found, |found, (bit, _)| found | 1 << bit)
        });
        found.count_ones()
    };
    count(head) + count(tail) >= 2
}

/// `user/password@` in the address of an Oracle database.
pub(super) const ORACLE: Detector = Detector::find(
    "oracle_url",
    DataType::UrlCredentials,
    Confidence::Context,
    &[Anchor::Literal(":thin:"), Anchor::Literal(":oci:")],
    |text, at| {
        let user = at + 1 + text.get(at + 1..)?.iter().position(|b| *b == b':')? + 1;
        let slash = run(text, user, &ByteSet::WORD.and(b"$#"), 64);
        let end = run(
            text,
            slash + 1,
            &ByteSet::ALNUM.and(b"-._~!$&'*+,;=%#?^"),
            64,
        );
        let holds =
            slash > user && byte(text, slash) == Some(b'/') && byte(text, end) == Some(b'@');
        holds.then(|| real(text, slash + 1..end))?
    },
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::detectors::tests::{ALNUM, check, random};

    #[test]
    fn only_the_password_of_a_url_is_found() {
        check(
            DataType::UrlCredentials,
            &[
                "DATABASE_URL=postgres://app:«s3cr3t»@db.internal:5432/prod",
                "mongodb+srv://admin:«p4ss»@cluster0.example.net/test",
                "redis://:«hunter2»@cache-01:6379/0",
                "create_engine(\\\"mysql+pymysql://root:«hunter2»@db-7/shop\\\")",
                "fetch('https://user:«y9I9u#R5f?x»@api.example.org/v1')",
                "https://user:«p@ss:w!rd»@api.example.org",
                "https:\\/\\/user:«hunter2»@api.example.org\\/v1",
                "mongodb://u:«hunter2»@h1:27017,h2:27017/db",
                "amqp://u:«hunter2»@[2001:db8::1]:5672",
                "ftp://u:«password»@files.example.org, then",
                "postgres://a:«hunter2»@host=db",
                "postgres://a:«hunt@er2»@host=db (https://u:«x&y»@h), redis://:«a,b»@h)",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn a_token_in_place_of_the_user_is_found() {
        let token = random(ALNUM, 32);
        check(
            DataType::UrlCredentials,
            &[
                format!("https://«{token}»@git.example.org/x"),
                format!("https://«{token}»:@git.example.org/x"),
                format!("https://«{token}»:x-oauth-basic@git.example.org/x"),
                "ssh://git@git.example.org/x".to_owned(),
            ],
        );
    }

    #[test]
    fn connection_strings_are_read() {
        check(
            DataType::UrlCredentials,
            &[
                "Server=db;User Id=app;Password=«hunter2!»;Encrypt=true",
                "Driver={x};Uid=app;Pwd=«hunter2»",
                "Password=«a/b»; Server=db",
                "jdbc:sqlserver://db:1433;user=sa;password=«letmein»;encrypt=true",
                "jdbc:oracle:thin:scott/«tiger»@//db:1521/x",
                "host=db user=app password=«letmein» dbname=x",
                "next(password=value), cd && PWD=/home/ada",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn urls_without_a_password_are_left() {
        check(
            DataType::UrlCredentials,
            &[
                "https://example.org/a:b@c",
                "https://example.org?mail=a:b@example.org",
                "https://user:${PASSWORD}@example.org https://user:<password>@example.org",
                "https://user:[URL_CREDENTIALS]@example.org https://user:****@example.org",
                "http://localhost:8080/@scope/x",
                "https://user:{{ password }}@example.org",
            ]
            .map(str::to_owned),
        );
    }
}
