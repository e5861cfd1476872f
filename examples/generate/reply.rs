//! What comes back from a model.

use llm_audit::{Interaction, Message, Usage};

use crate::random::Random;

/// Sets what is known with the answer to `talk`.
pub(crate) fn set(call: &mut Interaction, random: &mut Random, talk: &[Message], answer: &str) {
    let parts = talk
        .iter()
        .flat_map(|message| message.parts.iter().flatten());
    let texts = parts.filter_map(|part| part.content.as_deref());
    let input = 60 + texts.map(str::len).sum::<usize>() as u64 / 4;
    let output = 1 + answer.len() as u64 / 4;
    let usage = Usage::openai(input, output);
    let is_first = talk.len() == 1;
    call.usage(if is_first {
        usage
    } else {
        usage.cache_read(input / 2)
    });
    call.total_cost(format!("0.{:06}", input + 3 * output))
        .currency("EUR");
    let is_cut = random.once_in(30);
    call.response(answer);
    call.finish_reasons([if is_cut { "length" } else { "stop" }]);
    call.response_id(format!("resp-{:016x}", random.next()));
    call.metrics([("readability", 40.0 + 50.0 * random.share())]);
    if random.once_in(10) {
        call.tags(["beta"]);
        call.metadata([("ticket", random.within(1, 90_000))]);
    }
}
