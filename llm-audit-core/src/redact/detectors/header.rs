//! Headers that authenticate: bearer tokens (RFC 6750), basic credentials (RFC 7617), and the
//! headers of API keys.

use std::ops::Range;

use super::{Anchor, Confidence, Detector};
use crate::redact::base64::{decode, may_decode_to};
use crate::redact::bytes::{
    ByteSet, Mix, assigned, before, byte, follows, has, in_word, is_random, real, run, run_back,
};
use crate::redact::data_type::DataType;

pub(super) const BEARER: Detector = Detector::find(
    "bearer",
    DataType::BearerToken,
    Confidence::Context,
    &[Anchor::Literal("earer"), Anchor::Literal("EARER")],
    bearer,
);

pub(super) const BASIC: Detector = Detector::find(
    "basic",
    DataType::BasicAuth,
    Confidence::Valid,
    &[Anchor::Literal("asic "), Anchor::Literal("ASIC ")],
    basic,
);

/// `"auth": "…"`, as the configuration of Docker has it: base64 of a name and a password.
pub(super) const AUTH: Detector = Detector::find(
    "auth",
    DataType::BasicAuth,
    Confidence::Valid,
    &[Anchor::Literal("\"auth\":")],
    |text, at| {
        let open = run(text, at + "\"auth\":".len(), &ByteSet::of(b" "), 4);
        let start = run(text, open, &ByteSet::of(b"\""), 1);
        credentials(text, start)
    },
)
.named(&["auth"], |value| {
    credentials(value, 0).filter(|found| found.end == value.len())
});

/// `curl -u name:password`: the password.
pub(super) const USER_OPTION: Detector = Detector::find(
    "user_option",
    DataType::BasicAuth,
    Confidence::Context,
    &[
        Anchor::Literal(" -u "),
        Anchor::Literal(" --user "),
        Anchor::Literal(" --proxy-user "),
    ],
    |text, at| {
        const PASSWORD: ByteSet = ByteSet::TOKEN68.and(b"!#$%^&*=?@");
        const USER: ByteSet = ByteSet::WORD.and(b"-.@\"'\\");
        let option = run(text, at + 1, &ByteSet::ALPHA.and(b"-"), 12);
        let colon = run(text, option + 1, &USER, 64);
        if byte(text, colon) != Some(b':') || colon == option + 1 {
            return None;
        }
        let end = run(text, colon + 1, &PASSWORD, usize::MAX);
        let range = real(text, colon + 1..end)?;
        let (user, password) = (text.get(option + 1..colon)?, text.get(range.clone())?);
        // Names and numbers of a user and a group look alike.
        let is_group = user == password || Mix::of(user).digits == user.len();
        (!is_group && password.len() >= 4).then_some(range)
    },
);

pub(super) const AUTHORIZATION: Detector = Detector::find(
    "authorization",
    DataType::BearerToken,
    Confidence::Context,
    &[
        Anchor::Literal("uthorization"),
        Anchor::Literal("UTHORIZATION"),
    ],
    authorization,
)
.named(&["authorization", "proxyauthorization"], scheme_and_token);

pub(super) const API_KEY: Detector = Detector::find(
    "api_key_header",
    DataType::BearerToken,
    Confidence::Context,
    &[
        Anchor::Literal("pi-key"),
        Anchor::Literal("pi-Key"),
        Anchor::Literal("PI-KEY"),
        Anchor::Literal("ption-key"),
        Anchor::Literal("ption-Key"),
        Anchor::Literal("th-token"),
        Anchor::Literal("th-Token"),
        Anchor::Literal("TH-TOKEN"),
        Anchor::Literal("te-token"),
        Anchor::Literal("te-Token"),
        Anchor::Literal("TE-TOKEN"),
        Anchor::Literal("lt-Token"),
        Anchor::Literal("lt-token"),
    ],
    api_key,
)
.named(
    &[
        "xapikey",
        "xgoogapikey",
        "xauthtoken",
        "privatetoken",
        "xvaulttoken",
        "ocpapimsubscriptionkey",
    ],
    |value| credential(value, 0),
);

