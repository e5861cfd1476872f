//! A value is found in any mix of disguises, between any other texts, and what is found begins and
//! ends where the disguise does.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use llm_audit_core::redact::{DataType, Redactor};

const VALUE: &str = "ada@example.org";

fuzz_target!(|input: (&str, Vec<u8>, &str)| {
    static REDACTOR: OnceLock<Redactor> = OnceLock::new();
    let (head, choices, tail) = input;
    let redactor = REDACTOR.get_or_init(Redactor::default);
    let value: String = VALUE
        .chars()
        .zip(choices.into_iter().chain(std::iter::repeat(0)))
        .map(|(character, choice)| disguised(character, choice))
        .collect();
    let start = head.len() + 1;
    let end = start + value.len();
    let text = format!("{head}\n{value}\n{tail}");
    let found = redactor.find(&text);
    for span in &found {
        assert!(text.get(span.start..span.end).is_some(), "{span:?}");
    }
    // A part of it may be a secret that another line gives away.
    let hidden_to = found.iter().fold(start, |to, span| {
        let goes_on = span.start <= to;
        if goes_on { to.max(span.end) } else { to }
    });
    assert!(hidden_to >= end, "{text:?}: {found:?}");
    let alone = redactor.find(&value);
    assert!(
        matches!(&alone[..], [span] if span.data_type == DataType::Email
            && span.start == 0 && span.end == value.len()),
        "{value:?}: {alone:?}"
    );
});

fn disguised(character: char, choice: u8) -> String {
    let code = u32::from(character);
    let wide = char::from_u32(code + 0xfee0).unwrap_or(character);
    match choice % 8 {
        1 => wide.to_string(),
        2 => format!("%{code:02X}"),
        3 => format!("\\u{code:04x}"),
        4 => format!("\\\\\\u{:04x}", u32::from(wide)),
        5 => wide
            .to_string()
            .bytes()
            .map(|b| format!("%{b:02x}"))
            .collect(),
        6 => format!("\\x{code:02x}"),
        _ => character.to_string(),
    }
}
