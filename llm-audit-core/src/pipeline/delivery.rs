//! A batch on its way to a sink, in as many parts as it takes.

use std::time::Duration;

use crate::batch::Batch;
use crate::sink::SinkLimits;

/// A batch that the sink did not take as a whole yet.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// What is left, the last part first.
    parts: Vec<Batch>,
    /// What the backlog counts for it.
    pub(crate) memory: usize,
    /// Of the part that is being tried.
    pub(crate) tries: u32,
    pub(crate) since: Duration,
    /// Whether a part of the batch was found never to be taken, so that the others are not given as
    /// many tries before they are divided.
    pub(crate) suspect: bool,
    /// Tries out of the sink's budget that looking for what is to blame took.
    pub(crate) spent: u32,
    /// Whether the sink took a part.
    pub(crate) taken: bool,
}

impl Delivery {
    pub(crate) fn new(batch: Batch, memory: usize, now: Duration) -> Self {
        Self {
            parts: vec![batch],
            memory,
            tries: 0,
            since: now,
            suspect: false,
            spent: 0,
            taken: false,
        }
    }

    /// Returns the part to be tried, within `limits`, or `None` when nothing is left.
    pub(crate) fn part(&mut self, limits: &SinkLimits) -> Option<Batch> {
        let part = self.parts.last()?;
        self.divide(part.fitting(limits));
        self.parts.last().cloned()
    }

    /// Leaves `rest` of the part that is being tried, which may be nothing.
    pub(crate) fn keep(&mut self, rest: Option<Batch>, now: Duration) {
        self.parts.pop();
        self.parts.extend(rest);
        self.tries = 0;
        self.since = now;
    }

    /// Whether nothing is left.
    pub(crate) const fn is_over(&self) -> bool {
        self.parts.is_empty()
    }

    /// Has the halves of the part tried instead of it.
    pub(crate) fn bisect(&mut self) {
        let len = self.parts.last().map_or(0, Batch::len);
        self.divide(len / 2);
        self.suspect = true;
    }

    fn divide(&mut self, at: usize) {
        if let Some(part) = self.parts.pop() {
            let (head, tail) = part.split_at(at);
            self.parts.extend(tail);
            self.parts.extend(head);
        }
    }
}
