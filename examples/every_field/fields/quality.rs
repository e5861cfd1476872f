//! What people and evaluators thought of it. Mostly they do so later: see `Audit::feedback` and its
//! sisters.

use llm_audit::{Evaluation, Interaction};

/// Sets the fields of evaluation, feedback and training.
pub(crate) fn set(call: &mut Interaction) {
    call.evaluations([Evaluation::default()
        .name("relevance")
        .score(0.8)
        .annotator_kind("model")]);
    call.feedback_thumb("up")
        .feedback_rating(4.0)
        .feedback_comment("short and right")
        .feedback_accepted(true)
        .feedback_edited(false)
        .feedback_copied(true)
        .feedback_regenerated(false)
        .correction("Because air scatters blue light more than red.")
        .oversight_decision("approved")
        .oversight_reason("checked against the source")
        .oversight_latency_us(90_000_000)
        .annotator_kind("human");
    call.training_allowed(true)
        .training_basis("consent")
        .dataset_ids(["optics-2026"])
        .dataset_split("train");
}
