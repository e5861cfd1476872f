//! Media, and what is too large: neither is in the log as what it is not.

use super::*;
use crate::catalog::Field;

/// `hello` in base64, long enough to be media under any name.
fn base64() -> String {
    "aGVsbG9o".repeat(256)
}

fn ask(log: &AuditGuard, path: &str, body: &str) {
    let request = Request::new("POST", path).body(body.as_bytes());
    let exchange = Wire::new().begin(log, &request).unwrap();
    drop(exchange.expect("a call of a model"));
}

fn tools_without_media() -> PolicyBuilder {
    Policy::builder()
        .facet(Facet::Prompt, Level::Full)
        .facet(Facet::Response, Level::Full)
        .facet(Facet::ToolIo, Level::Full)
        .retention(Retention::Days30)
}

/// Requests in which a tool gave an image and a text.
fn with_images(data: &str) -> Vec<(&'static str, String)> {
    let chat = "/v1/chat/completions";
    let of_tool = |content: String| {
        format!(
            r#"{{"model":"m","messages":[{{"role":"tool","tool_call_id":"t","content":{content}}}]}}"#
        )
    };
    let in_text = format!(r#"[{{"type":"image","mimeType":"image/png","data":"{data}"}},"kept"]"#);
    vec![
        (
            "/v1/messages",
            format!(
                r#"{{"messages":[{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t","content":[
                {{"type":"text","text":"kept"}},
                {{"type":"image","source":{{"type":"base64","media_type":"image/png","data":"{data}"}}}}]}}]}}]}}"#
            ),
        ),
        (
            "/model/m/converse",
            format!(
                r#"{{"messages":[{{"role":"user","content":[{{"toolResult":{{"toolUseId":"t","content":[{{"text":"kept"}},
                {{"image":{{"format":"png","source":{{"bytes":"{data}"}}}}}}]}}}}]}}]}}"#
            ),
        ),
        (
            chat,
            of_tool(format!(
                r#"[{{"type":"text","text":"kept"}},{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{data}"}}}}]"#
            )),
        ),
        (chat, of_tool(serde_json::to_string(&in_text).unwrap())),
        (
            chat,
            of_tool(format!(r#"["kept","data:image/png;base64,{data}"]"#)),
        ),
        (
            "/v1/responses",
            format!(
                r#"{{"model":"m","input":[{{"type":"function_call_output","call_id":"t","output":[
                {{"type":"input_text","text":"kept"}},{{"type":"input_image","image_url":"data:image/png;base64,{data}"}}]}}]}}"#
            ),
        ),
        (
            "/v1beta/models/m:generateContent",
            format!(
                r#"{{"contents":[{{"role":"function","parts":[{{"functionResponse":{{"name":"look","response":{{"is":"kept",
                "image":{{"inlineData":{{"mimeType":"image/png","data":"{data}"}}}}}}}}}}]}}]}}"#
            ),
        ),
    ]
}

#[test]
fn images_that_tools_give_are_not_captured_without_their_facet() {
    for data in ["aGVsbG8=".to_owned(), base64()] {
        for (path, body) in with_images(&data) {
            let (log, probe) = log(tools_without_media());
            ask(&log, path, &body);
            let json = interactions(&probe)[0].to_json();
            assert!(!json.contains("aGVsbG"), "{path}: {json}");
            assert!(
                json.contains("kept") && json.contains("blob"),
                "{path}: {json}"
            );
        }
    }
}

#[test]
fn images_that_tools_give_are_a_type_a_size_and_a_digest() {
    for (path, body) in with_images("aGVsbG8=") {
        let (log, probe) = log(everything());
        ask(&log, path, &body);
        let json = interactions(&probe)[0].to_json();
        assert!(!json.contains("aGVsbG"), "{path}: {json}");
        let response = json.replace('\\', "");
        assert!(
            response.contains("sha256:2cf24dba5fb0a30e"),
            "{path}: {json}"
        );
        assert!(response.contains(r#""bytes":5"#), "{path}: {json}");
    }
}

#[test]
fn bytes_without_a_known_shape_are_media_if_they_are_long() {
    let (log, probe) = log(tools_without_media());
    let data = base64();
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"assistant","tool_calls":[{{"id":"t","type":"function",
        "function":{{"name":"put","arguments":"{{\"shot\":\"{data}\"}}"}}}}]}},
        {{"role":"tool","tool_call_id":"t","content":"{data}"}},
        {{"role":"tool","tool_call_id":"t","content":{{"resource":{{"uri":"a://b","blob":"aGVsbG8="}}}}}}]}}"#
    );
    ask(&log, "/v1/chat/completions", &body);
    let json = interactions(&probe)[0].to_json();
    assert!(!json.contains("aGVsbG"), "{json}");
    assert_eq!(json.matches("blob").count(), 4, "{json}");
}

