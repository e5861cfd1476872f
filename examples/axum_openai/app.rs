//! What handlers share.

use std::env;
use std::error::Error;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use llm_audit::clients::Capture;
use llm_audit::clients::async_openai_0_43::openai;
use llm_audit::{Audit, AuditGuard};

#[derive(Clone)]
pub(crate) struct App {
    pub(crate) audit: Audit,
    pub(crate) client: Client<OpenAIConfig>,
}

impl App {
    /// Returns what asks at `upstream`, and asks nothing that is not in the log.
    #[expect(
        clippy::disallowed_methods,
        reason = "the credential of the program, not a switch of the log"
    )]
    pub(crate) fn new(audit: &AuditGuard, upstream: &str) -> Result<Self, Box<dyn Error>> {
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().no_proxy().build()?;
        let config = OpenAIConfig::new()
            .with_api_base(upstream)
            .with_api_key(env::var("LLM_API_KEY").unwrap_or_default());
        let capture = Capture::new(audit).fail_closed();
        Ok(Self {
            audit: audit.handle(),
            client: Client::with_config(config).with_http_service(openai(&capture, http)),
        })
    }
}
