//! Keys of Azure services.

use std::ops::Range;

use super::{Anchor, Confidence, Detector};
use crate::redact::blocks::TOKEN;
use crate::redact::bytes::{
    ByteSet, Mix, assigned, before, byte, distinct, has, in_word, run, run_back,
};
use crate::redact::data_type::DataType;

/// Keys of storage, service bus, event hubs, Cosmos DB and Azure OpenAI, by the name before them.
pub(super) const CONNECTION_KEY: Detector = Detector::find(
    "azure_key",
    DataType::AzureKey,
    Confidence::Context,
    &[
        Anchor::Literal("ccountKey"),
        Anchor::Literal("CCOUNT_KEY"),
        Anchor::Literal("ccount_key"),
        Anchor::Literal("ccessKey="),
        Anchor::Literal("AZURE_"),
        Anchor::Literal("azure_"),
    ],
    |text, at| {
        let name_end = run(text, at, &ByteSet::WORD, MAX_NAME);
        key(text, assigned(text, name_end)?)
    },
)
.named(
    &[
        "accountkey",
        "storageaccountkey",
        "sharedaccesskey",
        "azurestoragekey",
        "azureopenaiapikey",
    ],
    |value| key(value, 0).filter(|range| range.end == value.len()),
);

/// The signature of a shared access URL.
pub(super) const SIGNATURE: Detector = Detector::find(
    "azure_signature",
    DataType::AzureKey,
    Confidence::Context,
    &[Anchor::Between(&(
        ByteSet::of(b"?&;"),
        "sig=",
        ByteSet::QUERY,
    ))],
    |text, at| {
        if !matches!(before(text, at), Some(b'?' | b'&' | b';')) {
            return None;
        }
        let start = at + "sig=".len();
        let end = run(text, start, &ByteSet::QUERY, 96);
        let end = run(text, end, &ByteSet::of(b"="), 1);
        let value = text.get(start..end)?;
        (value.len() >= 43 && Mix::of(value).has_all()).then_some(start..end)
    },
);

/// Client secrets of Entra ID: three characters, a digit, `Q~`, and 31 to 34 characters.
pub(super) const CLIENT_SECRET: Detector = Detector::find(
    "azure_client_secret",
    DataType::AzureKey,
    Confidence::Prefix,
    &[Anchor::Tilde],
    |text, at| {
        const BODY: ByteSet = ByteSet::ALNUM.and(b"_.-~");
        let q = at.checked_sub(1).filter(|q| byte(text, *q) == Some(b'Q'))?;
        if !before(text, q)?.is_ascii_digit() {
            return None;
        }
        let start = run_back(text, q, &BODY, 5);
        let mut end = run(text, at + 1, &BODY, 36);
        // The full stop of a sentence.
        if before(text, end) == Some(b'.') {
            end -= 1;
        }
        let tail = end - at - 1;
        (q - start == 4 && (31..=35).contains(&tail)).then_some(start..end)
    },
);

/// Keys that carry the mark of the service that they are for, near their end: base64 of 33 to 64
/// bytes.
pub(super) const MARKED_KEY: Detector = Detector::find(
    "azure_marked_key",
    DataType::AzureKey,
    Confidence::Prefix,
    &[Anchor::LongRun],
    |text, start| {
        let marked = PLACES
            .into_iter()
            .find(|(place, _)| MARKS.iter().any(|mark| has(text, start + place, mark)));
        let (_, lengths) = marked?;
        let body = run(text, start, &TOKEN, MAX_MARKED + 1);
        let end = run(text, body, &ByteSet::of(b"="), 2);
        let value = text.get(start..end)?;
        let whole = value.len() == lengths;
        (whole && Mix::of(value).has_all() && distinct(value) >= 16).then_some(start..end)
    },
);

const MARKS: [&[u8]; 13] = [
    b"+ASt", b"+ABa", b"+ASb", b"+AEh", b"+ACR", b"+AMC", b"ACDb", b"AIoT", b"APIM", b"AzCa",
    b"AzFu", b"AzSe", b"JQQJ99",
];
/// Where a mark stands, and how long the key is, with its padding.
const PLACES: [(usize, usize); 5] = [(33, 44), (42, 52), (44, 56), (52, 84), (76, 88)];
const MAX_MARKED: usize = 88;

const MAX_NAME: usize = 48;

/// Returns the key at `at`: base64 of 32 or 64 bytes, 32 hex digits, or the 84 characters of the
/// newer services.
fn key(text: &[u8], at: usize) -> Option<Range<usize>> {
    let body = run(text, at, &ByteSet::BASE64, 96);
    let end = run(text, body, &ByteSet::of(b"="), 2);
    let value = text.get(at..end)?;
    let fits = match (value.len(), end - body) {
        (88, 2) | (44, 1) | (84, 0) => Mix::of(value).has_all(),
        (32, 0) => value.iter().all(|b| ByteSet::LOWER_HEX.contains(*b)) && distinct(value) >= 8,
        _ => false,
    };
    (fits && !in_word(text, at)).then_some(at..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::detectors::tests::{ALNUM, check, random};

    #[test]
    fn keys_signatures_and_client_secrets_are_found() {
        let key = format!("{}==", random(ALNUM, 86));
        let secret = format!("abc8Q~{}", random(ALNUM, 34));
        let signature = format!("{}%2B{}%3D", random(ALNUM, 20), random(ALNUM, 22));
        check(
            DataType::AzureKey,
            &[
                format!("AccountName=x;AccountKey=«{key}»;EndpointSuffix=core.windows.net"),
                format!("AZURE_STORAGE_KEY=«{key}»"),
                format!("azure_storage_key: \\\"«{key}»\\\""),
                format!("SharedAccessKeyName=Root;SharedAccessKey=«{}=»", &key[..43]),
                format!(
                    "https://x.blob.core.windows.net/c?sv=2024-11-04&sig=«{signature}»&se=2026"
                ),
                format!("client secret «{secret}»."),
                format!("search: «{}AzSeB{}»,", random(ALNUM, 42), random(ALNUM, 5)),
                format!("x=«{}+ASt{}==»", random(ALNUM, 76), random(ALNUM, 6)),
                format!("ai «{}JQQJ99{}» APIM", random(ALNUM, 52), random(ALNUM, 26)),
            ],
        );
    }

    #[test]
    fn digests_and_versions_are_left() {
        check(
            DataType::AzureKey,
            &[
                format!("integrity sha512-{}==", random(ALNUM, 86)),
                "azure_region = westeurope; AZURE_KEY=<key>; ~/x 1Q~".to_owned(),
            ],
        );
    }
}
