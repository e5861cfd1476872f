//! What is asked: the endpoint that the environment names, or the small one in this process.

use std::error::Error;

use rig_core::providers::openai::{OpenAI, OpenAIConfig};
use rig_reqwest::ReqwestMiddlewareClient;

use crate::stub;

/// Returns rig's client, which sends through `http`, and the model to ask for.
#[expect(
    clippy::disallowed_methods,
    reason = "they say where to ask, not what to keep"
)]
pub(crate) async fn connect(
    http: ReqwestMiddlewareClient,
) -> Result<(OpenAI, String), Box<dyn Error>> {
    let variable = |name| std::env::var(name).ok();
    let (url, model) = match variable("LLM_BASE_URL") {
        Some(url) => (url, variable("LLM_MODEL").ok_or("LLM_MODEL is not set")?),
        None => (stub::start().await?, "stub-1".to_owned()),
    };
    let key = variable("LLM_API_KEY").unwrap_or_else(|| "none".to_owned());
    let config = OpenAIConfig::new(key).with_base_url(url);
    Ok((config.connect(http), model))
}
