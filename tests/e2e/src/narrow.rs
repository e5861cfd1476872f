//! What a log of the generator is after its prompts and users have expired and its days were merged.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use llm_audit::sinks::ParquetSink;
use llm_audit::sinks::parquet::{CompactionOptions, compact};
use llm_audit::testing::ManualClock;
use llm_audit::{Facet, Level, Policy, Retention};

const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) fn narrow(dir: &Path) -> Result<(), Box<dyn Error>> {
    let policy = Policy::builder()
        .facet(Facet::Prompt, Level::Full)
        .facet(Facet::User, Level::Full)
        .retention(Retention::Forever)
        .retain(Facet::Prompt, Retention::Days30)
        .retain(Facet::User, Retention::Days90);
    let audit = llm_audit::builder()
        .policy(policy.build()?)
        .journal(dir.join("journal"))
        .sink(ParquetSink::dir(dir.join("parquet"))?)
        .clock(ManualClock::at("2040-01-01T00:00:00Z".parse()?))
        .spawn()?;
    audit.confirm_clock();
    let plan = audit.plan_retention(PATIENCE)?;
    let is_of_sink = |name: &str| name.starts_with("parquet/");
    assert!(
        plan.rewritten
            .iter()
            .any(|planned| is_of_sink(&planned.file))
    );
    assert!(plan.skipped.is_empty(), "{:?}", plan.skipped);
    assert!(audit.run_retention(PATIENCE).is_complete());
    let left = audit.plan_retention(PATIENCE)?;
    assert!(
        left.rewritten.is_empty() && left.deleted.is_empty(),
        "{left:?}"
    );
    assert!(audit.shutdown(PATIENCE).is_complete());
    let done = compact(dir.join("parquet"), CompactionOptions::new())?;
    assert!(done.skipped.is_empty(), "{:?}", done.skipped);
    println!(
        "{} events of {} files are narrowed, {} files became {}",
        plan.events,
        plan.rewritten.len(),
        done.merged,
        done.written.len()
    );
    Ok(())
}
