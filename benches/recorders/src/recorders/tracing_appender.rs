//! tracing with its JSON layer and the non-blocking writer, onto one file.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use benches::{Call, trace};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::LevelFilter;

use super::{Recorder, sync};

struct Appender {
    guard: Mutex<Option<WorkerGuard>>,
    path: PathBuf,
}

pub fn start(dir: &Path, off: bool) -> Result<Arc<dyn Recorder>, Box<dyn Error>> {
    with(NonBlockingBuilder::default(), dir, off)
}

/// With back-pressure instead of dropping.
pub fn start_lossless(dir: &Path, off: bool) -> Result<Arc<dyn Recorder>, Box<dyn Error>> {
    with(NonBlockingBuilder::default().lossy(false), dir, off)
}

fn with(
    builder: NonBlockingBuilder,
    dir: &Path,
    off: bool,
) -> Result<Arc<dyn Recorder>, Box<dyn Error>> {
    let file = tracing_appender::rolling::never(dir, "calls.jsonl");
    let (writer, guard) = builder.finish(file);
    let level = if off {
        LevelFilter::ERROR
    } else {
        LevelFilter::INFO
    };
    let subscriber = tracing_subscriber::fmt().json().with_max_level(level);
    subscriber.with_writer(writer).init();
    let path = dir.join("calls.jsonl");
    Ok(Arc::new(Appender {
        guard: Mutex::new(Some(guard)),
        path,
    }))
}

impl Recorder for Appender {
    fn record(&self, call: &Call) {
        trace(call);
    }

    fn finish(&self) -> Result<Vec<PathBuf>, Box<dyn Error>> {
        // The documented way to end.
        drop(
            self.guard
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        sync(&self.path)?;
        Ok(vec![self.path.clone()])
    }
}
