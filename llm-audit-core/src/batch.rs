//! Events on their way to a sink.

use std::fmt;

use crate::event::{Absence, Event};
use crate::facet::FacetSet;
use crate::id::WriterId;
use crate::pipeline::{Count, Gap, Run};
use crate::sink::SinkLimits;
use crate::sync::Arc;
use crate::timestamp::Timestamp;

/// Consecutive events of one writer, sealed and encoded.
///
/// Only the log makes batches, so whatever a sink receives has passed policy and redaction. A clone
/// shares the events. A batch is never empty; its numbers rise, with gaps where events were lost.
#[derive(Clone)]
pub struct Batch {
    shared: Arc<Shared>,
    /// The events of `shared` that belong to this batch.
    start: usize,
    end: usize,
}

struct Shared {
    writer_id: WriterId,
    events: Vec<Event>,
    seqs: Vec<u64>,
    /// One line for each event, each with its newline.
    json: Vec<u8>,
    /// Where each event's line begins.
    starts: Vec<usize>,
    /// Which events are the host's, not the log's own.
    hosts: Vec<bool>,
}

impl Batch {
    /// Returns the events, as typed data.
    pub fn events(&self) -> &[Event] {
        self.part(&self.shared.events)
    }

    /// Returns the events as JSON Lines: one compact object a line, each line with its newline.
    ///
    /// They were encoded once, for the journal and for every sink.
    pub fn json_lines(&self) -> &[u8] {
        let starts = &self.shared.starts;
        let all = self.shared.json.len();
        let start = starts.get(self.start).copied().unwrap_or(all);
        let end = starts.get(self.end).copied().unwrap_or(all);
        self.shared.json.get(start..end).unwrap_or_default()
    }

    /// Returns each event's JSON object, without its newline, in the order of
    /// [`events`](Self::events).
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let lines = self.json_lines().split_inclusive(|byte| *byte == b'\n');
        lines.map(|line| line.strip_suffix(b"\n").unwrap_or(line))
    }

    /// Returns the events' numbers, rising.
    pub fn seqs(&self) -> &[u64] {
        self.part(&self.shared.seqs)
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

    /// Returns a key by which a receiver knows a batch that comes again: writer, first and last
    /// number, such as `019b76da-a800-7000-8000-000000000002-17-42`.
    ///
    /// Within a process a batch is tried again with the same events and the same bytes, unless the
    /// sink said that it took a part. After a restart the same events may come in other batches,
    /// under other keys: there, (writer id, number) tells an event that came before.
    pub fn idempotency_key(&self) -> String {
        let (first, last) = (self.first_seq(), self.last_seq());
        format!("{}-{first}-{last}", self.writer_id())
    }

    /// Returns how many events there are; at least one.
    #[expect(clippy::len_without_is_empty, reason = "a batch is never empty")]
    pub fn len(&self) -> usize {
        self.seqs().len()
    }

    /// Returns the events that `keep` accepts as runs of consecutive numbers of one kind.
    pub(crate) fn runs(&self, keep: impl Fn(u64) -> bool) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let events = self.seqs().iter().zip(self.host_flags()).zip(self.events());
        for ((seq, host), event) in events.filter(|((seq, _), _)| keep(**seq)) {
            Run::extend(&mut runs, *seq, *host, || event.recorded_at());
        }
        runs
    }

    /// Returns the events that `choose` accepts, one by one.
    pub(crate) fn gaps(&self, choose: impl Fn(u64) -> bool) -> Vec<Gap> {
        let events = self.seqs().iter().zip(self.host_flags()).zip(self.lines());
        events
            .filter(|((seq, _), _)| choose(**seq))
            .map(|((seq, host), line)| Gap {
                from: *seq,
                to: *seq,
                count: Count {
                    events: 1,
                    hosts: u64::from(*host),
                },
                bytes: line.len() as u64,
            })
            .collect()
    }

    /// Returns how many events there are, and how many of them are the host's.
    pub(crate) fn count(&self) -> Count {
        let hosts = self.host_flags().iter().filter(|host| **host);
        Count {
            events: self.len() as u64,
            hosts: hosts.count() as u64,
        }
    }

    /// Returns when the first event was recorded.
    pub(crate) fn first_recorded_at(&self) -> Timestamp {
        let first = self.events().first();
        first.map(Event::recorded_at).unwrap_or_default()
    }

    /// Returns about how many bytes the batch takes in memory: the text, and typed events of about
    /// the same size.
    pub(crate) fn memory(&self) -> usize {
        2 * self.json_lines().len() + self.len() * size_of::<Event>()
    }

    fn host_flags(&self) -> &[bool] {
        self.part(&self.shared.hosts)
    }

    /// Returns the batch without the events that `keep` refuses, or `None` when nothing is left.
    pub(crate) fn filter(&self, keep: impl Fn(u64) -> bool) -> Option<Self> {
        let mut kept = BatchBuilder::default();
        let events = self.seqs().iter().zip(self.host_flags()).zip(self.events());
        for (((seq, host), event), line) in events.zip(self.lines()) {
            if keep(*seq) {
                kept.push(*seq, event.clone(), line, *host);
            }
        }
        kept.build(self.writer_id())
    }

    /// Returns the batch without the data of `facets`: the same events give the same bytes, also when
    /// a batch comes again.
    pub(crate) fn without(&self, facets: FacetSet) -> Self {
        if facets.is_empty() {
            return self.clone();
        }
        let mut narrowed = BatchBuilder::default();
        let mut json = Vec::new();
        let events = self.seqs().iter().zip(self.host_flags()).zip(self.events());
        for ((seq, host), event) in events {
            let mut event: Event = event.clone();
            event.withhold(facets, Absence::Withheld);
            json.clear();
            event.encode(&mut json);
            narrowed.push(*seq, event, &json, *host);
        }
        narrowed.into_batch(self.writer_id())
    }

    /// Returns the part of the batch with numbers from `seq` on, or `None` when nothing is left.
    pub(crate) fn starting_at(&self, seq: u64) -> Option<Self> {
        let start = self.start + self.seqs().partition_point(|s| *s < seq);
        (start < self.end).then(|| Self {
            start,
            ..self.clone()
        })
    }

    /// Returns the events before the one at `index`, and the others.
    pub(crate) fn split_at(&self, index: usize) -> (Option<Self>, Option<Self>) {
        let middle = self.start.saturating_add(index).min(self.end);
        let part = |start, end| {
            (start < end).then(|| Self {
                shared: Arc::clone(&self.shared),
                start,
                end,
            })
        };
        (part(self.start, middle), part(middle, self.end))
    }

    /// Returns how many events, from the first on, are within `limits`; at least one.
    pub(crate) fn fitting(&self, limits: &SinkLimits) -> usize {
        let mut bytes = 0_usize;
        let fits = |line: &&[u8]| {
            bytes += line.len() + 1;
            bytes <= limits.max_batch_bytes
        };
        let fitting = self.lines().take(limits.max_batch_events).take_while(fits);
        fitting.count().max(1)
    }

    fn part<'a, T>(&self, whole: &'a [T]) -> &'a [T] {
        whole.get(self.start..self.end).unwrap_or_default()
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
    hosts: Vec<bool>,
}

