//! How calls end.

use super::*;
use crate::catalog::Field;
use crate::protocol::Failure;

const REQUEST: &[u8] =
    br#"{"model":"small","stream":true,"messages":[{"role":"user","content":"Hi."}]}"#;
const PIECE: &[u8] = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hel\"}}]}\n\n";

fn begin(wire: &Wire, log: &AuditGuard) -> Exchange {
    let request = Request::new("POST", "/v1/chat/completions")
        .host("localhost", None)
        .body(REQUEST);
    wire.begin(log, &request).unwrap().unwrap()
}

fn streaming(wire: &Wire, log: &AuditGuard) -> Exchange {
    let mut exchange = begin(wire, log);
    exchange.response(200, &[("content-type", b"text/event-stream")]);
    exchange.chunk(PIECE);
    exchange
}

#[test]
fn a_stream_that_is_cut_is_partial_and_one_that_is_dropped_is_cancelled() {
    let (log, probe) = log(everything());
    let wire = Wire::new();
    streaming(&wire, &log).end();
    drop(streaming(&wire, &log));
    drop(begin(&wire, &log));
    let statuses: Vec<_> = interactions(&probe)
        .iter()
        .map(|e| e.status().unwrap())
        .collect();
    assert_eq!(
        statuses,
        [Status::Partial, Status::Cancelled, Status::Cancelled]
    );
    assert_eq!(interactions(&probe)[1].response().as_deref(), Some("Hel"));
}

#[test]
fn a_stream_is_complete_when_its_protocol_says_so_and_not_when_its_body_ends() {
    let (log, probe) = log(everything());
    let mut seen = 0;
    for script in SCRIPTS
        .iter()
        .filter(|script| script.media_type != "application/json")
    {
        let (wire, body) = (Wire::new(), (script.body)());
        let request = Request::new("POST", script.path).body(script.request.as_bytes());
        let headers: Vec<_> = script
            .headers
            .iter()
            .map(|(n, v)| (*n, v.as_bytes()))
            .collect();
        for cut in [0, 1, 40] {
            let mut exchange = wire
                .begin(&log, &request.headers(&headers))
                .unwrap()
                .unwrap();
            exchange.response(200, &[("content-type", script.media_type.as_bytes())]);
            exchange.chunk(&body[..body.len() / (1 + cut)]);
            drop(exchange);
        }
        let events = interactions(&probe).split_off(seen);
        seen += events.len();
        assert_eq!(events[0].status(), Some(Status::Ok), "{}", script.name);
        assert_eq!(
            events[1].status(),
            Some(Status::Cancelled),
            "{}",
            script.name
        );
        assert_eq!(
            events[2].status(),
            Some(Status::Cancelled),
            "{}",
            script.name
        );
    }
}

#[test]
fn a_stream_without_its_terminator_is_complete_when_every_choice_has_ended() {
    let (log, probe) = log(everything());
    let wire = Wire::new();
    let mut exchange = streaming(&wire, &log);
    exchange
        .chunk(b"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n");
    exchange.end();
    probe.one_of(Kind::Interaction).status(Status::Ok);
}

#[test]
fn whether_a_stream_is_complete_does_not_depend_on_what_is_captured() {
    let first = r#"data: {"choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}}]}"#;
    let ends = |choice| {
        format!(
            "data: {{\"choices\":[{{\"index\":{choice},\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n"
        )
    };
    let policies = [
        everything(),
        Policy::builder().facet(Facet::Usage, Level::Full),
    ];
    for policy in policies {
        let (log, probe) = log(policy);
        for choices in [1, 2] {
            for is_dropped in [false, true] {
                let mut exchange = begin(&Wire::new(), &log);
                exchange.response(200, &[("content-type", b"text/event-stream")]);
                exchange.chunk(format!("{first}\n\n").as_bytes());
                for choice in 0..choices {
                    exchange.chunk(ends(choice).as_bytes());
                }
                if !is_dropped {
                    exchange.end();
                }
            }
        }
        let events = interactions(&probe);
        let statuses: Vec<_> = events.iter().map(|event| event.status().unwrap()).collect();
        let expected = [Status::Partial, Status::Cancelled, Status::Ok, Status::Ok];
        assert_eq!(statuses, expected);
    }
}

