//! What must be true of every event: nothing is lost or changed on the way to JSON and back.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use serde_json::value::RawValue;

use super::arbitrary::{event, event_of, event_with, json, optional_fields};
use super::decode::is_value;
use super::*;

fn line(event: &Event) -> Vec<u8> {
    let mut out = Vec::new();
    event.encode(&mut out);
    out
}

fn check(event: &Event) -> Result<(), TestCaseError> {
    let json = line(event);
    prop_assert!(
        Event::from_json(&json).unwrap() == *event,
        "{event:?} is not read back"
    );
    prop_assert_eq!(&json, &serde_json::to_vec(event).unwrap());
    prop_assert!(
        json.iter().all(|byte| *byte >= 0x20),
        "a raw control character"
    );
    Ok(())
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(cases)
    })
}

#[test]
fn an_event_of_every_kind_is_read_back_as_it_was() {
    for kind in Kind::ALL {
        let events = event_of(kind.clone());
        runner(24).run(&events, |event| check(&event)).unwrap();
    }
}

#[test]
fn every_field_is_read_back_as_it_was() {
    for field in optional_fields() {
        let events = event_with(Kind::Interaction, vec![field]);
        runner(12)
            .run(&events, |event| {
                prop_assert_eq!(event.present().collect::<Vec<_>>(), vec![field]);
                check(&event)
            })
            .unwrap();
    }
}

#[test]
fn fields_are_written_in_the_order_of_the_catalogue() {
    let fields: Vec<_> = optional_fields().collect();
    let events = event_with(Kind::Interaction, fields);
    runner(4)
        .run(&events, |event| {
            let mut found = Vec::new();
            event.visit(&mut |field, value| {
                assert_eq!(field.field_type(), value.field_type());
                found.push(field);
            });
            let all: Vec<_> = crate::catalog::CATALOG
                .iter()
                .map(|info| info.field)
                .collect();
            prop_assert_eq!(found, all);
            check(&event)
        })
        .unwrap();
}

/// A member that a newer version may write: one that is not known, or a known field of another
/// type.
fn foreign() -> impl Strategy<Value = (String, String)> {
    let fields: Vec<_> = optional_fields().collect();
    let name = prop_oneof![
        Just("added_in_2030".to_owned()),
        select(fields).prop_map(|field| field.name().to_owned()),
    ];
    (name, json()).prop_filter("the value is of the field's type", |(name, json)| {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        Field::from_name(name).is_none_or(|field| !is_value(field.field_type(), raw))
    })
}

/// One way of damaging bytes.
fn mutation() -> impl Strategy<Value = (Index, Index, u8, u8)> {
    let byte = prop_oneof![any::<u8>(), select(b"\"\\{}[]:,0-.eu \n\0".to_vec())];
    (any::<Index>(), any::<Index>(), 0..5_u8, byte)
}

fn mutate(bytes: &mut Vec<u8>, (at, to, how, byte): (Index, Index, u8, u8)) {
    if bytes.is_empty() {
        return;
    }
    let (at, to) = (at.index(bytes.len()), to.index(bytes.len()));
    let (from, to) = (at.min(to), at.max(to));
    match how {
        0 => bytes[at] = byte,
        1 => bytes.insert(at, byte),
        2 => drop(bytes.drain(from..to)),
        3 => bytes.truncate(at),
        _ => bytes
            .splice(to..to, bytes[from..to].to_vec())
            .for_each(drop),
    }
}

proptest! {
    #[test]
    fn any_event_is_read_back_as_it_was(event in event()) {
        check(&event)?;
    }

    #[test]
    fn what_a_newer_version_wrote_survives(
        event in event(),
        kind in "[a-z_]{1,20}",
        (name, json) in foreign(),
    ) {
        prop_assume!(Field::from_name(&name).is_none_or(|field| event.get(field).is_none()));
        let mut newer = event.clone();
        newer.kind = Kind::from(kind.as_str());
        newer.schema_version = SCHEMA_VERSION + 1;
        let text = newer.to_json();
        let text = format!("{{{}:{json},{}", serde_json::to_string(&name).unwrap(), &text[1..]);
        let read = Event::from_json(text.as_bytes()).unwrap();
        prop_assert_eq!(read.kind().as_str(), kind);
        prop_assert_eq!(read.schema_version(), SCHEMA_VERSION + 1);
        prop_assert_eq!(read.unknown().len(), event.unknown().len() + 1);
        prop_assert!(read.unknown().contains(&(name.clone(), json.clone())));
        newer.try_set_unknown(name, &json).unwrap();
        newer.unknown.rotate_right(1);
        prop_assert!(read == newer, "another member changed");
        check(&read)?;
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(Event::from_json(&bytes).is_err());
    }

    #[test]
    fn what_can_be_read_from_damaged_json_is_stable(
        event in event(),
        mutations in vec(mutation(), 1..4),
    ) {
        let mut json = line(&event);
        for mutation in mutations {
            mutate(&mut json, mutation);
        }
        if let Ok(read) = Event::from_json(&json) {
            check(&read)?;
        }
    }
}

