//! Asks a model three questions and keeps an audit log of them in ./audit-log.
//!
//! It asks a small model in this process, or any endpoint that speaks OpenAI's protocol: set
//! LLM_BASE_URL, LLM_MODEL and LLM_API_KEY.
#![expect(clippy::print_stdout, reason = "the examples print")]

mod support;

use std::error::Error;
use std::time::Duration;

use llm_audit::{Facet, Level, Policy, Preset, Retention, audit};
use support::{endpoint::Endpoint, print, reply::Reply};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let policy = Policy::builder()
        .preset(Preset::Operations) // model, usage, timing, request_config, source and others
        .facet(Facet::Prompt, Level::Redacted)
        .facet(Facet::Response, Level::Redacted)
        .retention(Retention::Days30)
        .build()?;
    let log = llm_audit::builder()
        .policy(policy)
        .journal("audit-log")
        .install()?;
    let endpoint = Endpoint::from_env().await?;
    for question in [
        "Why is the sky blue?",
        "How many moons has Mars?",
        "Tell ada@example.org in one line that her invoice is on its way.",
    ] {
        println!("{question}\n  {}", ask(&endpoint, question).await?.text);
    }
    let report = log.shutdown_async(Duration::from_secs(5)).await;
    print::newest("audit-log", log.writer_id())?;
    println!("{report}");
    Ok(())
}

/// Each call is one event, also one that fails, panics or is dropped.
#[audit(
    provider = "openai",
    model = endpoint.model,
    prompt = question,
    user = "u-17", // the policy withholds who asked
    service_name = "quickstart",
    output = out.text,
    out(response_model = out.model, finish_reasons = out.finish_reason, usage = out.usage),
)]
async fn ask(endpoint: &Endpoint, question: &str) -> reqwest::Result<Reply> {
    endpoint.ask(question).await
}
