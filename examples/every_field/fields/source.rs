//! What made the call.

use llm_audit::Interaction;

/// Sets the fields of the source, and the program's own numbers and values.
pub(crate) fn set(call: &mut Interaction) {
    call.service_name("assist")
        .service_version("1.2.0")
        .environment("production")
        .region("eu-central-1")
        .source("editor")
        .endpoint("/v1/ask")
        .automation_name("nightly-summary")
        .automation_type("schedule")
        .folder_path("/projects/bot")
        .prompt_type("template")
        .skill_name("explain")
        .skill_test(false)
        .agent_id("a-1")
        .agent_name("explainer")
        .agent_version("3")
        .workflow_name("answer")
        .step_name("rewrite")
        .prompt_template_id("t-7")
        .prompt_template_version("12")
        .prompt_template_digest("sha256:9b74c989")
        .code_function("assist::ask")
        .code_file("src/ask.rs")
        .code_line(42);
    call.metrics([("readability", 61.5)]);
    call.tags(["beta"]).metadata([("ticket", 4_711)]);
}
