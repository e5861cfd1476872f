//! Which events a receiver has, and how many of them this run has sent.

use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use llm_audit::Batch;

use super::done::Done;

/// What a run knows; clones share it.
#[derive(Clone)]
pub(crate) struct State {
    done: Arc<Mutex<Done>>,
    pub(crate) sent: Arc<AtomicUsize>,
    pub(crate) known: Arc<AtomicUsize>,
}

impl State {
    pub(crate) fn read(file: String, to: String) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            done: Arc::new(Mutex::new(Done::read(file, to)?)),
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
        let knows = done.has(batch);
        self.known
            .fetch_add(if knows { batch.len() } else { 0 }, Ordering::Relaxed);
        knows
    }

    /// Stores that the receiver is done with a batch.
    pub(crate) fn add(&self, batch: &Batch, rejected: usize) -> io::Result<()> {
        self.sent
            .fetch_add(batch.len() - rejected, Ordering::Relaxed);
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.add(batch)
    }
}
