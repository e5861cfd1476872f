//! tracing with its JSON formatter and the non-blocking writer, onto one file.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};

use super::{Said, System};
use crate::scenario::{FarEnd, Scenario};
use crate::work::Call;

struct Appender {
    guard: WorkerGuard,
    dropped: ErrorCounter,
}

/// At its defaults.
pub fn start(dir: &Path, _: &Scenario, _: &FarEnd) -> Result<Box<dyn System>, Box<dyn Error>> {
    start_with(NonBlockingBuilder::default(), dir)
}

/// With back-pressure instead of dropping.
pub fn start_lossless(
    dir: &Path,
    _: &Scenario,
    _: &FarEnd,
) -> Result<Box<dyn System>, Box<dyn Error>> {
    start_with(NonBlockingBuilder::default().lossy(false), dir)
}

fn start_with(builder: NonBlockingBuilder, dir: &Path) -> Result<Box<dyn System>, Box<dyn Error>> {
    let file = tracing_appender::rolling::never(dir, "events.jsonl");
    let (writer, guard) = builder.finish(file);
    let dropped = writer.error_counter();
    tracing_subscriber::fmt().json().with_writer(writer).init();
    Ok(Box::new(Appender { guard, dropped }))
}

impl System for Appender {
    fn record(&self, call: &Call) {
        tracing::info!(
            session_id = call.id.as_str(),
            model = call.model,
            input_tokens = call.input_tokens,
            prompt = call.prompt,
        );
    }

    fn end(self: Box<Self>, _: Duration) -> Vec<Said> {
        // The documented way to end; how long it waits is not for the caller to say.
        drop(self.guard);
        let dropped = self.dropped.dropped_lines() as u64;
        vec![Said {
            lost: Some(dropped),
            noticed: dropped > 0,
            words: format!("`dropped_lines()` {dropped}"),
        }]
    }
}
