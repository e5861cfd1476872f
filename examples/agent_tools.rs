//! Records an agent, its chat, two tools and a guardrail, and prints who called whom as a tree.
#![expect(clippy::print_stdout, reason = "the examples print")]

mod support;

use std::{error::Error, time::Duration};

use llm_audit::{Document, Facet, Level, Policy, Preset, Retention, audit, propagate};
use support::{endpoint::Endpoint, reply::Reply, tree};

#[audit(agent, name = "support", prompt = question, output)]
async fn agent(endpoint: &Endpoint, question: &str) -> Result<String, Box<dyn Error>> {
    // What an agent awaits is its own; a task that is spawned is told whose it is.
    let (order, rules) = tokio::join!(look_up(7), tokio::spawn(propagate(rules("orders"))));
    let reply = chat(endpoint, &format!("{question} {order} {}", rules?.len())).await?;
    check(&reply.text)?;
    Ok(reply.text)
}

#[audit(model = endpoint.model, prompt = question, output = out.text, out(usage = out.usage))]
async fn chat(endpoint: &Endpoint, question: &str) -> reqwest::Result<Reply> {
    endpoint.ask(question).await
}

#[audit(tool, args, output)]
async fn look_up(order: u64) -> String {
    format!("order {order} was sent")
}

#[audit(retrieval, query = topic, output)]
async fn rules(topic: &str) -> Vec<Document> {
    vec![Document::default().id("r-1").text(topic)]
}

#[audit(
    guardrail,
    stage = "output",
    out(verdict = "pass"),
    err(verdict = "fail")
)]
fn check(text: &str) -> Result<(), &'static str> {
    text.find('@').map_or(Ok(()), |_| Err("an address"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let policy = Policy::builder()
        .preset(Preset::Operations)
        .facet(Facet::ToolIo, Level::Redacted)
        .facet(Facet::Guardrails, Level::Full)
        .retention(Retention::Days30);
    let builder = llm_audit::builder().journal("audit-log");
    let log = builder.policy(policy.build()?).install()?;
    let endpoint = Endpoint::from_env().await?;
    for question in ["How many moons has Mars?", "Is my invoice on its way?"] {
        println!("{question} {:?}", agent(&endpoint, question).await);
    }
    println!("{}", log.shutdown_async(Duration::from_secs(5)).await);
    tree::print("audit-log", log.writer_id())
}
