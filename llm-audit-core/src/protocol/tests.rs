//! Every protocol, unary and streaming, and every way in which a call can end.

mod details;
mod ends;
mod hostile;
mod media;
mod members;
mod scripts;

use super::{Exchange, Request, Wire};
use crate::audit::AuditGuard;
use crate::event::{Event, Kind, Message, Part, Status};
use crate::facet::Facet;
use crate::level::Level;
use crate::policy::{Policy, PolicyBuilder};
use crate::retention::Retention;
use crate::testing::{ManualClock, Probe, probe_with};
use scripts::{SCRIPTS, Script};

/// A log that captures all.
fn everything() -> PolicyBuilder {
    let all = Facet::ALL
        .iter()
        .fold(Policy::builder(), |policy, facet| match facet {
            Facet::Raw => policy,
            facet => policy.facet(*facet, Level::Full),
        });
    all.retention(Retention::Days30)
}

fn log(policy: PolicyBuilder) -> (AuditGuard, Probe) {
    let builder = crate::builder()
        .policy(policy.build().unwrap())
        .clock(ManualClock::new());
    probe_with(builder).unwrap()
}

/// Plays `script` with its body in `pieces`, but for the end.
fn begin(wire: &Wire, log: &AuditGuard, script: &Script, pieces: &[&[u8]]) -> Exchange {
    let headers: Vec<_> = script
        .headers
        .iter()
        .map(|(n, v)| (*n, v.as_bytes()))
        .collect();
    let request = Request::new("POST", script.path)
        .host("localhost", Some(8080))
        .headers(&headers)
        .body(script.request.as_bytes());
    let mut exchange = wire.begin(log, &request).unwrap().expect(script.name);
    exchange.response(200, &[("content-type", script.media_type.as_bytes())]);
    for piece in pieces {
        exchange.chunk(piece);
    }
    exchange
}

fn play(wire: &Wire, log: &AuditGuard, script: &Script, pieces: &[&[u8]]) {
    begin(wire, log, script, pieces).end();
}

fn interactions(probe: &Probe) -> Vec<Event> {
    probe.kind(Kind::Interaction)
}

/// Messages as one line: `role: type=content, …; role: …`.
fn shown(messages: Option<&[Message]>) -> String {
    let part = |part: &Part| {
        let columns = [
            &part.id,
            &part.name,
            &part.content,
            &part.arguments,
            &part.response,
        ];
        let media = [&part.mime_type, &part.uri, &part.file_id];
        let mut text = part.r#type.clone().unwrap_or_default();
        for column in columns
            .into_iter()
            .chain(media)
            .chain([&part.signature])
            .flatten()
        {
            text += "=";
            text += column;
        }
        if let (Some(bytes), Some(digest)) = (part.bytes, &part.digest) {
            text += &format!("={bytes}={}", &digest[..15]);
        }
        text
    };
    let message = |message: &Message| {
        let parts: Vec<_> = message.parts.iter().flatten().map(part).collect();
        let reason = message
            .finish_reason
            .as_ref()
            .map(|reason| format!(" ({reason})"));
        format!(
            "{}: {}{}",
            message.role.as_deref().unwrap_or(""),
            parts.join(", "),
            reason.unwrap_or_default()
        )
    };
    let messages: Vec<_> = messages.unwrap_or_default().iter().map(message).collect();
    messages.join("; ")
}

#[test]
fn every_protocol_gives_the_same_fields_unary_and_streaming() {
    let (log, probe) = log(everything());
    for script in SCRIPTS {
        play(&Wire::new(), &log, script, &[&(script.body)()]);
    }
    let events = interactions(&probe);
    assert_eq!(events.len(), SCRIPTS.len());
    assert_eq!(probe.kind(Kind::ModelConnection).len(), SCRIPTS.len());
    for (script, event) in SCRIPTS.iter().zip(&events) {
        assert_eq!(event.status(), Some(Status::Ok), "{}", script.name);
        assert_eq!(
            shown(event.input_messages()),
            script.input,
            "{}",
            script.name
        );
        assert_eq!(
            shown(event.output_messages()),
            script.output,
            "{}",
            script.name
        );
        let reasons = event.finish_reasons().unwrap_or_default();
        assert_eq!(reasons, script.reasons, "{}", script.name);
        let tokens = [
            event.input_tokens(),
            event.cache_read_input_tokens(),
            event.cache_write_input_tokens(),
            event.output_tokens(),
            event.reasoning_output_tokens(),
            event.total_tokens(),
        ];
        assert_eq!(
            tokens.map(Option::unwrap_or_default),
            script.tokens,
            "{}",
            script.name
        );
        assert_eq!(event.usage_source(), Some("provider"), "{}", script.name);
        assert_eq!(event.provider(), Some(script.provider), "{}", script.name);
        assert_eq!(event.request_model(), Some("small"), "{}", script.name);
        let is_stream = !script.media_type.contains("json") || script.name.contains("stream");
        assert_eq!(event.chunk_count().is_some(), is_stream, "{}", script.name);
    }
}

