//! Records beside a receiver that is somewhere on the network.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use llm_audit_core::{Counters, Level};
use llm_audit_sinks::HttpSink;
use llm_audit_sinks::http::{Endpoint, HttpConfig};

use crate::{PATIENCE, builder, endure, ready, say};

/// How long a connection and a request may take: an outage lasts for several tries.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Little, so that what is held for the receiver would be seen.
const MAX_BYTES: usize = 1 << 20;
const PROMPT_BYTES: usize = 32 << 10;
/// Some of which get through where packets are lost.
const BATCH_EVENTS: usize = 3;
/// How long the end may take when all is delivered.
const DEADLINE: Duration = Duration::from_secs(5);

/// Commits events until its input ends, then waits until the receiver at `url` has everything, and
/// prints `end ADMITTED WRITTEN LOST PENDING`, the last two being the receiver's.
pub(crate) fn run(dir: &PathBuf, url: String) -> Result<(), Box<dyn Error>> {
    let endpoint = Endpoint::new(url).danger_plaintext();
    let endpoint = endpoint.connect_timeout(TIMEOUT).request_timeout(TIMEOUT);
    let sink = HttpSink::with(HttpConfig::new(endpoint).max_batch_events(BATCH_EVENTS))?;
    // Nothing to look for in the prompts: this is about bytes.
    let log = builder(dir, Level::Full)?.max_bytes(MAX_BYTES);
    let audit = log.ack_timeout(PATIENCE).sink(sink).spawn()?;
    ready(audit.writer_id())?;
    let (done, text) = (AtomicBool::new(false), "x ".repeat(PROMPT_BYTES / 2));
    thread::scope(|scope| {
        for _ in 0..endure::PRODUCERS {
            scope.spawn(|| endure::produce(&audit, &text, &done));
        }
        // It ends with the parent, whatever became of that.
        drop(io::copy(&mut io::stdin(), &mut io::sink()));
        done.store(true, Ordering::Relaxed);
    });
    // Each flush ends a pause between tries.
    let is_due = |counters: &Counters| counters.sink("http").is_some_and(|sink| sink.pending > 0);
    while is_due(&audit.flush(TIMEOUT).counters) {}
    let counters = audit.shutdown(DEADLINE).counters;
    let sink = counters.sink("http").ok_or("there is no sink")?;
    let (admitted, written) = (counters.admitted, counters.written);
    let (lost, pending) = (counters.lost() + sink.lost(), sink.pending);
    say(format_args!("end {admitted} {written} {lost} {pending}\n"))?;
    Ok(())
}
