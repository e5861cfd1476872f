//! Access keys of AWS.

use std::ops::Range;

use super::{Anchor, Confidence, Detector, Token};
use crate::redact::bytes::{ByteSet, Mix, assigned, before, byte, distinct, has, in_word, run};
use crate::redact::data_type::DataType;

const ID: [Token; 4] = [
    Token::exact("AKIA", ByteSet::BASE32, 16).checked(varied),
    Token::exact("ASIA", ByteSet::BASE32, 16).checked(varied),
    Token::exact("ABIA", ByteSet::BASE32, 16).checked(varied),
    Token::exact("ACCA", ByteSet::BASE32, 16).checked(varied),
];

pub(super) const ACCESS_KEY: Detector =
    Detector::tokens("aws_access_key", DataType::AwsAccessKey, &ID);

pub(super) const SECRET_KEY: Detector = Detector::find(
    "aws_secret_key",
    DataType::AwsSecretKey,
    Confidence::Context,
    &[
        Anchor::Literal("ecret_access"),
        Anchor::Literal("ecretAccess"),
        Anchor::Literal("ECRET_ACCESS"),
        Anchor::Literal("ecret-access"),
        Anchor::Literal("ecret access"),
        Anchor::Literal("ws_secret"),
        Anchor::Literal("WS_SECRET"),
        Anchor::Literal("wsSecret"),
    ],
    |text, at| {
        let mut name_end = run(text, at, &ByteSet::ALPHA.and(b"_-"), 24);
        for word in [&b" access"[..], b" key"] {
            if has(text, name_end, word) {
                name_end += word.len();
            }
        }
        secret(text, assigned(text, name_end)?)
    },
)
.named(
    &[
        "awssecretaccesskey",
        "secretaccesskey",
        "awssecretkey",
        "awssecret",
    ],
    |value| secret(value, 0).filter(|range| range.end == value.len()),
);

/// A secret is often pasted right behind its id, without a name.
pub(super) const SECRET_KEY_BESIDE_ID: Detector = Detector::find(
    "aws_secret_key_beside_id",
    DataType::AwsSecretKey,
    Confidence::Context,
    &[
        Anchor::Between(&(ByteSet::BOUNDARY, "AKIA", ByteSet::BASE32)),
        Anchor::Between(&(ByteSet::BOUNDARY, "ASIA", ByteSet::BASE32)),
    ],
    |text, at| {
        const GAP: usize = 48;
        let id = ID.iter().find_map(|token| token.at(text, at))?;
        let limit = id.end + GAP;
        let mut start = id.end;
        while start < limit {
            start = run(text, start, &NOT_SECRET, limit - start);
            let end = run(text, start, &SECRET, SECRET_LENGTH + 1);
            if let Some(found) = secret(text, start) {
                return Some(found);
            }
            if end == start {
                return None;
            }
            start = end;
        }
        None
    },
);

const SECRET: ByteSet = ByteSet::BASE64;
const NOT_SECRET: ByteSet = ByteSet::of(b" \t\r\n\\\"'`:,;=|_-()[]{}");
const SECRET_LENGTH: usize = 40;

fn varied(body: &[u8]) -> bool {
    distinct(body) >= 5
}

/// Returns the 40 characters of a secret at `at`; a hash in hex has 40 as well.
fn secret(text: &[u8], at: usize) -> Option<Range<usize>> {
    let end = run(text, at, &SECRET, SECRET_LENGTH + 1);
    let value = text.get(at..end)?;
    let whole = value.len() == SECRET_LENGTH
        && !in_word(text, at)
        && before(text, at) != Some(b'/')
        && byte(text, end) != Some(b'=');
    let random = distinct(value) >= 16 && Mix::of(value).has_all();
    (whole && random).then_some(at..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::detectors::tests::{ALNUM, HEX, check, random};

    const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    fn id() -> String {
        format!("{}{}", "AKIA", random(BASE32, 16))
    }

    #[test]
    fn ids_are_found_alone_and_not_inside_other_words() {
        let id = id();
        check(
            DataType::AwsAccessKey,
            &[
                format!("Credential=«{id}»/20260312/us-east-1/s3"),
                format!("«{id}» leaked, («{id}»), \\\"«{id}»\\\", «{id}»@x"),
                format!("line\\n«{id}»"),
                format!("x{id} {id}A"),
            ],
        );
    }

    #[test]
    fn secrets_are_found_by_their_name() {
        let secret = format!("{}/{}+", random(ALNUM, 20), random(ALNUM, 18));
        check(
            DataType::AwsSecretKey,
            &[
                format!("aws_secret_access_key = «{secret}»"),
                format!("AWS_SECRET_ACCESS_KEY=\"«{secret}»\""),
                format!("secretAccessKey: '«{secret}»',"),
                format!("{{\\\"SecretAccessKey\\\":\\\"«{secret}»\\\"}}"),
                format!("my secret access key is «{secret}»."),
                format!("aws_secret={}", random(HEX, 40)),
                format!("name={secret}"),
            ],
        );
    }

    #[test]
    fn a_secret_beside_an_id_needs_no_name() {
        let secret = format!("{}/{}+", random(ALNUM, 20), random(ALNUM, 18));
        check(
            DataType::AwsSecretKey,
            &[
                format!("{} / «{secret}»", id()),
                format!("{}:«{secret}»\n", id()),
                format!("{} {}", id(), random(HEX, 40)),
            ],
        );
    }
}
