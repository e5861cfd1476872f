//! An event is the same after it was columns.

use llm_audit_core::{Event, Kind};

use super::arbitrary::Arbitrary;
use super::{decoded, encoded};

fn check(events: &[Event]) {
    let back = decoded(encoded(events));
    assert_eq!(back.len(), events.len());
    for (event, back) in events.iter().zip(back) {
        assert!(*event == back, "{}\n{}", event.to_json(), back.to_json());
        assert_eq!(event.to_json(), back.to_json());
    }
}

#[test]
fn golden_events_of_every_kind_come_back() {
    let golden = include_str!("../../../../llm-audit-core/tests/data/events-v1.jsonl");
    let events: Vec<_> = golden
        .lines()
        .map(|line| Event::from_json(line.as_bytes()).unwrap())
        .collect();
    for kind in Kind::ALL {
        assert!(events.iter().any(|event| event.kind() == kind), "{kind}");
    }
    check(&events);
}

#[test]
fn events_of_any_kind_with_any_fields_come_back() {
    for seed in 1..=8 {
        let mut arbitrary = Arbitrary::new(seed);
        let events: Vec<_> = (0..60).map(|_| arbitrary.event()).collect();
        check(&events);
    }
}

#[test]
fn an_event_with_every_field_comes_back() {
    let mut arbitrary = Arbitrary::new(99);
    let full = arbitrary.full_event();
    check(&[full.clone(), arbitrary.event(), full]);
}

#[test]
fn what_a_newer_version_wrote_comes_back() {
    let line = br#"{"schema_version":9,"event_id":"019b76da-a800-7000-8000-000000000001","kind":"of_2030","writer_id":"019b76da-a800-7000-8000-000000000002","recorded_at":"2026-01-01T00:00:00.000000Z","status":"of 2030","total_tokens":"many","input_messages":[{"role":"user","of_2030":[1, 2],"of_2030":{"a":"\u0000"},"parts":[{"type":7,"content":"x"}]}],"of_2030":1e999,"of_2030":null,"\"quoted\"":{"x":1,"x":2}}"#;
    let event = Event::from_json(line).unwrap();
    assert_eq!(event.unknown().len(), 4);
    check(&[event]);
}
