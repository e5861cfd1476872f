//! Who asked, and where the event belongs.

use llm_audit::{EventId, Interaction, Link};

/// Sets the fields of the envelope and of identity.
pub(crate) fn set(call: &mut Interaction) {
    call.error_type("rate_limit_exceeded")
        .error_code("429-3")
        .http_status(429)
        .trace_id("4bf92f3577b34da6a3ce929d0e0e4736")
        .span_id("00f067aa0ba902b7")
        .parent_span_id("b7ad6b7169203331")
        .parent_event_id(EventId::from_bytes([1; 16]))
        .target_event_id("019b76da-a800-7000-8000-000000000001")
        .target_response_id("chatcmpl-123")
        .links([Link::default()
            .trace_id("0af7651916cd43dd8448eb211c80319c")
            .relation("retry_of")]);
    call.user_id("u-17")
        .end_user_id("customer-4711")
        .user_roles(["editor", "reviewer"])
        .user_groups(["support", "emea"])
        .tenant_id("acme")
        .team("assist")
        .project_id("p-9")
        .project_path("acme/assist/bot")
        .project_ancestors(["acme", "assist"])
        .code_owners(["@acme/assist"])
        .session_id("s-4")
        .conversation_id("c-8")
        .turn_index(2)
        .device_id("d-1")
        .device_name("build-agent-3")
        .client_address("192.0.2.7")
        .user_agent("assist/1.2")
        .network_origin("office");
}
