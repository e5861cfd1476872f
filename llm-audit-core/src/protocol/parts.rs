//! Parts of messages as providers write them: one table of their names, one of where each has its columns.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};

use super::json::{Json, json_or_string};
use crate::catalog::Field;
use crate::event::{Message, Part, Value};
use crate::facet::Facet;
use crate::interaction::Interaction;
use crate::put::PutField;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Refusal,
    Reasoning,
    Call,
    Response,
    Media(&'static str),
}

/// The names of parts: values of `type`, or the one member that says what the part is.
const NAMES: &[(&str, Kind)] = &[
    ("text", Kind::Text),
    ("input_text", Kind::Text),
    ("output_text", Kind::Text),
    ("refusal", Kind::Refusal),
    ("thinking", Kind::Reasoning),
    ("redacted_thinking", Kind::Reasoning),
    ("reasoning", Kind::Reasoning),
    ("reasoningContent", Kind::Reasoning),
    ("tool_use", Kind::Call),
    ("server_tool_use", Kind::Call),
    ("function", Kind::Call),
    ("function_call", Kind::Call),
    ("custom_tool_call", Kind::Call),
    ("functionCall", Kind::Call),
    ("toolUse", Kind::Call),
    ("tool_result", Kind::Response),
    ("function_call_output", Kind::Response),
    ("custom_tool_call_output", Kind::Response),
    ("functionResponse", Kind::Response),
    ("toolResult", Kind::Response),
    ("image", Kind::Media("image")),
    ("image_url", Kind::Media("image")),
    ("input_image", Kind::Media("image")),
    ("input_audio", Kind::Media("audio")),
    ("audio", Kind::Media("audio")),
    ("video", Kind::Media("video")),
    ("document", Kind::Media("document")),
    ("file", Kind::Media("document")),
    ("input_file", Kind::Media("document")),
    ("inlineData", Kind::Media("")),
    ("inline_data", Kind::Media("")),
    ("fileData", Kind::Media("")),
    ("file_data", Kind::Media("")),
];

/// Where a part has what it holds, the first that is there.
const TEXT: &[&str] = &[
    "text",
    "refusal",
    "thinking",
    "reasoningText.text",
    "content",
];
const SIGNATURE: &[&str] = &[
    "signature",
    "reasoningText.signature",
    "encrypted_content",
    "data",
    "redactedContent",
];
const ID: &[&str] = &["call_id", "tool_use_id", "toolUseId", "tool_call_id", "id"];
const NAME: &[&str] = &["name", "function.name"];
const ARGUMENTS: &[&str] = &["arguments", "function.arguments", "input", "args"];
const RESPONSE: &[&str] = &["output", "content", "response"];
const MIME: &[&str] = &[
    "source.media_type",
    "media_type",
    "mimeType",
    "mime_type",
    "input_audio.format",
    "format",
];
const INLINE: &[&str] = &[
    "source.data",
    "source.bytes",
    "input_audio.data",
    "file.file_data",
    "file_data",
    "data",
];
const URI: &[&str] = &[
    "image_url.url",
    "image_url",
    "source.url",
    "source.s3Location.uri",
    "fileUri",
    "file_uri",
    "file_url",
    "url",
];
const FILE_ID: &[&str] = &["file_id", "source.file_id", "file.file_id"];

