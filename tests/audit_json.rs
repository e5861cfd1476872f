//! Requests and answers that are JSON are read as bodies on the wire are.
#![cfg(feature = "macros")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail where it stands"
)]

#[path = "common/recording.rs"]
mod recording;

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use llm_audit::{
    Audit, AuditOutput, Event, Facet, Json, Message, ResponseRecorder, Status, Usage, audit,
};
use recording::Recording;
use serde::Serialize;
use serde_json::{Value, json};

const FACETS: &[Facet] = &[
    Facet::Model,
    Facet::Prompt,
    Facet::Reasoning,
    Facet::RequestConfig,
    Facet::Response,
    Facet::SystemPrompt,
    Facet::ToolIo,
    Facet::Tools,
    Facet::Usage,
];

/// Messages as one line: `role: type=columns, …`.
fn shown(messages: Option<&[Message]>) -> String {
    let messages = messages.unwrap_or_default().iter();
    let shown = messages.map(|message| {
        let parts = message.parts.iter().flatten().map(|part| {
            let columns = [
                &part.r#type,
                &part.id,
                &part.name,
                &part.content,
                &part.arguments,
            ];
            let columns: Vec<_> = columns.into_iter().flatten().map(String::as_str).collect();
            columns.join("=")
        });
        let parts: Vec<_> = parts.collect();
        format!("{}: {}", message.role.as_deref().unwrap(), parts.join(", "))
    });
    shown.collect::<Vec<_>>().join("; ")
}

#[audit(auditor = log, input = request, output)]
fn ask(log: &Audit, request: &Value, answer: Value) -> Value {
    assert!(!request.is_null(), "{log:?}");
    answer
}

fn asked(request: &Value, answer: Value) -> Event {
    let recording = Recording::of(FACETS);
    ask(&recording.guard, request, answer);
    recording.event()
}

