//! Requests and answers that a program has in memory, in the shapes that they have on the wire.

use super::answer::{IN_ORDER, Piece};
use super::json::Json;
use super::said::{Came, Said};
use super::table::{self, PROTOCOLS, Protocol};
use super::turn::{MESSAGES, TYPES};
use super::{chat, parts, results};
use crate::event::{Part, Status};
use crate::facet::Facet;
use crate::interaction::Interaction;

/// What tells the protocol of a request, the first that is there: members, and a path of the protocol.
const REQUESTS: &[(&[&str], &str)] = &[
    (&["contents"], ":generateContent"),
    (&["messages", "inferenceConfig"], "/model/*/converse"),
    (&["messages", "system"], "/v1/messages"),
    (&["messages"], "/chat/completions"),
    (&["input"], "/responses"),
    (&["prompt"], "/api/generate"),
];

/// What tells the protocol of an answer, the first that is there: a path, how its JSON begins, and a path of
/// the protocol.
const ANSWERS: &[(&str, &str, &str)] = &[
    ("choices", "", "/chat/completions"),
    ("candidates", "", ":generateContent"),
    ("usageMetadata", "", ":generateContent"),
    ("promptFeedback", "", ":generateContent"),
    ("type", "\"response.", "/responses"),
    ("object", "\"response\"", "/responses"),
    ("type", "\"message", "/v1/messages"),
    ("type", "\"content_block", "/v1/messages"),
    ("type", "\"ping\"", "/v1/messages"),
    ("stop_reason", "", "/v1/messages"),
    ("output.message", "", "/model/*/converse"),
    ("contentBlockIndex", "", "/model/*/converse"),
    ("stopReason", "", "/model/*/converse"),
    ("done", "", "/api/chat"),
    ("object", "\"list\"", "/embeddings"),
    ("embeddings", "", "/api/embed"),
    ("embedding", "", "/api/embed"),
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
    let has = |name: &&str| json.get(name).is_some();
    let known = REQUESTS.iter().find(|(names, _)| names.iter().all(has));
    match known.and_then(|(_, path)| Protocol::with_path(path)) {
        Some(protocol) => {
            table::put_settings(call, json);
            (protocol.request)(call, json);
        }
        None => prompt(call, json),
    }
}

/// Puts a message, a text, or what has no known shape as the text of its JSON.
fn prompt(call: &mut Interaction, json: Json<'_>) {
    if json.get("role").is_some() {
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

fn read(said: &mut Said, call: &mut Interaction, json: Json<'_>) {
    let begins = |(path, begin, _): &&(&str, &str, &str)| {
        json.at(path).is_some_and(|at| at.text().starts_with(begin))
    };
    let known = ANSWERS.iter().find(begins);
    let known = known.and_then(|(.., path)| Protocol::with_path(path));
    said.protocol = known.or(said.protocol);
    let is_refused = is_failure(json);
    // Errors of all protocols are read alike.
    let of_error = PROTOCOLS.first().filter(|_| is_refused);
    if let Some(protocol) = said.protocol.or(of_error) {
        let came = Came {
            is_refused,
            ..Came::default()
        };
        said.read(call, protocol, came, json);
    } else if json.get("role").is_some() {
        chat::said_in(said, call, json);
    } else if let Some(text) = json.str() {
        said.answer.append(call, (0, IN_ORDER), Piece::Text, &text);
    } else if call.allows(Facet::Response) {
        let text = results::text(call, json);
        said.answer.push(call, 0, Part::text(text));
    }
    if said.is_over() {
        call.told_why_it_ends();
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
