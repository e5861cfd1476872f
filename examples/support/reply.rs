//! Answers, as OpenAI's protocol words them.

use llm_audit::Usage;
use serde_json::Value;

/// An answer as a whole.
pub(crate) struct Reply {
    pub(crate) model: String,
    pub(crate) text: String,
    pub(crate) finish_reason: Option<String>,
    pub(crate) usage: Usage,
}

/// A piece of a streamed answer.
pub(crate) struct Chunk {
    pub(crate) text: String,
    pub(crate) finish_reason: Option<String>,
    pub(crate) usage: Option<Usage>,
}

impl Reply {
    pub(crate) fn new(json: &Value) -> Self {
        Self {
            model: text(json, "/model").unwrap_or_default(),
            text: text(json, "/choices/0/message/content").unwrap_or_default(),
            finish_reason: text(json, "/choices/0/finish_reason"),
            usage: usage(json).unwrap_or(Usage::estimated(0, 0)),
        }
    }
}

impl Chunk {
    pub(crate) fn new(json: &Value) -> Self {
        Self {
            text: text(json, "/choices/0/delta/content").unwrap_or_default(),
            finish_reason: text(json, "/choices/0/finish_reason"),
            usage: usage(json),
        }
    }
}

fn text(json: &Value, at: &str) -> Option<String> {
    json.pointer(at)?.as_str().map(str::to_owned)
}

fn usage(json: &Value) -> Option<Usage> {
    let input = json.pointer("/usage/prompt_tokens")?.as_u64()?;
    let output = json.pointer("/usage/completion_tokens")?.as_u64()?;
    Some(Usage::openai(input, output))
}
