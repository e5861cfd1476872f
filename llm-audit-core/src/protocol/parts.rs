//! Parts of messages as providers write them: one table of their names, one of where each has its columns.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};

use super::json::Json;
use super::results;
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
/// Members that only media have, within the JSON of a tool.
const ENCLOSED: &[&str] = &[
    "image_url",
    "source.url",
    "source.s3Location",
    "source.file_id",
    "fileUri",
    "file_uri",
];
const FILE_ID: &[&str] = &["file_id", "source.file_id", "file.file_id"];

/// Returns the part that `json` is, as far as the policy lets it be captured.
///
/// Of a part whose facet is off nothing is decoded, and its type is what is left of it.
pub(crate) fn part(call: &mut Interaction, json: Json<'_>) -> Option<Part> {
    if !json.is_object() {
        return json.str().map(Part::text);
    }
    let outer = json;
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
                part.id = string(json, ID).or_else(|| string(outer, ID));
                part.name = string(json, NAME);
                part.arguments = json.first(ARGUMENTS).map(|json| arguments(call, json));
            }
            Some(part)
        }
        Kind::Response => {
            let mut part = Part::default().r#type("tool_call_response");
            if call.allows(Facet::ToolIo) {
                part.id = string(json, ID).or_else(|| string(json, NAME));
                part.response = json.first(RESPONSE).map(|json| results::text(call, json));
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
fn arguments(call: &mut Interaction, json: Json<'_>) -> String {
    match json.str() {
        Some(text) => results::text_of(call, &text),
        None => results::text(call, json),
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

/// Returns what is left of `json` if it is media within the JSON of a tool.
///
/// There any name may mean anything: only what holds media is one.
pub(crate) fn enclosed_media(call: &mut Interaction, json: Json<'_>) -> Option<Part> {
    let (Kind::Media(modality), json) = kind_of(json)? else {
        return None;
    };
    let data = json.first(INLINE);
    let text = data.and_then(Json::str).unwrap_or_default();
    let is_media = data.is_some_and(Json::is_cut)
        || results::is_data_uri(&text)
        || results::is_base64(&text)
        || json.first(ENCLOSED).is_some();
    is_media.then(|| media(call, json, modality))
}

/// Returns what is left of the base64 text or data URI `data`.
pub(crate) fn inline(call: &mut Interaction, data: &str, is_cut: bool) -> Part {
    let mut part = Part::default().r#type("blob");
    if call.allows(Facet::Media) {
        measure_inline(&mut part, data, is_cut);
    }
    part
}

/// A reference to media: never the bytes, but their type, their number and their digest.
fn media(call: &mut Interaction, json: Json<'_>, modality: &str) -> Part {
    let mut part = Part::default().r#type("blob");
    if !call.allows(Facet::Media) {
        return part;
    }
    part.mime_type = string(json, MIME);
    part.file_id = string(json, FILE_ID);
    let [uri, data] = [URI, INLINE].map(|paths| {
        json.first(paths)
            .filter(|json| json.text().starts_with('"'))
    });
    if let Some(at) = uri
        && let Some(uri) = at.str()
    {
        if results::is_data_uri(&uri) || at.is_cut() {
            measure_inline(&mut part, &uri, at.is_cut());
        } else {
            part.r#type = Some("uri".to_owned());
            part.uri = Some(uri.into_owned());
        }
    } else if let Some(at) = data
        && let Some(data) = at.str()
    {
        measure_inline(&mut part, &data, at.is_cut());
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

/// Says of `data`, base64 or a data URI, its type, its size and its digest; of one that was cut the type alone.
fn measure_inline(part: &mut Part, data: &str, is_cut: bool) {
    let (head, data) = match data.split_once(',') {
        Some((head, data)) if results::is_data_uri(head) => (head.get(5..), data),
        _ => (None, data),
    };
    let mime = head.and_then(|head| head.split(';').next());
    if let Some(mime) = mime.filter(|mime| !mime.is_empty()) {
        part.mime_type = Some(mime.to_owned());
    }
    if !is_cut {
        measure(part, data);
    }
}

/// Says how many bytes the base64 text `data` stands for, and their digest.
fn measure(part: &mut Part, data: &str) {
    let digits = data.trim_end_matches('=');
    let bytes = digits.len() / 4 * 3 + (digits.len() % 4).saturating_sub(1);
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
    part.bytes = u64::try_from(bytes).ok().filter(|_| whole);
    part.digest = whole.then(|| format!("sha256:{}", crate::encode::hex(&hash.finalize())));
}
