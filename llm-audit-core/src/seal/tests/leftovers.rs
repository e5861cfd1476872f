//! Nothing is left over of what is off: no size, no digest, no copy under another name.

use super::*;
use crate::context::{Context, Parent};
use crate::event::{MediaItem, Record};

fn full(facets: &[Facet]) -> Policy {
    let policy = facets
        .iter()
        .fold(builder(), |policy, facet| policy.facet(*facet, Level::Full));
    policy.build().unwrap()
}

fn messages(messages: impl IntoIterator<Item = Message>) -> (Field, Value) {
    let messages = messages.into_iter().collect();
    (Field::InputMessages, Value::Messages(messages))
}

#[test]
fn the_size_of_a_prompt_is_not_that_of_a_system_prompt_that_is_off() {
    let said = messages([
        Message::text("developer", "be brief"),
        Message::text("user", "why"),
    ]);
    let event = seal(&full(&[Facet::Prompt]), &[said]);
    assert_eq!(event.prompt_chars(), Some(3));
    assert!(!event.to_json().contains("brief"));
    assert_eq!(event.absence(Facet::SystemPrompt), Some(Absence::Withheld));
}

#[test]
fn the_digest_of_a_prompt_does_not_depend_on_what_is_off() {
    let policy = builder().facet(Facet::Prompt, Level::Digest);
    let policy = policy.build().unwrap();
    let digest = |system: &str| {
        let said = messages([
            Message::text("system", system),
            Message::text("user", "why"),
        ]);
        seal(&policy, &[said]).digests().unwrap().clone()
    };
    assert_eq!(digest("be brief"), digest("be long"));
}

#[test]
fn media_items_keep_no_inline_bytes() {
    let item = MediaItem::default().uri("data:image/png;base64,QUJDREVGR0hJSktM");
    let event = seal(
        &full(&[Facet::Media]),
        &[(Field::Media, Value::Media(vec![item]))],
    );
    let kept = &event.media().unwrap()[0];
    assert_eq!(kept.uri, None);
    assert_eq!(kept.mime_type.as_deref(), Some("image/png"));
    assert!(kept.bytes.is_some());
}