/// Beside `Authorization` any token counts; elsewhere prose says `bearer token` and the like.
const MIN_IN_HEADER: usize = 6;
const MIN_ELSEWHERE: usize = 16;
const MAX_SCHEME: usize = 24;

fn token68(text: &[u8], at: usize) -> Option<Range<usize>> {
    let end = run(text, at, &ByteSet::TOKEN68, usize::MAX);
    let padded = run(text, end, &ByteSet::of(b"="), 2);
    // A full stop behind the token is the sentence's, unless it is padded.
    let end = if padded == end && before(text, end) == Some(b'.') {
        end - 1
    } else {
        padded
    };
    real(text, at..end.max(at))
}

fn bearer(text: &[u8], at: usize) -> Option<Range<usize>> {
    let word = at.checked_sub(1).filter(|at| !in_word(text, *at))?;
    if !matches!(byte(text, word), Some(b'b' | b'B')) {
        return None;
    }
    let word_end = at + "earer".len();
    // A builder of requests: `.bearer_auth("…")`.
    let word_end = match [&b"_auth("[..], b"Auth("]
        .iter()
        .find(|call| has(text, word_end, call))
    {
        Some(call) => word_end + call.len(),
        None => word_end,
    };
    let start = run(text, word_end, &ByteSet::of(b" \t:=\"'`"), 4);
    let spaced = if has(text, word_end, b"%20") {
        word_end + 3
    } else {
        start
    };
    if spaced == word_end {
        return None;
    }
    let range = token68(text, spaced)?;
    let value = text.get(range.clone())?;
    let mix = Mix::of(value);
    let min = if in_header(text, word) {
        MIN_IN_HEADER
    } else {
        MIN_ELSEWHERE
    };
    let word_like = mix.digits == 0 && (mix.upper == 0 || mix.lower == 0 || value.len() < 20);
    (value.len() >= min && (!word_like || (min == MIN_IN_HEADER && value.len() >= 20)))
        .then_some(range)
}

/// Returns whether `authorization` and a sign of assignment stand before the scheme at `at`.
fn in_header(text: &[u8], at: usize) -> bool {
    const BETWEEN: ByteSet = ByteSet::of(b" \t:=\\\"'`,>([");
    let name = run_back(text, at, &BETWEEN, 12);
    name < at && follows(text, name, b"authorization")
}

fn basic(text: &[u8], at: usize) -> Option<Range<usize>> {
    let word = at.checked_sub(1).filter(|at| !in_word(text, *at))?;
    if !matches!(byte(text, word), Some(b'b' | b'B')) {
        return None;
    }
    credentials(text, run(text, at + "asic".len(), &ByteSet::of(b" "), 3))
}

/// Returns the base64 at `start` if it decodes to a name and a password.
fn credentials(text: &[u8], start: usize) -> Option<Range<usize>> {
    let body = run(text, start, &ByteSet::BASE64.and(b"-_"), usize::MAX);
    let end = run(text, body, &ByteSet::of(b"="), 2);
    let value = text.get(start..end).filter(|value| value.len() >= 4)?;
    if !may_decode_to(text.get(start..body)?, b':') {
        return None;
    }
    let plain = decode(value)?;
    let credentials = plain.contains(&b':')
        && std::str::from_utf8(&plain).is_ok_and(|plain| !plain.contains(char::is_control));
    credentials.then_some(start..end)
}

fn authorization(text: &[u8], at: usize) -> Option<Range<usize>> {
    let word = at.checked_sub(1)?;
    if !matches!(byte(text, word), Some(b'a' | b'A')) || in_word(text, word) {
        return None;
    }
    let start = assigned(text, at + "uthorization".len())?;
    let rest = text.get(start..)?;
    let found = scheme_and_token(rest)?;
    Some(start + found.start..start + found.end)
}

