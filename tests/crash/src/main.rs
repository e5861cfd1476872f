//! A program to be killed: `crash DIR` records into a journal from eight threads until it is, with a
//! copy in `DIR/copy`.
//!
//! It prints `ready WRITER`, and `ack WRITER EVENT` for each event of which the log has said that it
//! is written: a line that is printed is a promise. A thread commits each event, waits for many by
//! `flush`, or looks at the counters, which move when the write has returned.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use llm_audit_core::journal::JournalConfig;
use llm_audit_core::{
    Ack, Audit, EventId, Facet, Interaction, Level, Operation, Policy, Retention,
};
use llm_audit_sinks::JsonlSink;

const PRODUCERS: u64 = 8;
/// Small, so that kills meet the change from one segment to the next.
const SEGMENT_BYTES: u64 = 128 << 10;
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args().nth(1).ok_or("usage: crash DIR")?;
    let copy = Path::new(&dir).join("copy");
    let policy = Policy::builder()
        .facet(Facet::Model, Level::Full)
        .facet(Facet::Prompt, Level::Redacted)
        .retention(Retention::Days90)
        .build()?;
    let audit = llm_audit_core::builder()
        .policy(policy)
        .journal_with(JournalConfig::keep(dir, Retention::Days90).segment_max_bytes(SEGMENT_BYTES))
        .sink(JsonlSink::dir(copy)?)
        .spawn()?;
    say(&format!("ready {}\n", audit.writer_id()))?;
    if let Some(events) = std::env::args().nth(2) {
        let calls = (0..events.parse()?).map(|_: u64| audit.begin(Operation::Chat));
        commit(&audit, calls, &Ack::Synced)?;
        let report = audit.shutdown(PATIENCE);
        return report
            .is_complete()
            .then_some(())
            .ok_or(report.to_string().into());
    }
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

fn produce(audit: &Audit, number: u64) -> Result<(), Box<dyn Error>> {
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(80);
    for round in 0.. {
        let burst = 1 + (round * 7 + number) % 16;
        let calls = (0..burst).map(|index| {
            let length = 45 * (1 + (round + index * 11) % 80) as usize;
            let mut call = audit.begin(Operation::Chat);
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
        acknowledge(audit, &events)?;
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
        acknowledge(audit, &[receipt.event_id])?;
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

fn acknowledge(audit: &Audit, events: &[EventId]) -> io::Result<()> {
    let writer = audit.writer_id();
    let lines: String = events
        .iter()
        .map(|event| format!("ack {writer} {event}\n"))
        .collect();
    say(&lines)
}

fn say(lines: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(lines.as_bytes())?;
    out.flush()
}