#[test]
fn members_of_a_newer_version_are_redacted_too() {
    let policy = builder().facet(Facet::Prompt, Level::Redacted);
    let mut message = Message::text("user", "hi");
    let members = message.unknown_mut();
    members.push(("later".to_owned(), r#"{"a":"ada@example.org"}"#.to_owned()));
    let event = seal(&policy.build().unwrap(), &[messages([message])]);
    assert!(!event.to_json().contains("ada@"), "{}", event.to_json());
    assert!(event.to_json().contains(r#""later":{"a":"[EMAIL]"}"#));
}

#[test]
fn escapes_in_a_body_hide_nothing() {
    let policy = builder()
        .facet(Facet::Raw, Level::Redacted)
        .build()
        .unwrap();
    let body = r#"{"user":"ada\u0040example.org"}"#;
    let event = seal(&policy, &[text(Field::RawRequest, body)]);
    assert_eq!(event.raw_request(), Some(r#"{"user":"[EMAIL]"}"#));
}

#[test]
fn json_in_a_metadata_text_stays_json() {
    let policy = builder().facet(Facet::Metadata, Level::Redacted);
    let json = crate::event::json::to_json_text(r#"{"mail":"ada@example.org"}"#);
    let metadata = Value::JsonMap([("note".to_owned(), json)].into());
    let event = seal(&policy.build().unwrap(), &[(Field::Metadata, metadata)]);
    let note: String = serde_json::from_str(&event.metadata().unwrap()["note"]).unwrap();
    assert_eq!(note, r#"{"mail":"[EMAIL]"}"#);
}

#[test]
fn the_envelope_holds_words_and_no_personal_data() {
    let policy = full(&[Facet::Model]);
    let given = [
        text(Field::ErrorType, "no mailbox ada@example.org"),
        text(Field::ErrorCode, "bob@example.org"),
    ];
    let mut raw = raw(&policy, &given);
    raw.operation = Some(Operation::Other("ask ada@example.org".to_owned()));
    raw.status = Some(Status::Other("left by ada@example.org".to_owned()));
    raw.kind = Kind::Other("of ada@example.org".to_owned());
    let event = sealer(&policy).seal(raw, 1).event;
    assert!(
        !event.to_json().contains("example.org"),
        "{}",
        event.to_json()
    );
    assert_eq!(event.kind().as_str(), "other");
}

#[test]
fn an_inherited_trace_is_treated_like_the_events_own() {
    let policy = full(&[Facet::Model]);
    let mut raw = raw(&policy, &[]);
    let secret = "Bearer q8ZtW3nVx0KcR5mYb7LpD2sF";
    let parent = Parent {
        event_id: Some(EventId::from_bytes([1; 16])),
        trace_id: secret.to_owned(),
        span_id: "00f067aa0ba902b7".to_owned(),
    };
    raw.context = Context::default().with_parent(parent).into_frame();
    let event = sealer(&policy).seal(raw, 1).event;
    assert!(!event.to_json().contains("q8Zt"), "{}", event.to_json());
    assert_eq!(event.parent_span_id(), Some("00f067aa0ba902b7"));
}

#[test]
fn an_intent_is_sampled_like_its_interaction() {
    let policy = builder()
        .facet(Facet::Prompt, FacetRule::new(Level::Full).sample(0.5))
        .build()
        .unwrap();
    let mut sealer = sealer(&policy);
    for number in 0..64 {
        let mut interaction = raw(&policy, &[prompt("why")]);
        interaction.event_id = EventId::from_bytes([number; 16]);
        let target = interaction.event_id.to_string();
        let mut intent = raw(
            &policy,
            &[prompt("why"), text(Field::TargetEventId, &target)],
        );
        intent.kind = Kind::PromptSent;
        intent.status = None;
        intent.event_id = EventId::from_bytes([number ^ 0xff; 16]);
        let kept = |event: &Event| event.prompt().is_some();
        let interaction = sealer.seal(interaction, 1).event;
        assert_eq!(kept(&interaction), kept(&sealer.seal(intent, 2).event));
    }
}

#[test]
fn every_choice_that_was_cut_loses_its_tail() {
    let policy = builder().facet(Facet::Response, Level::Redacted);
    let policy = policy.build().unwrap();
    let half = concat!("sk-", "ant-", "api03-abc");
    let choice =
        |words: usize| Message::text("assistant", format!("{} {half}", "word ".repeat(words)));
    let choices = Value::Messages(vec![choice(10_000), choice(2_000)]);
    let mut cut = raw(&policy, &[(Field::OutputMessages, choices)]);
    cut.cut = vec![(Field::OutputMessages, 80_000)];
    let event = sealer(&policy).seal(cut, 1).event;
    assert!(!event.to_json().contains("api03"));
}

#[test]
fn a_data_uri_in_the_result_of_a_tool_goes_as_that_of_media_does() {
    let uri = format!("data:image/png;base64,{}", "QUJD".repeat(40_000));
    let text = format!("a picture: {uri}, for ada@example.org");
    let part = Part::default().r#type("tool_result").uri(uri.clone());
    let part = part.content(text.clone());
    let message = Message::default().role("tool").parts([part]);
    let policy = builder().facet(Facet::ToolIo, Level::Redacted);
    let policy = policy
        .facet(Facet::Prompt, Level::Redacted)
        .build()
        .unwrap();
    let result = format!(r#"{{"content":[{{"image":"{uri}"}}]}}"#);
    let event = seal(
        &policy,
        &[
            (Field::InputMessages, Value::Messages(vec![message])),
            (Field::ToolResult, Value::Json(result)),
        ],
    );
    let part = &event.input_messages().unwrap()[0].parts.as_ref().unwrap()[0];
    assert_eq!((part.uri.as_deref(), part.bytes), (None, Some(120_015)));
    let content = part.content.as_deref().unwrap();
    let kept = "a picture: [DATA_URI:image/png:120000:k1:";
    assert!(content.starts_with(kept) && content.ends_with("], for [EMAIL]"));
    let json = event.to_json();
    assert!(!json.contains("QUJD"), "no byte of it is left");
    assert!(
        json.contains(r#"{"image":"[DATA_URI:image/png:120000:k1:"#)
            || json.contains(r#"\"[DATA_URI:image/png:120000:k1:"#)
    );
    assert!(event.redactions().unwrap().iter().any(|entry| {
        entry.detector.as_deref() == Some("data_uri")
            && entry.operator.as_deref() == Some("replace")
    }));
}
