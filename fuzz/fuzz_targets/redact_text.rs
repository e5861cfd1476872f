//! Values stand where the redactor says, and placeholders are no values.
//!
//! A placeholder is another context than the value was, so a second redaction may find a little more:
//! behind `r3t@[EMAIL]` stands a host, behind `r3t@x@example.org=` none. But it comes to rest.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use llm_audit_core::redact::{Family, Operator, Redactor};

const PASSES: usize = 6;

fuzz_target!(|text: &str| {
    static REDACTORS: OnceLock<[Redactor; 2]> = OnceLock::new();
    for redactor in REDACTORS.get_or_init(redactors) {
        let mut end = 0;
        for span in redactor.find(text) {
            assert!(end <= span.start && span.start < span.end, "{span:?}");
            assert!(text.get(span.start..span.end).is_some(), "{span:?}");
            end = span.end;
        }
        let again = |text: &String| Some(redactor.redact_str(text).into_owned());
        let mut texts = std::iter::successors(again(&text.to_owned()), again).take(PASSES);
        let mut last = texts.next();
        let rests = texts.any(|text| last.replace(text.clone()) == Some(text));
        assert!(rests, "{last:?} is redacted again and again");
    }
});

fn redactors() -> [Redactor; 2] {
    let numbered = Redactor::builder()
        .operator(Family::Pii, Operator::Numbered)
        .operator(Family::Secret, Operator::Numbered);
    [Redactor::default(), numbered.build().expect("fits")]
}
