//! JSON web tokens (RFC 7519): the first part decodes to a JOSE header (RFC 7515).

use std::ops::Range;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Anchor, Confidence, Detector};
use crate::redact::base64::decode;
use crate::redact::bytes::{ByteSet, byte, has, in_word, run};
use crate::redact::data_type::DataType;

pub(super) const JWT: Detector = Detector::find(
    "jwt",
    DataType::Jwt,
    Confidence::Valid,
    &[Anchor::Between(&(
        ByteSet::BOUNDARY,
        "eyJ",
        ByteSet::BASE64URL,
    ))],
    |text, at| {
        if in_word(text, at) {
            None
        } else {
            token(text, at)
        }
    },
);

/// A token that was encoded once more, as Kubernetes shows its secrets.
pub(super) const WRAPPED_JWT: Detector = Detector::find(
    "jwt_in_base64",
    DataType::Jwt,
    Confidence::Valid,
    &[Anchor::InLongRun(b"Z")],
    wrapped,
);

const MAX_HEADER: usize = 2048;
const MAX_PARTS: usize = 5;

#[derive(Deserialize)]
struct Header {
    #[serde(rename = "alg")]
    _alg: IgnoredAny,
}

/// Reads two to five parts: a signed token has three, an unsigned one may have two, an encrypted
/// one (RFC 7516) has five of which some are empty.
fn token(text: &[u8], at: usize) -> Option<Range<usize>> {
    let header = run(text, at, &ByteSet::BASE64URL, MAX_HEADER);
    if byte(text, header) != Some(b'.') {
        return None;
    }
    let mut end = header;
    let mut payload = false;
    for _ in 1..MAX_PARTS {
        if byte(text, end) != Some(b'.') {
            break;
        }
        let part = run(text, end + 1, &ByteSet::BASE64URL, usize::MAX);
        payload |= part > end + 1;
        if part == end + 1 && !payload {
            return None;
        }
        end = part;
    }
    // A full stop behind an unsigned token may be the sentence's or the token's; both may go.
    let json = decode(text.get(at..header)?)?;
    serde_json::from_slice::<Header>(&json).ok()?;
    payload.then_some(at..end)
}

fn wrapped(text: &[u8], at: usize) -> Option<Range<usize>> {
    if !has(text, at, b"ZXlK") || in_word(text, at) {
        return None;
    }
    let end = run(text, at, &ByteSet::BASE64.and(b"-_"), usize::MAX);
    let inner = decode(text.get(at..end)?)?;
    token(&inner, 0)?;
    Some(at..run(text, end, &ByteSet::of(b"="), 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::base64url;
    use crate::redact::detectors::tests::{ALNUM, check, random};

    fn jwt() -> String {
        let header = base64url(b"{\"alg\":\"HS256\",\"typ\":\"JWT\"}");
        let claims = base64url(b"{\"sub\":\"1\"}");
        format!("{header}.{claims}.{}", random(ALNUM, 43))
    }

    #[test]
    fn signed_unsigned_and_wrapped_tokens_are_found() {
        let jwt = jwt();
        let unsigned = jwt.rsplit_once('.').unwrap().0;
        check(
            DataType::Jwt,
            &[
                format!("Authorization: Bearer «{jwt}»"),
                format!("id_token=«{jwt}»&x=1"),
                format!("(«{jwt}»), \\\"«{jwt}»\\\""),
                format!("«{unsigned}.» x"),
                format!("«{unsigned}»"),
                format!("token: «{}»", base64url(jwt.as_bytes())),
            ],
        );
    }

    #[test]
    fn base64_of_other_json_is_left() {
        let other = base64url(b"{\"page\":2}");
        check(
            DataType::Jwt,
            &[
                format!("cursor={other}"),
                format!("{other}.{other}.{other}"),
                format!("x{}", jwt()),
                "eyJ.eyJ.eyJ".to_owned(),
                jwt().split_once('.').unwrap().0.to_owned(),
            ],
        );
    }
}
