//! Embeddings, in the shapes of OpenAI, Ollama and Gemini. Of answers only the counts are read.

use super::json::Json;
use super::parts;
use super::turn::Turn;
use crate::interaction::Interaction;

/// Reads the texts of a request for embeddings.
pub(crate) fn request(call: &mut Interaction, body: Json<'_>) {
    if let Some(input) = body.first(&["input", "prompt", "content.parts", "inputText", "texts"]) {
        input.each(|text| {
            // Numbers are tokens, which nobody can read.
            if text.str().is_some() || text.is_object() {
                parts::content(call, "user", Some(text));
            }
        });
    }
}

/// Reads nothing: numbers that stand for a text are no answer that anybody reads.
pub(crate) fn answer(turn: &mut Turn<'_>, _: Json<'_>) {
    turn.has_ended = true;
}
