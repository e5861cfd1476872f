//! Small things that a reader of the log would stumble over.

use super::*;
use crate::context::Context;
use crate::fields::Fields;
use crate::first_event::FirstEvent;
use crate::interaction::Interaction;
use crate::policy::Preset;
use crate::protocol::Failure;

const JSON: &[(&str, &[u8])] = &[("content-type", b"application/json")];
const EVENTS: &[(&str, &[u8])] = &[("content-type", b"text/event-stream")];

fn begin_at(log: &AuditGuard, path: &str, body: &str) -> Exchange {
    let request = Request::new("POST", path).body(body.as_bytes());
    Wire::new().begin(log, &request).unwrap().unwrap()
}

#[test]
fn a_failure_after_the_last_word_of_an_answer_is_none() {
    let (log, probe) = log(everything());
    let mut exchange = begin_at(&log, "/v1/chat/completions", r#"{"messages":[]}"#);
    exchange.response(200, JSON);
    exchange.chunk(br#"{"choices":[{"message":{"content":"So."},"finish_reason":"stop"}]}"#);
    exchange.fail(Failure::Transport, &"reset");
    let event = &interactions(&probe)[0];
    assert_eq!(event.status(), Some(Status::Ok));
    assert_eq!((event.error_type(), event.error_message()), (None, None));
}

#[test]
fn a_count_that_was_not_said_is_not_nothing() {
    let (log, probe) = log(everything());
    let mut exchange = begin_at(&log, "/api/chat", r#"{"model":"small","messages":[]}"#);
    exchange.response(200, JSON);
    exchange.chunk(br#"{"message":{"content":"So."},"done":true,"eval_count":2}"#);
    exchange.end();
    let event = &interactions(&probe)[0];
    let counts = (
        event.input_tokens(),
        event.output_tokens(),
        event.total_tokens(),
    );
    assert_eq!(counts, (None, Some(2), None));
}

#[test]
fn embeddings_that_said_no_usage_have_no_tokens() {
    let (log, probe) = log(everything());
    let answer = r#"{"data":[{"index":0,"embedding":[0.5]}]}"#;
    let refused = r#"{"error":{"message":"Slow down."}}"#;
    for (status, body) in [(200, answer), (429, refused), (500, "")] {
        let mut exchange = begin_at(&log, "/v1/embeddings", r#"{"model":"e","input":"Why?"}"#);
        exchange.response(status, JSON);
        exchange.chunk(body.as_bytes());
        exchange.end();
    }
    let mut call = log.begin(crate::event::Operation::Embeddings);
    crate::protocol::memory::answer(&mut call, r#"{"embedding":[0.5]}"#);
    call.finish();
    let events = interactions(&probe);
    assert_eq!(events.len(), 4);
    for event in &events {
        let counts = (event.input_tokens(), event.output_tokens());
        assert_eq!(
            (counts, event.total_tokens(), event.usage_source()),
            ((None, None), None, None)
        );
    }
}

#[test]
fn half_of_the_counts_of_an_answer_that_broke_off_is_partial() {
    let (log, probe) = log(everything());
    let mut exchange = begin_at(
        &log,
        "/v1/messages",
        r#"{"model":"small","stream":true,"messages":[]}"#,
    );
    exchange.response(200, EVENTS);
    exchange.chunk(
        b"data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5}}}\n\n",
    );
    exchange.fail(Failure::Transport, &"broken");
    let event = &interactions(&probe)[0];
    assert_eq!(
        (event.input_tokens(), event.output_tokens()),
        (Some(5), None)
    );
    assert_eq!(event.usage_source(), Some("partial"));
}

#[test]
fn of_a_count_that_lacks_a_half_the_rest_is_kept_and_nothing_is_summed() {
    let counts = |usage: &str| {
        let (log, probe) = log(everything());
        let mut exchange = begin_at(&log, "/v1/chat/completions", r#"{"messages":[]}"#);
        exchange.response(200, JSON);
        let answer =
            r#"{"choices":[{"message":{"content":"So."},"finish_reason":"stop"}],"usage":@}"#;
        exchange.chunk(answer.replace('@', usage).as_bytes());
        exchange.end();
        let event = interactions(&probe).remove(0);
        assert_eq!((event.total_tokens(), event.usage_source()), (None, None));
        assert_eq!(event.usage_raw(), Some(usage));
        [
            event.input_tokens(),
            event.cache_read_input_tokens(),
            event.output_tokens(),
            event.reasoning_output_tokens(),
        ]
    };
    assert_eq!(
        counts(r#"{"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":3}}"#),
        [Some(5), Some(3), None, None]
    );
    assert_eq!(
        counts(
            r#"{"prompt_tokens_details":{"cached_tokens":3},"completion_tokens_details":{"reasoning_tokens":2}}"#
        ),
        [None, Some(3), None, Some(2)]
    );
}

#[test]
fn arguments_that_come_with_the_end_of_their_item_are_kept() {
    let (log, probe) = log(everything());
    let mut exchange = begin_at(&log, "/v1/responses", r#"{"model":"small","input":"Why?"}"#);
    exchange.response(200, EVENTS);
    for event in [
        r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"t","name":"look"}}"#,
        r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","call_id":"t","name":"look","arguments":"{\"at\":1}"}}"#,
        r#"{"type":"response.completed","response":{"status":"completed"}}"#,
    ] {
        exchange.chunk(format!("data: {event}\n\n").as_bytes());
    }
    exchange.end();
    let event = &interactions(&probe)[0];
    let said = r#"assistant: tool_call=t=look={"at":1} (stop)"#;
    assert_eq!(shown(event.output_messages()), said);
}

#[test]
fn a_server_that_says_again_what_it_was_asked_hides_neither_tokens_nor_the_end() {
    let tool = format!(
        r#"{{"name":"t","parameters":{{{}"x":1}}}}"#,
        r#""a":{"type":"string"},"#.repeat(400)
    );
    let tools = vec![tool; 16].join(",");
    let answer = |event: &str, rest: &str| {
        let response = format!(r#"{{"id":"r-1","model":"small-1","tools":[{tools}],{rest}}}"#);
        format!("data: {{\"type\":\"response.{event}\",\"response\":{response}}}\n\n")
    };
    let (log, probe) = log(Policy::builder().preset(Preset::Operations));
    let mut exchange = begin_at(&log, "/v1/responses", r#"{"model":"small","input":"Why?"}"#);
    exchange.response(200, EVENTS);
    exchange.chunk(answer("created", r#""status":"in_progress""#).as_bytes());
    let usage = r#""status":"completed","usage":{"input_tokens":5,"output_tokens":2}"#;
    exchange.chunk(answer("completed", usage).as_bytes());
    drop(exchange);
    let event = &interactions(&probe)[0];
    assert_eq!(event.status(), Some(Status::Ok));
    assert_eq!(event.response_id(), Some("r-1"));
    assert_eq!(event.total_tokens(), Some(7));
}

#[test]
fn more_tool_calls_than_an_event_has_room_for_are_marked_as_cut() {
    let (log, probe) = log(everything());
    let mut exchange = begin_at(&log, "/v1/chat/completions", r#"{"messages":[]}"#);
    exchange.response(200, EVENTS);
    for at in 0..5000 {
        let tool = format!(r#"{{"index":{at},"id":"t-{at}","function":{{"name":"look"}}}}"#);
        let delta = format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{tool}]}}}}]}}"#);
        exchange.chunk(format!("data: {delta}\n\n").as_bytes());
    }
    exchange.end();
    let event = &interactions(&probe)[0];
    let parts = event.output_messages().unwrap()[0].parts.as_ref().unwrap();
    assert_eq!(parts.len(), 4096);
    let cut = event.truncations().unwrap_or_default();
    let names: Vec<_> = cut.iter().filter_map(|cut| cut.field.as_deref()).collect();
    assert_eq!(names, ["output_messages"]);
}

#[test]
fn each_log_learns_of_a_connection() {
    let wire = Wire::new();
    for _ in 0..2 {
        let (log, probe) = log(everything());
        begin(&wire, &log, &SCRIPTS[0], &[]).end();
        assert_eq!(probe.kind(Kind::ModelConnection).len(), 1);
    }
}

#[test]
fn what_is_discarded_is_not_the_first_event_of_a_request() {
    let policy = everything().tenants_default(|tenant| {
        Facet::ALL
            .iter()
            .fold(tenant, |tenant, facet| tenant.facet(*facet, Level::Off))
    });
    let (log, probe) = log(policy);
    let first = FirstEvent::new();
    let context = Context::current()
        .with(Fields::new().tenant_id("t-1"))
        .noting(&first);
    let ended: Option<_> = context.enter(|| Interaction::finish(log.begin(crate::Operation::Chat)));
    assert_eq!((ended, first.event_id()), (None, None));
    assert!(interactions(&probe).is_empty());
}

#[test]
fn a_large_request_that_goes_where_no_model_is_is_not_read() {
    let (log, _probe) = log(everything());
    let long = "x".repeat(2 * 1024 * 1024);
    let body = format!(r#"{{"model":"small","messages":[{{"role":"user","content":"{long}"}}]}}"#);
    let begin = |path: &str| {
        let request = Request::new("POST", path).body(body.as_bytes());
        Wire::new().begin(&log, &request).unwrap().is_some()
    };
    assert!(begin("/v1/chat/completions"));
    assert!(!begin("/upload"));
}

#[test]
fn settings_are_read_in_one_walk_and_the_last_of_a_name_counts() {
    let (log, probe) = log(everything());
    let filler = (0..500).fold(String::new(), |text, at| {
        text + &format!(r#""x{at}":{at},"#)
    });
    let body = format!(
        r#"{{{filler}"model":"wrong","temperature":0.5,"model":"small","messages":[],"options":{{"seed":7}}}}"#
    );
    begin_at(&log, "/v1/chat/completions", &body).end();
    let event = &interactions(&probe)[0];
    assert_eq!(event.request_model(), Some("small"));
    assert_eq!(event.temperature(), Some(0.5));
    assert_eq!(event.seed(), Some("7"));
}
