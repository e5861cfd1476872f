//! Records until it is killed, or a number of events.

use std::error::Error;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use llm_audit_core::{Ack, Audit, AuditGuard, Interaction, Level};
use llm_audit_sinks::JsonlSink;

use crate::{OPERATION, PATIENCE, acknowledge, builder, ready};

const PRODUCERS: u64 = 8;

/// Records from eight threads. A thread commits each event, waits for many by `flush`, or looks at
/// the counters, which move when the write has returned.
pub(crate) fn until_killed(dir: &PathBuf) -> Result<(), Box<dyn Error>> {
    let audit = spawn(dir)?;
    let threads: Vec<_> = (0..PRODUCERS)
        .map(|number| {
            let audit = audit.handle();
            thread::spawn(move || produce(&audit, number).map_err(|error| error.to_string()))
        })
        .collect();
    for thread in threads {
        thread.join().map_err(|_| "a producer panicked")??;
    }
    Ok(())
}

/// Commits `events` events one after the other, and ends.
pub(crate) fn one_after_the_other(dir: &PathBuf, events: u64) -> Result<(), Box<dyn Error>> {
    let audit = spawn(dir)?;
    let calls = (0..events).map(|_| audit.begin(OPERATION));
    commit(&audit, calls, &Ack::Synced)?;
    let report = audit.shutdown(PATIENCE);
    report
        .is_complete()
        .then_some(())
        .ok_or(report.to_string().into())
}

fn spawn(dir: &PathBuf) -> Result<AuditGuard, Box<dyn Error>> {
    let copy = JsonlSink::dir(dir.join("copy"))?;
    let audit = builder(dir, Level::Redacted)?.sink(copy).spawn()?;
    ready(audit.writer_id())?;
    Ok(audit)
}

fn produce(audit: &Audit, number: u64) -> Result<(), Box<dyn Error>> {
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(80);
    for round in 0.. {
        let burst = 1 + (round * 7 + number) % 16;
        let calls = (0..burst).map(|index| {
            let length = 45 * (1 + (round + index * 11) % 80) as usize;
            let mut call = audit.begin(OPERATION);
            call.request_model("small")
                .prompt(text.get(..length).unwrap_or_default());
            call
        });
        let wait = match number % 4 {
            0 => {
                commit(audit, calls, &Ack::Synced)?;
                continue;
            }
            1 => {
                commit(audit, calls, &Ack::Written)?;
                continue;
            }
            2 => is_flushed,
            _ => is_counted,
        };
        let events: Vec<_> = calls.filter_map(Interaction::finish).collect();
        if !wait(audit) {
            return Err("the log did not write what it took".into());
        }
        acknowledge(audit.writer_id(), &events)?;
    }
    Ok(())
}

fn commit(
    audit: &Audit,
    calls: impl Iterator<Item = Interaction>,
    ack: &Ack,
) -> Result<(), Box<dyn Error>> {
    for call in calls {
        let receipt = call.commit_blocking(ack.clone())?;
        acknowledge(audit.writer_id(), &[receipt.event_id])?;
    }
    Ok(())
}

fn is_flushed(audit: &Audit) -> bool {
    let report = audit.flush(PATIENCE);
    report.settled && report.counters.lost() == 0
}

/// Events are written in the order of their numbers, so when as many are written as had been handed
/// in, those are the ones.
fn is_counted(audit: &Audit) -> bool {
    let handed_in = audit.counters().admitted;
    loop {
        let counters = audit.counters();
        if counters.lost() > 0 {
            return false;
        }
        if counters.written >= handed_in {
            return true;
        }
        thread::sleep(Duration::from_millis(1));
    }
}
