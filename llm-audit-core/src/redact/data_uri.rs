//! Bytes in texts: `data:` URIs in base64 (RFC 2397). They hold nothing that can be read or searched,
//! and chance letters of them look like tokens.

use std::ops::Range;

use memchr::memchr;
use memchr::memmem::Finder;

use super::bytes::{ByteSet, byte, run, run_back};
use super::data_type::DataType;
use super::session::Session;
use crate::encode::hex;

/// Shorter ones can be text, which detectors read.
const MIN_BODY: usize = 64;
const MAX_TYPE: usize = 128;
/// Characters of a media type that is kept.
const MAX_KEPT_TYPE: usize = 64;
/// Bytes of the keyed digest.
const DIGEST: usize = 16;
/// What finds them, as the report names it.
const DETECTOR: &str = "data_uri";
/// What is done with them, by the word of that operator.
const REPLACE: &str = "replace";

const SCHEME: &[u8] = b"data:";
const SIGN: &[u8] = b";base64,";
/// The shortest one.
const MIN: usize = SCHEME.len() + SIGN.len() + MIN_BODY;

/// What stands before the bytes of each.
const MARK: &[u8] = b"64,";

/// Returns a search for what they have in common; to build it costs more than to search a short
/// text.
pub(super) fn finder() -> Finder<'static> {
    Finder::new(MARK)
}

struct DataUri<'t> {
    range: Range<usize>,
    media_type: &'t str,
    body: &'t str,
}

impl Session {
    /// Returns `text` with type, size and keyed digest in the place of each `data:` URI, or `None`
    /// where it has none.
    pub(super) fn without_data_uris(&mut self, text: &str) -> Option<String> {
        // Of most texts that is seen sooner than that they have no mark.
        if text.len() < MIN || memchr(b';', text.as_bytes()).is_none() {
            return None;
        }
        let mut short = String::new();
        let mut end = 0;
        while let Some(uri) = next(&self.redactor.0.data_uris, text, end) {
            short.push_str(text.get(end..uri.range.start)?);
            let bytes = uri.body.trim_end_matches('=').len() * 3 / 4;
            short.push_str(&format!("[DATA_URI:{}:{bytes}", uri.media_type));
            if let Some(key) = self.key.as_ref().filter(|_| !self.keyless) {
                let tenant = self.tenant.as_bytes();
                let mac = key.hmac(&[b"data_uri", tenant, uri.body.as_bytes()]);
                let digest = hex(mac.get(..DIGEST).unwrap_or(&mac));
                short.push_str(&format!(":{}:{digest}", key.id()));
            }
            short.push(']');
            end = uri.range.end;
            if self.learning.is_none() {
                self.count(DataType::Redacted, DETECTOR, REPLACE);
            }
        }
        if end == 0 {
            return None;
        }
        short.push_str(text.get(end..)?);
        Some(short)
    }
}

/// Returns the first one that begins at `from` or behind it.
fn next<'t>(mark: &Finder<'_>, text: &'t str, from: usize) -> Option<DataUri<'t>> {
    const TYPE: ByteSet = ByteSet::ALNUM.and(b"/\\+-._;= \"");
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(offset) = mark.find(bytes.get(at..)?) {
        at += offset + MARK.len();
        let Some(sign) = at.checked_sub(SIGN.len()).filter(|sign| *sign > from) else {
            continue;
        };
        if !bytes.get(sign..at)?.eq_ignore_ascii_case(SIGN) {
            continue;
        }
        let media_type = run_back(bytes, sign, &TYPE, MAX_TYPE.min(sign - from));
        let scheme = media_type
            .checked_sub(SCHEME.len())
            .filter(|at| *at >= from);
        let start = scheme.filter(|scheme| {
            let scheme = bytes.get(*scheme..media_type).unwrap_or_default();
            scheme.eq_ignore_ascii_case(SCHEME)
        });
        let end = body_end(bytes, at);
        if let Some(start) = start
            && end - at >= MIN_BODY
        {
            return Some(DataUri {
                range: start..end,
                media_type: kept_type(text.get(media_type..sign)?),
                body: text.get(at..end)?,
            });
        }
        at = end;
    }
    None
}

/// Returns where base64 ends that begins at `at`, also in a URL and in JSON that escapes `/`.
fn body_end(text: &[u8], at: usize) -> usize {
    const BODY: ByteSet = ByteSet::ALNUM.and(b"+/-_=%");
    let mut end = run(text, at, &BODY, usize::MAX);
    while byte(text, end) == Some(b'\\') && byte(text, end + 1) == Some(b'/') {
        end = run(text, end + 2, &BODY, usize::MAX);
    }
    end
}

