//! Records while somebody else waits for a slow disk.

use std::error::Error;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use llm_audit_core::{Ack, Level};

use crate::{OPERATION, PATIENCE, acknowledge, builder, ready, say};

/// Fewer than the queue takes, so that nobody waits for room.
const EVENTS: usize = 2000;

/// Commits one event, and records others while its synchronisation is under way. Fails when that is
/// over before the last of them is recorded: then they have waited for the disk. Prints
/// `slow P50 P99 LONGEST` in nanoseconds.
pub(crate) fn run(dir: &PathBuf) -> Result<(), Box<dyn Error>> {
    let audit = builder(dir, Level::Redacted)?
        .ack_timeout(PATIENCE)
        .spawn()?;
    ready(audit.writer_id())?;
    let is_synced = AtomicBool::new(false);
    let (first, mut took) = thread::scope(|scope| {
        let first = scope.spawn(|| {
            let receipt = audit.begin(OPERATION).commit_blocking(Ack::Synced);
            is_synced.store(true, Ordering::SeqCst);
            receipt
        });
        while audit.counters().written == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        let took: Vec<_> = (0..EVENTS)
            .map(|_| {
                let start = Instant::now();
                let mut call = audit.begin(OPERATION);
                call.request_model("small").prompt("What is slow?");
                drop(call);
                start.elapsed().as_nanos()
            })
            .collect();
        let too_late = is_synced.load(Ordering::SeqCst);
        (first.join().map(|receipt| (receipt, too_late)), took)
    });
    let (receipt, too_late) = first.map_err(|_| "the one that commits panicked")?;
    let receipt = receipt?;
    acknowledge(receipt.writer_id, &[receipt.event_id])?;
    if too_late {
        return Err("recording has waited for the disk".into());
    }
    took.sort_unstable();
    let at = |share: usize| took.get(took.len() * share / 100).copied();
    let (p50, p99, longest) = (at(50), at(99), took.last().copied());
    let [p50, p99, longest] = [p50, p99, longest].map(Option::unwrap_or_default);
    say(format_args!("slow {p50} {p99} {longest}\n"))?;
    Ok(())
}