#[test]
fn what_a_tool_gives_stays_as_it_is_where_it_is_no_media() {
    let (log, probe) = log(tools_without_media());
    let given = r#"[{"type":"file","name":"a.txt"},{"document":"a text, no bytes","n":1.50},{"image":null},[],{},"A\u00e9"]"#;
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"tool","tool_call_id":"t","content":{given}}}]}}"#
    );
    ask(&log, "/v1/chat/completions", &body);
    let event = &interactions(&probe)[0];
    let messages = event.input_messages().unwrap();
    let part = &messages[0].parts.as_ref().unwrap()[0];
    assert_eq!(part.response.as_deref(), Some(given));
}

#[test]
fn a_request_that_is_too_large_is_marked_and_what_was_cut_has_no_digest() {
    let (log, probe) = log(everything());
    let image = "aGVsbG9o".repeat(1 << 20);
    let secret = format!("{}sk-live-{}", "x".repeat(240), "9".repeat(4000));
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":[
        {{"type":"image_url","image_url":{{"url":"data:image/png;base64,{image}"}}}},
        {{"type":"text","text":"{secret}"}}]}}],"temperature":0.5,
        "tools":[{{"type":"function","function":{{"name":"f","description":"{secret}"}}}}]}}"#
    );
    assert!(body.len() > crate::protocol::MAX_REQUEST_BYTES);
    ask(&log, "/v1/chat/completions", &body);
    let event = &interactions(&probe)[0];
    let cut: Vec<_> = event.truncations().unwrap().iter().collect();
    let fields: Vec<_> = cut.iter().filter_map(|cut| cut.field.as_deref()).collect();
    assert!(fields.contains(&"input_messages"), "{fields:?}");
    assert!(fields.contains(&"tool_definitions"), "{fields:?}");
    assert_eq!(cut[0].bytes, Some(body.len() as u64));
    let messages = event.input_messages().unwrap();
    let image = &messages[0].parts.as_ref().unwrap()[0];
    assert_eq!(image.mime_type.as_deref(), Some("image/png"));
    assert_eq!((image.bytes, image.digest.as_deref()), (None, None));
    assert_eq!(event.temperature(), Some(0.5));
    let json = event.to_json();
    assert!(
        !json.contains("sk-live") && !json.contains("sha256:"),
        "{json}"
    );
}

#[test]
fn an_image_that_is_too_large_in_an_answer_has_no_digest() {
    // Wherever within a group of digits it is cut.
    for pad in 0..4 {
        let (log, probe) = log(everything());
        let body = br#"{"contents":[]}"#;
        let request = Request::new("POST", "/v1beta/models/m:generateContent").body(body);
        let wire = Wire::new().max_body_bytes(1 << 16);
        let mut exchange = wire.begin(&log, &request).unwrap().unwrap();
        exchange.response(200, &[("content-type", b"application/json")]);
        let image = "aGVsbG9o".repeat(1 << 14);
        let pad = "x".repeat(pad);
        let body = format!(
            r#"{{"pad":"{pad}","candidates":[{{"content":{{"parts":[{{"inlineData":{{"mimeType":"image/png","data":"{image}"}}}}]}},"finishReason":"STOP"}}]}}"#
        );
        exchange.chunk(body.as_bytes());
        exchange.end();
        let event = &interactions(&probe)[0];
        let image = &event.output_messages().unwrap()[0].parts.as_ref().unwrap()[0];
        assert_eq!(image.mime_type.as_deref(), Some("image/png"));
        assert_eq!((image.bytes, image.digest.as_deref()), (None, None));
        let cut = &event.truncations().unwrap()[0];
        assert_eq!(cut.field.as_deref(), Some("output_messages"));
    }
}

#[test]
fn whoever_writes_the_mark_of_a_cut_hides_nothing_with_it() {
    let (log, probe) = log(everything());
    let body = r#"{"model":"m","messages":[{"role":"user","content":"all of it\uFdD0"}]}"#;
    ask(&log, "/v1/chat/completions", body);
    let event = &interactions(&probe)[0];
    assert_eq!(event.prompt().as_deref(), Some("all of it\u{fdd0}"));
    assert!(event.truncations().is_none());
}

