//! Calls of models.

use llm_audit::{EventId, Interaction, Message, Operation};

use crate::log::Log;
use crate::random::Random;
use crate::{reply, text};

const SYSTEM: &str = "You are the assistant of a company. Answer shortly, and only what you know.";
const MODELS: &[(&str, &str)] = &[
    ("openai", "small"),
    ("openai", "large"),
    ("anthropic", "medium"),
    ("local", "7b-instruct"),
];

/// Asks a model for the next turn of `talk`, which gets both texts; returns the answer's event.
pub(crate) fn chat(
    log: &Log,
    random: &mut Random,
    talk: &mut Vec<Message>,
    turn: u64,
) -> Option<EventId> {
    talk.push(Message::text("user", text::question(random)));
    let mut call = log.audit.begin(Operation::Chat);
    ask(&mut call, random, talk, turn);
    let wait = random.within(80_000, 900_000);
    log.time.pass(wait as i64);
    if random.once_in(25) {
        talk.pop();
        call.error_type("rate_limit_exceeded").http_status(429);
        call.fail("the provider asked for a pause");
        return None;
    }
    call.time_to_first_chunk_us(wait);
    let answer = text::answer(random);
    log.time.pass(answer.len() as i64 * 4_000);
    reply::set(&mut call, random, talk, &answer);
    talk.push(Message::text("assistant", answer));
    call.finish()
}

fn ask(call: &mut Interaction, random: &mut Random, talk: &[Message], turn: u64) {
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
