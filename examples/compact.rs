//! A day of small Parquet files becomes one: the same events, and what engines like to read.
//!
//! ```sh
//! cargo run --features parquet,testing --example compact
//! ```
#![expect(clippy::print_stdout, reason = "the examples print")]

use std::error::Error;
use std::time::Duration;

use llm_audit::sinks::ParquetSink;
use llm_audit::sinks::parquet::{CompactionOptions, compact};
use llm_audit::testing::ManualClock;
use llm_audit::{EventReader, Filter, Kind, Operation, Policy, Preset};

const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let root = dir.path().join("parquet");
    let audit = llm_audit::builder()
        .policy(Policy::preset(Preset::Operations)?)
        .journal(dir.path().join("journal"))
        .sink(ParquetSink::dir(&root)?)
        .clock(ManualClock::at("2026-01-01T12:00:00Z".parse()?))
        .spawn()?;
    for number in 0..10 {
        let mut call = audit.begin(Operation::Chat);
        call.request_model(format!("model-{number}"));
        call.finish();
        // Each flush makes a file.
        assert!(audit.flush(PATIENCE).is_complete());
    }
    assert!(audit.shutdown(PATIENCE).is_complete());

    let calls = || -> Result<usize, llm_audit::Error> {
        let calls = EventReader::open(&root, Filter::new().kind(Kind::Interaction))?;
        Ok(calls.filter_map(Result::ok).count())
    };
    assert_eq!(calls()?, 10);
    let done = compact(&root, CompactionOptions::new())?;
    assert_eq!(done.written.len(), 1);
    assert!(done.merged >= 10 && done.skipped.is_empty());
    assert_eq!(calls()?, 10);
    println!("{} files became {}", done.merged, done.written.len());
    Ok(())
}
