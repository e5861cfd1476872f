//! How fast a journal is read back and checked, and whether that grows with its size.

use std::error::Error;
use std::fs;
use std::time::{Duration, Instant};

use benches::{Call, policy, record};
use llm_audit_core::{Kind, journal};
use rustix::time::ClockId;

use crate::run::time;

/// Writes journals of these numbers of events one after the other, and prints a table of what reading them takes.
pub fn tables(sizes: &[usize]) -> Result<(), Box<dyn Error>> {
    println!("| events | MB | segments | read: CPU µs an event | MB/s | checked: MB/s |");
    println!("|--:|--:|--:|--:|--:|--:|");
    for events in sizes {
        let dir = tempfile::tempdir()?;
        let audit = llm_audit_core::builder()
            .policy(policy()?)
            .on_diagnostic(|_| {})
            .journal(dir.path())
            .spawn()?;
        let call = Call::default();
        for number in 1..=*events {
            record(&audit, &call);
            if number % 1_000 == 0 {
                let _ = audit.flush(Duration::from_secs(60));
            }
        }
        drop(audit);
        let (mut bytes, mut segments) = (0, 0);
        for entry in fs::read_dir(dir.path())? {
            let entry = entry?;
            if entry.path().extension().is_some_and(|e| e == "jsonl") {
                bytes += entry.metadata()?.len();
                segments += 1;
            }
        }
        let megabytes = bytes as f64 / 1e6;
        let begun = (Instant::now(), time(ClockId::ThreadCPUTime));
        let read = journal::Reader::open(dir.path())?
            .events()
            .filter_map(Result::ok)
            .filter(|event| *event.kind() == Kind::Interaction)
            .count();
        let cpu = time(ClockId::ThreadCPUTime) - begun.1;
        let read_for = begun.0.elapsed();
        if read != *events {
            return Err(format!("{read} events of {events} were read").into());
        }
        let begun = Instant::now();
        journal::check(dir.path())?;
        println!(
            "| {events} | {megabytes:.0} | {segments} | {:.1} | {:.0} | {:.0} |",
            cpu.as_secs_f64() * 1e6 / read as f64,
            megabytes / read_for.as_secs_f64(),
            megabytes / begun.elapsed().as_secs_f64(),
        );
    }
    Ok(())
}