#[test]
fn where_a_body_is_split_does_not_matter() {
    let (log, _probe) = log(everything());
    for script in SCRIPTS {
        let (wire, body) = (Wire::new(), (script.body)());
        let read = |pieces: &[&[u8]]| begin(&wire, &log, script, pieces).into_fields();
        let whole = read(&[&body]);
        assert_eq!(whole.0, Some(Status::Ok), "{}", script.name);
        let bytes: Vec<_> = body.chunks(1).collect();
        assert!(read(&bytes) == whole, "{} byte by byte", script.name);
        for at in 0..=body.len() {
            let (head, tail) = body.split_at(at);
            assert!(read(&[head, tail]) == whole, "{} at {at}", script.name);
        }
    }
}

#[test]
fn of_a_facet_that_is_off_nothing_is_captured_and_the_counts_stay() {
    let policy = Policy::builder().facet(Facet::Usage, Level::Full);
    let (log, probe) = log(policy);
    for script in SCRIPTS {
        play(&Wire::new(), &log, script, &[&(script.body)()]);
    }
    let events = interactions(&probe);
    for (script, event) in SCRIPTS.iter().zip(&events) {
        assert_eq!(
            event.total_tokens(),
            Some(script.tokens[5]),
            "{}",
            script.name
        );
        for facet in [
            Facet::Prompt,
            Facet::Response,
            Facet::Model,
            Facet::ToolIo,
            Facet::Media,
        ] {
            let fields = crate::schema::CATALOG
                .iter()
                .filter(|info| info.facet == Some(facet));
            for info in fields {
                assert!(
                    event.get(info.field).is_none(),
                    "{}: {}",
                    script.name,
                    info.name
                );
            }
        }
    }
}

#[test]
fn the_request_and_the_answer_say_what_they_are() {
    let (log, probe) = log(everything());
    let headers = [("authorization", &b"Bearer sk-secret"[..])];
    let request = Request::new("POST", "/v1/chat/completions?trace=1")
        .host("api.openai.com", Some(443))
        .headers(&headers)
        .body(
            br#"{"model":"small","temperature":0.5,"top_p":1,"max_tokens":64,"stop":"\n","n":1,"seed":7,
            "stream":false,"tool_choice":"auto","response_format":{"type":"json_schema"},
            "reasoning_effort":"low","messages":[],
            "tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object"}}}]}"#,
        );
    let mut exchange = Wire::new()
        .credential_alias("team")
        .begin(&log, &request)
        .unwrap()
        .unwrap();
    let id = exchange.event_id();
    exchange.response(
        200,
        &[
            ("Content-Type", b"application/json"),
            ("x-ratelimit-limit-requests", b"60"),
            ("x-ratelimit-limit-tokens", b"4000"),
            ("x-ratelimit-remaining-tokens", b"3990"),
        ],
    );
    exchange.chunk(
        br#"{"id":"c-1","model":"small-2","system_fingerprint":"fp","service_tier":"default",
        "choices":[{"message":{"content":"{}"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,
        "completion_tokens":2,"prompt_tokens_details":{"audio_tokens":1}}}"#,
    );
    assert_eq!(exchange.end(), id);
    let events = interactions(&probe);
    let event = &events[0];
    assert_eq!(event.event_id(), id.unwrap());
    let json = event.to_json();
    for expected in [
        r#""provider":"openai""#,
        r#""temperature":0.5"#,
        r#""max_tokens":64"#,
        r#""stop_sequences":["\n"]"#,
        r#""seed":"7""#,
        r#""stream":false"#,
        r#""tool_choice":"auto""#,
        r#""output_type":"json""#,
        r#""reasoning_effort":"low""#,
        r#""response_id":"c-1""#,
        r#""response_model":"small-2""#,
        r#""system_fingerprint":"fp""#,
        r#""service_tier":"default""#,
        r#""quota_limit":4000"#,
        r#""quota_remaining":3990"#,
        r#""connection_method":"api_key""#,
        r#""credential_alias":"team""#,
        r#""server_address":"api.openai.com""#,
        r#""server_port":443"#,
        r#""http_status":200"#,
        r#""modality_tokens":{"audio.input":1}"#,
        r#""name":"weather""#,
        r#""usage_raw":"#,
    ] {
        assert!(json.contains(expected), "{expected} in {json}");
    }
    let all: String = probe.all_events().iter().map(Event::to_json).collect();
    assert!(!all.contains("sk-secret"));
}
