//! Gemini's generateContent, of Google AI and of Vertex AI.

use super::answer::{IN_ORDER, Piece};
use super::json::Json;
use super::parts;
use super::turn::Turn;
use crate::interaction::Interaction;

/// Reads the contents of a request.
pub(crate) fn request(call: &mut Interaction, body: Json<'_>) {
    let [system, other_system, contents, content] = body.pick([
        "systemInstruction",
        "system_instruction",
        "contents",
        "content",
    ]);
    let system = system
        .or(other_system)
        .map(|system| system.get("parts").unwrap_or(system));
    parts::instructions(call, system);
    for contents in [contents, content].into_iter().flatten() {
        contents.each(|content| {
            let [role, parts] = content.pick(["role", "parts"]);
            let role = role.and_then(Json::str);
            let role = match role.as_deref() {
                Some("model") => "assistant",
                Some("function") => "tool",
                _ => "user",
            };
            parts::content(call, role, parts);
        });
    }
}

/// Reads an answer, or a piece of one.
pub(crate) fn answer(turn: &mut Turn<'_>, document: Json<'_>) {
    let mut position = 0;
    if let Some(candidates) = document.get("candidates") {
        candidates.each(|candidate| {
            let [index, content, reason] = candidate.pick(["index", "content", "finishReason"]);
            let index = index.and_then(Json::u64).unwrap_or(position);
            position += 1;
            if let Some(parts) = content.and_then(|content| content.get("parts")) {
                parts.each(|part| self::part(turn, index, part));
            }
            if let Some(reason) = reason.and_then(Json::str) {
                turn.answer.finish(index, &reason);
            }
        });
    }
    if let Some(reason) = document
        .at("promptFeedback.blockReason")
        .and_then(Json::str)
    {
        turn.answer.finish(0, &reason);
    }
}

fn part(turn: &mut Turn<'_>, choice: u64, part: Json<'_>) {
    let [text, thought, signature] = part.pick(["text", "thought", "thoughtSignature"]);
    if text.is_none() {
        return turn.part(choice, part);
    }
    let is_thought = thought.and_then(Json::bool) == Some(true);
    let piece = if is_thought {
        Piece::Reasoning
    } else {
        Piece::Text
    };
    turn.text((choice, IN_ORDER), piece, text);
    turn.text(
        (choice, IN_ORDER),
        Piece::Signature,
        signature.filter(|_| is_thought),
    );
}
