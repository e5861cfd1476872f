//! A log whose Parquet files go to a server of S3.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use llm_audit::sinks::ParquetSink;
use llm_audit::sinks::http::Endpoint;
use llm_audit::sinks::parquet::ParquetConfig;
use llm_audit::sinks::store::{S3Config, Store};
use llm_audit::{
    Event, EventReader, Facet, Filter, Kind, Level, Operation, Policy, Retention, WriterId,
};

/// Longer than the server is ever away.
const PATIENCE: Duration = Duration::from_secs(120);
/// A server that is away is known to be soon.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
const PROMPT_BYTES: usize = 4_000;

/// Records events and uploads them, with what earlier runs left; fails when not all could be.
pub(crate) fn write(dir: &Path, url: &str, events: u64, bytes: u64) -> Result<(), Box<dyn Error>> {
    let policy = Policy::builder()
        .facet(Facet::Prompt, Level::Full)
        .retention(Retention::Forever)
        .build()?;
    let config = ParquetConfig::new(dir.join("staging")).file_max_bytes(bytes);
    let audit = llm_audit::builder()
        .policy(policy)
        .journal(dir.join("journal"))
        .sink(ParquetSink::with(config.store(store(url)?))?)
        .on_diagnostic(|_| {})
        .spawn()?;
    let mut state = u64::from(std::process::id());
    for _ in 0..events {
        let mut call = audit.begin(Operation::Chat);
        call.prompt(noise(&mut state));
        call.finish();
    }
    let report = audit.shutdown(PATIENCE);
    if report.is_complete() {
        return Ok(());
    }
    Err(format!("not all was uploaded: {report}").into())
}

/// Compares each event in the store with the journal's.
pub(crate) fn check(dir: &Path, url: &str) -> Result<(), Box<dyn Error>> {
    let journal = by_number(EventReader::open(dir.join("journal"), Filter::new())?)?;
    let stored = by_number(EventReader::open_store(&store(url)?, Filter::new())?)?;
    for (number, event) in &journal {
        if stored.get(number) != Some(event) {
            return Err(format!("{number:?} is not in the store as it is in the journal").into());
        }
    }
    if let Some(number) = stored.keys().find(|number| !journal.contains_key(number)) {
        return Err(format!("{number:?} is in the store and not in the journal").into());
    }
    println!("{} events in the journal and in the store", journal.len());
    Ok(())
}

type Number = (WriterId, Option<u64>);

fn by_number(reader: EventReader) -> Result<BTreeMap<Number, Event>, Box<dyn Error>> {
    let mut events = BTreeMap::new();
    for event in reader {
        let event = event?;
        // The journal's own structure goes to no sink.
        if !event.kind().is_capture() && *event.kind() != Kind::Loss {
            continue;
        }
        let number = (event.writer_id(), event.seq());
        if events.insert(number, event).is_some() {
            return Err(format!("{number:?} is there twice").into());
        }
    }
    Ok(events)
}

pub(crate) fn store(url: &str) -> Result<Store, Box<dyn Error>> {
    let endpoint = Endpoint::new(url).request_timeout(REQUEST_TIMEOUT);
    let config = S3Config::new("logs", "us-east-1").credentials("key", "secret");
    Ok(Store::s3(config.endpoint(endpoint))?.below("audit/e2e")?)
}

/// Text that hardly becomes shorter by compression.
fn noise(state: &mut u64) -> String {
    let mut text = String::with_capacity(PROMPT_BYTES);
    while text.len() < PROMPT_BYTES {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        // Writing to a string does not fail.
        write!(text, "{:x}", *state >> 8).ok();
    }
    text
}
