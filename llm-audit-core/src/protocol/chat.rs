//! OpenAI's chat completions and completions, which most servers speak.

use super::answer::{IN_ORDER, Piece};
use super::json::Json;
use super::said::Said;
use super::turn::Turn;
use super::{parts, results};
use crate::event::Message;
use crate::facet::Facet;
use crate::interaction::Interaction;

/// Reads the messages of a request.
pub(crate) fn request(call: &mut Interaction, body: Json<'_>) {
    messages(call, body);
    if let Some(prompt) = body.get("prompt") {
        prompt.each(|prompt| parts::content(call, "user", Some(prompt)));
    }
}

/// Reads the messages of a request, those of tools included.
pub(crate) fn messages(call: &mut Interaction, body: Json<'_>) {
    if let Some(messages) = body.get("messages") {
        messages.each(|message| self::message(call, message));
    }
}

/// Reads one message of a request.
pub(super) fn message(call: &mut Interaction, message: Json<'_>) {
    let [role, content, calls, id, reasoning] = message.pick([
        "role",
        "content",
        "tool_calls",
        "tool_call_id",
        "reasoning_content",
    ]);
    let role = role.and_then(Json::str).unwrap_or_default();
    if role == "tool" || role == "function" {
        // The message is one response of a tool.
        if call.allows(Facet::Prompt) && call.allows(Facet::ToolIo) {
            let id = id.and_then(Json::str).unwrap_or_default();
            let mut part = crate::Part::default().r#type("tool_call_response").id(id);
            part.response = content.map(|content| results::text(call, content));
            parts::input(call, "tool", vec![part]);
        }
        return;
    }
    if calls.is_none() && reasoning.is_none() {
        return parts::content(call, &role, content);
    }
    if call.allows(Facet::Prompt) {
        let mut all = Vec::new();
        if let Some(text) = reasoning.and_then(Json::str)
            && call.allows(Facet::Reasoning)
        {
            all.push(crate::Part::reasoning(text));
        }
        for content in [content, calls].into_iter().flatten() {
            all.extend(parts::parts(call, content));
        }
        if !all.is_empty() {
            call.message(Message::default().role(&*role).parts(all));
        }
    }
}

/// Reads an answer, or a piece of one.
pub(crate) fn answer(turn: &mut Turn<'_>, document: Json<'_>) {
    let Some(choices) = document.get("choices") else {
        return;
    };
    let mut position = 0;
    choices.each(|choice| {
        let [index, delta, message, text, finish] =
            choice.pick(["index", "delta", "message", "text", "finish_reason"]);
        let index = index.and_then(Json::u64).unwrap_or(position);
        position += 1;
        turn.text((index, IN_ORDER), Piece::Text, text);
        if let Some(said) = delta.or(message) {
            self::said(turn, index, said);
        }
        if let Some(reason) = finish.and_then(Json::str) {
            turn.answer.finish(index, &reason);
        }
    });
}

/// Reads a message of an answer that is in memory.
pub(super) fn said_in(answer: &mut Said, call: &mut Interaction, message: Json<'_>) {
    let mut turn = Turn {
        call,
        answer: &mut answer.answer,
        event: "",
        has_ended: false,
        is_empty: false,
        error: None,
    };
    said(&mut turn, 0, message);
}

fn said(turn: &mut Turn<'_>, choice: u64, said: Json<'_>) {
    let [
        reasoning,
        other_reasoning,
        content,
        refusal,
        calls,
        function,
    ] = said.pick([
        "reasoning_content",
        "reasoning",
        "content",
        "refusal",
        "tool_calls",
        "function_call",
    ]);
    let at = (choice, IN_ORDER);
    turn.text(at, Piece::Reasoning, reasoning.or(other_reasoning));
    match content {
        // Some servers answer in parts.
        Some(content) if content.is_array() => content.each(|part| turn.part(choice, part)),
        content => turn.text(at, Piece::Text, content),
    }
    turn.text(at, Piece::Refusal, refusal);
    let mut position = 0;
    for calls in [calls, function].into_iter().flatten() {
        calls.each(|tool| {
            let slot = tool.get("index").and_then(Json::u64).unwrap_or(position);
            position += 1;
            let function = tool.get("function").or(tool.get("custom")).unwrap_or(tool);
            let [name, arguments, input] = function.pick(["name", "arguments", "input"]);
            turn.name_tool((choice, slot), tool.get("id"), name);
            turn.text((choice, slot), Piece::Arguments, arguments.or(input));
        });
    }
}
