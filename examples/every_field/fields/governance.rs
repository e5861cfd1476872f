//! Under which rules, and what detectors found.

use llm_audit::{Guardrail, Interaction};

/// Sets the fields of classification, guardrails and detections.
pub(crate) fn set(call: &mut Interaction) {
    call.classification_file("internal")
        .classification_repo("confidential")
        .classification_group("public")
        .sensitivity_labels(["customer-data"]);
    call.guardrails_assigned(["no-secrets"]).guardrail(
        Guardrail::default()
            .id("g-1")
            .name("no-secrets")
            .stage("input")
            .action("allowed")
            .score(0.1),
    );
    call.prompt_pii_detected(true)
        .prompt_pii_counts([("email", 1)])
        .response_pii_detected(false)
        .response_pii_counts([("email", 0)])
        .zero_shot_label("science")
        .zero_shot_score(0.97)
        .zero_shot_model("labels-1")
        .prompt_toxicity(0.01)
        .response_toxicity(0.02)
        .injection_score(0.03)
        .jailbreak_score(0.04)
        .anomaly_score(0.05)
        .distress_score(0.06);
}
