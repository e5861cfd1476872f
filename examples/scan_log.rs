//! Scans a journal, or any file or directory, for personal data and secrets that are there already,
//! and prints where which type stands, as lines of JSON; never a value.
//!
//! ```sh
//! cargo run --release --example scan_log -- audit-log
//! ```
//!
//! The exit code is 0 when nothing was found, 1 when something was, 2 when something could not be read.
#![allow(
    clippy::print_stderr,
    reason = "errors of a program go to standard error"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use llm_audit::redact::{FileScan, Redactor};

fn main() -> ExitCode {
    let path = std::env::args_os().nth(1).unwrap_or("audit-log".into());
    let mut out = BufWriter::new(io::stdout().lock());
    match scan(path.as_ref(), &mut out) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

pub(crate) fn scan(path: &Path, out: &mut impl Write) -> Result<u8, Box<dyn Error>> {
    let mut totals: BTreeMap<String, u64> = BTreeMap::new();
    let mut unread = false;
    for finding in FileScan::open(path, &Redactor::default())? {
        match finding {
            Ok(finding) => {
                writeln!(out, "{}", serde_json::to_string(&finding)?)?;
                *totals.entry(finding.data_type).or_default() += finding.count;
            }
            Err(error) => {
                eprintln!("{error}");
                unread = true;
            }
        }
    }
    out.flush()?;
    for (data_type, count) in &totals {
        eprintln!("{data_type}: {count}");
    }
    Ok(match (unread, totals.is_empty()) {
        (true, _) => 2,
        (false, empty) => u8::from(!empty),
    })
}