#[test]
fn values_in_the_shape_of_each_protocol_say_what_they_are() {
    let tool = json!({"id": "c-1", "function": {"name": "look", "arguments": "{\"at\":1}"}});
    let chat = json!({"role": "assistant", "content": "So."});
    for (request, answer) in [
        (
            json!({"model": "small", "max_tokens": 9, "messages": [{"role": "user", "content": "Why?"}]}),
            json!({"model": "small-1", "choices": [{"message": {"content": "So.", "tool_calls": [tool]}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 5, "completion_tokens": 2}}),
        ),
        (
            json!({"model": "small", "max_tokens": 9, "system": "Be brief.", "messages": [{"role": "user", "content": "Why?"}]}),
            json!({"model": "small-1", "type": "message", "stop_reason": "stop", "content": [
                {"type": "text", "text": "So."}, {"type": "tool_use", "id": "c-1", "name": "look", "input": {"at": 1}}],
                "usage": {"input_tokens": 5, "output_tokens": 2}}),
        ),
        (
            json!({"model": "small", "generationConfig": {"maxOutputTokens": 9}, "contents": [{"role": "user", "parts": [{"text": "Why?"}]}]}),
            json!({"modelVersion": "small-1", "candidates": [{"finishReason": "stop", "content": {"parts": [
                {"text": "So."}, {"functionCall": {"id": "c-1", "name": "look", "args": {"at": 1}}}]}}],
                "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 2}}),
        ),
        (
            json!({"model": "small", "max_output_tokens": 9, "input": "Why?"}),
            json!({"model": "small-1", "object": "response", "status": "completed", "output": [
                {"type": "message", "content": [{"type": "output_text", "text": "So."}]},
                {"type": "function_call", "call_id": "c-1", "name": "look", "arguments": "{\"at\":1}"}],
                "usage": {"input_tokens": 5, "output_tokens": 2}}),
        ),
        (
            json!({"model": "small", "options": {"num_predict": 9}, "messages": [{"role": "user", "content": "Why?"}]}),
            json!({"model": "small-1", "done": true, "done_reason": "stop", "prompt_eval_count": 5, "eval_count": 2,
                "message": {"content": "So.", "tool_calls": [tool]}}),
        ),
    ] {
        let event = asked(&request, answer);
        assert_eq!(
            shown(event.input_messages()),
            "user: text=Why?",
            "{request}"
        );
        let expected = r#"assistant: text=So., tool_call=c-1=look={"at":1}"#;
        assert_eq!(shown(event.output_messages()), expected, "{request}");
        assert_eq!(event.request_model(), Some("small"), "{request}");
        assert_eq!(event.response_model(), Some("small-1"), "{request}");
        assert_eq!(event.max_tokens(), Some(9), "{request}");
        assert_eq!(event.total_tokens(), Some(7), "{request}");
        assert_eq!(event.finish_reasons().unwrap().len(), 1, "{request}");
    }
    let event = asked(
        &json!([chat, {"role": "user", "content": "And?"}]),
        chat.clone(),
    );
    assert_eq!(
        shown(event.input_messages()),
        "assistant: text=So.; user: text=And?"
    );
    assert_eq!(shown(event.output_messages()), "assistant: text=So.");
}

#[test]
fn a_value_of_no_known_shape_is_its_json_and_a_text_is_a_text() {
    let event = asked(&json!({"rows": [1, 2]}), json!({"sum": 3}));
    assert_eq!(
        shown(event.input_messages()),
        r#"user: text={"rows":[1,2]}"#
    );
    assert_eq!(
        shown(event.output_messages()),
        r#"assistant: text={"sum":3}"#
    );
    let event = asked(&json!("Why?"), json!("So."));
    assert_eq!(shown(event.input_messages()), "user: text=Why?");
    assert_eq!(shown(event.output_messages()), "assistant: text=So.");
}

#[test]
fn an_answer_that_is_an_error_of_a_provider_is_none_that_went_well() {
    let answer = json!({"type": "response.failed", "response": {"error": {"code": "overloaded", "message": "No."}}});
    let event = asked(&json!("Why?"), answer);
    assert_eq!(event.status(), Some(Status::Error));
    assert_eq!(event.error_type(), Some("overloaded"));
}

#[test]
fn the_name_of_a_member_alone_makes_no_shape() {
    for value in [
        json!({"choices": ["a", "b"]}),
        json!({"candidates": ["a", "b"]}),
        json!({"done": true, "answer": "So."}),
        json!({"type": "message_sent", "text": "So."}),
        json!({"type": "message", "text": "So."}),
        json!({"type": "response.ready", "text": "So."}),
        json!({"stop_reason": "done", "answer": "So."}),
        json!({"stopReason": "done", "answer": "So."}),
        json!({"object": "list", "answer": "So."}),
        json!({"embedding": [1], "answer": "So."}),
        json!({"role": "admin", "name": "Ada"}),
        json!({"prompt": "Why?", "context": "There."}),
        json!({"input": "Why?", "context": "There."}),
        json!({"messages": ["a", "b"]}),
        json!({"contents": ["a chapter"]}),
    ] {
        let event = asked(&value, value.clone());
        let input = shown(event.input_messages());
        assert_eq!(input, format!("user: text={value}"));
        let output = shown(event.output_messages());
        assert_eq!(output, format!("assistant: text={value}"));
        assert_eq!(event.status(), Some(Status::Ok), "{value}");
    }
}

#[test]
fn a_body_that_is_an_error_is_one_and_no_response() {
    let quoted = "a secret of yours";
    for (answer, error_type) in [
        (
            json!({"error": {"message": quoted, "type": "rate_limit_exceeded", "code": null}}),
            "rate_limit_exceeded",
        ),
        (
            json!({"type": "error", "error": {"type": "overloaded_error", "message": quoted}, "request_id": "r-1"}),
            "overloaded_error",
        ),
        (
            json!({"error": {"code": 429, "message": quoted, "status": "RESOURCE_EXHAUSTED"}}),
            "RESOURCE_EXHAUSTED",
        ),
        (
            json!({"type": "error", "code": "server_error", "message": quoted, "sequence_number": 1}),
            "server_error",
        ),
        (
            json!({"object": "error", "message": quoted, "type": "BadRequestError", "code": 400}),
            "BadRequestError",
        ),
        (json!({"error": quoted}), "provider"),
    ] {
        let recording = Recording::of(&[Facet::Response, Facet::ErrorDetail]);
        ask(&recording.guard, &json!("Why?"), answer.clone());
        let event = recording.event();
        assert_eq!(event.status(), Some(Status::Error), "{answer}");
        assert_eq!(event.error_type(), Some(error_type), "{answer}");
        assert_eq!(event.error_message(), Some(quoted), "{answer}");
        assert!(event.output_messages().is_none(), "{answer}");
        let event = asked(&json!("Why?"), answer);
        assert_eq!(event.status(), Some(Status::Error));
        assert!(!event.to_json().contains("secret"));
    }
    for answer in [
        json!({"sum": 3, "error": 0.1}),
        json!({"fit": "linear", "error": "small"}),
        json!({"error": {"mean": 0.1}}),
    ] {
        let event = asked(&json!("Why?"), answer.clone());
        assert_eq!(event.status(), Some(Status::Ok), "{answer}");
        assert_eq!(
            shown(event.output_messages()),
            format!("assistant: text={answer}")
        );
    }
}

#[test]
fn what_serde_can_serialise_says_what_its_json_does() {
    #[derive(Serialize)]
    struct Request<'r> {
        model: &'r str,
        messages: Vec<[(&'r str, &'r str); 2]>,
    }

    #[audit(auditor = log, input = Json(&request), output = Json(out))]
    fn ask(log: &Audit, request: Request<'_>) -> Vec<u8> {
        assert!(request.messages.is_empty(), "{log:?}");
        vec![1, 2]
    }

    let recording = Recording::of(FACETS);
    let request = Request {
        model: "small",
        messages: Vec::new(),
    };
    ask(&recording.guard, request);
    let event = recording.event();
    assert_eq!(event.request_model(), Some("small"));
    assert_eq!(shown(event.output_messages()), "assistant: text=[1,2]");
}

#[test]
fn of_a_facet_that_is_off_nothing_is_taken_from_a_value() {
    let recording = Recording::of(&[Facet::Usage]);
    let request = json!({"model": "small", "messages": [{"role": "user", "content": "a secret"}]});
    let answer = json!({"choices": [{"message": {"content": "a secret"}}], "usage": {"prompt_tokens": 5, "completion_tokens": 2}});
    ask(&recording.guard, &request, answer);
    let event = recording.event();
    assert_eq!(event.total_tokens(), Some(7));
    let json = event.to_json();
    assert!(
        !json.contains("secret") && !json.contains("small"),
        "{json}"
    );
}

struct List<T>(std::vec::IntoIter<T>);

impl<T: Unpin> Stream for List<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        Poll::Ready(self.0.next())
    }
}

