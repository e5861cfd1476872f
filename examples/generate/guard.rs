//! Guardrails.

use llm_audit::{Guardrail, Operation};

use crate::log::Log;
use crate::random::Random;
use crate::text;

/// A guardrail that looks at what a person asks; returns whether the model may be asked.
pub(crate) fn passes(log: &Log, random: &mut Random) -> bool {
    let blocks = random.once_in(30);
    let verdict = Guardrail::default()
        .id("g-1")
        .name("no-secrets")
        .stage("input")
        .mode("enforce");
    let verdict = verdict.score(random.share()).reached_model(!blocks);
    if blocks {
        let mut call = log.audit.begin(Operation::Chat);
        call.provider("openai")
            .request_model("small")
            .prompt(text::question(random));
        call.injection_score(0.97)
            .guardrails_assigned(["no-secrets"]);
        call.block(verdict.verdict("fail").categories(["injection"]));
    } else {
        log.audit
            .guardrail(verdict.verdict("pass").action("allowed"))
            .record();
    }
    !blocks
}
