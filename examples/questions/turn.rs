//! A finished turn of a conversation.

use llm_audit::{Event, Message, Status};
use serde_json::{Value, json};

use crate::tally::is_chat;

pub(crate) struct Turn {
    pub(crate) index: Option<u64>,
    pub(crate) event: String,
    pub(crate) asked: Vec<Value>,
    pub(crate) answer: String,
    pub(crate) allowed: Option<bool>,
}

impl Turn {
    /// Returns the turn that `event` is, if a model answered it to the end.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        let is_whole = event.finish_reasons()? == ["stop"];
        if !is_chat(event) || event.status() != Some(Status::Ok) || !is_whole {
            return None;
        }
        event.prompt()?;
        let messages = event.input_messages()?.iter();
        Some(Self {
            index: event.turn_index(),
            event: event.event_id().to_string(),
            asked: messages.filter_map(message).collect(),
            answer: event.response()?,
            allowed: event.training_allowed(),
        })
    }
}

fn message(message: &Message) -> Option<Value> {
    let parts = message.parts.iter().flatten();
    let texts = parts.filter(|part| part.r#type.as_deref() == Some("text"));
    let texts: Vec<_> = texts.filter_map(|part| part.content.as_deref()).collect();
    let content = texts.join("\n");
    (!texts.is_empty()).then(|| json!({"role": message.role, "content": content}))
}
