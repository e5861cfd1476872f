//! Windows of lost numbers.

use super::counters::{LossCounts, LossReason};
use super::own::OwnEvent;
use super::stream::Gap;
use crate::catalog::Field;
use crate::event::{Kind, Value};
use crate::id::WriterId;
use crate::sorted::tree;

/// Where on the way events were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Admission = 1,
    Journal = 2,
    Sink = 4,
}

const STAGES: [(Stage, &str); 3] = [
    (Stage::Admission, "admission"),
    (Stage::Journal, "journal"),
    (Stage::Sink, "sink"),
];

/// Lost numbers, as a range that they lie in and how many they are.
///
/// Its size is fixed: counting a loss needs no room. Windows of one writer and sink that are
/// written never overlap, because a window is written only when the fate of every number up to its
/// end is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Window {
    range: Option<(u64, u64)>,
    counts: LossCounts,
    bytes: u64,
    stages: u8,
    inexact: bool,
}

impl Window {
    /// Every event of `gap`, which holds no number of another fate's window.
    pub(crate) fn of(gap: &Gap, reason: LossReason, stage: Stage) -> Self {
        let mut window = Self {
            range: Some((gap.from, gap.to)),
            bytes: gap.bytes,
            stages: stage as u8,
            ..Self::default()
        };
        window.counts.add(reason, gap.count.events);
        window
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.range.is_none()
    }

    /// The first number of the range.
    pub(crate) fn from(&self) -> Option<u64> {
        self.range.map(|(from, _)| from)
    }

    /// The last number of the range, or 0.
    pub(crate) fn to(&self) -> u64 {
        self.range.map_or(0, |(_, to)| to)
    }

    pub(crate) fn counts(&self) -> &LossCounts {
        &self.counts
    }

    pub(crate) fn add(&mut self, seq: u64, reason: LossReason, bytes: usize, stage: Stage) {
        self.widen(seq, seq);
        self.count(reason, bytes, stage);
    }

    /// Counts an event that has no number yet.
    pub(crate) fn count(&mut self, reason: LossReason, bytes: usize, stage: Stage) {
        self.counts.add(reason, 1);
        self.bytes += bytes as u64;
        self.stages |= stage as u8;
    }

    /// Gives what has no number yet the numbers from `first` on.
    pub(crate) fn number(&mut self, first: u64) {
        if let Some(more) = self.counts.total().checked_sub(1) {
            self.widen(first, first.saturating_add(more));
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        let Some((from, to)) = other.range else {
            return;
        };
        self.widen(from, to);
        self.counts.merge(&other.counts);
        self.bytes += other.bytes;
        self.stages |= other.stages;
        self.inexact |= other.inexact;
    }

    /// Says that some of the numbers may not be lost.
    pub(crate) fn mark_inexact(&mut self) {
        self.inexact = true;
    }

    /// Returns the `loss` event; `sink` is the one that misses the numbers, `None` the log itself.
    pub(crate) fn event(&self, writer: WriterId, sink: Option<&str>) -> OwnEvent {
        let (from, to) = self.range.unwrap_or_default();
        let reasons = self.counts.iter();
        let reasons = tree(reasons.map(|(reason, count)| (reason.name().to_owned(), count)));
        let stages: Vec<_> = STAGES
            .iter()
            .filter(|(stage, _)| self.stages & *stage as u8 != 0)
            .map(|(_, name)| *name)
            .collect();
        let mut fields = vec![
            (Field::LossWriterId, Value::Text(writer.to_string())),
            (Field::SeqFrom, Value::Int(from)),
            (Field::SeqTo, Value::Int(to)),
            (Field::Count, Value::Int(self.counts.total())),
            (Field::Bytes, Value::Int(self.bytes)),
            (Field::Reasons, Value::Counts(reasons)),
            (Field::Stage, Value::Text(stages.join(", "))),
            (Field::Exact, Value::Bool(!self.inexact)),
        ];
        if let Some(sink) = sink {
            fields.push((Field::LossSink, Value::Text(sink.to_owned())));
        }
        OwnEvent::of(Kind::Loss, fields)
    }

    fn widen(&mut self, from: u64, to: u64) {
        let (first, last) = self.range.unwrap_or((from, to));
        self.range = Some((first.min(from), last.max(to)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_counts_what_it_holds() {
        let mut window = Window::default();
        assert!(window.is_empty());
        window.add(7, LossReason::QueueFull, 10, Stage::Admission);
        let mut other = Window::default();
        other.add(3, LossReason::Enospc, 5, Stage::Journal);
        window.merge(&other);
        window.merge(&Window::default());
        let event = window.event(WriterId::from_bytes([0; 16]), Some("archive"));
        let field = |field| {
            event
                .fields
                .iter()
                .find(|(f, _)| *f == field)
                .unwrap()
                .1
                .clone()
        };
        assert_eq!(field(Field::SeqFrom), Value::Int(3));
        assert_eq!(field(Field::SeqTo), Value::Int(7));
        assert_eq!(field(Field::Count), Value::Int(2));
        assert_eq!(field(Field::Bytes), Value::Int(15));
        assert_eq!(
            field(Field::Stage),
            Value::Text("admission, journal".to_owned())
        );
        assert_eq!(field(Field::LossSink), Value::Text("archive".to_owned()));
        assert_eq!(field(Field::Exact), Value::Bool(true));
    }
}
