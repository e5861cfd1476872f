//! Asks a model three questions and keeps an audit log of them in ./audit-log.
//!
//! It asks a small model in this process, or any endpoint that speaks OpenAI's protocol: set
//! LLM_BASE_URL, LLM_MODEL and LLM_API_KEY.
#![expect(clippy::print_stdout, reason = "the examples print")]

mod support;

use std::error::Error;
use std::time::Duration;

use llm_audit::{Audit, Facet, Level, Operation, Policy, Preset, Retention};
use support::{endpoint::Endpoint, print};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let policy = Policy::builder()
        .preset(Preset::Operations) // model, usage, timing, request_config, source and others
        .facet(Facet::Prompt, Level::Redacted)
        .facet(Facet::Response, Level::Redacted)
        .retention(Retention::Days30)
        .build()?;
    let audit = llm_audit::builder()
        .policy(policy)
        .journal("audit-log")
        .spawn()?;
    let endpoint = Endpoint::from_env().await?;
    for question in [
        "Why is the sky blue?",
        "How many moons has Mars?",
        "Tell ada@example.org in one line that her invoice is on its way.",
    ] {
        println!("{question}\n  {}", ask(&audit, &endpoint, question).await?);
    }
    let report = audit.shutdown_async(Duration::from_secs(5)).await;
    print::newest("audit-log", audit.writer_id())?;
    println!("{report}");
    Ok(())
}

async fn ask(audit: &Audit, endpoint: &Endpoint, question: &str) -> Result<String, Box<dyn Error>> {
    let mut call = audit.begin(Operation::Chat);
    call.provider("openai").request_model(&endpoint.model);
    call.service_name("quickstart").user_id("u-17"); // the policy withholds who asked
    call.prompt(question).sent();
    let reply = match endpoint.ask(question).await {
        Ok(reply) => reply,
        Err(error) => {
            call.fail(&error);
            return Err(error.into());
        }
    };
    call.response_model(&reply.model)
        .response(&reply.text)
        .finish_reasons(reply.finish_reason)
        .usage(reply.usage);
    call.finish();
    Ok(reply.text)
}
