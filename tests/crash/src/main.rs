//! A program to be killed, and to live through faults: `crash MODE DIR [NUMBER | URL]`.
//!
//! It prints `ready WRITER` when its log has started, and `ack WRITER EVENT` for each event of which
//! the log has said that it is written or synced: a line that is printed is a promise.
//!
//! | mode | what it does |
//! |---|---|
//! | `record` | records from eight threads, until it is killed |
//! | `commit` | commits NUMBER events one after the other, and ends |
//! | `endure` | commits from four threads, whatever the log answers, until its input ends; then it says what became of all |
//! | `slow` | records beside a commit that waits for a slow disk, and says what that cost |
//! | `post` | commits large events until its input ends, then waits until the receiver at URL has everything |
//! | `memory` | records NUMBER large events while its sink is down |
//! | `lake` | commits into a journal and Parquet files: NUMBER events, or until it is killed |
//! | `fork` | forks without `exec`, and records in both processes |

mod endure;
mod fork;
mod lake;
mod memory;
mod post;
mod record;
mod slow;

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use llm_audit_core::journal::JournalConfig;
use llm_audit_core::{AuditBuilder, EventId, Facet, Level, Operation, Policy, Retention, WriterId};

/// Small, so that faults meet the change from one segment to the next.
const SEGMENT_BYTES: u64 = 128 << 10;
/// Longer than any fault lasts.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let usage = "usage: crash MODE DIR [NUMBER | URL]";
    let (Some(mode), Some(dir)) = (args.next(), args.next()) else {
        return Err(usage.into());
    };
    let dir = PathBuf::from(dir);
    let last = args.next().unwrap_or_default();
    let number = || last.parse();
    match mode.as_str() {
        "record" => record::until_killed(&dir),
        "commit" => record::one_after_the_other(&dir, number()?),
        "endure" => endure::run(&dir),
        "slow" => slow::run(&dir),
        "post" => post::run(&dir, last),
        "memory" => memory::run(&dir, number()?),
        "fork" => fork::run(&dir),
        "lake" if last.is_empty() => lake::until_killed(&dir),
        "lake" => lake::one_after_the_other(&dir, number()?),
        _ => Err(usage.into()),
    }
}

/// Returns a log in `dir` with small segments, and prompts at a level.
fn builder(dir: &PathBuf, prompt: Level) -> Result<AuditBuilder, Box<dyn Error>> {
    let policy = Policy::builder()
        .facet(Facet::Model, Level::Full)
        .facet(Facet::Prompt, prompt)
        .retention(Retention::Days90)
        .build()?;
    let journal = JournalConfig::keep(dir, Retention::Days90).segment_max_bytes(SEGMENT_BYTES);
    Ok(llm_audit_core::builder()
        .policy(policy)
        .journal_with(journal))
}

/// The operation of every event.
const OPERATION: Operation = Operation::Chat;

fn ready(writer: WriterId) -> io::Result<()> {
    say(format_args!("ready {writer}\n"))
}

fn acknowledge(writer: WriterId, events: &[EventId]) -> io::Result<()> {
    let lines: String = events
        .iter()
        .map(|event| format!("ack {writer} {event}\n"))
        .collect();
    say(format_args!("{lines}"))
}

/// Prints whole lines with one call.
fn say(lines: fmt::Arguments<'_>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(lines.to_string().as_bytes())?;
    out.flush()
}
