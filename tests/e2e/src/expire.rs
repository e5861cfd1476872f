//! What is left of an uploaded log, in its journal and in the store, when prompts or whole days have expired.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use llm_audit::sinks::ParquetSink;
use llm_audit::sinks::parquet::ParquetConfig;
use llm_audit::testing::ManualClock;
use llm_audit::{Facet, Level, Policy, Retention};

use crate::upload::store;

const PATIENCE: Duration = Duration::from_secs(120);
/// A run leaves what a store that is away did not answer.
const RUNS: usize = 20;

/// Takes out the `prompts`, or deletes the `days`, of 30 days before 2040; fails when something is left.
pub(crate) fn expire(dir: &Path, url: &str, what: &str) -> Result<(), Box<dyn Error>> {
    let (retention, later) = match what {
        "prompts" => (Retention::Forever, "2040-01-01T00:00:00Z"),
        "days" => (Retention::Days30, "2040-06-01T00:00:00Z"),
        _ => return Err("what expires is `prompts` or `days`".into()),
    };
    let policy = Policy::builder()
        .facet(Facet::Prompt, Level::Full)
        .retention(retention)
        .retain(Facet::Prompt, Retention::Days30);
    let config = ParquetConfig::new(dir.join("staging"));
    let audit = llm_audit::builder()
        .policy(policy.build()?)
        .journal(dir.join("journal"))
        .sink(ParquetSink::with(config.store(store(url)?))?)
        .clock(ManualClock::at(later.parse()?))
        .on_diagnostic(|_| {})
        .spawn()?;
    audit.confirm_clock();
    for _ in 0..RUNS {
        let is_done = audit.run_retention(PATIENCE).is_complete();
        let left = audit.plan_retention(PATIENCE)?;
        if is_done
            && left.rewritten.is_empty()
            && left.deleted.is_empty()
            && left.skipped.is_empty()
        {
            let report = audit.shutdown(PATIENCE);
            return match report.is_complete() {
                true => Ok(()),
                false => Err(format!("not all was uploaded: {report}").into()),
            };
        }
    }
    Err("something that has expired is still there".into())
}
