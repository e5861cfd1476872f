//! Records while the sink is down, with little memory.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use llm_audit_core::{Ack, Batch, Durable, Level, Sink, SinkError};

use crate::{OPERATION, PATIENCE, acknowledge, builder, ready, say};

/// Far from the limit; what is not written yet is all that is held.
const MAX_BYTES: usize = 16 << 20;
const PROMPT_BYTES: usize = 8 << 10;
/// The sink does not come back in this time, or in any other.
const DEADLINE: Duration = Duration::from_secs(2);

/// Records `events` events, of which each hundredth is committed, beside a sink that is down, and
/// prints `end ADMITTED WRITTEN LOST PENDING`, the last being what the sink does not have.
pub(crate) fn run(dir: &PathBuf, events: u64) -> Result<(), Box<dyn Error>> {
    let builder = builder(dir, Level::Redacted)?
        .max_bytes(MAX_BYTES)
        .sink(Down);
    let builder = builder.ack_timeout(PATIENCE);
    let audit = builder.spawn()?;
    ready(audit.writer_id())?;
    let text = "x ".repeat(PROMPT_BYTES / 2);
    for number in 0..events {
        let mut call = audit.begin(OPERATION);
        call.prompt(&text);
        if number % 100 == 99 {
            let receipt = call.commit_blocking(Ack::Synced)?;
            acknowledge(receipt.writer_id, &[receipt.event_id])?;
        }
    }
    let counters = audit.shutdown(DEADLINE).counters;
    let due = counters.sink(NAME).map_or(0, |sink| sink.pending);
    let (admitted, written, lost) = (counters.admitted, counters.written, counters.lost());
    say(format_args!("end {admitted} {written} {lost} {due}\n"))?;
    Ok(())
}

/// The name of the sink that takes its place when it is up again.
const NAME: &str = "jsonl";

/// A sink that takes nothing.
#[derive(Debug)]
struct Down;

#[async_trait]
impl Sink for Down {
    fn name(&self) -> &str {
        NAME
    }

    async fn write(&mut self, _: &Batch) -> Result<Durable, SinkError> {
        Err(SinkError::retry("it is down"))
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }
}
