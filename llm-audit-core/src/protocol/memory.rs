//! Requests and answers that a program has in memory, in the shapes that they have on the wire.

use super::answer::{IN_ORDER, Piece};
use super::json::{Json, Top};
use super::said::{Came, Said};
use super::table::{self, PROTOCOLS, Protocol};
use super::turn::{MESSAGES, TYPES};
use super::{chat, parts, results};
use crate::event::{Part, Status};
use crate::facet::Facet;
use crate::interaction::Interaction;

/// What a JSON has that is of a protocol: where, and how the JSON there begins. Behind `[].` stands what the
/// first element has.
type Shape = &'static [(&'static str, &'static str)];

/// Shapes of requests, and a path of the protocol of each; the first that fits is it.
const REQUESTS: &[(Shape, &str)] = &[
    (&[("contents[].parts", "")], ":generateContent"),
    (
        &[("messages[].content", "["), ("inferenceConfig", "{")],
        "/model/*/converse",
    ),
    (
        &[("messages[].content", ""), ("system", "")],
        "/v1/messages",
    ),
    (&[("messages[].role", "\"")], "/chat/completions"),
    (&[("messages", "[]"), ("model", "\"")], "/chat/completions"),
    (&[("input[].role", "\"")], "/responses"),
    (&[("input", ""), ("model", "\"")], "/responses"),
    (&[("input", ""), ("instructions", "\"")], "/responses"),
    (&[("input", ""), ("prompt.id", "\"")], "/responses"),
    (&[("prompt", "\""), ("model", "\"")], "/api/generate"),
    (&[("prompt", "["), ("model", "\"")], "/completions"),
];

/// Shapes of answers and of chunks, in the same way.
const ANSWERS: &[(Shape, &str)] = &[
    (&[("choices[].message", "{")], "/chat/completions"),
    (&[("choices[].delta", "{")], "/chat/completions"),
    (
        &[("choices[].text", "\""), ("choices[].index", "")],
        "/completions",
    ),
    (&[("object", "\"chat.completion")], "/chat/completions"),
    (&[("object", "\"text_completion\"")], "/completions"),
    (
        &[("choices", "[]"), ("usage.prompt_tokens", "")],
        "/chat/completions",
    ),
    (
        &[("choices", "[]"), ("prompt_filter_results", "[")],
        "/chat/completions",
    ),
    (&[("candidates[].content", "{")], ":generateContent"),
    (&[("candidates[].finishReason", "\"")], ":generateContent"),
    (
        &[("usageMetadata.promptTokenCount", "")],
        ":generateContent",
    ),
    (&[("usageMetadata.totalTokenCount", "")], ":generateContent"),
    (&[("promptFeedback.blockReason", "\"")], ":generateContent"),
    (&[("type", "\"response."), ("response", "{")], "/responses"),
    (
        &[("type", "\"response."), ("sequence_number", "")],
        "/responses",
    ),
    (
        &[("type", "\"response."), ("output_index", "")],
        "/responses",
    ),
    (&[("object", "\"response\""), ("output", "[")], "/responses"),
    (
        &[("type", "\"message\""), ("content[].type", "\"")],
        "/v1/messages",
    ),
    (
        &[("type", "\"message\""), ("content", "[]")],
        "/v1/messages",
    ),
    (
        &[("stop_reason", "\""), ("content[].type", "\"")],
        "/v1/messages",
    ),
    (
        &[("type", "\"message_start\""), ("message", "{")],
        "/v1/messages",
    ),
    (
        &[("type", "\"message_delta\""), ("delta", "{")],
        "/v1/messages",
    ),
    (
        &[
            ("type", "\"content_block_start\""),
            ("content_block.type", "\""),
        ],
        "/v1/messages",
    ),
    (
        &[("type", "\"content_block_delta\""), ("delta.type", "\"")],
        "/v1/messages",
    ),
    (&[("output.message.content", "[")], "/model/*/converse"),
    (
        &[("contentBlockIndex", ""), ("delta", "{")],
        "/model/*/converse",
    ),
    (
        &[("contentBlockIndex", ""), ("start", "{")],
        "/model/*/converse",
    ),
    (&[("done", ""), ("message.content", "\"")], "/api/chat"),
    (&[("done", ""), ("message.tool_calls", "[")], "/api/chat"),
    (&[("done", ""), ("response", "\"")], "/api/chat"),
    (
        &[("object", "\"list\""), ("data[].embedding", "")],
        "/embeddings",
    ),
    (&[("embeddings[]", "["), ("model", "\"")], "/api/embed"),
];

