//! Passwords that only their place gives away: behind an option of a command, second in a pair,
//! before the network of a data source.

use std::ops::Range;

use super::{Anchor, Confidence, Detector};
use crate::redact::bytes::{ByteSet, before, byte, has, in_word, is_placeholder, run, run_back};
use crate::redact::data_type::DataType;

/// `mysql -u root -pPASSWORD`, `sshpass -p PASSWORD`.
pub(super) const OPTION: Detector = Detector::find(
    "command_password",
    DataType::GenericSecret,
    Confidence::Context,
    &[
        Anchor::Literal("mysql "),
        Anchor::Literal("mysqldump "),
        Anchor::Literal("mysqladmin "),
        Anchor::Literal("mariadb "),
        Anchor::Literal("sshpass "),
        Anchor::Literal("redis-cli "),
        Anchor::Literal("ldapsearch "),
        Anchor::Literal("ldapmodify "),
        Anchor::Literal("ldapadd "),
        Anchor::Literal("-SecureString "),
    ],
    |text, at| {
        if has(text, at, SECURE_STRING) {
            return quoted(text, at + SECURE_STRING.len()).filter(|value| is_secret(text, value));
        }
        if in_word(text, at) {
            return None;
        }
        let (_, flag, is_apart) = APART
            .iter()
            .find(|(command, ..)| has(text, at, command.as_bytes()))
            .unwrap_or(&("", JOINED, false));
        let name = run(text, at, &ByteSet::ALPHA.and(b"-"), 16);
        let line = run(text, name, &LINE, REACH);
        let option = memchr::memmem::find(text.get(name..line)?, flag.as_bytes())?;
        let option = name + option + flag.len();
        let start = option + usize::from(*is_apart && byte(text, option) == Some(b' '));
        let value = (*is_apart == (start > option)).then(|| word(text, start))??;
        // Prose speaks of options too.
        let is_prose = |b: &u8| b.is_ascii_lowercase() || b",.;:".contains(b);
        let is_prose = *flag != JOINED && text.get(value.clone())?.iter().all(is_prose);
        (!is_prose).then_some(value)
    },
)
.up_to(|text, range| run(text, range.end, &WORD, usize::MAX));

/// Commands with the option that a password stands behind, and whether a space parts both; where
/// none of them stands, `-p` with the password right behind it is looked for.
const APART: &[(&str, &str, bool)] = &[
    ("sshpass ", JOINED, true),
    ("redis-cli ", " -a", true),
    ("ldapsearch ", " -w", true),
    ("ldapmodify ", " -w", true),
    ("ldapadd ", " -w", true),
];
const JOINED: &str = " -p";
const SECURE_STRING: &[u8] = b"-SecureString ";

/// `host:5432:database:user:PASSWORD`, a line of PostgreSQL's file of passwords.
pub(super) const LINE_OF_FILE: Detector = Detector::find(
    "password_file",
    DataType::GenericSecret,
    Confidence::Context,
    &[Anchor::Literal(":5432:")],
    |text, at| {
        const FIELD: ByteSet = ByteSet::WORD.and(b"-.*");
        let host = run_back(text, at, &FIELD, 64);
        let database = run(text, at + ":5432:".len(), &FIELD, 64);
        let user = run(text, database + 1, &FIELD, 64);
        let named =
            host < at && byte(text, database) == Some(b':') && byte(text, user) == Some(b':');
        let end = run(text, user + 1, &WORD, REACH);
        Some(user + 1..end).filter(|value| named && is_secret(text, value))
    },
)
.up_to(|text, range| run(text, range.end, &WORD, usize::MAX));

/// `auth=("user", "PASSWORD")`.
pub(super) const PAIR: Detector = Detector::find(
    "user_and_password",
    DataType::BasicAuth,
    Confidence::Context,
    &[
        Anchor::Literal("auth=("),
        Anchor::Literal("Auth("),
        Anchor::Literal("_auth("),
    ],
    |text, at| {
        let open = run(text, at, &ByteSet::of(b"_authA="), 6);
        let user = run(text, open, &ByteSet::of(b"( "), 4);
        let user = quoted(text, user)?;
        let next = run(text, user.end + 1, &ByteSet::of(b", \n\t"), 32);
        let next = next + if has(text, next, b"Some(") { 5 } else { 0 };
        quoted(text, next).filter(|value| is_secret(text, value))
    },
);

/// `user:PASSWORD@tcp(host:3306)/name`, as drivers of Go take it.
pub(super) const SOURCE: Detector = Detector::find(
    "data_source",
    DataType::UrlCredentials,
    Confidence::Context,
    &[Anchor::Literal("@tcp("), Anchor::Literal("@unix(")],
    |text, at| {
        const PASSWORD: ByteSet = ByteSet::ALNUM.and(b"!#$%&*+-./<=>?@[]^_{}~|");
        // Of two anchors, the bracket of the first ends the way back from the second.
        let start = run_back(text, at, &PASSWORD, usize::MAX);
        let name = run_back(text, start.checked_sub(1)?, &ByteSet::WORD, 64);
        let is_named = before(text, start) == Some(b':') && name + 1 < start;
        Some(start..at).filter(|value| is_named && is_secret(text, value))
    },
);

/// Bytes of a command that are looked at.
const REACH: usize = 160;
/// Bytes of what stands in quotes.
const MAX_QUOTED: usize = 4096;
const MIN_VALUE: usize = 4;
const LINE: ByteSet = ByteSet::ALNUM.and(b" !#$%&()*+,-./:<=>?@[]^_{}~\"'");

const WORD: ByteSet = ByteSet::ALNUM.and(b"!#$%&*+,-./:<=>?@[]^_{}~");

