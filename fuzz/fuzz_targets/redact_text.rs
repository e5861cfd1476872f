//! Values stand where the redactor says, and what is redacted needs no more of it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use llm_audit_core::{Family, Operator, Redactor};
use std::sync::OnceLock;

fuzz_target!(|text: &str| {
    static REDACTORS: OnceLock<[Redactor; 2]> = OnceLock::new();
    for redactor in REDACTORS.get_or_init(redactors) {
        let mut end = 0;
        for span in redactor.find(text) {
            assert!(end <= span.start && span.start < span.end, "{span:?}");
            assert!(text.get(span.start..span.end).is_some(), "{span:?}");
            end = span.end;
        }
        let once = redactor.redact_str(text);
        assert_eq!(redactor.redact_str(&once), once, "redacted twice");
    }
});

fn redactors() -> [Redactor; 2] {
    let numbered = Redactor::builder()
        .operator(Family::Pii, Operator::Numbered)
        .operator(Family::Secret, Operator::Numbered);
    [Redactor::default(), numbered.build().expect("fits")]
}
