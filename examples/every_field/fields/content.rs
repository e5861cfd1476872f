//! What was said.

use std::collections::BTreeMap;

use llm_audit::{Document, Interaction, MediaItem, Message, Part};

/// Sets the fields of content.
pub(crate) fn set(call: &mut Interaction) {
    call.system_instructions([Part::text("Answer in one sentence.")]);
    call.prompt("Why is the sky blue?").language("en");
    call.tool_response("call-1", &BTreeMap::from([("ok", true)]));
    call.message(
        Message::default().role("user").parts([Part::default()
            .r#type("uri")
            .modality("image")
            .uri("https://example.org/sky.png")]),
    );
    call.reasoning("Scattering.")
        .response("Because air scatters blue light more.");
    call.tool_call("call-2", "search", &BTreeMap::from([("query", "Rayleigh")]));
    call.prompt_template_variables([("topic", "sky")])
        .skill_input(&BTreeMap::from([("topic", "sky")]))
        .tool_arguments(&BTreeMap::from([("query", "Rayleigh")]))
        .tool_result(&["scattering"])
        .tool_error("timed out once")
        .query("blue sky")
        .documents([Document::default()
            .id("doc-1")
            .score(0.9)
            .text("Lord Rayleigh explained it.")])
        .data_source_id("encyclopedia")
        .accessed_resources(["kb://optics/7"])
        .media([MediaItem::default()
            .modality("image")
            .mime_type("image/png")
            .bytes(12_345)])
        .raw_request(r#"{"model":"small"}"#)
        .raw_response(r#"{"choices":[]}"#)
        .raw_headers([("x-request-id", "req-1")]);
}