#[test]
fn a_body_is_read_in_the_form_that_it_has_and_not_taken_for_an_answer_that_it_is_not() {
    let chunk = r#"{"choices":[{"index":0,"delta":{"content":"Hel"}}]}"#;
    let last = r#"{"choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":"stop"}]}"#;
    let cases: [(&str, &str, String, Status, &str); 6] = [
        (
            "",
            "",
            format!("data: {chunk}\n\ndata: {last}\n\n"),
            Status::Ok,
            "Hello",
        ),
        (
            "text/plain",
            "",
            format!(": hi\n\ndata: {chunk}\n\n"),
            Status::Partial,
            "Hel",
        ),
        (
            "application/json",
            "identity",
            format!("{chunk}\n{last}\n"),
            Status::Ok,
            "Hello",
        ),
        (
            "application/json",
            "",
            format!("{chunk}\n"),
            Status::Ok,
            "Hel",
        ),
        (
            "text/html",
            "",
            "<html>Sign in</html>".to_owned(),
            Status::Partial,
            "",
        ),
        (
            "text/event-stream",
            "gzip",
            "\u{1f}compressed".to_owned(),
            Status::Partial,
            "",
        ),
    ];
    let (log, probe) = log(everything());
    for (media_type, coding, body, status, text) in cases {
        let mut exchange = begin(&Wire::new(), &log);
        let headers = [
            ("content-type", media_type.as_bytes()),
            ("content-encoding", coding.as_bytes()),
        ];
        exchange.response(200, &headers);
        exchange.chunk(body.as_bytes());
        exchange.end();
        let events = interactions(&probe);
        let event = events.last().unwrap();
        assert_eq!(event.status(), Some(status), "{media_type} {body}");
        assert_eq!(
            event.response().unwrap_or_default(),
            text,
            "{media_type} {body}"
        );
        let is_unread = event.to_json().contains(r#""failed""#);
        assert_eq!(is_unread, coding == "gzip", "{}", event.to_json());
    }
}

#[test]
fn calls_that_a_server_numbers_alike_are_two() {
    let (log, probe) = log(everything());
    for index in ["\"index\":0,", ""] {
        let mut exchange = begin(&Wire::new(), &log);
        exchange.response(200, &[("content-type", b"text/event-stream")]);
        for (id, name) in [("t-1", "a"), ("t-2", "b")] {
            exchange.chunk(format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{{{index}\"id\":\"{id}\",\"function\":{{\"name\":\"{name}\",\"arguments\":\"{{}}\"}}}}]}}}}]}}\n\n").as_bytes());
        }
        exchange.end();
        let events = interactions(&probe);
        let shown = shown(events.last().unwrap().output_messages());
        assert_eq!(shown, "assistant: tool_call=t-1=a={}, tool_call=t-2=b={}");
    }
}

#[test]
fn a_failure_in_an_event_stream_needs_no_payload() {
    let (log, probe) = log(everything());
    for (kind, name) in [
        (":error-code", "throttled"),
        (":exception-type", "modelStreamErrorException"),
    ] {
        let request = Request::new("POST", "/model/m/converse-stream");
        let mut exchange = Wire::new().begin(&log, &request).unwrap().unwrap();
        exchange.response(
            200,
            &[("content-type", b"application/vnd.amazon.eventstream")],
        );
        exchange.chunk(&crate::protocol::event_stream::tests::message(
            &[(":message-type", "error"), (kind, name)],
            "",
        ));
        exchange.end();
        let events = interactions(&probe);
        let event = events.last().unwrap();
        assert_eq!(
            (event.status(), event.error_type()),
            (Some(Status::Error), Some(name))
        );
    }
}

#[test]
fn a_document_that_breaks_off_is_partial() {
    let (log, probe) = log(everything());
    let mut exchange = begin(&Wire::new(), &log);
    exchange.response(200, &[("content-type", b"application/json")]);
    exchange.chunk(br#"{"choices":[{"message":{"content":"Hel"#);
    exchange.end();
    probe.one_of(Kind::Interaction).status(Status::Partial);
}

#[test]
fn what_a_provider_refuses_is_an_error_of_its_class() {
    let cases: [(&str, u16, &str, &str, &str); 6] = [
        (
            "/v1/chat/completions",
            429,
            r#"{"error":{"message":"Slow down.","type":"requests","code":"rate_limit_exceeded"}}"#,
            "requests",
            "Slow down.",
        ),
        (
            "/v1/messages",
            529,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Busy."}}"#,
            "overloaded_error",
            "Busy.",
        ),
        (
            "/v1beta/models/m:generateContent",
            400,
            r#"{"error":{"code":400,"message":"No.","status":"INVALID_ARGUMENT"}}"#,
            "INVALID_ARGUMENT",
            "No.",
        ),
        (
            "/api/chat",
            404,
            r#"{"error":"model not found"}"#,
            "404",
            "model not found",
        ),
        (
            "/model/m/converse",
            403,
            r#"{"message":"Denied."}"#,
            "AccessDeniedException",
            "Denied.",
        ),
        ("/v1/responses", 502, "<html>Bad gateway</html>", "502", ""),
    ];
    let (log, probe) = log(everything());
    for (path, status, body, class, message) in cases {
        let request = Request::new("POST", path);
        let mut exchange = Wire::new().begin(&log, &request).unwrap().unwrap();
        let mut headers = vec![("content-type", &b"application/json"[..])];
        if path.contains("converse") {
            headers.push(("x-amzn-ErrorType", b"AccessDeniedException:http://x/"));
        }
        exchange.response(status, &headers);
        exchange.chunk(body.as_bytes());
        exchange.end();
        let events = interactions(&probe);
        let event = events.last().unwrap();
        assert_eq!(event.status(), Some(Status::Error), "{path}");
        assert_eq!(event.error_type(), Some(class), "{path}");
        assert_eq!(event.error_message().unwrap_or_default(), message, "{path}");
        assert_eq!(event.error_body(), Some(body), "{path}");
    }
}

#[test]
fn an_error_within_a_stream_is_an_error() {
    let bodies: [(&str, &str, &[u8], &str); 3] = [
        ("/v1/chat/completions", "text/event-stream", b"data: {\"error\":{\"message\":\"x\",\"type\":\"server_error\"}}\n\n", "server_error"),
        ("/v1/messages", "text/event-stream", b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n", "overloaded_error"),
        ("/v1/responses", "text/event-stream", b"data: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"server_error\",\"message\":\"x\"}}}\n\n", "server_error"),
    ];
    let (log, probe) = log(everything());
    for (path, media_type, body, class) in bodies {
        let mut exchange = Wire::new()
            .begin(&log, &Request::new("POST", path))
            .unwrap()
            .unwrap();
        exchange.response(200, &[("content-type", media_type.as_bytes())]);
        exchange.chunk(body);
        exchange.end();
        let events = interactions(&probe);
        let event = events.last().unwrap();
        let ended = (event.status(), event.error_type());
        assert_eq!(ended, (Some(Status::Error), Some(class)), "{path}");
    }
}

#[test]
fn an_exception_in_an_event_stream_is_an_error() {
    let (log, probe) = log(everything());
    let request = Request::new("POST", "/model/m/converse-stream");
    let mut exchange = Wire::new().begin(&log, &request).unwrap().unwrap();
    exchange.response(
        200,
        &[("content-type", b"application/vnd.amazon.eventstream")],
    );
    let headers = [
        (":message-type", "exception"),
        (":exception-type", "throttlingException"),
    ];
    exchange.chunk(&crate::protocol::event_stream::tests::message(
        &headers,
        r#"{"message":"x"}"#,
    ));
    exchange.end();
    probe
        .one_of(Kind::Interaction)
        .status(Status::Error)
        .error_type("throttlingException");
}

#[test]
fn a_connection_is_recorded_when_it_is_first_used_and_whenever_it_fails() {
    let (log, probe) = log(everything());
    let wire = Wire::new();
    for _ in 0..2 {
        drop(streaming(&wire, &log));
    }
    assert_eq!(probe.kind(Kind::ModelConnection).len(), 1);
    for _ in 0..2 {
        begin(&wire, &log).response(401, &[]);
        begin(&wire, &log).response(403, &[]);
        begin(&wire, &log).fail(Failure::Connect, &"refused");
        begin(&wire, &log).fail(Failure::Tls, &"untrusted");
        begin(&wire, &log).fail(Failure::Timeout, &"late");
        begin(&wire, &log).response(500, &[]);
    }
    let connections = probe.kind(Kind::ModelConnection);
    let errors: Vec<_> = connections
        .iter()
        .map(|event| event.error_type().unwrap_or(""))
        .collect();
    assert_eq!(
        errors,
        [
            "", "401", "403", "connect", "tls", "401", "403", "connect", "tls"
        ]
    );
    assert!(
        connections
            .iter()
            .all(|event| event.parent_event_id().is_some())
    );
}

#[test]
fn a_failure_of_the_transport_has_its_class_and_a_time_out_is_one() {
    let (log, probe) = log(everything());
    let wire = Wire::new();
    begin(&wire, &log).fail(Failure::Transport, &"reset");
    streaming(&wire, &log).fail(Failure::Timeout, &"late");
    let events = interactions(&probe);
    assert_eq!(
        (events[0].status(), events[0].error_type()),
        (Some(Status::Error), Some("transport"))
    );
    assert_eq!(
        (events[1].status(), events[1].error_type()),
        (Some(Status::Timeout), Some("timeout"))
    );
    assert_eq!(events[1].response().as_deref(), Some("Hel"));
}

#[test]
fn a_client_that_tries_again_makes_one_call() {
    let (log, probe) = log(everything());
    let mut exchange = begin(&Wire::new(), &log);
    exchange.response(503, &[]);
    exchange.chunk(br#"{"error":{"type":"busy"}}"#);
    exchange.retry();
    exchange.response(200, &[("content-type", b"text/event-stream")]);
    exchange.chunk(PIECE);
    exchange.chunk(b"data: [DONE]\n\n");
    drop(exchange);
    let check = probe.one_of(Kind::Interaction);
    check
        .status(Status::Ok)
        .response("Hel")
        .field(Field::Attempt, 2)
        .field(Field::Retries, 1)
        .lacks(Field::ErrorType);
}

#[test]
fn what_is_no_call_of_a_model_is_let_by() {
    let (log, probe) = log(everything());
    for (method, path) in [
        ("GET", "/v1/chat/completions"),
        ("POST", "/v1/files"),
        ("POST", "/"),
    ] {
        assert!(
            Wire::new()
                .begin(&log, &Request::new(method, path))
                .unwrap()
                .is_none()
        );
    }
    probe.none();
}

#[test]
fn a_refusal_is_part_of_the_answer() {
    let (log, probe) = log(everything());
    let mut exchange = begin(&Wire::new(), &log);
    exchange.response(200, &[("content-type", b"application/json")]);
    exchange.chunk(br#"{"choices":[{"message":{"content":null,"refusal":"I cannot."},"finish_reason":"content_filter"}]}"#);
    exchange.end();
    let event = &interactions(&probe)[0];
    assert_eq!(
        shown(event.output_messages()),
        "assistant: refusal=I cannot. (content_filter)"
    );
}
