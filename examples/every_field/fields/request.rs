//! What was asked of the model besides the text.

use llm_audit::{Interaction, ToolDefinition};

/// Sets the fields of the request's configuration and of tools.
pub(crate) fn set(call: &mut Interaction) {
    call.temperature(0.2)
        .top_p(0.9)
        .top_k(40)
        .max_tokens(256)
        .stop_sequences(["END"])
        .seed("42")
        .frequency_penalty(0.1)
        .presence_penalty(0.3)
        .choice_count(1)
        .stream(true)
        .output_type("text")
        .reasoning_effort("low")
        .tool_choice("auto")
        .response_format_digest("sha256:5f70bf18")
        .request_extra([("logprobs", true)]);
    call.tool_name("search")
        .tool_type("function")
        .tool_call_id("call-3")
        .tool_definitions([ToolDefinition::default().r#type("function").name("search")])
        .mcp_method("tools/call")
        .mcp_session_id("mcp-1")
        .mcp_server("search.example.org")
        .mcp_protocol_version("2026-03-26");
}
