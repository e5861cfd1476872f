//! Why a model stopped: the providers' words, and the conventions' for them.

/// The conventions' word, and what providers call it.
const WORDS: &[(&str, &[&str])] = &[
    (
        "stop",
        &[
            "stop",
            "end_turn",
            "stop_sequence",
            "completed",
            "complete",
            "eos",
            "eos_token",
            "pause_turn",
        ],
    ),
    (
        "length",
        &[
            "length",
            "max_tokens",
            "max_output_tokens",
            "max_length",
            "model_length",
            "model_context_window_exceeded",
        ],
    ),
    (
        "tool_call",
        &["tool_calls", "tool_call", "tool_use", "function_call"],
    ),
    (
        "content_filter",
        &[
            "content_filter",
            "content_filtered",
            "guardrail_intervened",
            "refusal",
            "safety",
            "recitation",
            "blocklist",
            "prohibited_content",
            "spii",
            "image_safety",
        ],
    ),
    ("error", &["error", "malformed_function_call", "failed"]),
];

/// Returns the conventions' word for a provider's, or the provider's where there is none.
///
/// `finish_reasons` keeps the provider's word; a message's `finish_reason` is the conventions'.
pub(crate) fn word_for(reason: &str) -> &str {
    let is_it = |known: &&str| known.eq_ignore_ascii_case(reason);
    WORDS
        .iter()
        .find(|(_, theirs)| theirs.iter().any(is_it))
        .map_or(reason, |(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_stands_for_one_and_others_stay() {
        let all: Vec<_> = WORDS.iter().flat_map(|(_, theirs)| *theirs).collect();
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(all.len(), distinct.len());
        assert_eq!(word_for("MAX_TOKENS"), "length");
        assert_eq!(word_for("of_tomorrow"), "of_tomorrow");
    }
}
