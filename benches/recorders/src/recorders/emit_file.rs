//! emit with its rolling files, which a thread of its own writes and synchronises in batches.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use benches::Call;
use emit::level::min_filter;

use super::{Recorder, files};

struct EmitFile(PathBuf);

pub fn start(dir: &Path, off: bool) -> Result<Arc<dyn Recorder>, Box<dyn Error>> {
    let level = if off {
        emit::Level::Error
    } else {
        emit::Level::Info
    };
    let _ = emit::setup()
        .emit_when(min_filter(level))
        .emit_to(emit_file::set(dir.join("calls.jsonl")).spawn())
        .init();
    Ok(Arc::new(EmitFile(dir.to_owned())))
}

macro_rules! emit {
    ([$call:ident] $($name:ident: $type:ty = $value:expr,)+) => {
        emit::info!(
            "call",
            $($name: $call.$name,)+
            prompt: $call.prompt.as_str(),
            response: $call.response.as_str(),
        )
    };
}

impl Recorder for EmitFile {
    fn record(&self, call: &Call) {
        benches::call!(emit! call);
    }

    fn finish(&self) -> Result<Vec<PathBuf>, Box<dyn Error>> {
        if !emit::blocking_flush(Duration::from_secs(120)) {
            return Err("emit did not flush in time".into());
        }
        Ok(files(&self.0)?)
    }
}
