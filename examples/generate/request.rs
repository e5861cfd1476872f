//! What a model is asked.

use llm_audit::{Interaction, Message};

use crate::random::Random;

const SYSTEM: &str = "You are the assistant of a company. Answer shortly, and only what you know.";
const MODELS: &[(&str, &str)] = &[
    ("openai", "small"),
    ("openai", "large"),
    ("anthropic", "medium"),
    ("local", "7b-instruct"),
];

/// Sets what is known before `call` leaves.
pub(crate) fn ask(call: &mut Interaction, random: &mut Random, talk: &[Message], turn: u64) {
    let (provider, model) = random.pick(MODELS).copied().unwrap_or_default();
    call.provider(provider).request_model(model);
    call.response_model(format!("{model}-2026-01"));
    call.temperature(0.2).max_tokens(1_024).attempt(1);
    call.stream(turn.is_multiple_of(2)).turn_index(turn);
    call.endpoint("/v1/ask").routing_mode("default");
    call.system(SYSTEM);
    for message in talk {
        call.message(message.clone());
    }
    call.sent();
}
