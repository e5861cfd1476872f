//! The rules of the GenAI JSON schemas, as this project states them: which members what must have.

use serde_json::Value;

/// A part's type, and what a part of that type must have. Other types may have anything.
const PARTS: &[(&str, &[(&str, Is)])] = &[
    ("text", &[("content", Is::Text)]),
    ("reasoning", &[("content", Is::Text)]),
    ("tool_call", &[("name", Is::Text)]),
    ("tool_call_response", &[("response", Is::Any)]),
    ("blob", &[("modality", Is::Text), ("content", Is::Text)]),
    ("uri", &[("modality", Is::Text), ("uri", Is::Text)]),
    ("file", &[("modality", Is::Text), ("file_id", Is::Text)]),
];

#[derive(Clone, Copy)]
enum Is {
    Any,
    Number,
    Text,
}

fn member(object: &Value, name: &str, is: Is) -> Result<(), String> {
    let value = object
        .get(name)
        .ok_or_else(|| format!("`{name}` is missing"))?;
    let fits = match is {
        Is::Any => true,
        Is::Number => value.is_number(),
        Is::Text => value.is_string(),
    };
    fits.then_some(())
        .ok_or_else(|| format!("`{name}` is of another type"))
}

fn optional(object: &Value, name: &str, is: Is) -> Result<(), String> {
    object
        .get(name)
        .map_or(Ok(()), |_| member(object, name, is))
}

fn each(list: &Value, check: impl Fn(&Value) -> Result<(), String>) -> Result<(), String> {
    let list = list.as_array().ok_or("it is no array")?;
    list.iter().try_for_each(|element| {
        if !element.is_object() {
            return Err("an element is no object".to_owned());
        }
        check(element)
    })
}

pub(super) fn parts(list: &Value) -> Result<(), String> {
    each(list, |part| {
        member(part, "type", Is::Text)?;
        let known = PARTS.iter().find(|(name, _)| part["type"] == *name);
        let rules = known.map_or(&[][..], |(_, rules)| rules);
        rules
            .iter()
            .try_for_each(|(name, is)| member(part, name, *is))?;
        ["id", "mime_type"]
            .iter()
            .try_for_each(|name| optional(part, name, Is::Text))
    })
}

pub(super) fn input_messages(list: &Value) -> Result<(), String> {
    each(list, |message| {
        member(message, "role", Is::Text)?;
        member(message, "parts", Is::Any)?;
        optional(message, "name", Is::Text)?;
        parts(&message["parts"])
    })
}

pub(super) fn output_messages(list: &Value) -> Result<(), String> {
    input_messages(list)?;
    each(list, |message| member(message, "finish_reason", Is::Text))
}

pub(super) fn tool_definitions(list: &Value) -> Result<(), String> {
    each(list, |tool| {
        member(tool, "type", Is::Text)?;
        member(tool, "name", Is::Text)
    })
}

pub(super) fn documents(list: &Value) -> Result<(), String> {
    each(list, |document| {
        optional(document, "id", Is::Text)?;
        optional(document, "score", Is::Number)
    })
}

pub(super) fn object(value: &Value) -> Result<(), String> {
    value
        .is_object()
        .then_some(())
        .ok_or_else(|| "it is no object".to_owned())
}

#[test]
fn the_rules_refuse_what_the_schemas_refuse() {
    use serde_json::json;

    let message = |part: Value| json!([{"role": "user", "parts": [part]}]);
    for part in [
        json!({"type": "text"}),
        json!({"type": "text", "content": 1}),
        json!({"content": "a text"}),
        json!({"type": "tool_call", "id": "c1"}),
        json!({"type": "tool_call_response", "result": 1}),
        json!({"type": "blob", "content": "AA=="}),
        json!({"type": "uri", "modality": "image"}),
        json!("a text"),
    ] {
        assert!(input_messages(&message(part.clone())).is_err(), "{part}");
    }
    let fine = message(json!({"type": "of 2030", "anything": [1]}));
    assert!(input_messages(&fine).is_ok());
    assert!(output_messages(&fine).is_err());
    assert!(input_messages(&json!([{"parts": []}])).is_err());
    assert!(tool_definitions(&json!([{"name": "search"}])).is_err());
    assert!(documents(&json!([{"score": "high"}])).is_err());
    assert!(object(&json!([])).is_err());
}