/// Returns the part that `json` is, as far as the policy lets it be captured.
///
/// Of a part whose facet is off nothing is decoded, and its type is what is left of it.
pub(crate) fn part(call: &mut Interaction, json: Json<'_>) -> Option<Part> {
    if !json.is_object() {
        return json.str().map(Part::text);
    }
    let (kind, json) = kind_of(json)?;
    match kind {
        Kind::Text => text(json).map(Part::text),
        Kind::Refusal => text(json).map(|text| Part::default().r#type("refusal").content(text)),
        Kind::Reasoning => {
            let mut part = Part::default().r#type("reasoning");
            if call.allows(Facet::Reasoning) {
                part.content = text(json).or_else(|| summary(json));
                part.signature = string(json, SIGNATURE);
            }
            Some(part)
        }
        Kind::Call => {
            let mut part = Part::default().r#type("tool_call");
            if call.allows(Facet::ToolIo) {
                part.id = string(json, ID);
                part.name = string(json, NAME);
                part.arguments = json.first(ARGUMENTS).map(arguments);
            }
            Some(part)
        }
        Kind::Response => {
            let mut part = Part::default().r#type("tool_call_response");
            if call.allows(Facet::ToolIo) {
                part.id = string(json, ID).or_else(|| string(json, NAME));
                part.response = json.first(RESPONSE).map(Json::compact);
            }
            Some(part)
        }
        Kind::Media(modality) => Some(media(call, json, modality)),
    }
}

/// Returns the parts that `content` is: a text, a part, or a list of them.
pub(crate) fn parts(call: &mut Interaction, content: Json<'_>) -> Vec<Part> {
    let mut parts = Vec::new();
    content.each(|json| parts.extend(part(call, json)));
    parts
}

/// Adds a message of `role` to the input.
pub(crate) fn input(call: &mut Interaction, role: &str, parts: Vec<Part>) {
    if !parts.is_empty() {
        call.message(Message::default().role(role).parts(parts));
    }
}

/// Adds `content` to the input, as a message of `role`; nothing of it is read when it is not captured.
pub(crate) fn content(call: &mut Interaction, role: &str, content: Option<Json<'_>>) {
    if let Some(content) = content
        && call.allows(Facet::Prompt)
        && (role != "system" && role != "developer" || call.allows(Facet::SystemPrompt))
    {
        let parts = parts(call, content);
        input(call, role, parts);
    }
}

/// Sets the instructions that a request has apart from its messages.
pub(crate) fn instructions(call: &mut Interaction, content: Option<Json<'_>>) {
    if let Some(content) = content
        && call.accepts(Field::SystemInstructions)
    {
        let parts = parts(call, content);
        call.put(Field::SystemInstructions, Value::Parts(parts));
    }
}

/// Returns the text of the first of `paths` that is a string.
pub(crate) fn string(json: Json<'_>, paths: &[&str]) -> Option<String> {
    json.first(paths).and_then(Json::str).map(Cow::into_owned)
}

/// Returns JSON text for arguments: those that are a string hold JSON themselves.
pub(crate) fn arguments(json: Json<'_>) -> String {
    match json.str() {
        Some(text) => json_or_string(&text),
        None => json.compact(),
    }
}

fn kind_of(json: Json<'_>) -> Option<(Kind, Json<'_>)> {
    let named = |name: &str| NAMES.iter().find(|(known, _)| *known == name);
    if let Some(name) = json.get("type").and_then(Json::str) {
        // `image_url` and its like hold themselves in a member of the same name, which the paths know.
        return named(&name).map(|(_, kind)| (*kind, json));
    }
    let mut found = None;
    let mut is_thought = false;
    json.members(|name, value| match named(name) {
        Some((_, kind)) if found.is_none() => {
            found = Some((*kind, if value.is_object() { value } else { json }));
        }
        _ => is_thought |= name == "thought" && value.bool() == Some(true),
    });
    found.map(|(kind, json)| match kind {
        Kind::Text if is_thought => (Kind::Reasoning, json),
        kind => (kind, json),
    })
}

fn text(json: Json<'_>) -> Option<String> {
    string(json, TEXT)
}

/// The text of a reasoning that is a list of summaries.
fn summary(json: Json<'_>) -> Option<String> {
    let mut text = String::new();
    json.get("summary")?.each(|item| {
        if let Some(more) = item.get("text").and_then(Json::str) {
            text.push_str(&more);
        }
    });
    (!text.is_empty()).then_some(text)
}

/// A reference to media: never the bytes, but their type, their number and their digest.
fn media(call: &mut Interaction, json: Json<'_>, modality: &str) -> Part {
    let mut part = Part::default().r#type("blob");
    if !call.allows(Facet::Media) {
        return part;
    }
    part.mime_type = string(json, MIME);
    part.file_id = string(json, FILE_ID);
    if let Some(uri) = json.first(URI).and_then(Json::str) {
        match uri
            .strip_prefix("data:")
            .and_then(|uri| uri.split_once(','))
        {
            Some((head, data)) => {
                part.mime_type = head.split(';').next().map(str::to_owned);
                measure(&mut part, data);
            }
            None => {
                part.r#type = Some("uri".to_owned());
                part.uri = Some(uri.into_owned());
            }
        }
    } else if let Some(data) = json.first(INLINE).and_then(Json::str) {
        let data = data.split_once(";base64,").map_or(&*data, |(_, data)| data);
        measure(&mut part, data);
    } else if part.file_id.is_some() {
        part.r#type = Some("file".to_owned());
    }
    let of_mime = || part.mime_type.as_deref()?.split('/').next();
    let modality = if modality.is_empty() {
        of_mime()
    } else {
        Some(modality)
    };
    part.modality = modality.map(str::to_owned);
    part
}

/// Says how many bytes the base64 text `data` stands for, and their digest.
fn measure(part: &mut Part, data: &str) {
    let digits = data.trim_end_matches('=');
    part.bytes = u64::try_from(digits.len() / 4 * 3 + (digits.len() % 4).saturating_sub(1)).ok();
    let mut hash = Sha256::new();
    let mut whole = true;
    // Four digits are three bytes, so that pieces of whole groups can be decoded one by one.
    for piece in digits.as_bytes().chunks(4096) {
        let piece: String = piece
            .iter()
            .map(|digit| match digit {
                b'+' => '-',
                b'/' => '_',
                digit => char::from(*digit),
            })
            .collect();
        match crate::encode::from_base64url(&piece) {
            Some(bytes) => hash.update(&bytes),
            None => whole = false,
        }
    }
    part.digest = whole.then(|| format!("sha256:{}", crate::encode::hex(&hash.finalize())));
}
