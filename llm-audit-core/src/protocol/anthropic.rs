//! Anthropic's messages.

use super::answer::Piece;
use super::json::Json;
use super::parts;
use super::turn::Turn;
use crate::interaction::Interaction;

/// What the deltas of a content block carry: their type, the member, what it is.
const DELTAS: &[(&str, &str, Piece)] = &[
    ("text_delta", "text", Piece::Text),
    ("thinking_delta", "thinking", Piece::Reasoning),
    ("signature_delta", "signature", Piece::Signature),
    ("input_json_delta", "partial_json", Piece::Arguments),
];

/// Reads the messages of a request.
pub(crate) fn request(call: &mut Interaction, body: Json<'_>) {
    let [system, messages] = body.pick(["system", "messages"]);
    parts::instructions(call, system);
    if let Some(messages) = messages {
        messages.each(|message| {
            let [role, content] = message.pick(["role", "content"]);
            let role = role.and_then(Json::str).unwrap_or_default();
            parts::content(call, &role, content);
        });
    }
}

/// Reads an answer, or an event of its stream.
pub(crate) fn answer(turn: &mut Turn<'_>, document: Json<'_>) {
    let [kind, index, block, delta, content, stop] = document.pick([
        "type",
        "index",
        "content_block",
        "delta",
        "content",
        "stop_reason",
    ]);
    let at = (0, index.and_then(Json::u64).unwrap_or_default());
    match kind.and_then(Json::str).as_deref() {
        Some("content_block_start") => {
            if let Some(block) = block {
                begun(turn, at, block);
            }
        }
        Some("content_block_delta") => {
            let kind = delta
                .and_then(|delta| delta.get("type"))
                .and_then(Json::str);
            let known = DELTAS
                .iter()
                .find(|(name, ..)| kind.as_deref() == Some(*name));
            if let Some((_, member, piece)) = known {
                turn.text(at, *piece, delta.and_then(|delta| delta.get(member)));
            }
        }
        Some("message_delta") => {
            let reason = delta.and_then(|delta| delta.get("stop_reason"));
            if let Some(reason) = reason.and_then(Json::str) {
                turn.answer.finish(0, &reason);
            }
        }
        Some("message_stop") => turn.has_ended = true,
        Some("error") => turn.failed(document),
        Some("ping") => turn.is_empty = true,
        _ => {
            if let Some(content) = content {
                content.each(|part| turn.part(0, part));
            }
            if let Some(reason) = stop.and_then(Json::str) {
                turn.answer.finish(0, &reason);
            }
        }
    }
}

/// Reads how a content block begins: a tool's name, and what is there already.
fn begun(turn: &mut Turn<'_>, at: (u64, u64), block: Json<'_>) {
    let [id, name, text, thinking, data] = block.pick(["id", "name", "text", "thinking", "data"]);
    if id.is_some() {
        turn.name_tool(at, id, name);
    }
    turn.text(at, Piece::Text, text);
    turn.text(at, Piece::Reasoning, thinking);
    turn.text(at, Piece::Signature, data);
}
