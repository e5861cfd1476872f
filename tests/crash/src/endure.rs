//! Commits whatever happens to the disk.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use llm_audit_core::{Ack, Audit, Level};

use crate::{OPERATION, acknowledge, builder, ready, say};

pub(crate) const PRODUCERS: usize = 4;
/// Calls of a service, not as many as the machine can make: a fault lasts for thousands of them.
const PACE: Duration = Duration::from_millis(1);
/// Shorter than what a log waits by itself, so that a fault is over soon.
const ACK_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the end may take on a disk that does not work.
const DEADLINE: Duration = Duration::from_secs(5);

/// Prints `ack` for what is synced, `refused` for what is not, and `degraded` and `recovered` when
/// the log counts itself so, until its input ends; then
/// `end ADMITTED WRITTEN LOST PENDING`.
pub(crate) fn run(dir: &PathBuf) -> Result<(), Box<dyn Error>> {
    let audit = builder(dir, Level::Redacted)?
        .ack_timeout(ACK_TIMEOUT)
        .spawn()?;
    ready(audit.writer_id())?;
    let done = AtomicBool::new(false);
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(20);
    thread::scope(|scope| {
        for _ in 0..PRODUCERS {
            scope.spawn(|| produce(&audit, &text, &done));
        }
        scope.spawn(|| watch(&audit, &done));
        // It ends with the parent, whatever became of that.
        drop(io::copy(&mut io::stdin(), &mut io::sink()));
        done.store(true, Ordering::Relaxed);
    });
    let counters = audit.shutdown(DEADLINE).counters;
    let (admitted, written) = (counters.admitted, counters.written);
    let (lost, pending) = (counters.lost(), counters.pending);
    say(format_args!("end {admitted} {written} {lost} {pending}\n"))?;
    Ok(())
}

fn watch(audit: &Audit, done: &AtomicBool) {
    let mut degraded = false;
    while !done.load(Ordering::Relaxed) {
        let is_degraded = audit.counters().is_degraded;
        if std::mem::replace(&mut degraded, is_degraded) != is_degraded {
            let word = if is_degraded { "degraded" } else { "recovered" };
            drop(say(format_args!("{word}\n")));
        }
        thread::sleep(PACE);
    }
}

/// Commits events with that prompt until `done`.
pub(crate) fn produce(audit: &Audit, text: &str, done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        let mut call = audit.begin(OPERATION);
        call.request_model("small").prompt(text);
        match call.commit_blocking(Ack::Synced) {
            // A fault may hit the output too. What does not get out was not promised.
            Ok(receipt) => drop(acknowledge(receipt.writer_id, &[receipt.event_id])),
            Err(error) => drop(say(format_args!("refused {error}\n"))),
        }
        thread::sleep(PACE);
    }
}
