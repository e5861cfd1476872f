//! The fault matrix of `docs/durability.md`: programs that record are killed, their power is cut,
//! their disks fail and fill up; the log keeps what it promised, and tells what it lost.
//!
//! Each test has the name of its row. `LLM_AUDIT_KILL_LOOPS` says how often (5; from 100 on also
//! every call of a sweep), `LLM_AUDIT_KILL_SEED` brings back the moments of a run. What needs root
//! or a tool that is not here prints `skipped:` and why. `tests/crash/run` runs all of it and prints
//! the table.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod crc;
mod disk;
mod errors;
mod kill;
mod lake;
mod log;
mod mount;
mod net;
mod power;
mod program;
mod random;
mod receiver;
mod row;
mod sweep;
mod world;
mod writer;

/// So often random faults come.
fn loops() -> u64 {
    number_from_environment("LLM_AUDIT_KILL_LOOPS").unwrap_or(5)
}

/// Whether there is time for every call of every sweep.
fn has_time() -> bool {
    loops() >= 100
}

fn number_from_environment(name: &str) -> Option<u64> {
    environment(name)?.parse().ok()
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are told how long to search, and where to put their table"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
