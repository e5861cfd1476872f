//! Amazon Bedrock's converse.

use super::answer::Piece;
use super::json::Json;
use super::turn::Turn;
use crate::interaction::Interaction;

/// Reads the messages of a request.
pub(crate) fn request(call: &mut Interaction, body: Json<'_>) {
    super::anthropic::request(call, body);
}

/// Reads an answer, or a message of its stream, of which the turn has the name.
pub(crate) fn answer(turn: &mut Turn<'_>, document: Json<'_>) {
    let [output, stop, index, start, delta] = document.pick([
        "output",
        "stopReason",
        "contentBlockIndex",
        "start",
        "delta",
    ]);
    let at = (0, index.and_then(Json::u64).unwrap_or_default());
    if let Some(content) = output.and_then(|output| output.at("message.content")) {
        content.each(|part| turn.part(0, part));
    }
    if let Some(tool) = start.and_then(|start| start.get("toolUse")) {
        let [id, name] = tool.pick(["toolUseId", "name"]);
        turn.name_tool(at, id, name);
    }
    if let Some(delta) = delta {
        let [text, tool, reasoning] = delta.pick(["text", "toolUse", "reasoningContent"]);
        turn.text(at, Piece::Text, text);
        turn.text(
            at,
            Piece::Arguments,
            tool.and_then(|tool| tool.get("input")),
        );
        if let Some(reasoning) = reasoning {
            let [text, signature] = reasoning.pick(["text", "signature"]);
            turn.text(at, Piece::Reasoning, text);
            turn.text(at, Piece::Signature, signature);
        }
    }
    if let Some(reason) = stop.and_then(Json::str) {
        turn.answer.finish(0, &reason);
    }
    turn.has_ended |= turn.event == "metadata";
}
