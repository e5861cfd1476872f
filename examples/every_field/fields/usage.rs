//! What it cost.

use std::collections::BTreeMap;

use llm_audit::{Interaction, Usage};

/// Sets the fields of usage and resources.
pub(crate) fn set(call: &mut Interaction) {
    call.usage(
        Usage::openai(120, 30)
            .cache_read(100)
            .cache_write(10)
            .reasoning(5),
    );
    call.modality_tokens([("text.input", 120)])
        .usage_raw(&BTreeMap::from([
            ("prompt_tokens", 120),
            ("completion_tokens", 30),
        ]))
        .quota_limit(1_000_000)
        .quota_remaining(999_850)
        .budget_remaining("99.50")
        .input_cost("0.00012")
        .output_cost("0.00006")
        .total_cost("0.00018")
        .currency("EUR")
        .price_table_id("2026-11");
    call.cpu_us(350)
        .memory_bytes(64 << 20)
        .gpu_utilization(0.4)
        .energy_joules(1.5);
}
