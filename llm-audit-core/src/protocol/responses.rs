//! OpenAI's responses.

use super::answer::Piece;
use super::json::Json;
use super::parts;
use super::turn::Turn;
use crate::facet::Facet;
use crate::interaction::Interaction;

/// What the events of a stream carry, by their type.
const DELTAS: &[(&str, Piece)] = &[
    ("response.output_text.delta", Piece::Text),
    ("response.refusal.delta", Piece::Refusal),
    ("response.reasoning_summary_text.delta", Piece::Reasoning),
    ("response.reasoning_text.delta", Piece::Reasoning),
    ("response.function_call_arguments.delta", Piece::Arguments),
    ("response.custom_tool_call_input.delta", Piece::Arguments),
];

/// Events that end a stream.
const ENDS: &[&str] = &[
    "response.completed",
    "response.incomplete",
    "response.failed",
];

/// Reads the input of a request.
pub(crate) fn request(call: &mut Interaction, body: Json<'_>) {
    parts::instructions(call, body.get("instructions"));
    let Some(input) = body.get("input") else {
        return;
    };
    input.each(|item| {
        let [role, content] = item.pick(["role", "content"]);
        match role.and_then(Json::str) {
            Some(role) => parts::content(call, &role, content),
            None if !item.is_object() => parts::content(call, "user", Some(item)),
            // A tool call, its output, or reasoning of an earlier turn.
            None if call.allows(Facet::Prompt) => {
                if let Some(part) = parts::part(call, item) {
                    let is_output = part.is_type("tool_call_response");
                    let role = if is_output { "tool" } else { "assistant" };
                    parts::input(call, role, vec![part]);
                }
            }
            None => {}
        }
    });
}

/// Reads a response, or an event of its stream.
pub(crate) fn answer(turn: &mut Turn<'_>, document: Json<'_>) {
    let Some(event) = document.get("type").and_then(Json::str) else {
        if let Some(output) = document.get("output") {
            let mut slot = 0;
            output.each(|item| {
                self::item(turn, slot, item);
                slot += 1;
            });
        }
        return ended(turn, document);
    };
    let [slot, delta, item] = document.pick(["output_index", "delta", "item"]);
    let slot = slot.and_then(Json::u64).unwrap_or_default();
    if let Some((_, piece)) = DELTAS.iter().find(|(name, _)| *name == event) {
        turn.text((0, slot), *piece, delta);
    } else if event == "response.output_item.added" || event == "response.output_item.done" {
        if let Some(item) = item {
            if event.ends_with("added") || turn.answer.has((0, slot)) {
                named(turn, slot, item);
                if event.ends_with("done") && !turn.answer.has_arguments((0, slot)) {
                    arguments(turn, slot, item);
                }
            } else {
                self::item(turn, slot, item);
            }
        }
    } else if ENDS.contains(&&*event) {
        turn.has_ended = true;
        if let Some(response) = document.get("response") {
            ended(turn, response);
        }
    } else if event == "error" {
        turn.failed(document);
    }
}

/// Reads what an item says beside its deltas.
fn named(turn: &mut Turn<'_>, slot: u64, item: Json<'_>) {
    let [call_id, name, signature] = item.pick(["call_id", "name", "encrypted_content"]);
    if call_id.is_some() {
        turn.name_tool((0, slot), call_id, name);
    }
    turn.text((0, slot), Piece::Signature, signature);
}

/// Reads a whole item.
fn item(turn: &mut Turn<'_>, slot: u64, item: Json<'_>) {
    let [kind, content, summary] = item.pick(["type", "content", "summary"]);
    let is_reasoning = kind
        .and_then(Json::str)
        .is_some_and(|kind| kind == "reasoning");
    for content in [summary, content].into_iter().flatten() {
        content.each(|part| {
            let [text, refusal] = part.pick(["text", "refusal"]);
            let piece = if is_reasoning {
                Piece::Reasoning
            } else {
                Piece::Text
            };
            turn.text((0, slot), piece, text);
            turn.text((0, slot), Piece::Refusal, refusal);
        });
    }
    named(turn, slot, item);
    arguments(turn, slot, item);
}

/// Reads the arguments of an item that is a call.
fn arguments(turn: &mut Turn<'_>, slot: u64, item: Json<'_>) {
    let [call_id, arguments, input] = item.pick(["call_id", "arguments", "input"]);
    if call_id.is_some() {
        turn.text((0, slot), Piece::Arguments, arguments.or(input));
    }
}

/// Reads how a response has ended.
fn ended(turn: &mut Turn<'_>, response: Json<'_>) {
    let [status, details, error] = response.pick(["status", "incomplete_details", "error"]);
    let reason = details.and_then(|details| details.get("reason"));
    if let Some(reason) = reason.or(status).and_then(Json::str) {
        turn.answer.finish(0, &reason);
    }
    if error.is_some() {
        turn.failed(response);
    }
}