/// Returns a media type without its parameters; nothing where it is none.
fn kept_type(text: &str) -> &str {
    const NAME: ByteSet = ByteSet::ALNUM.and(b"+-.");
    let name = text.split(';').next().unwrap_or_default();
    let is_name = |part: &str| !part.is_empty() && part.bytes().all(|b| NAME.contains(b));
    let is_type = name
        .split_once('/')
        .is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype));
    if is_type && name.len() <= MAX_KEPT_TYPE {
        name
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Facet;
    use crate::key::Key;
    use crate::redact::bytes::steps;
    use crate::redact::{Families, Given, Redactor};

    fn uri(bytes: usize) -> String {
        let body = "iVBORw0KGgoAAAANSUhEUgAAAIza".repeat(bytes / 21 + 1);
        format!("data:image/png;base64,{}", &body[..bytes / 3 * 4])
    }

    #[test]
    fn type_and_size_stand_for_the_bytes_and_all_else_is_redacted() {
        let redactor = Redactor::default();
        let image = uri(300);
        for (text, expected) in [
            (
                "see @ and ada@example.org",
                "see [DATA_URI:image/png:300] and [EMAIL]",
            ),
            (
                "url(@), @\nx",
                "url([DATA_URI:image/png:300]), [DATA_URI:image/png:300]\nx",
            ),
        ] {
            let text = text
                .replacen("@", &image, 1)
                .replace("), @", &format!("), {image}"));
            let once = redactor.redact_str(&text);
            assert_eq!(once, expected);
            assert_eq!(redactor.redact_str(&once), once.as_ref());
        }
        let odd = format!("DATA:ada lovelace;x=1;BASE64,{}", &image[22..]);
        assert_eq!(redactor.redact_str(&odd), "[DATA_URI::300]");
        for text in [
            "data:text/plain,hello there; base64, and more of the same base64, and more",
            "data:text/plain;base64,aGVsbG8=",
            &image[5..],
        ] {
            assert_eq!(redactor.redact_str(text), text);
        }
    }

    #[test]
    fn with_a_key_equal_bytes_are_known_again_and_without_one_nothing_is_hashed() {
        let redacted = |key: Option<&Key>, tenant| {
            let given = Given {
                key,
                tenant,
                ..Given::default()
            };
            let mut session = Redactor::default().session(&given);
            session.enter(Some(Facet::Prompt), &[]);
            let new = session.text(&uri(300), Families::SecretsOnly, None);
            let found = session.take_findings();
            assert_eq!((found.len(), found[0].detector), (1, DETECTOR));
            new.unwrap().unwrap()
        };
        let key = Key::bytes("k1", &[7; 32]).unwrap();
        let keyed = redacted(Some(&key), "a");
        assert!(keyed.starts_with("[DATA_URI:image/png:300:k1:"), "{keyed}");
        assert_eq!(keyed, redacted(Some(&key), "a"));
        assert_ne!(keyed, redacted(Some(&key), "b"));
        assert_eq!(redacted(None, "a"), "[DATA_URI:image/png:300]");
    }

    #[test]
    fn in_json_a_string_leaf_with_bytes_stays_a_string() {
        let redactor = Redactor::default();
        let escaped = uri(300).replace('/', "\\/");
        let json = format!(
            r#"{{"shot":"{escaped}","n":[1,"{}"],"to":"ada@example.org"}}"#,
            uri(60)
        );
        assert_eq!(
            redactor.redact_json(None, &json),
            r#"{"shot":"[DATA_URI:image/png:300]","n":[1,"[DATA_URI:image/png:60]"],"to":"[EMAIL]"}"#
        );
        let cut = &json[..json.len() - 1];
        let redacted = redactor.redact_json(None, cut);
        assert!(redacted.contains("[DATA_URI:") && !redacted.contains("base64"));
        assert!(serde_json::from_str::<serde_json::Value>(&redacted).is_err());
    }

    #[test]
    fn detectors_look_at_no_byte_of_it() {
        let looked = |bytes| {
            let text = format!("see {} and ada@example.org", uri(bytes));
            steps::take();
            assert!(Redactor::default().redact_str(&text).ends_with("[EMAIL]"));
            // Its end is looked for, once.
            steps::take() - uri(bytes).len()
        };
        assert!(looked(300_000) < looked(300) + 100);
    }

    #[test]
    fn bytes_in_a_value_that_is_hidden_as_a_whole_are_not_counted() {
        let mut session = Redactor::default().session(&Given::default());
        assert!(!session.learn(&uri(300), None).unwrap());
        assert_eq!(session.take_findings().len(), 0);
    }
}
