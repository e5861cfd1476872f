//! The floors: serde_json into a `BufWriter` on the caller's thread, and a copy of the texts.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use benches::Call;

use super::{Recorder, sync};

const BUFFER: usize = 256 << 10;

struct SerdeJson {
    path: PathBuf,
    out: Mutex<BufWriter<File>>,
    off: AtomicBool,
}

pub fn start(dir: &Path, off: bool) -> Result<Arc<dyn Recorder>, Box<dyn Error>> {
    let path = dir.join("calls.jsonl");
    let out = Mutex::new(BufWriter::with_capacity(BUFFER, File::create(&path)?));
    let off = AtomicBool::new(off);
    Ok(Arc::new(SerdeJson { path, out, off }))
}

impl Recorder for SerdeJson {
    fn record(&self, call: &Call) {
        // What every switch costs that is looked at on each call.
        if self.off.load(Ordering::Relaxed) {
            return;
        }
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::to_writer(&mut *out, call).expect("a call is JSON");
        out.write_all(b"\n").expect("the disk has room");
    }

    fn finish(&self) -> Result<Vec<PathBuf>, Box<dyn Error>> {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.flush()?;
        sync(&self.path)?;
        Ok(vec![self.path.clone()])
    }
}

/// Copies the texts into one buffer, and forgets them when it is full.
struct Copy {
    out: Mutex<Vec<u8>>,
    off: AtomicBool,
}

pub fn start_copy(_: &Path, off: bool) -> Result<Arc<dyn Recorder>, Box<dyn Error>> {
    let out = Mutex::new(Vec::with_capacity(BUFFER));
    let off = AtomicBool::new(off);
    Ok(Arc::new(Copy { out, off }))
}

trait Bytes {
    fn put(self, out: &mut Vec<u8>);
}

impl Bytes for &str {
    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
}

impl Bytes for u64 {
    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
}

impl Bytes for f64 {
    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }
}

impl Bytes for bool {
    fn put(self, out: &mut Vec<u8>) {
        out.push(u8::from(self));
    }
}

macro_rules! put {
    ([$call:ident $out:ident] $($name:ident: $type:ty = $value:expr,)+) => {
        $($call.$name.put(&mut $out);)+
    };
}

impl Recorder for Copy {
    fn record(&self, call: &Call) {
        if self.off.load(Ordering::Relaxed) {
            return;
        }
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.len() > BUFFER / 2 {
            out.clear();
        }
        benches::call!(put! call out);
        call.prompt.put(&mut out);
        call.response.put(&mut out);
    }

    fn finish(&self) -> Result<Vec<PathBuf>, Box<dyn Error>> {
        Ok(Vec::new())
    }
}
