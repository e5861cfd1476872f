//! A sink that keeps what it is given.

use std::fmt;

use async_trait::async_trait;

use crate::batch::Batch;
use crate::event::Event;
use crate::sink::{Durable, Sink, SinkError};
use crate::sync::{Arc, Mutex, lock};

/// A sink named `memory` that keeps every batch. Clones share what they keep, so a test hands one to
/// the log and looks at the other.
///
/// What it takes counts as durable. [`probe`](super::probe) is the shorter way to a log with such a
/// sink.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use llm_audit_core::testing::MemorySink;
/// use llm_audit_core::{Facet, Operation, Policy, Preset, SinkExt, builder};
///
/// let (whole, less) = (MemorySink::new(), MemorySink::named("less"));
/// let audit = builder()
///     .policy(Policy::preset(Preset::Operations)?)
///     .sink(whole.clone())
///     .sink(less.clone().without([Facet::Model]))
///     .spawn()?;
/// let mut call = audit.begin(Operation::Chat);
/// call.request_model("small");
/// call.finish();
/// assert!(audit.flush(Duration::from_secs(5)).is_complete());
/// assert!(whole.events().iter().any(|event| event.model() == Some("small")));
/// assert!(less.events().iter().all(|event| event.model().is_none()));
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone)]
pub struct MemorySink {
    name: String,
    kept: Arc<Mutex<Vec<Batch>>>,
}

impl MemorySink {
    /// Returns an empty sink named `memory`.
    pub fn new() -> Self {
        Self::named("memory")
    }

    /// Returns an empty sink with another name.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kept: Arc::default(),
        }
    }

    /// Returns the batches so far, in the order in which they came.
    pub fn batches(&self) -> Vec<Batch> {
        lock(&self.kept).clone()
    }

    /// Returns the events so far, the log's own included, in the order in which they came.
    pub fn events(&self) -> Vec<Event> {
        let kept = lock(&self.kept);
        kept.iter().flat_map(Batch::events).cloned().collect()
    }

    /// Forgets what was kept so far.
    pub fn clear(&self) {
        lock(&self.kept).clear();
    }
}

impl Default for MemorySink {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows the name and the number of batches, never an event.
impl fmt::Debug for MemorySink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySink")
            .field("name", &self.name)
            .field("batches", &lock(&self.kept).len())
            .finish()
    }
}

#[async_trait]
impl Sink for MemorySink {
    fn name(&self) -> &str {
        &self.name
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        lock(&self.kept).push(batch.clone());
        Ok(Durable::up_to(batch.last_seq()))
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }
}
