//! The log's Parquet files go to an object store, and are read from there. In memory here; with feature `s3`, `gcs` or `azure`
//! it is a bucket.
//!
//! ```sh
//! cargo run --example object_store --features store
//! ```
#![expect(clippy::print_stdout, reason = "the examples print")]

use std::error::Error;
use std::time::Duration;

use llm_audit::sinks::ParquetSink;
use llm_audit::sinks::parquet::ParquetConfig;
use llm_audit::sinks::store::Store;
use llm_audit::{EventReader, Filter, Kind, Operation, Policy, Preset};

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    // In production:
    // Store::s3(S3Config::new("bucket", "eu-central-1").credentials_from_env())?.below("audit")?
    let store = Store::memory().below("audit")?;

    // Files are here until they are finished; then they are uploaded and removed.
    let config = ParquetConfig::new(dir.path().join("staging")).store(store.clone());
    let audit = llm_audit::builder()
        .policy(Policy::preset(Preset::Operations)?)
        .journal(dir.path().join("journal"))
        .sink(ParquetSink::with(config)?)
        .spawn()?;
    for model in ["small", "large", "small"] {
        let mut call = audit.begin(Operation::Chat);
        call.request_model(model);
        call.finish();
    }
    let report = audit.shutdown(Duration::from_secs(30));
    assert!(report.is_complete(), "{report}");

    let calls = Filter::new().kind(Kind::Interaction);
    for call in EventReader::open_store(&store, calls)? {
        let call = call?;
        println!(
            "{} asked {}",
            call.recorded_at(),
            call.request_model().unwrap_or("?")
        );
    }
    let calls = Filter::new().kind(Kind::Interaction);
    assert_eq!(EventReader::open_store(&store, calls)?.count(), 3);
    Ok(())
}