impl BatchBuilder {
    /// Returns how many events there are, and how many bytes of JSON Lines.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.seqs.len(), self.json.len())
    }

    /// Adds an event with its JSON object, without a newline. Numbers rise.
    pub(crate) fn push(&mut self, seq: u64, event: Event, json: &[u8], host: bool) {
        debug_assert!(self.seqs.last().is_none_or(|last| *last < seq));
        self.starts.push(self.json.len());
        self.json.extend_from_slice(json);
        self.json.push(b'\n');
        self.seqs.push(seq);
        self.events.push(event);
        self.hosts.push(host);
    }

    /// Returns the batch, or `None` when there is no event.
    pub(crate) fn build(self, writer_id: WriterId) -> Option<Batch> {
        (!self.seqs.is_empty()).then(|| self.into_batch(writer_id))
    }

    /// Returns the batch; there is an event.
    fn into_batch(self, writer_id: WriterId) -> Batch {
        Batch {
            end: self.seqs.len(),
            shared: Arc::new(Shared {
                writer_id,
                events: self.events,
                seqs: self.seqs,
                json: self.json,
                starts: self.starts,
                hosts: self.hosts,
            }),
            start: 0,
        }
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
            builder.push(*seq, event, json.as_bytes(), true);
        }
        builder.build(writer_id).unwrap()
    }

    #[test]
    fn lines_and_events_stay_in_step_when_the_taken_part_is_left_out() {
        let whole = batch(&[3, 5, 9]);
        for (from, seqs) in [(0, &[3, 5, 9][..]), (4, &[5, 9]), (9, &[9])] {
            let rest = whole.starting_at(from).unwrap();
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
        assert!(whole.starting_at(10).is_none());
    }

    #[test]
    fn the_parts_of_a_batch_are_the_batch() {
        let whole = batch(&[3, 5, 9, 10]);
        for index in 0..6 {
            let (head, tail) = whole.split_at(index);
            let parts: Vec<_> = [head, tail].into_iter().flatten().collect();
            let seqs: Vec<_> = parts.iter().flat_map(|part| part.seqs().to_vec()).collect();
            let json: Vec<_> = parts.iter().map(Batch::json_lines).collect();
            assert_eq!(seqs, whole.seqs());
            assert_eq!(json.concat(), whole.json_lines());
        }
    }

    #[test]
    fn limits_cut_by_events_and_by_bytes_but_leave_one_event() {
        let whole = batch(&[1, 2, 3, 4]);
        let line = whole.json_lines().len() / 4;
        let limits = SinkLimits::default();
        assert_eq!(whole.fitting(&limits), 4);
        assert_eq!(whole.fitting(&limits.max_batch_events(3)), 3);
        assert_eq!(whole.fitting(&limits.max_batch_bytes(2 * line)), 2);
        assert_eq!(whole.fitting(&limits.max_batch_bytes(1)), 1);
        assert_eq!(whole.fitting(&limits.max_batch_events(0)), 1);
    }

    #[test]
    fn the_same_events_have_the_same_key_and_others_another() {
        let whole = batch(&[3, 5, 9]);
        let key = "02020202-0202-0202-0202-020202020202-3-9";
        assert_eq!(whole.idempotency_key(), key);
        assert_eq!(batch(&[3, 5, 9]).idempotency_key(), key);
        let rest = whole.starting_at(5).unwrap();
        assert!(rest.idempotency_key().ends_with("-5-9"));
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
