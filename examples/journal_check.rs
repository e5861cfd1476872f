//! Checks a journal without touching it, and prints what it finds as lines of JSON.
//!
//! ```sh
//! cargo install llm-audit --example journal_check
//! journal_check /var/log/app/audit
//! ```
//!
//! The exit code is 0 when every event is there, 1 when something was repaired or is missing and the
//! log says so, 2 when something is wrong that it does not account for, 3 when it cannot be read.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "that is what it is for"
)]

use std::error::Error;
use std::process::ExitCode;

use llm_audit::journal::{self, Condition};

fn main() -> ExitCode {
    let dir = std::env::args().nth(1);
    match run(dir.as_deref().unwrap_or("audit-log")) {
        Ok(Condition::Clean) => ExitCode::SUCCESS,
        Ok(Condition::Lossy) => ExitCode::from(1),
        Ok(_) => ExitCode::from(2),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(3)
        }
    }
}

fn run(dir: &str) -> Result<Condition, Box<dyn Error>> {
    let check = journal::check(dir)?;
    for finding in &check.findings {
        println!("{}", serde_json::to_string(finding)?);
    }
    eprintln!(
        "{dir}: {} events of {} writers in {} segments, {} bytes",
        check.events, check.writers, check.segments, check.bytes
    );
    Ok(check.condition())
}
