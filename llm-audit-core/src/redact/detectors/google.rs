//! Keys and tokens of Google.

use super::{Detector, Token};
use crate::redact::bytes::ByteSet;
use crate::redact::data_type::DataType;

pub(super) const KEY: Detector = Detector::tokens(
    "gcp_key",
    DataType::GcpKey,
    &[
        Token::exact("AIza", ByteSet::BASE64URL, 35),
        Token::exact("GOCSPX-", ByteSet::BASE64URL, 28),
        Token::new("ya29.", ByteSet::BASE64URL.and(b"."), 20),
    ],
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
        check(
            DataType::GcpKey,
            &[
                format!("https://example.org/js?key=«{key}»&v=3"),
                format!("apiKey: \\\"«{key}»\\\", («{secret}») «{token}»."),
                format!("{key}A x{key}"),
            ],
        );
    }
}