/// Reads the first `most` items, and drops the stream.
fn read<T>(stream: impl Stream<Item = T>, most: usize) {
    let mut stream = Box::pin(stream);
    let mut task = Context::from_waker(Waker::noop());
    for _ in 0..most {
        assert!(stream.as_mut().poll_next(&mut task).is_ready());
    }
}

#[test]
fn chunks_that_are_values_are_put_together() {
    #[audit(auditor = log, output)]
    fn ask(log: &Audit, chunks: Vec<Value>) -> impl Stream<Item = Value> + use<> {
        List(chunks.into_iter())
    }

    let chunk = |delta: Value| json!({"id": "c", "model": "small-1", "choices": [{"index": 0, "delta": delta}]});
    let call = |tool: Value| chunk(json!({"tool_calls": [tool]}));
    let chunks = vec![
        chunk(json!({"role": "assistant", "content": "Let me "})),
        chunk(json!({"content": "look."})),
        call(json!({"index": 0, "id": "t-1", "function": {"name": "look", "arguments": "{\"a"}})),
        call(json!({"index": 0, "function": {"arguments": "t\":1}"}})),
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
        json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}),
    ];
    for (most, status) in [(7, Status::Ok), (5, Status::Ok), (4, Status::Cancelled)] {
        let recording = Recording::of(FACETS);
        read(ask(&recording.guard, chunks.clone()), most);
        let event = recording.event();
        assert_eq!(event.status(), Some(status), "{most}");
        let expected = r#"assistant: text=Let me look., tool_call=t-1=look={"at":1}"#;
        assert_eq!(shown(event.output_messages()), expected, "{most}");
        assert_eq!(event.total_tokens(), (most == 7).then_some(7), "{most}");
    }
}

