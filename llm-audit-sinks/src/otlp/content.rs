//! Messages, parts, documents and tools in the shape of the GenAI JSON schemas.

use llm_audit_core::schema::{Record, ValueRef};
use llm_audit_core::{Document, Message, Part, ToolDefinition};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::value::RawValue;

/// What stands where the schema wants a text and the event has none: it was not given, or withheld.
pub(super) const UNKNOWN: &str = "unknown";

/// Returns the messages as JSON. Where `finish_reasons` are given they are a model's choices, of which
/// each has its reason.
pub(super) fn messages(messages: &[Message], finish_reasons: Option<&[String]>) -> String {
    let list = messages.iter().enumerate().map(|(number, message)| {
        let finish_reason = finish_reasons.map(|reasons| {
            let own = message.finish_reason.as_deref();
            let of_event = || reasons.get(number).map(String::as_str);
            finish_word(own.or_else(of_event).unwrap_or(UNKNOWN))
        });
        AsMessage {
            message,
            finish_reason: finish_reason.or(message.finish_reason.as_deref()),
        }
    });
    json(&Sequence(list.collect()))
}

/// Returns the parts as JSON.
pub(super) fn parts(parts: &[Part]) -> String {
    json(&Sequence(parts.iter().map(AsPart).collect()))
}

/// Returns the documents as JSON.
pub(super) fn documents(documents: &[Document]) -> String {
    json(&Sequence(documents.iter().map(AsDocument).collect()))
}

/// Returns the definitions of tools as JSON.
pub(super) fn tools(tools: &[ToolDefinition]) -> String {
    json(&Sequence(tools.iter().map(AsTool).collect()))
}

/// Returns members whose values are JSON texts as one JSON object.
pub(super) fn object<'a>(members: impl Iterator<Item = (&'a String, &'a String)>) -> String {
    json(&Members(members.collect()))
}

/// Providers' words for the convention's.
fn finish_word(word: &str) -> &str {
    match word {
        "end_turn" | "stop_sequence" => "stop",
        "max_tokens" | "max_output_tokens" => "length",
        "tool_calls" | "tool_use" | "function_call" => "tool_call",
        "refusal" | "safety" => "content_filter",
        _ => word,
    }
}

fn json(value: &impl Serialize) -> String {
    // Strings and checked JSON can always be written.
    serde_json::to_string(value).unwrap_or_default()
}

struct Sequence<T>(Vec<T>);

impl<T: Serialize> Serialize for Sequence<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for element in &self.0 {
            list.serialize_element(element)?;
        }
        list.end()
    }
}

struct Members<'a>(Vec<(&'a String, &'a String)>);

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, text)| (name, Raw(text))))
    }
}

/// JSON text as it stands; another text as a string.
struct Raw<'a>(&'a str);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<&RawValue>(self.0) {
            Ok(raw) => raw.serialize(serializer),
            Err(_) => serializer.serialize_str(self.0),
        }
    }
}

struct AsMessage<'a> {
    message: &'a Message,
    finish_reason: Option<&'a str>,
}

impl Serialize for AsMessage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let message = self.message;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("role", message.role.as_deref().unwrap_or(UNKNOWN))?;
        if let Some(name) = &message.name {
            map.serialize_entry("name", name)?;
        }
        let parts = message.parts.iter().flatten().map(AsPart);
        map.serialize_entry("parts", &Sequence(parts.collect()))?;
        if let Some(reason) = self.finish_reason {
            map.serialize_entry("finish_reason", reason)?;
        }
        let taken = ["role", "name", "parts", "finish_reason"];
        others(&mut map, message, message.extra.as_deref(), &taken)?;
        map.end()
    }
}

struct AsPart<'a>(&'a Part);

/// What a part of a type must have, by the schemas.
const REQUIRED: &[(&str, &[&str])] = &[
    ("text", &["content"]),
    ("reasoning", &["content"]),
    ("tool_call", &["name"]),
    ("tool_call_response", &["response"]),
    ("blob", &["modality", "content"]),
    ("uri", &["modality", "uri"]),
    ("file", &["modality", "file_id"]),
];

impl Serialize for AsPart<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let part_type = self.0.r#type.as_deref().unwrap_or(UNKNOWN);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", part_type)?;
        let required = REQUIRED.iter().find(|(name, _)| *name == part_type);
        let required = required.map_or(&[][..], |(_, names)| names);
        for (number, column) in Part::COLUMNS.iter().enumerate() {
            if ["type", "extra"].contains(&column.name) {
                continue;
            }
            match self.0.get(number) {
                Some(ValueRef::Json(text)) => map.serialize_entry(column.name, &Raw(text))?,
                Some(value) => map.serialize_entry(column.name, &value)?,
                // A result may be anything, the others are texts.
                None if !required.contains(&column.name) => {}
                None if column.name == "response" => map.serialize_entry(column.name, &())?,
                None => map.serialize_entry(column.name, "")?,
            }
        }
        let taken: Vec<_> = Part::COLUMNS.iter().map(|column| column.name).collect();
        others(&mut map, self.0, self.0.extra.as_deref(), &taken)?;
        map.end()
    }
}

struct AsDocument<'a>(&'a Document);

impl Serialize for AsDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (number, column) in Document::COLUMNS.iter().enumerate() {
            // Backends know the text of a document by this name.
            let name = match column.name {
                "text" => "content",
                name => name,
            };
            if let Some(value) = self.0.get(number) {
                map.serialize_entry(name, &value)?;
            }
        }
        others(&mut map, self.0, None, &["id", "score", "hash", "content"])?;
        map.end()
    }
}

struct AsTool<'a>(&'a ToolDefinition);

impl Serialize for AsTool<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tool = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", tool.r#type.as_deref().unwrap_or("function"))?;
        map.serialize_entry("name", tool.name.as_deref().unwrap_or(UNKNOWN))?;
        if let Some(digest) = &tool.digest {
            map.serialize_entry("digest", digest)?;
        }
        others(&mut map, tool, None, &["type", "name", "digest"])?;
        map.end()
    }
}

/// Adds members that have no column, save under names that are taken.
fn others<M: SerializeMap, R: Record>(
    map: &mut M,
    record: &R,
    extra: Option<&str>,
    taken: &[&str],
) -> Result<(), M::Error> {
    let extra: Option<serde_json::Map<String, serde_json::Value>> =
        extra.and_then(|text| serde_json::from_str(text).ok());
    for (name, value) in extra.iter().flatten() {
        if !taken.contains(&name.as_str()) {
            map.serialize_entry(name, value)?;
        }
    }
    let is_extra = |name: &String| extra.as_ref().is_some_and(|extra| extra.contains_key(name));
    for (name, text) in record.unknown() {
        if !taken.contains(&name.as_str()) && !is_extra(name) {
            map.serialize_entry(name, &Raw(text))?;
        }
    }
    Ok(())
}
