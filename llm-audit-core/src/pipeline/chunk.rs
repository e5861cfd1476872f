//! Events between the sealer and the answer of the journal.

use super::counters::LossReason;
use super::loss::{Stage, Window};
use super::own::OwnEvent;
use super::reply::{Goal, Waiter};
use crate::batch::{Batch, BatchBuilder};
use crate::id::WriterId;
use crate::journal::Forgotten;

/// A chunk is written when it has this much JSON, or this many events.
const MAX_BYTES: usize = 1 << 20;
const MAX_EVENTS: usize = 512;

/// Events that are sealed and appended together.
#[derive(Default)]
pub(crate) struct Chunk {
    pub(crate) items: Vec<Item>,
    builder: BatchBuilder,
    json: usize,
    /// The last number that the journal took.
    pub(crate) appended_to: Option<u64>,
    /// What the events hold of the budget.
    pub(crate) reserved: usize,
}

/// One event of a chunk.
pub(crate) struct Item {
    pub(crate) seq: u64,
    pub(crate) bytes: usize,
    pub(crate) origin: Origin,
    /// Set when the event is lost before it could be appended.
    pub(crate) lost: Option<(LossReason, Stage)>,
}

/// Whose an event is, and who must know of its fate.
pub(crate) enum Origin {
    Host(Option<(Goal, Waiter)>),
    Own,
    /// Somebody does nothing before it survives a power cut.
    Asked(Waiter),
    /// The event tells of this loss of the log, or of a sink and a writer.
    Loss(Option<(usize, WriterId)>, Window),
    /// The event tells of what a removed sink will not get.
    Forgotten(Forgotten),
}

/// An event of the log itself that waits for its number.
pub(crate) struct OwnWork {
    pub(crate) event: OwnEvent,
    pub(crate) origin: Origin,
}

impl From<OwnEvent> for OwnWork {
    fn from(event: OwnEvent) -> Self {
        Self {
            event,
            origin: Origin::Own,
        }
    }
}

impl Item {
    pub(crate) const fn is_host(&self) -> bool {
        matches!(self.origin, Origin::Host(_))
    }
}

impl Chunk {
    pub(crate) fn is_full(&self) -> bool {
        self.items.len() >= MAX_EVENTS || self.json >= MAX_BYTES
    }

    pub(crate) fn hosts(&self) -> usize {
        self.items.iter().filter(|item| item.is_host()).count()
    }

    /// Counts JSON that the journal took, and notes it for the sinks.
    pub(crate) fn took(&mut self, seq: u64, json: usize) {
        self.json += json;
        self.appended_to = Some(seq);
    }

    pub(crate) const fn builder(&mut self) -> &mut BatchBuilder {
        &mut self.builder
    }

    pub(crate) fn batch(&mut self, writer: WriterId) -> Option<Batch> {
        std::mem::take(&mut self.builder).build(writer)
    }
}
