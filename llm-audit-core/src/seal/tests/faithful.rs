//! What is said of a value is true of the value that was given.

use super::*;
use crate::event::Truncation;
use crate::redact::{DataType, Operator, Redactor};

/// A value whose `Serialize` fails.
struct Unwritable;

impl serde::Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("not today"))
    }
}

fn answer(part: Part) -> (Field, Value) {
    let message = Message::default().role("assistant").parts([part]);
    (Field::OutputMessages, Value::Messages(vec![message]))
}

fn tool_policy() -> Policy {
    let policy = builder()
        .facet(Facet::Response, Level::Full)
        .facet(Facet::ToolIo, Level::Full);
    policy.build().unwrap()
}

#[test]
fn arguments_that_cannot_be_written_are_absent_and_not_null() {
    let call = Part::tool_call("c1", "weather", &Unwritable);
    let event = seal(&tool_policy(), &[answer(call)]);
    let part = &event.output_messages().unwrap()[0].parts.as_ref().unwrap()[0];
    assert_eq!(part.arguments, None);
    assert_eq!(part.absent.as_deref(), Some("failed"));
    assert_eq!(part.name.as_deref(), Some("weather"));
    assert_eq!(event.absence(Facet::ToolIo), Some(Absence::Failed));
}

#[test]
fn a_member_of_a_context_that_cannot_be_written_is_failed() {
    let policy = builder()
        .facet(Facet::Metadata, Level::Full)
        .build()
        .unwrap();
    let mut sealer = sealer(&policy);
    sealer.defaults = Arc::new(Fields::new().metadata([("k", Unwritable)]));
    let event = sealer.seal(raw(&policy, &[]), 1).event;
    assert!(event.metadata().is_none_or(|map| map.is_empty()));
    assert_eq!(event.absence(Facet::Metadata), Some(Absence::Failed));
}

#[test]
fn keys_that_are_redacted_to_one_text_keep_their_values() {
    let policy = builder().facet(Facet::Metadata, Level::Redacted);
    let map = [
        ("ada@example.org", "1"),
        ("bob@example.org", "2"),
        ("eve@example.org", "3"),
    ]
    .map(|(key, json)| (key.to_owned(), json.to_owned()));
    let metadata = (Field::Metadata, Value::JsonMap(map.into()));
    let event = seal(&policy.build().unwrap(), &[metadata]);
    let kept: Vec<_> = event.metadata().unwrap().iter().collect();
    let kept: Vec<_> = kept
        .iter()
        .map(|(key, json)| (key.as_str(), json.as_str()))
        .collect();
    assert_eq!(
        kept,
        [("[EMAIL]", "1"), ("[EMAIL]#2", "2"), ("[EMAIL]#3", "3")]
    );
}

#[test]
fn the_digest_of_a_part_tells_which_column_holds_what() {
    let digest = |part: Part| {
        let policy = builder()
            .facet(Facet::Response, Level::Digest)
            .facet(Facet::ToolIo, Level::Digest);
        let system = (Field::SystemInstructions, Value::Parts(vec![part]));
        let policy = policy
            .facet(Facet::SystemPrompt, Level::Full)
            .build()
            .unwrap();
        let event = seal(&policy, &[system]);
        event.system_instructions().unwrap()[0]
            .digest
            .clone()
            .unwrap()
    };
    let call = |part: Part| part.r#type("tool_call");
    assert_ne!(
        digest(call(Part::default().id("x"))),
        digest(call(Part::default().name("x")))
    );
}

fn only_truncation(event: &Event) -> &Truncation {
    &event.truncations().unwrap()[0]
}

#[test]
fn what_is_said_of_a_cut_text_is_true_of_the_text_before_redaction() {
    let text = "ada@example.org asks: why is the sky blue?";
    let truncation = |level| {
        let rule = FacetRule::new(level).max_bytes(8);
        let policy = builder().facet(Facet::ErrorDetail, rule).build().unwrap();
        let event = seal(&policy, &[super::text(Field::ErrorMessage, text)]);
        only_truncation(&event).clone()
    };
    let redacted = truncation(Level::Redacted);
    assert_eq!(redacted.bytes, Some(text.len() as u64));
    let of_text = crate::KeyRing::from(key()).pseudonyms(Field::ErrorMessage, None, text);
    assert_eq!(redacted.digest.as_ref(), of_text.first());
    assert_eq!(redacted, truncation(Level::Full));
}

#[test]
fn what_the_policy_before_hides_and_limits_holds_for_calls_in_flight() {
    let keep = Redactor::builder().operator(DataType::Email, Operator::Keep);
    let rule = FacetRule::new(Level::Redacted).max_bytes(10);
    let strict = builder().facet(Facet::Prompt, rule).build().unwrap();
    let lenient = builder()
        .facet(Facet::Prompt, Level::Redacted)
        .redactor(keep.build().unwrap())
        .build()
        .unwrap();
    for (before, now) in [(&strict, &lenient), (&lenient, &strict)] {
        let given = [prompt("ada@example.org asks why")];
        let event = sealer(now).seal(raw(before, &given), 1).event;
        assert_eq!(event.prompt().as_deref(), Some("[EMAIL] as"));
    }
}
