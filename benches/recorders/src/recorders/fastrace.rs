//! fastrace's root spans with properties, and a reporter that writes JSON lines.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use benches::Call;
use fastrace::collector::{Config, Reporter, SpanContext, SpanRecord};
use fastrace::prelude::Span;

use super::{Recorder, sync};

type Out = Arc<Mutex<BufWriter<File>>>;

struct Fastrace {
    sampled: bool,
    out: Out,
    path: PathBuf,
}

pub fn start(dir: &Path, off: bool) -> Result<Arc<dyn Recorder>, Box<dyn Error>> {
    let path = dir.join("calls.jsonl");
    let out = Arc::new(Mutex::new(BufWriter::new(File::create(&path)?)));
    fastrace::set_reporter(Lines(Arc::clone(&out)), Config::default());
    Ok(Arc::new(Fastrace {
        sampled: !off,
        out,
        path,
    }))
}

macro_rules! properties {
    ([$call:ident] $($name:ident: $type:ty = $value:expr,)+) => {
        [
            $((stringify!($name), $call.$name.to_string()),)+
            ("prompt", $call.prompt.clone()),
            ("response", $call.response.clone()),
        ]
    };
}

impl Recorder for Fastrace {
    fn record(&self, call: &Call) {
        let context = SpanContext::random().sampled(self.sampled);
        let span = Span::root("call", context);
        drop(span.with_properties(|| benches::call!(properties! call)));
    }

    fn finish(&self) -> Result<Vec<PathBuf>, Box<dyn Error>> {
        fastrace::flush();
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.flush()?;
        sync(&self.path)?;
        drop(out);
        Ok(vec![self.path.clone()])
    }
}

struct Lines(Out);

impl Reporter for Lines {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for span in spans {
            let members: BTreeMap<&Cow<'_, str>, &Cow<'_, str>> = span
                .properties
                .iter()
                .map(|(key, value)| (key, value))
                .collect();
            serde_json::to_writer(&mut *out, &members).expect("texts are JSON");
            out.write_all(b"\n").expect("the disk has room");
        }
    }
}
