//! rig with its own transport, audited: a call and a stream, each of them one event with tokens, though both the wire
//! and rig's span tell of it.
//!
//! It asks a small model in this process, or any endpoint that speaks OpenAI's protocol: set LLM_BASE_URL,
//! LLM_MODEL and LLM_API_KEY.

#[path = "../../support/answers.rs"]
mod answers;
mod calls;
mod endpoint;
mod print;
#[path = "../../support/stub.rs"]
mod stub;

use std::error::Error;
use std::time::Duration;

use llm_audit::clients::{Capture, tracing::SpanLayer};
use llm_audit::{Facet, Level, Policy, Preset, Retention};
use reqwest_middleware::ClientBuilder;
use rig_reqwest::ReqwestMiddlewareClient;
use tracing_subscriber::layer::SubscriberExt;

const LOG: &str = "audit-log";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let policy = Policy::builder()
        .preset(Preset::Operations)
        .facet(Facet::Prompt, Level::Redacted)
        .facet(Facet::Response, Level::Redacted)
        .retention(Retention::Days30)
        .build()?;
    let audit = llm_audit::builder().policy(policy).journal(LOG).spawn()?;

    // Rig's own spans; each call of the same log that the client below sees is recorded there alone.
    let spans = tracing_subscriber::registry().with(SpanLayer::new(&audit));
    tracing::subscriber::set_global_default(spans)?;

    drop(rustls::crypto::ring::default_provider().install_default());
    // The two lines: a client with `Capture`, and rig told to use it.
    let http = ClientBuilder::new(reqwest::Client::new()).with(Capture::new(&audit));
    let rig = ReqwestMiddlewareClient::from(http.build());

    let (openai, model) = endpoint::connect(rig).await?;
    calls::ask(&openai, &model).await?;
    calls::stream(&openai, &model).await?;

    println!("{}", audit.shutdown_async(Duration::from_secs(5)).await);
    match print::calls(LOG, audit.writer_id())? {
        2 => Ok(()),
        count => Err(format!("{count} events of 2 calls").into()),
    }
}
