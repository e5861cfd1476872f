//! Ollama's own chat and generate.

use super::answer::{IN_ORDER, Piece};
use super::json::Json;
use super::parts;
use super::turn::Turn;
use crate::interaction::Interaction;

/// Reads the messages of a request.
pub(crate) fn request(call: &mut Interaction, body: Json<'_>) {
    let [system, prompt] = body.pick(["system", "prompt"]);
    parts::instructions(call, system);
    parts::content(call, "user", prompt);
    super::chat::messages(call, body);
}

/// Reads an answer, or a piece of one.
pub(crate) fn answer(turn: &mut Turn<'_>, document: Json<'_>) {
    let [message, response, thinking, done, reason] =
        document.pick(["message", "response", "thinking", "done", "done_reason"]);
    let at = (0, IN_ORDER);
    turn.text(at, Piece::Reasoning, thinking);
    turn.text(at, Piece::Text, response);
    if let Some(message) = message {
        let [thinking, content, calls] = message.pick(["thinking", "content", "tool_calls"]);
        turn.text(at, Piece::Reasoning, thinking);
        turn.text(at, Piece::Text, content);
        if let Some(calls) = calls {
            calls.each(|tool| turn.part(0, tool));
        }
    }
    if done.and_then(Json::bool) == Some(true) {
        turn.has_ended = true;
        let reason = reason.and_then(Json::str);
        turn.answer.finish(0, reason.as_deref().unwrap_or("stop"));
    }
}
