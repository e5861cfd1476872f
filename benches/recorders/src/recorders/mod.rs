//! Those who record, each set up as its documentation says and at its defaults.

mod emit_file;
mod fastrace;
mod llm_audit;
mod otel;
mod serde_json;
mod tracing_appender;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use benches::Call;

/// A recorder at work.
pub trait Recorder: Send + Sync {
    /// Records a call whose texts the application keeps.
    fn record(&self, call: &Call);

    /// Records a call whose texts the application gives away.
    fn record_owned(&self, call: Call) {
        self.record(&call);
    }

    /// Returns whether calls are given away.
    fn is_given(&self) -> bool {
        false
    }

    /// Writes what is left, has it on disk, and returns the files.
    fn finish(&self) -> Result<Vec<PathBuf>, Box<dyn Error>>;
}

/// Starts a recorder in a directory; with `off` its level, filter, sampler or policy says no.
pub type Start = fn(&Path, off: bool) -> Result<Arc<dyn Recorder>, Box<dyn Error>>;

/// The names, and what they stand for. Ratios are to the first.
pub const ALL: &[(&str, Start)] = &[
    ("serde_json", serde_json::start),
    ("copy", serde_json::start_copy),
    ("llm-audit", llm_audit::start),
    ("llm-audit, owned", llm_audit::start_owned),
    ("llm-audit, verbatim", llm_audit::start_verbatim),
    ("tracing-appender", tracing_appender::start),
    (
        "tracing-appender, lossless",
        tracing_appender::start_lossless,
    ),
    ("emit_file", emit_file::start),
    ("fastrace", fastrace::start),
    ("opentelemetry_sdk", otel::start),
];

/// What every line of a recorded call has, and no other line.
pub const MARK: &str = "answer-ticket";

fn sync(path: &Path) -> Result<(), std::io::Error> {
    std::fs::File::open(path)?.sync_all()
}

fn files(dir: &Path) -> Result<Vec<PathBuf>, std::io::Error> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(self::files(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}
