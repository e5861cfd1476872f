//! What is redacted comes to rest, and what holds nothing stays as it is.

use std::borrow::Cow;

use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::super::*;

/// Values with the words that they need, and texts around them.
const PIECES: &[&str] = &[
    "ada@example.org",
    "phone (415) 555-0123",
    "card 4111 1111 1111 1111",
    "DE89370400440532013000",
    "SSN 123-45-6789",
    "NHS 943 476 5919",
    "passport C01X00T47",
    "born on 1980-03-04",
    "MRN 00123456",
    "NPI 1234567893",
    "DEA number AB1234563",
    "203.0.113.9",
    "Authorization: Bearer q8ZtW3nVx0KcR5mYb7LpD2sF",
    "password: Tr0ub4dor9!",
    "postgres://ada:s3cr3tPw9@db.example.org/x",
    "Cookie: session=q8ZtW3nVx0KcR5mYb7LpD2sF",
    "Zm9vOiBhZGFAZXhhbXBsZS5vcmcgYW5kIG1vcmU=",
    "ada%40example.org",
    "ａｄａ＠ｅｘａｍｐｌｅ．ｏｒｇ",
    "2026-05-20",
    "A1B2C3D4",
    "1234567",
    "of the",
    "naïve 名前 ✓",
    "[PASSPORT]",
    "\u{200b}",
    "\\u0040",
    "%",
    "[",
    "\"",
];

fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    let between = prop::sample::select(&[" ", "\n", ", ", "", "; ", "\t", ". "][..]);
    prop::collection::vec((piece, between), 0..12).prop_map(|pieces| {
        let pieces = pieces.iter();
        pieces
            .flat_map(|(piece, between)| [piece.as_str(), between])
            .collect()
    })
}

/// Each value in a line of its own, with the words that announce it.
fn lines() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&PIECES[..25]), 0..12)
        .prop_map(|lines| lines.join("\n"))
}

/// A `data:` URI among other text, or cut.
fn with_data_uri() -> impl Strategy<Value = String> {
    let media =
        prop::sample::select(&["image/png", "", "text/plain;charset=\"utf-8\"", "a/b\\"][..]);
    let end = prop::sample::select(&["", "=", "==", "\"", "\n", ")"][..]);
    (any_text(), media, "[A-Za-z0-9+/_-]{0,120}", end, any_text()).prop_map(
        |(head, media, body, end, tail)| format!("{head}data:{media};base64,{body}{end}{tail}"),
    )
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let nested = |text: String| serde_json::json!({ text.clone(): [text] }).to_string();
    let leaf = prop_oneof![
        any_text().prop_map(serde_json::Value::from),
        with_data_uri().prop_map(serde_json::Value::from),
        with_data_uri().prop_map(move |text| nested(nested(text)).into()),
        any::<u64>().prop_map(serde_json::Value::from),
        any_text().prop_map(|text| serde_json::json!([text]).to_string().into()),
        Just(serde_json::Value::Null),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::hash_map(any_text(), inner.clone(), 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            prop::collection::hash_map(with_data_uri(), inner, 0..2)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

fn redact_json(text: &str) -> Option<String> {
    let mut session = Session::direct(Redactor::default(), None);
    session.json(text, Families::All, None).unwrap()
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

proptest! {
    #[test]
    fn spans_are_disjoint_and_cut_no_character(text in any_text()) {
        let mut end = 0;
        for span in Redactor::default().find(&text) {
            prop_assert!(end <= span.start && span.start < span.end, "{span:?}");
            prop_assert!(text.get(span.start..span.end).is_some(), "{span:?}");
            end = span.end;
        }
    }

    #[test]
    fn a_text_in_which_nothing_is_found_is_that_text(text in any_text()) {
        let redactor = Redactor::default();
        let redacted = redactor.redact_str(&text);
        let nothing = redactor.find(&text).is_empty();
        prop_assert_eq!(nothing, matches!(redacted, Cow::Borrowed(_)));
        prop_assert_eq!(nothing, redacted == text);
    }

    #[test]
    fn a_redacted_text_is_not_redacted_again(text in lines()) {
        let redactor = Redactor::default();
        let once = redactor.redact_str(&text);
        prop_assert_eq!(redactor.redact_str(&once), once.as_ref());
    }

    #[test]
    fn any_text_comes_to_rest(text in any_text()) {
        let redactor = Redactor::default();
        let mut last = redactor.redact_str(&text).into_owned();
        for _ in 0..4 {
            last = redactor.redact_str(&last).into_owned();
        }
        prop_assert_eq!(redactor.redact_str(&last), last.as_str());
    }

    #[test]
    fn json_stays_json_and_nothing_else_becomes_it(json in any_json(), cut in any::<prop::sample::Index>()) {
        let text = json.to_string();
        if let Some(redacted) = redact_json(&text) {
            prop_assert!(is_json(&redacted), "{redacted}");
        }
        let at = (0..=cut.index(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at));
        let head = &text[..at.unwrap_or(0)];
        if let Some(redacted) = redact_json(head) {
            prop_assert_eq!(is_json(head), is_json(&redacted), "{}", redacted);
        }
    }
}
