//! Forks without `exec` while threads record.

use std::error::Error;
use std::path::PathBuf;
use std::process;
use std::thread;

use fork::Fork;
use llm_audit_core::{Ack, Audit, Error as Refused, Level};

use crate::{OPERATION, PATIENCE, acknowledge, builder, ready, say};

const FORKS: usize = 20;
/// What is committed before, beside and after the forks.
const EVENTS: usize = 50;

/// Forks again and again; each child tries to record, to flush and to end the log, and must be told
/// that it cannot. The parent goes on, and prints `end ADMITTED WRITTEN LOST PENDING`.
pub(crate) fn run(dir: &PathBuf) -> Result<(), Box<dyn Error>> {
    let audit = builder(dir, Level::Redacted)?.spawn()?;
    ready(audit.writer_id())?;
    commit(&audit)?;
    let beside = thread::spawn({
        let audit = audit.handle();
        move || (0..10).try_for_each(|_| commit(&audit).map_err(|error| error.to_string()))
    });
    for _ in 0..FORKS {
        match fork::fork()? {
            Fork::Child => end(is_inert(&audit)),
            Fork::Parent(pid) => {
                let status = fork::waitpid(pid)?;
                if status != 0 {
                    return Err(format!("a child ended with {status}").into());
                }
            }
        }
    }
    beside.join().map_err(|_| "a thread panicked")??;
    commit(&audit)?;
    let counters = audit.shutdown(PATIENCE).counters;
    let (admitted, written) = (counters.admitted, counters.written);
    let (lost, pending) = (counters.lost(), counters.pending);
    say(format_args!("end {admitted} {written} {lost} {pending}\n"))?;
    Ok(())
}

fn commit(audit: &Audit) -> Result<(), Box<dyn Error>> {
    for _ in 0..EVENTS {
        let receipt = audit.begin(OPERATION).commit_blocking(Ack::Synced)?;
        acknowledge(receipt.writer_id, &[receipt.event_id])?;
    }
    Ok(())
}

/// Returns whether nothing works through a log of the parent, and nothing hangs. It prints nothing:
/// a thread of the parent, which is not here, may have had the lock of the output.
fn is_inert(audit: &Audit) -> bool {
    let commit = audit.begin(OPERATION).commit_blocking(Ack::Synced);
    drop(audit.begin(OPERATION));
    commit.is_err_and(|error: Refused| !error.is_timeout())
        && !audit.flush(PATIENCE).settled
        && !audit.shutdown(PATIENCE).closed
}

#[expect(
    clippy::exit,
    reason = "what a forked child would drop belongs to its parent"
)]
fn end(well: bool) -> ! {
    process::exit(i32::from(!well))
}