const REQUIRED: &str = r#""schema_version":1,"event_id":"019b76da-a800-7000-8000-000000000001","kind":"interaction","writer_id":"019b76da-a800-7000-8000-000000000002","recorded_at":"2026-01-01T00:00:00.000000Z""#;

fn read(members: &str) -> Result<Event, Error> {
    Event::from_json(format!("{{{REQUIRED}{members}}}").as_bytes())
}

fn blank() -> Event {
    read("").unwrap()
}

#[test]
fn a_field_that_is_there_twice_is_damage() {
    for members in [
        r#","kind":"loss""#,
        r#","seq":1,"seq":2"#,
        r#","seq":1,"seq":"x""#,
        r#","seq":"x","seq":1"#,
    ] {
        let error = read(members).unwrap_err();
        assert!(
            error.is_damaged() && error.to_string().ends_with("twice"),
            "{members}: {error}"
        );
    }
}

#[test]
fn an_event_without_a_required_field_is_damage() {
    for member in REQUIRED.split(',') {
        let rest: Vec<_> = REQUIRED
            .split(',')
            .filter(|other| *other != member)
            .collect();
        let error = Event::from_json(format!("{{{}}}", rest.join(",")).as_bytes()).unwrap_err();
        let name = member.split('"').nth(1).unwrap();
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn values_of_another_form_are_kept_as_they_stand() {
    for member in [
        r#""metrics":{"a":1.0,"a":2.0}"#,
        r#""reasons":{"a":9223372036854775808}"#,
        r#""seq":9223372036854775808"#,
        r#""seq":1.0"#,
        r#""temperature":null"#,
        r#""temperature":1e999"#,
        r#""started_at":"2026-01-01T00:00:00Z""#,
        r#""parent_event_id":"019B76DA-A800-7000-8000-000000000001""#,
        r#""query":"\ud800""#,
        r#""input_messages":[{"role":"user"},7]"#,
    ] {
        let event = read(&format!(",{member}")).unwrap();
        assert_eq!(event.unknown().len(), 1, "{member}");
        assert!(
            event.to_json().ends_with(&format!("{member}}}")),
            "{member}"
        );
    }
}

#[test]
fn members_of_records_that_are_not_known_are_kept() {
    let member = r#""input_messages":[{"role":"user","parts":[{"type":"hologram","id":{"a":1},"depth":3}],"mood":[1]}]"#;
    let event = read(&format!(",{member}")).unwrap();
    assert!(event.unknown().is_empty());
    assert_eq!(event.input_messages().unwrap()[0].unknown().len(), 1);
    assert!(event.to_json().contains(member));
}

#[test]
fn white_space_between_tokens_does_not_break_the_line() {
    let event = read(",\r\n \"added_in_2030\" :\n{\"a\"\r\n:\n1}\n").unwrap();
    assert!(event.to_json().ends_with(r#""added_in_2030":{"a"  : 1}}"#));
}

#[test]
fn an_error_quotes_nothing_of_the_event() {
    let error = Event::from_json(br#"{"query":"secret" oops"#).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("secret"));
}

#[test]
fn debug_shows_names_and_no_values() {
    let mut event = read(r#","query":"secret","extra_secret":"secret""#).unwrap();
    let messages = vec![Message::text("user", "secret")];
    event
        .try_set(Field::InputMessages, Value::Messages(messages))
        .unwrap();
    let text = format!(
        "{event:?} {:?} {:?}",
        event.get(Field::Query),
        event.input_messages()
    );
    assert!(
        text.contains("InputMessages") || text.contains("input_messages"),
        "{text}"
    );
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn a_value_of_another_type_is_refused() {
    let error = blank()
        .try_set(Field::Seq, Value::Text("1".to_owned()))
        .unwrap_err();
    assert_eq!(error.to_string(), "`seq` of an event takes Int, not Text");
}

#[test]
fn numbers_that_the_log_cannot_keep_are_refused() {
    let evaluation = Evaluation::default().score(f64::INFINITY);
    let truncation = Truncation::default().bytes(u64::MAX);
    for (field, value) in [
        (Field::Temperature, Value::Float(f64::NAN)),
        (Field::Seq, Value::Int(1 << 63)),
        (
            Field::Reasons,
            Value::Counts([("a".to_owned(), u64::MAX)].into()),
        ),
        (
            Field::Metrics,
            Value::Numbers([("a".to_owned(), f64::NAN)].into()),
        ),
        (Field::Evaluations, Value::Evaluations(vec![evaluation])),
        (Field::Truncations, Value::Truncations(vec![truncation])),
    ] {
        let mut event = blank();
        assert!(event.try_set(field, value).is_err(), "{field}");
        assert!(event == blank(), "{field}");
    }
}

#[test]
fn numbers_that_the_log_cannot_keep_are_left_out_by_the_sealer() {
    let mut event = blank();
    event.set(Field::Temperature, Value::Float(f64::NAN));
    assert!(event.temperature().is_none());
    let metrics = [("bad".to_owned(), f64::NAN), ("good".to_owned(), 1.0)];
    event.set(Field::Metrics, Value::Numbers(metrics.into()));
    assert_eq!(event.metrics().unwrap().len(), 1);
    let evaluation = Evaluation::default().name("bias").score(f64::NAN);
    event.set(Field::Evaluations, Value::Evaluations(vec![evaluation]));
    assert!(event.evaluations().unwrap() == [Evaluation::default().name("bias")]);
}

#[test]
fn required_fields_can_be_set_too() {
    let mut event = blank();
    event.try_set(Field::SchemaVersion, Value::Int(7)).unwrap();
    event
        .try_set(Field::Kind, Value::Text("loss".to_owned()))
        .unwrap();
    assert_eq!((event.schema_version(), event.kind()), (7, &Kind::Loss));
    assert!(
        event
            .try_set(Field::WriterId, Value::Text("me".to_owned()))
            .is_err()
    );
    assert_eq!(event.to_json().matches("\"kind\"").count(), 1);
}

#[test]
fn a_known_field_is_not_an_unknown_member() {
    let mut event = blank();
    assert!(event.try_set_unknown("seq", "1").is_err());
    assert!(event.try_set_unknown("kind", "[]").is_err());
    assert!(event.try_set_unknown("new", "{").is_err());
    event.try_set_unknown("seq", "\"x\"").unwrap();
    assert!(event.try_set_unknown("seq", "\"y\"").is_err());
}

#[test]
fn setting_and_removing_a_field_replaces_a_value_of_another_type() {
    let mut event = read(r#","query":{"text":"a"}"#).unwrap();
    event.set(Field::Query, Value::Text("b".to_owned()));
    assert_eq!(event.to_json().matches("\"query\"").count(), 1);
    let mut event = read(r#","query":{"text":"a"}"#).unwrap();
    assert!(event.remove(Field::Query).is_none());
    assert!(event == blank());
}

#[test]
fn a_known_word_is_never_other() {
    let id = blank().event_id();
    let kind = Kind::Other("loss".to_owned());
    let event = Event::new(kind, id, blank().writer_id(), Timestamp::default());
    assert_eq!(*event.kind(), Kind::Loss);
}

#[test]
fn prompt_is_the_last_text_of_the_user() {
    let mut event = blank();
    let question = Message::default().role("user").parts([
        Part::text("a"),
        Part::reasoning("b"),
        Part::text("c"),
    ]);
    let result = Message::default()
        .role("user")
        .parts([Part::tool_call_response("1", "x")]);
    let messages = vec![question, Message::text("assistant", "d"), result];
    event.set(Field::InputMessages, Value::Messages(messages));
    assert_eq!(event.prompt().as_deref(), Some("a\nc"));
}

#[test]
fn response_is_the_text_of_the_first_choice() {
    let mut event = blank();
    let choices = vec![
        Message::text("assistant", "a"),
        Message::text("assistant", "b"),
    ];
    event.set(Field::OutputMessages, Value::Messages(choices));
    assert_eq!(event.response().as_deref(), Some("a"));
    event.set(
        Field::OutputMessages,
        Value::Messages(vec![Message::default()]),
    );
    assert_eq!(event.response(), None);
}
