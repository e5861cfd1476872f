//! Calls of models.

use llm_audit::{EventId, Interaction, Message, Operation};

use crate::log::Log;
use crate::random::Random;
use crate::request::ask;
use crate::{reply, text};

/// Asks a model for the next turn of `talk`, which gets both texts; returns the answer's event, and how
/// many events were made: at most `most`, which is not zero.
pub(crate) fn chat(
    log: &Log,
    random: &mut Random,
    talk: &mut Vec<Message>,
    turn: u64,
    most: u64,
) -> (Option<EventId>, u64) {
    talk.push(Message::text("user", text::question(random)));
    if most > 1 && random.once_in(150) {
        let intent = |call: &mut Interaction| ask(call, random, talk, turn);
        let Ok(call) = log.audit.begin_durable_blocking(Operation::Chat, intent) else {
            return (None, 0);
        };
        if random.once_in(4) {
            #[expect(clippy::mem_forget, reason = "as far as the log can know, it crashed")]
            std::mem::forget(call);
            return (None, 1);
        }
        return (answer(log, random, talk, call), 2);
    }
    let mut call = log.audit.begin(Operation::Chat);
    ask(&mut call, random, talk, turn);
    (answer(log, random, talk, call), 1)
}

fn answer(
    log: &Log,
    random: &mut Random,
    talk: &mut Vec<Message>,
    mut call: Interaction,
) -> Option<EventId> {
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
