//! Streams two answers: one to its end, and one that is dropped half way.
//!
//! LLM_BASE_URL, LLM_MODEL and LLM_API_KEY name an endpoint, as for the quickstart.
#![expect(clippy::print_stdout, reason = "the examples print")]

mod support;

use std::error::Error;
use std::time::Duration;

use llm_audit::{Audit, Operation, Policy, Preset, Status};
use support::{chunks::Chunks, endpoint::Endpoint, print, timing};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let policy = Policy::preset(Preset::Operations)?; // how fast, at what cost, and no content
    let audit = llm_audit::builder()
        .policy(policy)
        .journal("audit-log")
        .spawn()?;
    let endpoint = Endpoint::from_env().await?;
    stream(&audit, &endpoint, "Why is the sky blue?", usize::MAX).await?;
    stream(&audit, &endpoint, "How many moons has Mars?", 3).await?;
    println!("{}", audit.shutdown_async(Duration::from_secs(5)).await);
    for event in print::interactions("audit-log", audit.writer_id())? {
        println!("\n{} {:?}", event.event_id(), event.status());
        timing::print(&event);
    }
    Ok(())
}

/// Reads at most so many chunks of the answer.
async fn stream(
    audit: &Audit,
    endpoint: &Endpoint,
    question: &str,
    most: usize,
) -> Result<(), Box<dyn Error>> {
    let mut call = audit.begin(Operation::Chat);
    call.on_drop(Status::Cancelled); // what a call is that does not come to its `finish`
    call.provider("openai")
        .request_model(&endpoint.model)
        .stream(true);
    call.prompt(question).sent();
    let mut chunks = Chunks::ask(endpoint, question).await?;
    for _ in 0..most {
        let Some(chunk) = chunks.next().await? else {
            call.finish();
            break;
        };
        call.chunk(&chunk.text);
        if let Some(reason) = chunk.finish_reason {
            call.finish_reasons([reason]);
        }
        if let Some(usage) = chunk.usage {
            call.usage(usage);
        }
    }
    Ok(())
}
