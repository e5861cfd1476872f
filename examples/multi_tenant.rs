//! Serves tenants with one log: each has its own levels, and each request says for whom it is.
#![expect(clippy::print_stdout, reason = "the examples print")]

mod support;

use std::error::Error;
use std::time::Duration;

use llm_audit::{Context, Facet, FacetGroup, Fields, Key, Level, Policy, Preset, Retention, audit};
use support::{endpoint::Endpoint, print, reply::Reply};

/// The context holds for all that the request does, and for whatever that calls.
async fn handle(endpoint: &Endpoint, tenant: &str, user: &str) -> Result<(), Box<dyn Error>> {
    let request = Context::current().with(Fields::new().tenant_id(tenant).user_id(user));
    let question = format!("Is the invoice of {user} on its way?");
    let reply = request.scope(ask(endpoint, &question)).await?;
    println!("{tenant}: {}", reply.text);
    Ok(())
}

#[audit(model = endpoint.model, prompt = question, output = out.text, out(usage = out.usage))]
async fn ask(endpoint: &Endpoint, question: &str) -> reqwest::Result<Reply> {
    endpoint.ask(question).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let policy = Policy::builder()
        .preset(Preset::Security) // a tenant can have less of it, and never more
        .key(Key::bytes("k1", b"32 random bytes in a real program")?)
        .retention(Retention::Days90)
        .tenant("bank", |bank| bank.facet(Facet::Prompt, Level::Digest))
        .tenant("shop", |shop| shop.facet(Facet::User, Level::Off))
        .tenants_default(|others| others.group(FacetGroup::Content, Level::Off))
        .build()?;
    let log = llm_audit::builder()
        .policy(policy)
        .journal("audit-log")
        .install()?;
    let endpoint = Endpoint::from_env().await?;
    for tenant in ["bank", "shop", "stranger"] {
        handle(&endpoint, tenant, "ada@example.org").await?;
    }
    println!("{}", log.shutdown_async(Duration::from_secs(5)).await);
    for event in print::interactions("audit-log", log.writer_id())? {
        let or_none = |text: Option<&str>| text.unwrap_or("–").to_owned();
        println!("\n{}", or_none(event.tenant_id()));
        println!("  user      {}", or_none(event.user_id()));
        println!("  prompt    {}", or_none(event.prompt().as_deref()));
        println!("  digest    {}", or_none(event.prompt_digest()));
        print::facets(&event);
    }
    Ok(())
}
