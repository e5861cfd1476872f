//! emit with its rolling files, its internal logger and its metrics, as its troubleshooting says.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use emit::metric::{Source, sampler};
use emit_file::FileSetMetrics;

use super::{Said, System};
use crate::scenario::{FarEnd, Scenario};
use crate::work::Call;

struct EmitFile(FileSetMetrics);

/// At its defaults.
pub fn start(dir: &Path, _: &Scenario, _: &FarEnd) -> Result<Box<dyn System>, Box<dyn Error>> {
    let files = emit_file::set(dir.join("events.jsonl")).spawn();
    let metrics = files.metric_source();
    let _ = emit::setup().emit_to(files).init();
    Ok(Box::new(EmitFile(metrics)))
}

impl System for EmitFile {
    fn record(&self, call: &Call) {
        emit::info!(
            "call",
            session_id: call.id.as_str(),
            model: call.model,
            input_tokens: call.input_tokens,
            prompt: call.prompt,
        );
    }

    fn end(self: Box<Self>, grace: Duration) -> Vec<Said> {
        let flushed = emit::blocking_flush(grace);
        let mut words = vec![format!("`blocking_flush` {flushed}")];
        words.extend(troubles(&self.0));
        vec![Said {
            // It counts how often it threw its queue away, or a write failed; not events.
            lost: None,
            noticed: !flushed || words.len() > 1,
            words: words.join(", "),
        }]
    }
}

/// Returns the metrics that tell of trouble and are not zero.
fn troubles(metrics: &FileSetMetrics) -> Vec<String> {
    const WORDS: [&str; 4] = ["truncated", "failed", "panicked", "retry"];
    let found = Mutex::new(Vec::new());
    metrics.sample_metrics(sampler::from_fn(|metric| {
        use emit::Props;
        let name = metric
            .name()
            .map(|name| name.to_string())
            .unwrap_or_default();
        let mut value = String::new();
        let _ = metric.props().for_each(|key, metric| {
            if key.get() == "metric_value" {
                value = metric.to_string();
            }
            ControlFlow::Continue(())
        });
        let is_trouble = WORDS.iter().any(|word| name.contains(word)) && value != "0";
        if let (true, Ok(mut found)) = (is_trouble, found.lock()) {
            found.push(format!("`{name}` {value}"));
        }
    }));
    found.into_inner().unwrap_or_default()
}