/// Reads `token` or `scheme token`. The schemes with detectors of their own are left to them.
fn scheme_and_token(text: &[u8]) -> Option<Range<usize>> {
    let scheme = run(text, 0, &ByteSet::ALNUM.and(b"-"), MAX_SCHEME);
    let start = run(text, scheme, &ByteSet::of(b" \t"), 4);
    let name = text.get(..scheme)?;
    if start == scheme {
        return credential(text, 0);
    }
    if [&b"bearer"[..], b"basic", b"aws4-hmac-sha256", b"digest"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
    {
        return None;
    }
    let is_scheme = name.iter().all(|b| b.is_ascii_alphabetic() || *b == b'-');
    credential(text, if is_scheme { start } else { 0 })
}

fn api_key(text: &[u8], at: usize) -> Option<Range<usize>> {
    let name_end = run(text, at, &ByteSet::ALPHA.and(b"-"), 9);
    credential(text, assigned(text, name_end)?)
}

/// Returns the token at `at` unless it is a word.
fn credential(text: &[u8], at: usize) -> Option<Range<usize>> {
    let range = token68(text, at)?;
    let value = text.get(range.clone())?;
    let mixed = value.len() >= 8 && Mix::of(value).has_letters_and_digits();
    let long = value.len() >= 20 && !value.iter().all(u8::is_ascii_digit);
    (is_random(value) || (mixed && !value.contains(&b'.')) || long).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::detectors::tests::{ALNUM, HEX, check, random};

    #[test]
    fn bearer_tokens_are_found() {
        let token = random(ALNUM, 40);
        let hex = random(HEX, 40);
        check(
            DataType::BearerToken,
            &[
                format!("Authorization: Bearer «{token}»"),
                format!("curl -H 'authorization: bearer «{hex}»' https://example.org"),
                format!("{{\"Authorization\": \"Bearer «{token}»\"}}"),
                format!("{{\\\"Authorization\\\": \\\"Bearer «{token}»\\\"}}"),
                format!("line\\nBearer «{token}»."),
                format!("AUTHORIZATION=BEARER «{token}»&x"),
                format!("Bearer%20«{token}»"),
                "Authorization: Bearer «s3cret»".to_owned(),
            ],
        );
    }

    #[test]
    fn words_and_placeholders_behind_bearer_are_left() {
        check(
            DataType::BearerToken,
            &[
                "Send a bearer token. Bearer authentication is required, forbearer abcdefgh12345678",
                "Authorization: Bearer ${TOKEN}", "Authorization: Bearer <token>", "Bearer {{ token }}",
                "Authorization: Bearer YOUR_ACCESS_TOKEN", "Authorization: Bearer [BEARER_TOKEN]",
                "Authorization: Bearer $ACCESS_TOKEN", "authorization: required", "Authorization is a header",
                "Authorization: Bearer ...",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn basic_credentials_are_decoded() {
        check(
            DataType::BasicAuth,
            &[
                "Authorization: Basic «YWRhOmh1bnRlcjI=»".to_owned(),
                "-H 'authorization: basic «YWRhOmh1bnRlcjI»'".to_owned(),
                "curl -u admin:«hunter2» https://example.org, docker run -u 1000:1000 -u app:app, chown -u a"
                    .to_owned(),
                "curl --user \"ada@example.org:«letmein»\" x".to_owned(),
                "a basic test of BASIC programs, Basic YWRhaHVudGVyMg==".to_owned(),
            ],
        );
    }

    #[test]
    fn other_headers_of_keys_are_found() {
        let token = random(ALNUM, 32);
        check(
            DataType::BearerToken,
            &[
                format!("x-api-key: «{token}»"),
                format!("-H 'X-Api-Key: «{token}»'"),
                format!("{{\"api-key\":\"«{token}»\"}}"),
                format!("PRIVATE-TOKEN: «{token}»"),
                format!("Authorization: token «{token}»"),
                format!("Authorization: «{token}»"),
                format!("Ocp-Apim-Subscription-Key: «{token}»"),
                "x-api-key: <key>, x-api-key: your-key, the x-api-key header".to_owned(),
            ],
        );
    }
}
