//! An endpoint that speaks OpenAI's protocol: the one that the environment names, or a small one in
//! this process.

use std::error::Error;

use reqwest::{Client, Response};
use serde_json::json;

use super::reply::Reply;
use super::stub;

/// Where questions go.
pub(crate) struct Endpoint {
    client: Client,
    base_url: String,
    api_key: String,
    pub(crate) model: String,
}

impl Endpoint {
    /// Returns the endpoint of LLM_BASE_URL, LLM_MODEL and LLM_API_KEY, or the one in this process.
    #[expect(
        clippy::disallowed_methods,
        reason = "they say where to ask, not what to keep"
    )]
    pub(crate) async fn from_env() -> Result<Self, Box<dyn Error>> {
        let variable = |name| std::env::var(name).ok();
        let (base_url, model) = match variable("LLM_BASE_URL") {
            Some(url) => (url, variable("LLM_MODEL").ok_or("LLM_MODEL is not set")?),
            None => (stub::start().await?, "stub-1".to_owned()),
        };
        // This fails when there is one already, and that one serves as well.
        drop(rustls::crypto::ring::default_provider().install_default());
        Ok(Self {
            client: Client::new(),
            base_url,
            api_key: variable("LLM_API_KEY").unwrap_or_default(),
            model,
        })
    }

    /// Returns the answer to `question`.
    pub(crate) async fn ask(&self, question: &str) -> reqwest::Result<Reply> {
        Ok(Reply::new(&self.post(question, false).await?.json().await?))
    }

    /// Asks `question` and returns the response once its head is there.
    pub(crate) async fn post(&self, question: &str, stream: bool) -> reqwest::Result<Response> {
        let body = json!({
            "model": self.model,
            "messages": [{ "role": "user", "content": question }],
            "stream": stream,
            "stream_options": stream.then(|| json!({ "include_usage": true })),
        });
        let url = format!("{}/chat/completions", self.base_url.trim_end_matches('/'));
        let request = self.client.post(url).bearer_auth(&self.api_key);
        request.json(&body).send().await?.error_for_status()
    }
}
