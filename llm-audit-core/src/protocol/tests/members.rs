//! Chunks in memory that have one member, or that are of another protocol than those before.

use super::*;
use crate::event::Operation;
use crate::protocol::memory;

/// Returns the response of a stream of `chunks`.
fn streamed(chunks: &[&str]) -> String {
    let (log, probe) = log(everything());
    let mut call = log.begin(Operation::Chat);
    call.streamed(|_, _| {});
    for chunk in chunks {
        memory::answer(&mut call, chunk);
    }
    call.finish();
    let event = interactions(&probe).remove(0);
    assert_eq!(event.status(), Some(Status::Ok));
    event.response().unwrap_or_default()
}

#[test]
fn a_first_chunk_of_one_member_says_nothing_of_the_others() {
    let role = r#"{"role":"assistant"}"#;
    for first in [role, r#"{"type":"ping"}"#, r#"{"stopReason":"x"}"#] {
        let text = streamed(&[first, r#"{"content":"So."}"#, r#"{"content":"Then."}"#]);
        assert!(
            text.contains("So.") && text.contains("Then."),
            "{first}: {text}"
        );
        let delta = r#"{"choices":[{"delta":{"content":"So."}}]}"#;
        assert_eq!(streamed(&[first, delta]), "So.", "{first}");
    }
    let converse = r#"{"contentBlockIndex":0,"delta":{"text":"So."}}"#;
    assert_eq!(
        streamed(&[role, converse, r#"{"stopReason":"end_turn"}"#]),
        "So."
    );
}

#[test]
fn a_chunk_of_which_the_protocol_of_the_stream_has_nothing_is_kept() {
    let delta = r#"{"choices":[{"delta":{"content":"So."}}]}"#;
    for other in [
        r#"{"answer":"Because."}"#,
        r#"{"content":"Because."}"#,
        r#"{"role":"assistant","content":"Because."}"#,
        r#""Because.""#,
        r#"["Because."]"#,
    ] {
        let text = streamed(&[delta, other]);
        assert!(
            text.contains("So.") && text.contains("Because."),
            "{other}: {text}"
        );
    }
}

#[test]
fn of_what_a_protocol_says_beside_its_text_nothing_is_kept() {
    let anthropic = [
        r#"{"type":"message_start","message":{"id":"m","content":[],"usage":{"input_tokens":5}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"ping"}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"So."}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    assert_eq!(streamed(&anthropic), "So.");
    let chat = [
        r#"{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
        r#"{"id":"c","choices":[{"index":0,"delta":{"content":"So."}}]}"#,
        r#"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
        r#"{"id":"c","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":1}}"#,
    ];
    assert_eq!(streamed(&chat), "So.");
    assert_eq!(streamed(&[chat[1], "{}", "null", "false"]), "So.");
    let converse = [
        r#"{"role":"assistant"}"#,
        r#"{"contentBlockIndex":0,"delta":{"text":"So."}}"#,
        r#"{"contentBlockIndex":0}"#,
        r#"{"stopReason":"end_turn"}"#,
        r#"{"usage":{"inputTokens":5,"outputTokens":1},"metrics":{"latencyMs":3}}"#,
    ];
    assert_eq!(streamed(&converse), "So.");
}
