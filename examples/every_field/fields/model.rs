//! Which model, and how it was reached.

use llm_audit::Interaction;

/// Sets the fields of the model and of routing.
pub(crate) fn set(call: &mut Interaction) {
    call.provider("openai")
        .request_model("small")
        .response_model("small-2026-08")
        .finish_reasons(["stop"])
        .response_id("chatcmpl-124")
        .base_model("base-7b")
        .model_version("2026-08")
        .fine_tune_id("ft-3")
        .model_size("7B")
        .hardware("8 x H200")
        .quantization("fp8")
        .serving_engine("vllm")
        .connection_type("standard")
        .connection_method("service_account")
        .credential_alias("assist-production")
        .server_address("llm.example.org")
        .server_port(443)
        .system_fingerprint("fp-44")
        .service_tier("default");
    call.routing_mode("fallback")
        .routing_choice("large")
        .routing_reason("large is over its quota")
        .routing_candidates(["large", "small"])
        .routing_variant("b")
        .attempt(2)
        .retries(1)
        .cache_hit(false);
}