/// JSON of one member that is of a protocol.
const SINGLE: &[(&str, &str, &str)] = &[
    ("type", "\"ping\"", "/v1/messages"),
    ("type", "\"message_stop\"", "/v1/messages"),
    ("role", "\"assistant\"", "/model/*/converse"),
    ("stopReason", "\"", "/model/*/converse"),
    ("embedding", "[", "/api/embed"),
];

/// What JSON of any protocol has beside its shape.
const BESIDE_SHAPE: &[&str] = &[
    "created",
    "error",
    "id",
    "metadata",
    "metrics",
    "model",
    "modelVersion",
    "object",
    "responseId",
    "type",
    "usage",
    "usageMetadata",
];

/// Members that a chunk says its text in, where its protocol is none of these.
const TEXTS: &[&str] = &["content", "text"];

/// Shapes of one message.
const A_MESSAGE: &[Shape] = &[
    &[("role", "\""), ("content", "\"")],
    &[("role", "\""), ("content", "[")],
    &[("role", "\""), ("tool_calls", "[")],
    &[("role", "\""), ("function_call", "{")],
    &[("role", "\""), ("refusal", "\"")],
];

/// What stands beside an `error` that is a text.
const BESIDE_ERROR: &[&str] = &[
    "code",
    "detail",
    "done",
    "error_code",
    "error_type",
    "estimated_time",
    "message",
    "model",
    "request_id",
    "status",
    "type",
];

/// Puts what the request `text`, which is JSON, says.
pub(crate) fn request(call: &mut Interaction, text: &str) {
    let Some(json) = Json::parse(text) else {
        return;
    };
    if json.is_array() {
        return json.each(|element| prompt(call, element));
    }
    match protocol_of(REQUESTS, json) {
        Some(protocol) => {
            table::put_settings(call, json);
            (protocol.request)(call, json);
        }
        None => prompt(call, json),
    }
}

/// Puts a message, a text, or what has no known shape as the text of its JSON.
fn prompt(call: &mut Interaction, json: Json<'_>) {
    if is_message(json) {
        chat::message(call, json);
    } else if json.str().is_some() {
        parts::content(call, "user", Some(json));
    } else if call.allows(Facet::Prompt) {
        let text = results::text(call, json);
        call.prompt(text);
    }
}

/// Puts what the answer `text`, which is JSON, or a chunk of one, says.
pub(crate) fn answer(call: &mut Interaction, text: &str) {
    let Some(json) = Json::parse(text) else {
        return;
    };
    if call.is_streamed() {
        call.streamed(|said, call| read(said, call, json));
        return;
    }
    let mut said = Said::default();
    said.answer.limit(call.max_event_bytes());
    read(&mut said, call, json);
    let protocol = said.protocol;
    said.put(call, protocol, true);
}

/// Returns the protocol of the first of `shapes` that `json` has.
fn protocol_of(shapes: &[(Shape, &str)], json: Json<'_>) -> Option<&'static Protocol> {
    let all = || shapes.iter().flat_map(|(shape, _)| *shape);
    let top = json.top(|name| all().any(|(path, _)| begins_with(path, name)));
    let (_, path) = shapes.iter().find(|(shape, _)| has(&top, shape))?;
    Protocol::with_path(path)
}

/// Returns the protocol of a JSON of one member.
fn single(json: Json<'_>) -> Option<&'static Protocol> {
    let mut members = 0;
    json.members(|_, _| members += 1);
    let is_it = |(name, begin, _): &&(&str, &str, &str)| {
        json.get(name)
            .is_some_and(|at| at.text().starts_with(begin))
    };
    let (.., path) = SINGLE.iter().find(|row| members == 1 && is_it(row))?;
    Protocol::with_path(path)
}

fn is_message(json: Json<'_>) -> bool {
    let all = || A_MESSAGE.iter().copied().flatten();
    let top = json.top(|name| all().any(|(path, _)| begins_with(path, name)));
    A_MESSAGE.iter().any(|shape| has(&top, shape))
}

fn begins_with(path: &str, name: &str) -> bool {
    let first = path.split('.').next().unwrap_or_default();
    first.trim_end_matches("[]") == name
}

fn has(top: &Top<'_>, shape: Shape) -> bool {
    shape.iter().all(|(path, begin)| {
        let at = at(top, path);
        at.is_some_and(|at| at.text().starts_with(begin))
    })
}

fn at<'j>(top: &Top<'j>, path: &str) -> Option<Json<'j>> {
    let mut names = path.split('.');
    let first = names.next()?;
    let begun = element(top.first(&[first.trim_end_matches("[]")])?, first)?;
    names.try_fold(begun, |json, name| {
        element(json.get(name.trim_end_matches("[]"))?, name)
    })
}

