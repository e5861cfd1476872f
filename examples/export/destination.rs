//! Where events are sent.

use std::error::Error;
use std::{fs, io};

use llm_audit::Sink;
use llm_audit::sinks::http::Endpoint;
use llm_audit::sinks::otlp::OtlpConfig;
use llm_audit::sinks::{HttpSink, OtlpSink};
use sha2::{Digest, Sha256};

/// A receiver: `http` or `otlp`, its address, and what is sent with each request.
pub(crate) struct Destination {
    pub(crate) kind: &'static str,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
}

/// Returns name and value of `K=V`, or of `K=@FILE` with what the file holds.
pub(crate) fn header(text: &str) -> Option<io::Result<(String, String)>> {
    let (name, value) = text.split_once('=')?;
    let value = match value.strip_prefix('@') {
        Some(file) => fs::read_to_string(file),
        None => Ok(value.to_owned()),
    };
    Some(value.map(|value| (name.to_owned(), value.trim().to_owned())))
}

impl Destination {
    /// Returns the name under which the state knows the receiver. Of address and headers, which say
    /// whose project it is and may hold credentials, it has 32 bits of a digest.
    pub(crate) fn name(&self) -> String {
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("", &self.url));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let host = authority.rsplit('@').next().unwrap_or(authority);
        let digest = Sha256::digest(format!("{} {:?}", self.url, self.headers));
        let digest: String = digest.iter().take(4).map(|b| format!("{b:02x}")).collect();
        format!("{} {scheme}://{host} {digest}", self.kind)
    }

    /// Returns a sink for the receiver; `configure` is asked for what OTLP alone has.
    pub(crate) fn sink(
        self,
        configure: impl FnOnce(OtlpConfig) -> OtlpConfig,
    ) -> Result<Box<dyn Sink>, Box<dyn Error>> {
        let add = |to: Endpoint, (name, value): (String, String)| match value.split_once(' ') {
            Some((scheme, token)) if name.eq_ignore_ascii_case("authorization") => {
                to.authorization(scheme, token)
            }
            _ => to.header(name, value),
        };
        let endpoint = self.headers.into_iter().fold(Endpoint::new(self.url), add);
        Ok(match self.kind {
            "otlp" => Box::new(OtlpSink::with(configure(OtlpConfig::new(endpoint)))?),
            _ => Box::new(HttpSink::new(endpoint)?),
        })
    }
}
