//! What is said of an answer later.

use llm_audit::{Evaluation, EventId};

use crate::log::Log;
use crate::random::Random;
use crate::text;

const SCORES: &[&str] = &["relevance", "factual_accuracy", "coherence"];

type Say = fn(&Log, &mut Random, EventId);

/// What is said, and after one in how many answers.
const FACTS: &[(u64, Say)] = &[
    (5, feedback),
    (4, evaluation),
    (20, correction),
    (15, consent),
    (40, oversight),
];

/// Says something about `target`; returns how many events that makes, `most` at most.
pub(crate) fn facts(log: &Log, random: &mut Random, target: EventId, most: u64) -> u64 {
    let mut said = 0;
    for (once_in, say) in FACTS {
        if said < most && random.once_in(*once_in) {
            say(log, random, target);
            said += 1;
        }
    }
    said
}

fn feedback(log: &Log, random: &mut Random, target: EventId) {
    let thumb = if random.once_in(4) { "down" } else { "up" };
    let mut feedback = log.audit.feedback(target);
    feedback.feedback_thumb(thumb).annotator_kind("human");
    feedback.feedback_accepted(thumb == "up").record();
}

fn evaluation(log: &Log, random: &mut Random, target: EventId) {
    let score = Evaluation::default().name(random.word(SCORES));
    let score = score.score(random.share()).annotator_kind("model");
    log.audit.evaluation(target, score).record();
}

fn correction(log: &Log, random: &mut Random, target: EventId) {
    let text = text::answer(random);
    log.audit.correction(target, &text).record();
}

fn consent(log: &Log, random: &mut Random, target: EventId) {
    log.audit.consent(target, !random.once_in(5)).record();
}

fn oversight(log: &Log, _: &mut Random, target: EventId) {
    log.audit.oversight(target, "approved").record();
}
