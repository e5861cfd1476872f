//! Events on their way to a sink.

use std::fmt;

use crate::event::Event;
use crate::id::WriterId;
use crate::sync::Arc;

/// Consecutive events of one writer, sealed and encoded.
///
/// Only the log makes batches, so whatever a sink receives has passed policy and redaction. A clone
/// shares the events. A batch is never empty; its numbers rise, with gaps where events were lost.
#[derive(Clone)]
pub struct Batch {
    shared: Arc<Shared>,
    /// The first event of `shared` that belongs to this batch.
    start: usize,
}

struct Shared {
    writer_id: WriterId,
    events: Vec<Event>,
    seqs: Vec<u64>,
    /// One line for each event, each with its newline.
    json: Vec<u8>,
    /// Where each event's line begins.
    starts: Vec<usize>,
}

impl Batch {
    /// Returns the events, as typed data.
    pub fn events(&self) -> &[Event] {
        self.shared.events.get(self.start..).unwrap_or_default()
    }

    /// Returns the events as JSON Lines: one compact object a line, each line with its newline.
    ///
    /// They were encoded once, for the journal and for every sink.
    pub fn json_lines(&self) -> &[u8] {
        let start = self.shared.starts.get(self.start).copied();
        self.shared
            .json
            .get(start.unwrap_or(0)..)
            .unwrap_or_default()
    }

    /// Returns each event's JSON object, without its newline, in the order of
    /// [`events`](Self::events).
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let lines = self.json_lines().split_inclusive(|byte| *byte == b'\n');
        lines.map(|line| line.strip_suffix(b"\n").unwrap_or(line))
    }

    /// Returns the events' numbers, rising.
    pub fn seqs(&self) -> &[u64] {
        self.shared.seqs.get(self.start..).unwrap_or_default()
    }

    /// Returns the writer of the events.
    pub fn writer_id(&self) -> WriterId {
        self.shared.writer_id
    }

    /// Returns the number of the first event.
    pub fn first_seq(&self) -> u64 {
        self.seqs().first().copied().unwrap_or(0)
    }

    /// Returns the number of the last event.
    pub fn last_seq(&self) -> u64 {
        self.seqs().last().copied().unwrap_or(0)
    }

    /// Returns how many events there are; at least one.
    #[expect(clippy::len_without_is_empty, reason = "a batch is never empty")]
    pub fn len(&self) -> usize {
        self.seqs().len()
    }

    /// Returns the part of the batch with numbers from `seq` on, or `None` when nothing is left.
    pub(crate) fn from_seq(&self, seq: u64) -> Option<Self> {
        let start = self.shared.seqs.partition_point(|s| *s < seq);
        let start = start.max(self.start);
        (start < self.shared.seqs.len()).then(|| Self {
            shared: Arc::clone(&self.shared),
            start,
        })
    }
}

/// Shows the writer and the numbers, never the events.
impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("writer_id", &self.writer_id())
            .field("first_seq", &self.first_seq())
            .field("last_seq", &self.last_seq())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Collects the events of a batch.
#[derive(Default)]
pub(crate) struct BatchBuilder {
    events: Vec<Event>,
    seqs: Vec<u64>,
    json: Vec<u8>,
    starts: Vec<usize>,
}

impl BatchBuilder {
    /// Adds an event with its JSON object, without a newline. Numbers rise.
    pub(crate) fn push(&mut self, seq: u64, event: Event, json: &[u8]) {
        debug_assert!(self.seqs.last().is_none_or(|last| *last < seq));
        self.starts.push(self.json.len());
        self.json.extend_from_slice(json);
        self.json.push(b'\n');
        self.seqs.push(seq);
        self.events.push(event);
    }

    /// Returns the batch, or `None` when there is no event.
    pub(crate) fn build(self, writer_id: WriterId) -> Option<Batch> {
        (!self.seqs.is_empty()).then(|| Batch {
            shared: Arc::new(Shared {
                writer_id,
                events: self.events,
                seqs: self.seqs,
                json: self.json,
                starts: self.starts,
            }),
            start: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Kind;
    use crate::id::EventId;
    use crate::timestamp::Timestamp;

    fn batch(seqs: &[u64]) -> Batch {
        let writer_id = WriterId::from_bytes([2; 16]);
        let mut builder = BatchBuilder::default();
        for seq in seqs {
            let id = EventId::from_bytes([1; 16]);
            let event = Event::new(Kind::Interaction, id, writer_id, Timestamp::default());
            let json = event.to_json();
            builder.push(*seq, event, json.as_bytes());
        }
        builder.build(writer_id).unwrap()
    }

    #[test]
    fn lines_and_events_stay_in_step_when_the_taken_part_is_left_out() {
        let whole = batch(&[3, 5, 9]);
        for (from, seqs) in [(0, &[3, 5, 9][..]), (4, &[5, 9]), (9, &[9])] {
            let rest = whole.from_seq(from).unwrap();
            assert_eq!(rest.seqs(), seqs);
            assert_eq!(rest.len(), rest.lines().count());
            let encoded: Vec<_> = rest.events().iter().map(Event::to_json).collect();
            let lines: Vec<_> = rest.lines().map(<[u8]>::to_vec).collect();
            assert_eq!(
                lines,
                encoded
                    .into_iter()
                    .map(String::into_bytes)
                    .collect::<Vec<_>>()
            );
        }
        assert!(whole.from_seq(10).is_none());
    }

    #[test]
    fn a_batch_is_never_empty() {
        assert!(
            BatchBuilder::default()
                .build(WriterId::from_bytes([0; 16]))
                .is_none()
        );
    }

    #[test]
    fn debug_shows_no_event() {
        let text = format!("{:?}", batch(&[1]));
        assert!(
            text.contains("first_seq: 1") && !text.contains("interaction"),
            "{text}"
        );
    }
}
