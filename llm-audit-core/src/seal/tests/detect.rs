//! Personal data is counted where the text is opted in, and only there.

use super::*;
use crate::redact::{RedactionPreset, Redactor};

/// Medicare, provider, prescriber, medical record, and an address.
const LETTER: &str = "Medicare 1EG4-TE5-MK73, NPI: 1234567893, DEA number AB1234563, \
    MRN: 00123456, to ada@example.org, password: Tr0ub4dor9!";

fn messages(field: Field, text: &str) -> (Field, Value) {
    let role = if field == Field::InputMessages {
        "user"
    } else {
        "assistant"
    };
    (field, Value::Messages(vec![Message::text(role, text)]))
}

fn letter(policy: &Policy) -> Event {
    let fields = [
        messages(Field::InputMessages, LETTER),
        messages(Field::OutputMessages, "Nothing to see here."),
    ];
    seal(policy, &fields)
}

#[test]
fn personal_data_is_counted_by_type_at_every_level_but_off() {
    for level in [Level::Digest, Level::Redacted, Level::Full] {
        let policy = builder()
            .facet(Facet::Prompt, level)
            .facet(Facet::Response, level)
            .facet(Facet::Detections, Level::Full)
            .build()
            .unwrap();
        let event = letter(&policy);
        assert_eq!(event.prompt_pii_detected(), Some(true), "{level}");
        let counts: Vec<_> = event.prompt_pii_counts().unwrap().iter().collect();
        let expected = [("email".to_owned(), 1), ("health_id".to_owned(), 4)];
        let expected: Vec<_> = expected.iter().map(|(name, count)| (name, count)).collect();
        assert_eq!(counts, expected, "{level}");
        assert_eq!(event.response_pii_detected(), Some(false), "{level}");
        assert!(event.response_pii_counts().is_none(), "{level}");
        let kept = event.to_json();
        for value in ["1EG4", "1234567893", "AB1234563", "00123456", "ada@"] {
            assert_eq!(
                kept.contains(value),
                level == Level::Full,
                "{level} {value}"
            );
        }
        assert!(!kept.contains("Tr0ub4dor9!"), "{level}");
    }
}

#[test]
fn nothing_is_said_of_what_is_not_opted_in() {
    let half = builder()
        .facet(Facet::Response, Level::Digest)
        .facet(Facet::Detections, Level::Full);
    let event = letter(&half.build().unwrap());
    assert_eq!(event.prompt_pii_detected(), None);
    assert_eq!(event.prompt_pii_counts(), None);
    assert_eq!(event.absence(Facet::Prompt), Some(Absence::Withheld));
    assert_eq!(event.response_pii_detected(), Some(false));

    let silent = builder().facet(Facet::Prompt, Level::Redacted);
    let event = letter(&silent.build().unwrap());
    assert_eq!(event.prompt_pii_detected(), None);
    assert_eq!(event.absence(Facet::Detections), None);
}

#[test]
fn a_policy_without_detectors_of_personal_data_says_nothing_of_it() {
    let secrets = Redactor::builder().preset(RedactionPreset::Secrets);
    for level in [Level::Digest, Level::Redacted] {
        let policy = builder()
            .redactor(secrets.clone().build().unwrap())
            .facet(Facet::Prompt, level)
            .facet(Facet::Detections, Level::Full)
            .build()
            .unwrap();
        assert_eq!(letter(&policy).prompt_pii_detected(), None, "{level}");
    }
}

#[test]
fn what_the_host_detected_stands() {
    let policy = builder()
        .facet(Facet::Prompt, Level::Digest)
        .facet(Facet::Detections, Level::Full)
        .build()
        .unwrap();
    let fields = [
        messages(Field::InputMessages, LETTER),
        (Field::PromptPiiDetected, Value::Bool(false)),
    ];
    let event = seal(&policy, &fields);
    assert_eq!(event.prompt_pii_detected(), Some(false));
    assert_eq!(event.prompt_pii_counts(), None);
}

#[test]
fn a_text_that_is_sampled_out_is_counted_all_the_same() {
    let policy = builder()
        .facet(Facet::Prompt, FacetRule::new(Level::Redacted).sample(1e-9))
        .facet(Facet::Detections, Level::Full)
        .build()
        .unwrap();
    let event = letter(&policy);
    assert_eq!(event.absence(Facet::Prompt), Some(Absence::SampledOut));
    assert_eq!(event.prompt_pii_detected(), Some(true));
}

#[test]
fn parts_count_by_their_own_facets_and_a_value_in_pieces_once() {
    let parts = [
        Part::text("write to ada@exam"),
        Part::text("ple.org now"),
        Part::tool_call("1", "mail", &["bob@example.org"]),
    ];
    let field = (
        Field::InputMessages,
        Value::Messages(vec![Message::default().role("user").parts(parts)]),
    );
    for (tool_io, emails) in [(Level::Off, 1), (Level::Digest, 2), (Level::Full, 2)] {
        for prompt in [Level::Digest, Level::Redacted, Level::Full] {
            let policy = builder()
                .facet(Facet::Prompt, prompt)
                .facet(Facet::ToolIo, tool_io)
                .facet(Facet::Detections, Level::Full)
                .build()
                .unwrap();
            let event = seal(&policy, std::slice::from_ref(&field));
            let counts = event.prompt_pii_counts().unwrap();
            assert_eq!(counts.get("email"), Some(&emails), "{prompt} {tool_io}");
        }
    }
}

#[test]
fn counts_are_at_the_level_of_detections() {
    let policy = builder()
        .facet(Facet::Prompt, Level::Redacted)
        .facet(Facet::Detections, Level::Digest)
        .build()
        .unwrap();
    let event = letter(&policy);
    assert_eq!(event.prompt_pii_counts(), None);
    assert!(event.digests().unwrap().contains_key("prompt_pii_counts"));
}
