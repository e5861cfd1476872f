//! Sends the events of a journal over HTTP or OTLP, each once, however often it is run.
//!
//! ```sh
//! export="cargo run --release --features otlp --example export --"
//! $export --journal audit-log --http https://logs.example.org/
//! $export --journal audit-log --otlp http://localhost:6006 --profile openinference --content span
//! ```
//!
//! `--header K=V` adds a header, `--header K=@FILE` one whose value is in a file, as credentials are.
//! What is sent already is in `--state` (default `export.json`), for each receiver by itself: another
//! address or other headers, a new token too, are another receiver; profile and content are not. A
//! program that still writes to the journal sends what it writes by a sink of its own. The exit code is
//! 0 when nothing is left.
#![expect(clippy::print_stdout, reason = "the examples print")]

mod destination;
mod done;
mod options;
mod resume;
mod state;

use std::error::Error;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let Some(options) = options::Options::read()? else {
        println!("nothing to do: give --journal, and --http or --otlp");
        return Ok(ExitCode::SUCCESS);
    };
    let state = state::State::read(options.state, options.to)?;
    let sink = resume::Resume::new(options.sink, state.clone());
    let name = llm_audit::Sink::name(&sink).to_owned();
    // Without a policy the journal gets no more than the fact that it was opened.
    let log = llm_audit::builder().journal(options.journal);
    let audit = log.sink_from_start(sink).spawn()?;
    // It ends when everything is delivered, or nothing was for a minute.
    let (mut before, mut report) = (None, audit.flush(MINUTE));
    while !report.is_complete() && before != Some(state.sent()) {
        before = Some(state.sent());
        report = audit.flush(MINUTE);
    }
    let report = audit.shutdown(Duration::from_secs(5));
    let sink = report.counters.sink(&name).ok_or("there is no sink")?;
    let (sent, known) = (state.sent(), state.known.load(Ordering::Relaxed));
    let (rejected, left) = (state.rejected.load(Ordering::Relaxed), sink.pending);
    println!("delivered {sent}, known before {known}, rejected {rejected}, left {left}");
    Ok(ExitCode::from(u8::from(left > 0)))
}
