//! Records into a journal and Parquet files, until it is killed, or a number of events.

use std::error::Error;
use std::path::PathBuf;
use std::thread;

use llm_audit_core::{Ack, Audit, Level};
use llm_audit_sinks::ParquetSink;

use crate::{OPERATION, PATIENCE, acknowledge, builder, ready};

const PRODUCERS: u64 = 4;
/// A flush ends a file, so this many events are in one.
const EVENTS_IN_A_FILE: u64 = 5;

pub(crate) fn until_killed(dir: &PathBuf) -> Result<(), Box<dyn Error>> {
    run(dir, PRODUCERS, u64::MAX)
}

pub(crate) fn one_after_the_other(dir: &PathBuf, events: u64) -> Result<(), Box<dyn Error>> {
    run(dir, 1, events)
}

fn run(dir: &PathBuf, producers: u64, events: u64) -> Result<(), Box<dyn Error>> {
    let lake = ParquetSink::dir(dir.join("lake"))?;
    let audit = builder(dir, Level::Redacted)?.sink(lake).spawn()?;
    ready(audit.writer_id())?;
    let threads = (0..producers).map(|_| {
        let audit = audit.handle();
        thread::spawn(move || produce(&audit, events).map_err(|error| error.to_string()))
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().map_err(|_| "a producer panicked")??;
    }
    let report = audit.shutdown(PATIENCE);
    report
        .is_complete()
        .then_some(())
        .ok_or(report.to_string().into())
}

fn produce(audit: &Audit, events: u64) -> Result<(), Box<dyn Error>> {
    for number in 1..=events {
        let mut call = audit.begin(OPERATION);
        call.request_model("small").prompt("The quick brown fox.");
        let receipt = call.commit_blocking(Ack::Synced)?;
        acknowledge(audit.writer_id(), &[receipt.event_id])?;
        if number % EVENTS_IN_A_FILE == 0 {
            drop(audit.flush(PATIENCE));
        }
    }
    Ok(())
}
