//! opentelemetry_sdk's batch span processor, with an exporter that writes JSON lines to a file.
//!
//! The SDK itself has no exporter to files; this one writes a batch with one call, tells of errors,
//! and stands for the collector where a collector is needed.

use std::error::Error;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::{Span, Tracer, TracerProvider};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, SdkTracer, SdkTracerProvider, SpanData, SpanExporter,
};
use serde_json::{Map, Value};
use tracing_subscriber::filter::LevelFilter;

use super::{Said, System};
use crate::scenario::{FarEnd, Scenario};
use crate::work::Call;

struct Otel {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// At its defaults; its internal log goes to standard error, where the parent reads it.
pub fn start(
    dir: &Path,
    _: &Scenario,
    far_end: &FarEnd,
) -> Result<Box<dyn System>, Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::WARN)
        .with_ansi(false)
        .with_writer(io::stderr)
        .init();
    let exporter = Lines {
        file: File::create(dir.join("events.jsonl"))?,
        far_end: far_end.clone(),
    };
    let provider = SdkTracerProvider::builder()
        .with_span_processor(BatchSpanProcessor::builder(exporter).build())
        .build();
    let tracer = provider.tracer("rivals");
    Ok(Box::new(Otel { provider, tracer }))
}

impl System for Otel {
    fn record(&self, call: &Call) {
        let mut span = self.tracer.start("call");
        span.set_attributes([
            KeyValue::new("session_id", call.id.clone()),
            KeyValue::new("model", call.model),
            KeyValue::new("input_tokens", call.input_tokens as i64),
            KeyValue::new("prompt", call.prompt.to_owned()),
        ]);
        span.end();
    }

    fn end(self: Box<Self>, grace: Duration) -> Vec<Said> {
        let ended = self.provider.shutdown_with_timeout(grace);
        let words = match &ended {
            Ok(()) => "`shutdown` Ok",
            Err(OTelSdkError::Timeout(_)) => "`shutdown` timed out",
            Err(_) => "`shutdown` failed",
        };
        // What it counts is in its log.
        vec![Said {
            lost: None,
            noticed: ended.is_err(),
            words: words.to_owned(),
        }]
    }
}

/// Adds what the internal log says of losses.
pub fn said_in_log(said: &mut Said, log: &str) {
    let dropped = log
        .lines()
        .filter_map(|line| line.split_once("dropped_span_count=")?.1.split(' ').next())
        .find_map(|count| count.parse().ok());
    let failed = log.matches("BatchSpanProcessor.ExportError").count();
    said.lost = said.lost.or(dropped);
    said.noticed |= dropped.is_some() || failed > 0;
    if let Some(count) = dropped {
        said.words += &format!(", log: `dropped_span_count` {count}");
    }
    if failed > 0 {
        said.words += &format!(", log: `ExportError` {failed} times");
    }
}

#[derive(Debug)]
struct Lines {
    file: File,
    far_end: FarEnd,
}

impl SpanExporter for Lines {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        while self.far_end.hangs() {
            thread::sleep(Duration::from_millis(10));
        }
        if self.far_end.is_down() {
            return Err(OTelSdkError::InternalFailure(
                "the collector is down".to_owned(),
            ));
        }
        let mut lines = Vec::new();
        for span in batch {
            let members = span.attributes.iter().map(|pair| {
                let value = Value::from(pair.value.to_string());
                (pair.key.to_string(), value)
            });
            let line = Value::Object(members.collect::<Map<_, _>>());
            lines.extend_from_slice(line.to_string().as_bytes());
            lines.push(b'\n');
        }
        let failed = |error: io::Error| OTelSdkError::InternalFailure(error.to_string());
        (&self.file).write_all(&lines).map_err(failed)
    }
}
