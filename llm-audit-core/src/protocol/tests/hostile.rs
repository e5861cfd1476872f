//! Bodies that no provider sends.

use std::sync::OnceLock;

use proptest::prelude::*;

use super::*;
use crate::audit::Audit;

fn read(log: &Audit, path: &str, media_type: &str, pieces: impl IntoIterator<Item = Vec<u8>>) {
    let request = Request::new("POST", path)
        .body(br#"{"model":"m","messages":[],"contents":[],"prompt":"a"}"#);
    let wire = Wire::new().max_body_bytes(64 << 10);
    let mut exchange = wire.begin(log, &request).unwrap().unwrap();
    exchange.response(200, &[("content-type", media_type.as_bytes())]);
    for piece in pieces {
        exchange.chunk(&piece);
    }
    exchange.end();
}

#[test]
fn a_line_without_an_end_takes_bounded_memory_and_the_call_is_recorded() {
    let (log, probe) = log(everything());
    for (media_type, start) in [
        (
            "text/event-stream",
            "data: {\"choices\":[{\"delta\":{\"content\":\"",
        ),
        (
            "application/x-ndjson",
            "{\"choices\":[{\"delta\":{\"content\":\"",
        ),
        (
            "application/json",
            "{\"choices\":[{\"message\":{\"content\":\"",
        ),
        ("text/event-stream", ""),
    ] {
        let pieces = std::iter::once(start.into()).chain((0..256).map(|_| vec![b'a'; 1 << 16]));
        let info =
            allocation_counter::measure(|| read(&log, "/v1/chat/completions", media_type, pieces));
        // A piece of the test has 64 KiB, as much as is kept of a body.
        assert!(info.bytes_max < 1 << 20, "{media_type}: {}", info.bytes_max);
    }
    let events = interactions(&probe);
    assert_eq!(events.len(), 4);
    assert!(
        events
            .iter()
            .all(|event| event.status() == Some(Status::Partial))
    );
}

#[test]
fn past_the_most_that_an_event_takes_the_metadata_is_still_captured() {
    let (log, probe) = log(everything());
    let long = "a".repeat(1 << 20);
    let body = format!(
        r#"{{"choices":[{{"message":{{"content":"{long}"}},"finish_reason":"length"}}],"model":"m-1","usage":{{"prompt_tokens":3,"completion_tokens":9}}}}"#
    );
    read(
        &log,
        "/v1/chat/completions",
        "application/json",
        [body.into_bytes()],
    );
    let event = &interactions(&probe)[0];
    assert_eq!(
        (event.status(), event.total_tokens()),
        (Some(Status::Ok), Some(12))
    );
    assert_eq!(event.finish_reasons().unwrap(), ["length"]);
    assert_eq!(event.response_model(), Some("m-1"));
    assert!(event.response().unwrap().len() > 60_000);
    assert_eq!(
        event.truncations().unwrap()[0].field.as_deref(),
        Some("output_messages")
    );
}

#[test]
fn nesting_and_wrong_text_are_survived() {
    let (log, probe) = log(everything());
    let deep = "[".repeat(1 << 17);
    let bodies = [
        deep.clone().into_bytes(),
        format!(r#"{{"choices":{deep}"#).into_bytes(),
        format!(
            r#"{{"choices":[{{"message":{{"content":{deep}{}}}}}]}}"#,
            "]".repeat(1 << 17)
        )
        .into_bytes(),
        b"{\"choices\":[{\"message\":{\"content\":\"\xff\xfe \\ud800\"}}]}".to_vec(),
        b"{\"choices\":[{\"index\":18446744073709551615,\"message\":{\"content\":\"x\"}}]}"
            .to_vec(),
        b"{\"choices\":7,\"usage\":[],\"model\":{\"a\":1},\"error\":null}".to_vec(),
    ];
    let count = bodies.len();
    for body in bodies {
        read(&log, "/v1/chat/completions", "application/json", [body]);
    }
    let events = interactions(&probe);
    assert_eq!(events.len(), count);
    assert_eq!(
        events[3].response().as_deref(),
        Some("\u{fffd}\u{fffd} \u{fffd}\u{fffd}\u{fffd}")
    );
}

#[test]
fn content_does_not_get_into_plain_fields() {
    let policy = Policy::builder().facet(Facet::Model, Level::Full);
    let (log, probe) = log(policy);
    let secret = "my name is Ada";
    let body = format!(
        r#"{{"model":{{"a":"{secret}"}},"choices":[{{"finish_reason":"{secret}"}}],"error":{{"type":"{secret}","code":"{secret}"}}}}"#
    );
    read(
        &log,
        "/v1/chat/completions",
        "application/json",
        [body.into_bytes()],
    );
    let all: String = probe.all_events().iter().map(Event::to_json).collect();
    assert!(!all.contains("Ada"), "{all}");
}

#[test]
fn every_column_of_an_answer_takes_bounded_memory() {
    let (log, probe) = log(everything());
    let long = "a".repeat(1 << 15);
    let parts = [
        format!(r#"{{"type":"reasoning","signature":"{long}"}}"#),
        format!(r#"{{"type":"tool_use","id":"{long}","name":"n"}}"#),
        format!(r#"{{"type":"tool_use","id":"i","name":"{long}"}}"#),
        format!(r#"{{"type":"image","mime_type":"{long}"}}"#),
        format!(r#"{{"type":"image","file_id":"{long}"}}"#),
    ];
    let count = parts.len();
    for part in parts {
        let line = format!(r#"{{"content":[{part}]}}"#) + "\n";
        let pieces = (0..200).map(|_| line.clone().into_bytes());
        let info = allocation_counter::measure(|| {
            read(&log, "/v1/messages", "application/x-ndjson", pieces);
        });
        assert!(
            info.bytes_max < 1 << 20,
            "{}: {}",
            &part[..40],
            info.bytes_max
        );
    }
    let events = interactions(&probe);
    assert_eq!(events.len(), count);
    for event in events {
        let cut = &event.truncations().unwrap()[0];
        assert_eq!(cut.field.as_deref(), Some("output_messages"));
    }
}

#[test]
fn of_a_member_that_occurs_twice_the_last_counts() {
    let (log, probe) = log(everything());
    let body =
        br#"{"model":"harmless","model":"m","messages":[{"role":"user","content":"harmless"}],
        "messages":[{"role":"user","content":"meant","content":"asked"}]}"#;
    let request = Request::new("POST", "/v1/chat/completions").body(body);
    drop(Wire::new().begin(&log, &request).unwrap().unwrap());
    let check = probe.one_of(Kind::Interaction);
    check.prompt("asked").field(crate::Field::RequestModel, "m");
}

#[test]
fn an_empty_name_is_none() {
    let (log, probe) = log(everything());
    let request = Request::new("POST", "/v1/chat/completions");
    let mut exchange = Wire::new().begin(&log, &request).unwrap().unwrap();
    exchange.response(
        200,
        &[
            ("content-type", b"text/event-stream"),
            ("x-request-id", b"h-1"),
        ],
    );
    exchange.chunk(
        b"data: {\"choices\":[],\"id\":\"\",\"model\":\"\",\"prompt_filter_results\":[]}\n\n",
    );
    exchange.chunk(
        b"data: {\"choices\":[{\"index\":0,\"delta\":{}}],\"id\":\"c-1\",\"model\":\"m-1\"}\n\n",
    );
    exchange.end();
    let event = &interactions(&probe)[0];
    assert_eq!(
        (event.response_id(), event.response_model()),
        (Some("c-1"), Some("m-1"))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_answer_is_recorded_once(
        pieces: Vec<Vec<u8>>, damage in 0_usize..4000, with: u8, which in 0..SCRIPTS.len(),
    ) {
        static LOG: OnceLock<(AuditGuard, Probe)> = OnceLock::new();
        let (log, probe) = LOG.get_or_init(|| log(everything()));
        let before = interactions(probe).len();
        let script = &SCRIPTS[which];
        let mut body = (script.body)();
        let at = damage % body.len();
        body[at] = with;
        play(&Wire::new(), log, script, &[&body]);
        let pieces: Vec<_> = pieces.iter().map(Vec::as_slice).collect();
        play(&Wire::new(), log, script, &pieces);
        prop_assert_eq!(interactions(probe).len(), before + 2);
    }
}