#[test]
fn texts_do_not_get_into_settings_and_counts() {
    let policy = Policy::builder()
        .facet(Facet::RequestConfig, Level::Full)
        .facet(Facet::Model, Level::Full)
        .facet(Facet::Usage, Level::Full);
    let (log, probe) = log(policy);
    let body = br#"{"model":"m","messages":[],"stop":["\nAda Lovelace:","\n\n","<|im_end|>"],
        "reasoning_effort":"as Ada","tool_choice":"for Ada"}"#;
    let request = Request::new("POST", "/v1/chat/completions").body(body);
    let mut exchange = Wire::new().begin(&log, &request).unwrap().unwrap();
    exchange.response(200, &[("content-type", b"application/json")]);
    exchange.chunk(
        br#"{"choices":[],"service_tier":"of Ada","system_fingerprint":"of Ada","usage":{"prompt_tokens":3,"of":"Ada","for Ada":1,
        "cost":0.25,"details":[{"modality":"Ada","tokenCount":2}]}}"#,
    );
    exchange.end();
    let event = &interactions(&probe)[0];
    let json = event.to_json();
    assert!(!json.contains("Ada"), "{json}");
    assert_eq!(
        event.stop_sequences().unwrap(),
        ["[14 bytes]", "\n\n", "<|im_end|>"]
    );
    let usage = r#"{"prompt_tokens":3,"cost":0.25,"details":[{"tokenCount":2}]}"#;
    assert_eq!(event.usage_raw(), Some(usage));
    assert!(event.get(Field::ServiceTier).is_none());
}

#[test]
fn counts_of_any_size_stay_small() {
    let (log, probe) = log(everything());
    let request = Request::new("POST", "/v1/chat/completions");
    let mut exchange = Wire::new().begin(&log, &request).unwrap().unwrap();
    exchange.response(200, &[("content-type", b"application/json")]);
    let many: String = (0..9000).map(|at| format!(r#""n{at}":1,"#)).collect();
    exchange.chunk(format!(r#"{{"choices":[],"usage":{{{many}"prompt_tokens":3}}}}"#).as_bytes());
    exchange.end();
    let event = &interactions(&probe)[0];
    assert_eq!(event.input_tokens(), Some(3));
    assert!(event.usage_raw().is_none());
}

#[test]
fn bodies_that_are_kept_in_part_are_marked_and_end_before_what_may_be_half_a_secret() {
    let (log, probe) = log(everything().facet(Facet::Raw, Level::Full).consent_to_raw());
    for (status, length, field) in [
        (200, 1 << 16, Field::RawResponse),
        (500, 1 << 14, Field::ErrorBody),
    ] {
        let wire = Wire::new().max_body_bytes(1 << 16);
        let request = Request::new("POST", "/v1/chat/completions");
        let mut exchange = wire.begin(&log, &request).unwrap().unwrap();
        exchange.response(status, &[("content-type", b"application/json")]);
        let body = format!(
            "{{\"a\":\"{}sk-live-{}",
            "x ".repeat(length / 2 - 10),
            "9".repeat(1 << 16)
        );
        exchange.chunk(body.as_bytes());
        exchange.chunk(b"after");
        exchange.end();
        let events = interactions(&probe);
        let event = events.last().unwrap();
        let cut: Vec<_> = event.truncations().unwrap().iter().collect();
        let cut = cut
            .iter()
            .find(|cut| cut.field.as_deref() == Some(field.name()));
        assert_eq!(cut.unwrap().bytes, Some(body.len() as u64 + 5), "{field:?}");
        let kept = match field {
            Field::RawResponse => event.raw_response(),
            _ => event.error_body(),
        };
        let kept = kept.unwrap();
        assert!(
            kept.len() > length / 2 && !kept.contains("sk-live"),
            "{field:?}"
        );
    }
}

#[test]
fn a_raw_body_that_is_whole_is_not_marked() {
    let (log, probe) = log(everything().facet(Facet::Raw, Level::Full).consent_to_raw());
    let request = Request::new("POST", "/v1/chat/completions");
    let mut exchange = Wire::new().begin(&log, &request).unwrap().unwrap();
    exchange.response(200, &[("content-type", b"application/json")]);
    exchange.chunk(br#"{"choices":"#);
    exchange.chunk(b"[]}");
    exchange.end();
    let event = &interactions(&probe)[0];
    assert_eq!(event.raw_response(), Some(r#"{"choices":[]}"#));
    assert!(event.truncations().is_none());
}
