//! Keys and tokens of Google.

use super::{Anchor, Confidence, Detector, Token};
use crate::redact::bytes::{ByteSet, has, in_word, is_random, run};
use crate::redact::data_type::DataType;

pub(super) const KEY: Detector = Detector::tokens(
    "gcp_key",
    DataType::GcpKey,
    &[
        Token::exact("AIza", ByteSet::BASE64URL, 35),
        Token::exact("GOCSPX-", ByteSet::BASE64URL, 28),
        Token::new("ya29.", ByteSet::BASE64URL.and(b"."), 20),
        Token::new("AQ.A", ByteSet::BASE64URL, 40),
    ],
);

/// A refresh token of OAuth: `1//0` and base64url.
pub(super) const REFRESH_TOKEN: Detector = Detector::find(
    "gcp_refresh_token",
    DataType::GcpKey,
    Confidence::Prefix,
    &[Anchor::InLongRun(b"1")],
    |text, at| {
        if !has(text, at, b"1//0") {
            return None;
        }
        let end = run(text, at + 4, &ByteSet::BASE64URL, 257);
        let body = text.get(at + 4..end)?;
        let whole = (40..=256).contains(&body.len()) && !in_word(text, at);
        (whole && is_random(body)).then_some(at..end)
    },
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::detectors::tests::{ALNUM, check, random};

    #[test]
    fn keys_are_found_and_longer_runs_left() {
        let key = format!("{}{}", "AIza", random(ALNUM, 35));
        let secret = format!("{}{}", "GOCSPX-", random(ALNUM, 28));
        let token = format!("{}{}", "ya29.", random(ALNUM, 60));
        let refresh = format!("1//0{}", random(ALNUM, 60));
        check(
            DataType::GcpKey,
            &[
                format!("https://example.org/js?key=«{key}»&v=3"),
                format!("apiKey: \\\"«{key}»\\\", («{secret}») «{token}»."),
                format!(
                    "refresh «{refresh}», then 1//0 and 21//0{}",
                    random(ALNUM, 60)
                ),
                format!("{key}A x{key}"),
            ],
        );
    }
}
