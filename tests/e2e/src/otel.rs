//! A log of what backends of OpenTelemetry show: agents with their calls, errors, scores, and secrets
//! that its policy hides.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use llm_audit::{
    Document, Evaluation, Facet, Guardrail, Level, Operation, Policy, Preset, Retention, Usage,
};
use serde_json::json;

/// Stand in prompts, answers and arguments, and nowhere in what is sent.
const SECRETS: [&str; 2] = [
    "ada.planted@example.org",
    "sk-ant-api03-plantedPlantedPlanted0123456789",
];

const CALLS: usize = 12;

pub(crate) fn write(dir: &Path) -> Result<(), Box<dyn Error>> {
    let keyed = [
        Facet::Groups,
        Facet::Project,
        Facet::CodeOwners,
        Facet::Device,
    ];
    let policy = keyed
        .into_iter()
        .fold(Policy::builder().preset(Preset::Debug), |policy, facet| {
            policy.facet(facet, Level::Off)
        });
    let policy = policy
        .facet(Facet::User, Level::Full)
        .facet(Facet::Session, Level::Full)
        .retention(Retention::Days30);
    let audit = llm_audit::builder()
        .policy(policy.build()?)
        .journal(dir)
        .spawn()?;
    for number in 0..CALLS {
        let mut agent = audit.begin(Operation::InvokeAgent);
        agent
            .agent_name("clerk")
            .user_id("u-17")
            .session_id(format!("s-{}", number % 3));
        agent
            .service_name("shop")
            .tags(["e2e"])
            .metadata([("number", number)]);
        agent.prompt("How many holidays?").response("Thirty.");
        agent.context().enter(|| within(&audit, number));
        std::thread::sleep(Duration::from_millis(2));
        agent.finish();
    }
    let report = audit.shutdown(Duration::from_secs(30));
    report
        .is_complete()
        .then_some(())
        .ok_or_else(|| report.to_string().into())
}

fn within(audit: &llm_audit::Audit, number: usize) {
    let [address, key] = SECRETS;
    let mut search = audit.begin(Operation::Retrieval);
    search.data_source_id("handbook").query("holidays");
    search.documents([Document::default()
        .id("d-1")
        .score(0.75)
        .text("Thirty days.")]);
    search.finish();
    let mut tool = audit.begin(Operation::ExecuteTool);
    tool.tool_name("look_up")
        .tool_type("function")
        .tool_call_id("c-1");
    tool.tool_arguments(&json!({"of": address}))
        .tool_result(&json!({"days": 30}));
    tool.finish();
    let mut chat = audit.begin(Operation::Chat);
    chat.provider("openai")
        .request_model("gpt-4o-mini")
        .response_model("gpt-4o-mini-2024-07-18");
    chat.temperature(0.25).system("You are a clerk.");
    chat.prompt(format!(
        "Question {number} of {address}, key {key}: how many holidays?"
    ));
    std::thread::sleep(Duration::from_millis(3));
    if number % 6 == 5 {
        chat.fail("the model is overloaded");
        return;
    }
    chat.response(format!("Thirty, {address}."))
        .finish_reasons(["stop"]);
    chat.usage(Usage::openai(120 + number as u64, 30))
        .total_cost("0.000036")
        .currency("USD");
    chat.guardrail(
        Guardrail::default()
            .name("pii")
            .verdict("clean")
            .action("allowed"),
    );
    chat.evaluations([Evaluation::default().name("relevance").score(0.5)]);
    chat.finish();
}
