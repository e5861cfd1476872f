//! Somebody who sends events over HTTP.

use std::error::Error;
use std::time::Duration;

use llm_audit::sinks::{HttpSink, http::Endpoint};
use llm_audit::{Operation, Policy, Preset, Report};

/// Records so many calls, sends them, and returns what became of them.
pub(crate) fn calls(count: usize, endpoint: Endpoint) -> Result<Report, Box<dyn Error>> {
    let audit = llm_audit::builder()
        .policy(Policy::preset(Preset::Operations)?)
        .sink(HttpSink::new(endpoint)?)
        .spawn()?;
    for _ in 0..count {
        audit.begin(Operation::Chat).finish();
    }
    Ok(audit.shutdown(Duration::from_secs(30)))
}