#[test]
fn a_stream_is_complete_when_each_choice_that_has_begun_has_ended() {
    #[audit(auditor = log, output)]
    fn ask(log: &Audit, chunks: Vec<Value>) -> impl Stream<Item = Value> + use<> {
        List(chunks.into_iter())
    }

    let chunk = |index: u64, finish: Option<&str>| json!({"choices": [{"index": index, "delta": {"content": "So."}, "finish_reason": finish}]});
    let chunks = vec![
        chunk(0, None),
        chunk(0, Some("stop")),
        chunk(1, None),
        chunk(1, Some("stop")),
    ];
    for (most, status) in [
        (1, Status::Cancelled),
        (2, Status::Ok),
        (3, Status::Cancelled),
        (4, Status::Ok),
    ] {
        let recording = Recording::of(FACETS);
        read(ask(&recording.guard, chunks.clone()), most);
        assert_eq!(recording.event().status(), Some(status), "{most}");
    }
}

/// An item of an agent's stream.
#[derive(Clone)]
enum Item {
    Text(&'static str),
    Call(&'static str),
    Delta(u32, Option<&'static str>, &'static str),
    End,
}

impl AuditOutput for Item {
    fn describe(&self, response: &mut ResponseRecorder<'_>) {
        match self {
            Self::Text(text) => response.text(*text),
            Self::Call(id) => response.tool_call(id, "look", &json!({"at": 1})),
            Self::Delta(slot, id, text) => {
                response.tool_call_delta(*slot, *id, id.map(|_| "find"), text)
            }
            Self::End => response.finish_reasons(["stop"]).usage(Usage::openai(1, 2)),
        };
    }
}

fn items() -> Vec<Item> {
    vec![
        Item::Text("One "),
        Item::Text("moment. "),
        Item::Call("t-1"),
        Item::Text("And "),
        Item::Delta(0, Some("t-2"), "{\"a"),
        Item::Delta(1, Some("t-3"), "{}"),
        Item::Delta(0, None, "\":2}"),
        Item::Text("done."),
        Item::End,
    ]
}

#[audit(auditor = log, output)]
fn agent(log: &Audit, items: Vec<Item>) -> impl Stream<Item = Item> + use<> {
    List(items.into_iter())
}

#[test]
fn parts_of_a_stream_are_in_the_order_in_which_they_came() {
    let recording = Recording::of(FACETS);
    read(agent(&recording.guard, items()), 10);
    assert_eq!(
        shown(recording.event().output_messages()),
        "assistant: text=One moment. , tool_call=t-1=look={\"at\":1}, text=And , \
         tool_call=t-2=find={\"a\":2}, tool_call=t-3=find={}, text=done."
    );
}

#[test]
fn whether_a_stream_is_complete_does_not_hang_on_what_is_captured() {
    #[audit(auditor = log, out(finish_reasons = matches!(out, Item::End).then_some(["stop"])))]
    fn by_name(log: &Audit) -> impl Stream<Item = Item> + use<> {
        List(items().into_iter())
    }

    for facets in [&[Facet::Response][..], &[Facet::Timing], &[Facet::Model]] {
        let recording = Recording::of(facets);
        read(agent(&recording.guard, items()), 9);
        read(by_name(&recording.guard), 9);
        read(agent(&recording.guard, items()), 8);
        let events = recording.events();
        let statuses: Vec<_> = events.iter().map(|event| event.status().unwrap()).collect();
        assert_eq!(
            statuses,
            [Status::Ok, Status::Ok, Status::Cancelled],
            "{facets:?}"
        );
        let reasons = (facets == [Facet::Model]).then(|| vec!["stop".to_owned()]);
        assert_eq!(events[0].finish_reasons(), reasons.as_deref());
        assert_eq!(events[1].finish_reasons(), reasons.as_deref());
    }
}
