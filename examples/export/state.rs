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
    pub(crate) rejected: Arc<AtomicUsize>,
}

impl State {
    pub(crate) fn read(file: String, to: String) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            done: Arc::new(Mutex::new(Done::read(file, to)?)),
            sent: Arc::default(),
            known: Arc::default(),
            rejected: Arc::default(),
        })
    }

    /// Returns how many events were sent in this run.
    pub(crate) fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    /// Returns up to which number the receiver is done with a batch, and counts what it is done with.
    pub(crate) fn known(&self, batch: &Batch) -> Option<u64> {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let number = done.to(batch)?;
        let known = batch.seqs().iter().filter(|seq| **seq <= number).count();
        self.known.fetch_add(known, Ordering::Relaxed);
        Some(number)
    }

    /// Stores that the receiver is done with a batch.
    pub(crate) fn add(&self, batch: &Batch, rejected: usize) -> io::Result<()> {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.add(batch)?;
        let sent = batch.len() - rejected;
        self.sent.fetch_add(sent, Ordering::Relaxed);
        self.rejected.fetch_add(rejected, Ordering::Relaxed);
        Ok(())
    }
}
