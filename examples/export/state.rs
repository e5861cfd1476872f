//! Which events a receiver has, from run to run.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, io};

use llm_audit::Batch;

/// Up to which number of each writer the receiver has what it takes; clones share it.
#[derive(Clone)]
pub(crate) struct State {
    file: String,
    done: Arc<Mutex<BTreeMap<String, u64>>>,
    pub(crate) sent: Arc<AtomicUsize>,
    pub(crate) known: Arc<AtomicUsize>,
}

impl State {
    pub(crate) fn read(file: String) -> Result<Self, Box<dyn Error>> {
        let done = match fs::read(&file) {
            Ok(json) => serde_json::from_slice(&json)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            file,
            done: Arc::new(Mutex::new(done)),
            sent: Arc::default(),
            known: Arc::default(),
        })
    }

    /// Returns how many events were sent in this run.
    pub(crate) fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    /// Returns whether the receiver is done with a batch, and counts it then.
    pub(crate) fn knows(&self, batch: &Batch) -> bool {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let seq = done.get(&batch.writer_id().to_string());
        let knows = seq.is_some_and(|seq| *seq >= batch.last_seq());
        self.known
            .fetch_add(if knows { batch.len() } else { 0 }, Ordering::Relaxed);
        knows
    }

    /// Stores that the receiver is done with a batch: a file that is replaced is always whole.
    pub(crate) fn add(&self, batch: &Batch, rejected: usize) -> io::Result<()> {
        self.sent
            .fetch_add(batch.len() - rejected, Ordering::Relaxed);
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.insert(batch.writer_id().to_string(), batch.last_seq());
        let temporary = format!("{}.new", self.file);
        fs::write(&temporary, serde_json::to_vec(&*done)?)?;
        fs::rename(temporary, &self.file)
    }
}