fn word(text: &[u8], at: usize) -> Option<Range<usize>> {
    let value = quoted_by_shell(text, at)
        .or_else(|| quoted(text, at))
        .unwrap_or_else(|| at..run(text, at, &WORD, REACH));
    Some(value).filter(|value| is_secret(text, value))
}

/// Returns what stands in the quotes that open at `at`. A quote behind a backslash belongs to it, but
/// where no other one closes it.
fn quoted(text: &[u8], at: usize) -> Option<Range<usize>> {
    let quote = byte(text, at).filter(|b| matches!(b, b'"' | b'\''))?;
    let rest = text.get(at + 1..)?;
    let rest = rest.get(..=MAX_QUOTED).unwrap_or(rest);
    let line = memchr::memchr(b'\n', rest).map_or(rest, |end| rest.get(..end).unwrap_or(rest));
    let is_end = |at: &usize| {
        let slashes = run_back(line, *at, &ByteSet::of(b"\\"), line.len());
        (at - slashes).is_multiple_of(2)
    };
    let mut quotes = memchr::memchr_iter(quote, line);
    let first = quotes.next()?;
    let length = [first].into_iter().chain(quotes).find(is_end);
    let end = at + 1 + length.unwrap_or(first);
    Some(at + 1..end)
}

/// Returns what stands in the single quotes that open at `at`, where a shell ends the word there: it
/// takes backslashes in them as they are.
fn quoted_by_shell(text: &[u8], at: usize) -> Option<Range<usize>> {
    const BEHIND: ByteSet = ByteSet::of(b" \t\r\n;|&)<>");
    let [b'\'', rest @ ..] = text.get(at..)? else {
        return None;
    };
    let rest = rest.get(..=MAX_QUOTED).unwrap_or(rest);
    let end = at + 1 + memchr::memchr2(b'\'', b'\n', rest)?;
    let ends = byte(text, end + 1).is_none_or(|b| BEHIND.contains(b));
    (byte(text, end) == Some(b'\'') && ends).then_some(at + 1..end)
}

fn is_secret(text: &[u8], value: &Range<usize>) -> bool {
    let value = text.get(value.clone()).unwrap_or_default();
    value.len() >= MIN_VALUE && !is_placeholder(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::Redactor;
    use crate::redact::detectors::tests::{ALNUM, check, random};

    fn all(data_type: DataType, marked: &[&str]) {
        let marked: Vec<_> = marked.iter().map(|text| (*text).to_owned()).collect();
        check(data_type, &marked);
    }

    #[test]
    fn passwords_behind_options_are_hidden() {
        all(
            DataType::GenericSecret,
            &[
                "mysql -h db -u root -p'«Sommer#91»' shop < a.sql",
                "mysqldump -uroot -p«Sommer91» shop",
                "sshpass -p «Sommer91» ssh root@gw",
                "sshpass -p \"«a b c d»\" ssh gw",
                "mysql -u root -p shop; mysql -u root -p\nnext1",
                "redis-cli -h cache -a «Sommer91» ping; ldapsearch -x -w «Sommer91» -b dc=a",
                "ConvertTo-SecureString \"«Sommer 91»\" -AsPlainText -Force",
                "mysql -p'«a1b2\\»' shop",
                "mysql -p'«a1b2\\»' shop -e 'select 1'; sshpass -p '«pa it\\'s1»' ssh gw",
                "redis-cli -a prompts, and ldapsearch -w takes one",
                "mysql -p$PASSWORD shop; sshpass -p ${PW} ssh gw; sshpass -e ssh -p 2222 gw",
            ],
        );
    }

    #[test]
    fn the_second_of_a_pair_and_what_stands_before_a_network_are_hidden() {
        all(
            DataType::BasicAuth,
            &[
                "requests.get(u, auth=('svc', '«Sommer91»'))",
                "httpx.BasicAuth(\"svc\", \"«Sommer91»\")",
                "auth=('user', '«pa it\\'s»'), .basic_auth(\"svc\", Some(\"«a\\\"b1\\\\»\"))",
                "auth=(user, password), auth=('svc', '<password>')",
            ],
        );
        all(
            DataType::UrlCredentials,
            &[
                "sql.Open(\"mysql\", \"root:«So-mm_er91»@tcp(db:3306)/shop\")",
                "root@tcp(db:3306)/shop, root:${PW}@tcp(db:3306)/shop",
            ],
        );
    }

    #[test]
    fn a_value_is_hidden_to_its_end_or_not_at_all() {
        let whole = |text: String, length: usize| {
            let value = random(ALNUM, length);
            let text = text.replace('@', &value).replace('#', "@");
            let start = text.find(&value).unwrap();
            let hidden: usize = Redactor::default()
                .find(&text)
                .iter()
                .map(|span| span.end.min(start + length) - span.start.max(start))
                .sum();
            assert!(
                hidden == 0 || hidden == length,
                "{hidden} of {length}: {text}"
            );
            hidden == length
        };
        for length in [159, 160, 161, 200, MAX_QUOTED, 5_000] {
            for bare in [
                "mysql -u root -p@ shop",
                "sshpass -p @ ssh gw",
                "db:@#tcp(db:3306)/x",
            ] {
                assert!(whole(bare.to_owned(), length), "{bare} {length}");
            }
            for quote in ['\'', '"'] {
                for quoted in ["mysql -p'@' shop", "sshpass -p '@' ssh", "auth=('u', '@')"] {
                    let text = quoted.replace('\'', &quote.to_string());
                    assert_eq!(
                        whole(text, length),
                        length <= MAX_QUOTED,
                        "{quoted} {length}"
                    );
                }
            }
        }
    }
}
