//! When, and how long. What the log measures itself need not be set: `sent`, `chunk` and `finish`
//! see to most of it.

use llm_audit::{Interaction, Timestamp};

/// Sets the fields of timing and of an error's details.
pub(crate) fn set(call: &mut Interaction) {
    let at = |seconds: i64| Timestamp::from_unix_micros((1_795_000_000 + seconds) * 1_000_000);
    call.prompt_at(at(0))
        .sent_at(at(1))
        .first_chunk_at(at(2))
        .last_chunk_at(at(3))
        .response_at(at(4))
        .latency_us(4_000_000)
        .time_to_first_chunk_us(1_000_000)
        .queue_us(250)
        .tokens_per_second(30.0)
        .chunk_count(30)
        .inter_chunk_p50_us(33_000)
        .inter_chunk_p95_us(40_000);
    call.error_message("the provider asked for a pause")
        .error_stack("at assist::ask")
        .error_body(r#"{"error":"slow down"}"#);
}