/// Returns what `name` stands for: `json`, or its first element.
fn element<'j>(json: Json<'j>, name: &str) -> Option<Json<'j>> {
    let mut first = None;
    if !name.ends_with("[]") {
        return Some(json);
    }
    json.each(|element| {
        first.get_or_insert(element);
    });
    first
}

/// Returns whether `json` is what a provider answers instead of an answer.
fn is_failure(json: Json<'_>) -> bool {
    let says_what = |json: Json<'_>| {
        let mut names = TYPES.iter().chain(MESSAGES);
        names.any(|name| json.get(name).is_some_and(|at| at.str().is_some()))
    };
    let Some(error) = json.get("error") else {
        let is_named = |name: &str| json.get(name).is_some_and(|at| at.text() == "\"error\"");
        return (is_named("type") || is_named("object"))
            && json.get("message").is_some_and(|text| text.str().is_some());
    };
    let mut is_alone = true;
    json.members(|name, _| is_alone &= name == "error" || BESIDE_ERROR.contains(&name));
    error.is_object() && says_what(error)
        || is_alone && error.str().is_some_and(|text| !text.is_empty())
}

/// Returns whether `json` has nothing that `protocol` has, or a text where that has none.
fn is_foreign(protocol: &Protocol, json: Json<'_>) -> bool {
    let is_of =
        |path: &str| Protocol::with_path(path).is_some_and(|known| std::ptr::eq(known, protocol));
    let is_in_shape = |name: &str| {
        let mut shapes = ANSWERS.iter().filter(|(_, path)| is_of(path));
        shapes.any(|(shape, _)| shape.iter().any(|(path, _)| begins_with(path, name)))
    };
    let is_single = |name: &str| {
        let mut rows = SINGLE.iter().filter(|(.., path)| is_of(path));
        rows.any(|(known, ..)| *known == name)
    };
    let mut has_text = json.is_array() || json.str().is_some();
    // Nothing at all is of any protocol.
    let mut is_other = json.is_object() && !json.text().trim_matches(['{', '}', ' ']).is_empty();
    json.members(|name, value| {
        is_other &= !BESIDE_SHAPE.contains(&name) && !is_in_shape(name) && !is_single(name);
        has_text |= TEXTS.contains(&name) && value.str().is_some_and(|text| !text.is_empty());
    });
    is_other || has_text
}

/// Keeps what is of no protocol: a message, a text, or the text of its JSON.
fn keep(said: &mut Said, call: &mut Interaction, json: Json<'_>) {
    if is_message(json) {
        chat::said_in(said, call, json);
    } else if let Some(text) = json.str() {
        said.answer.append(call, (0, IN_ORDER), Piece::Text, &text);
    } else if call.allows(Facet::Response) {
        let text = results::text(call, json);
        said.answer.push(call, 0, Part::text(text));
    }
}

fn read(said: &mut Said, call: &mut Interaction, json: Json<'_>) {
    said.protocol = said.protocol.or_else(|| protocol_of(ANSWERS, json));
    // One member is too little to say what the whole stream is.
    let of_chunk = said.protocol.or_else(|| single(json));
    let is_refused = is_failure(json);
    // Errors of all protocols are read alike.
    let of_error = PROTOCOLS.first().filter(|_| is_refused);
    if let Some(protocol) = of_chunk.or(of_error) {
        let came = Came {
            is_refused,
            ..Came::default()
        };
        let before = said.answer.offered();
        said.read(call, protocol, came, json);
        let is_read = said.error.is_some() || said.answer.offered() > before;
        if !is_read && is_foreign(protocol, json) {
            keep(said, call, json);
        }
    } else {
        keep(said, call, json);
    }
    if let Some(error) = said.error.take() {
        call.error_type(error.class.as_deref().unwrap_or("provider"));
        if let Some(code) = error.code {
            call.error_code(code);
        }
        if let Some(message) = error.message {
            call.error_message(message);
        }
        call.outcome(Status::Error);
    }
}
