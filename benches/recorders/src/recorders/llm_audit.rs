//! This project: a journal, at its defaults.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use benches::{Call, policy, record, record_owned, verbatim};
use llm_audit_core::{AuditGuard, Policy};

use super::{Recorder, files};

struct LlmAudit {
    audit: AuditGuard,
    dir: PathBuf,
    is_given: bool,
}

/// Prompt and response redacted, with every detector that is on by default.
pub fn start(dir: &Path, off: bool) -> Result<Arc<dyn Recorder>, Box<dyn Error>> {
    with(dir, off, policy()?, false)
}

/// The same; each call gives its two texts away.
pub fn start_owned(dir: &Path, off: bool) -> Result<Arc<dyn Recorder>, Box<dyn Error>> {
    with(dir, off, policy()?, true)
}

/// Nothing is searched and nothing is redacted.
pub fn start_verbatim(dir: &Path, off: bool) -> Result<Arc<dyn Recorder>, Box<dyn Error>> {
    with(dir, off, verbatim()?, false)
}

fn with(
    dir: &Path,
    off: bool,
    policy: Policy,
    is_given: bool,
) -> Result<Arc<dyn Recorder>, Box<dyn Error>> {
    let policy = if off { Policy::none() } else { policy };
    let audit = llm_audit_core::builder()
        .policy(policy)
        .on_diagnostic(|_| {})
        .journal(dir)
        .spawn()?;
    let dir = dir.to_owned();
    Ok(Arc::new(LlmAudit {
        audit,
        dir,
        is_given,
    }))
}

impl Recorder for LlmAudit {
    fn record(&self, call: &Call) {
        record(&self.audit, call);
    }

    fn record_owned(&self, call: Call) {
        record_owned(&self.audit, call);
    }

    fn is_given(&self) -> bool {
        self.is_given
    }

    fn finish(&self) -> Result<Vec<PathBuf>, Box<dyn Error>> {
        // What is lost is seen in the files.
        let _ = self.audit.shutdown(Duration::from_secs(120));
        Ok(files(&self.dir)?)
    }
}
