//! What the model in this process knows.

use serde_json::{Value, json};

const ANSWERS: &[(&str, &str)] = &[
    (
        "sky",
        "Air scatters blue light more than red light, so the sky looks blue.",
    ),
    (
        "invoice",
        "Dear Ada, your invoice is on its way to ada@example.org. Kind regards",
    ),
    ("moons", "Mars has two moons, Phobos and Deimos."),
];

/// Returns the answer to the request in `body`: one JSON object, or several for a stream.
pub(crate) fn answer(body: &Value) -> Vec<Value> {
    let question = body
        .pointer("/messages/0/content")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let known = ANSWERS.iter().find(|(word, _)| question.contains(word));
    let text = known.map_or("I do not know.", |(_, text)| text);
    let words: Vec<&str> = text.split_inclusive(' ').collect();
    let usage = json!({ "prompt_tokens": question.len() / 4, "completion_tokens": words.len() });
    if !is_stream(body) {
        let message = json!({ "role": "assistant", "content": text });
        let choices = json!([{ "index": 0, "message": message, "finish_reason": "stop" }]);
        return vec![json!({ "model": body.get("model"), "choices": choices, "usage": usage })];
    }
    let chunk = |word: &&str| json!({ "choices": [{ "delta": { "content": word } }] });
    let mut chunks: Vec<Value> = words.iter().map(chunk).collect();
    chunks.push(json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] }));
    chunks.push(json!({ "choices": [], "usage": usage }));
    chunks
}

/// Returns whether the request in `body` asks for a stream.
pub(crate) fn is_stream(body: &Value) -> bool {
    body.get("stream").and_then(Value::as_bool).unwrap_or(false)
}
