//! opentelemetry_sdk's batch span processor, with an exporter that writes JSON lines to a file.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use benches::Call;
use opentelemetry::trace::{Span, Tracer, TracerProvider};
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, SpanData, SpanExporter,
};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Recorder, sync};

type Out = Arc<Mutex<BufWriter<File>>>;

struct Otel {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    out: Out,
    path: PathBuf,
}

pub fn start(dir: &Path, off: bool) -> Result<Arc<dyn Recorder>, Box<dyn Error>> {
    let path = dir.join("calls.jsonl");
    let out = Arc::new(Mutex::new(BufWriter::new(File::create(&path)?)));
    let exporter = Lines(Arc::clone(&out));
    let provider = SdkTracerProvider::builder()
        .with_span_processor(BatchSpanProcessor::builder(exporter).build())
        .with_sampler(if off {
            Sampler::AlwaysOff
        } else {
            Sampler::AlwaysOn
        })
        .build();
    let tracer = provider.tracer("recorders");
    Ok(Arc::new(Otel {
        provider,
        tracer,
        out,
        path,
    }))
}

trait Attribute {
    fn attribute(self) -> Value;
}

impl Attribute for &str {
    fn attribute(self) -> Value {
        self.to_owned().into()
    }
}

impl Attribute for u64 {
    fn attribute(self) -> Value {
        i64::try_from(self).unwrap_or(i64::MAX).into()
    }
}

impl Attribute for f64 {
    fn attribute(self) -> Value {
        self.into()
    }
}

impl Attribute for bool {
    fn attribute(self) -> Value {
        self.into()
    }
}

macro_rules! attributes {
    ([$call:ident] $($name:ident: $type:ty = $value:expr,)+) => {
        [
            $(KeyValue::new(stringify!($name), $call.$name.attribute()),)+
            KeyValue::new("prompt", $call.prompt.as_str().attribute()),
            KeyValue::new("response", $call.response.as_str().attribute()),
        ]
    };
}

impl Recorder for Otel {
    fn record(&self, call: &Call) {
        let mut span = self.tracer.start("call");
        if span.is_recording() {
            span.set_attributes(benches::call!(attributes! call));
        }
        span.end();
    }

    fn finish(&self) -> Result<Vec<PathBuf>, Box<dyn Error>> {
        self.provider.shutdown()?;
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.flush()?;
        sync(&self.path)?;
        drop(out);
        Ok(vec![self.path.clone()])
    }
}

#[derive(Debug)]
struct Lines(Out);

impl SpanExporter for Lines {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |error: std::io::Error| OTelSdkError::InternalFailure(error.to_string());
        for span in batch {
            serde_json::to_writer(&mut *out, &Members(&span.attributes))
                .map_err(|error| failed(error.into()))?;
            out.write_all(b"\n").map_err(failed)?;
        }
        Ok(())
    }
}

struct Members<'a>(&'a [KeyValue]);

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for pair in self.0 {
            let key = pair.key.as_str();
            match &pair.value {
                Value::Bool(value) => map.serialize_entry(key, value)?,
                Value::I64(value) => map.serialize_entry(key, value)?,
                Value::F64(value) => map.serialize_entry(key, value)?,
                value => map.serialize_entry(key, &*value.as_str())?,
            }
        }
        map.end()
    }
}
