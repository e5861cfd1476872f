//! Each detector of the table by itself, chosen by the first byte, on texts made of what announces its
//! values, of pieces of values and of anything else. A detector that is added to the table is covered.
//!
//! What it finds stands in the text on whole characters, is found again, and is not there any more
//! after a few redactions; JSON with such a text stays JSON.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use llm_audit_core::redact::Redactor;
use serde_json::json;

/// What values of all kinds are made of, and what stands around them.
const PIECES: &[&str] = &[
    " ",
    ": ",
    "=",
    "=\"",
    "\"",
    "'",
    "\n",
    "\\n",
    "\\\"",
    ",",
    ":",
    "/",
    "-",
    ".",
    "[",
    "]",
    "<",
    ">",
    "@example.org",
    "://ada:",
    "4111 1111 1111 1111",
    "123-45-6789",
    "1980-03-04",
    "03.04.1980",
    "2001:db8::1",
    "203.0.113.9",
    "DE89 3704 0044 0532 0130 00",
    "943 476 5919",
    "AB123456C",
    "Tr0ub4dor9!",
    "x8Qm2LzV7rTk4WpN0yBcHd5uGfJ1aZ3oXi9eQw6R",
    "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.x8Qm2LzV7rTk4WpN0yBc",
    "YWRhOnNlY3JldC1wYXNzd29yZA==",
    "[EMAIL]",
    "é",
    "密码",
    "\u{200b}",
    "Ａ",
];
const PASSES: usize = 6;

fuzz_target!(|input: (u8, Vec<(u8, &str)>)| {
    static ALONE: OnceLock<Vec<(Redactor, Vec<&'static str>)>> = OnceLock::new();
    let alone = ALONE.get_or_init(|| (0..).map_while(Redactor::alone).collect());
    let (number, parts) = input;
    let (redactor, announcements) = &alone[usize::from(number) % alone.len()];
    let known = announcements.len() + PIECES.len();
    let mut text = String::new();
    for (part, rest) in &parts {
        let part = usize::from(*part) % known;
        let piece = announcements.get(part).copied();
        text.push_str(piece.unwrap_or_else(|| PIECES[part - announcements.len()]));
        text.push_str(rest);
    }
    let found = redactor.find(&text);
    let mut end = 0;
    for span in &found {
        assert!(end <= span.start && span.start < span.end, "{span:?}");
        assert!(text.get(span.start..span.end).is_some(), "{span:?}");
        end = span.end;
    }
    assert_eq!(redactor.find(&text), found, "it is found again");
    let again = |text: &String| Some(redactor.redact_str(text).into_owned());
    let mut texts = std::iter::successors(again(&text), again).take(PASSES);
    let mut last = texts.next();
    let rests = texts.any(|text| last.replace(text.clone()) == Some(text));
    assert!(rests, "{last:?} is redacted again and again");
    for name in announcements.iter().take(8) {
        let document =
            json!({ *name: [text, 12_345_678], "name": name, "value": text }).to_string();
        let redacted = redactor.redact_json(None, &document);
        assert!(
            serde_json::from_str::<serde_json::Value>(&redacted).is_ok(),
            "{redacted}"
        );
    }
});
