//! The books of one sink.

use std::ops::RangeInclusive;

use super::counters::{LossReason, SinkCounters};
use super::loss::Window;
use super::reply::{Failure, Waiter};
use super::stream::{Count, Gap, Run, Stream};
use crate::batch::Batch;
use crate::id::WriterId;
use crate::journal::Cursor;
use crate::timestamp::Timestamp;

const FEW_WAITERS: usize = 64;

/// What became of the events that one sink is to get.
#[derive(Debug)]
pub(crate) struct SinkBook {
    counters: SinkCounters,
    /// In the order in which the sink gets them: dead writers first, the log's own last.
    streams: Vec<Stream>,
    own: WriterId,
    /// Whether what is not durable at the end stays in the journal for the next start.
    spooled: bool,
    /// When the first event that the sink did not take was recorded.
    head: Option<Timestamp>,
    pub(super) waiters: Vec<(u64, Waiter)>,
    /// With so many waiters it is looked whether anybody is behind them.
    look_at: usize,
    /// Answers that are given once the lock is free, because a waker is the host's code.
    pub(super) answers: Vec<(Waiter, Result<u64, Failure>)>,
    /// Nothing changes any more.
    closed: bool,
}

impl SinkBook {
    pub(crate) fn new(name: &str, own: WriterId) -> Self {
        Self {
            counters: SinkCounters {
                name: name.to_owned(),
                ..SinkCounters::default()
            },
            streams: vec![Stream::new(own, 0)],
            own,
            spooled: false,
            head: None,
            waiters: Vec::new(),
            look_at: FEW_WAITERS,
            answers: Vec::new(),
            closed: false,
        }
    }

    /// The journal holds what the sink does not have: of `cursor`'s writers what is above it.
    pub(crate) fn go_on(&mut self, cursor: &Cursor) {
        let others = cursor.iter().filter(|(writer, _)| **writer != self.own);
        self.streams = others
            .map(|(writer, seq)| Stream::new(*writer, *seq))
            .chain([Stream::new(self.own, 0)])
            .collect();
        self.spooled = true;
    }

    /// The journal holds events of a writer that died, too.
    pub(crate) fn adopt(&mut self, writer: WriterId, seq: u64) {
        if !self.has(writer) {
            let own = self.streams.len().saturating_sub(1);
            self.streams.insert(own, Stream::new(writer, seq));
        }
    }

    pub(crate) const fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) fn name(&self) -> &str {
        &self.counters.name
    }

    /// Returns the counters; `now` says how late the sink is.
    pub(crate) fn counters(&self, now: Timestamp) -> SinkCounters {
        let mut counters = self.counters.clone();
        if counters.pending > 0 {
            let taken = self.streams.iter().find_map(Stream::oldest_taken);
            let oldest = taken.or(self.head).unwrap_or(now);
            let micros = now.as_unix_micros().saturating_sub(oldest.as_unix_micros());
            counters.lag = std::time::Duration::from_micros(micros.try_into().unwrap_or(0));
        }
        let own = self.streams.last();
        counters.cursor = own.and_then(Stream::cursor).unwrap_or(0);
        counters
    }

    /// Changes what is counted beside the ledger.
    pub(crate) const fn counters_mut(&mut self) -> &mut SinkCounters {
        &mut self.counters
    }

    /// Answers when the event is durable at the sink, or lost to it; gives back waiters that nobody
    /// is behind any more, and this one when the book is closed.
    pub(crate) fn await_delivery(&mut self, seq: u64, waiter: Waiter) -> Vec<Waiter> {
        if self.closed {
            return vec![waiter];
        }
        let mut over = Vec::new();
        if self.waiters.len() >= self.look_at {
            for (seq, waiter) in std::mem::take(&mut self.waiters) {
                if waiter.is_awaited() {
                    self.waiters.push((seq, waiter));
                } else {
                    over.push(waiter);
                }
            }
            // Looking costs each waiter a constant share.
            self.look_at = (self.waiters.len() * 2).max(FEW_WAITERS);
        }
        self.waiters.push((seq, waiter));
        over
    }

    /// The log's own events are due.
    pub(crate) fn hand_over(&mut self, batch: &Batch) {
        let count = batch.count();
        if self.closed && !self.spooled {
            let reason = LossReason::ShutdownDeadline;
            self.counters.lost_by_reason.add(reason, count.hosts);
            return;
        }
        self.counters.pending += count.hosts;
        self.head.get_or_insert(batch.first_recorded_at());
        if let Some(stream) = self.stream(batch.writer_id()) {
            stream.hand_over(batch.last_seq(), count);
        }
    }

    /// Events of a dead writer are due, if they were not yet.
    pub(crate) fn inherit(&mut self, writer: WriterId, runs: &[Run]) {
        let count = self.stream(writer).map(|stream| stream.inherit(runs));
        let hosts = count.unwrap_or_default().hosts;
        self.counters.inherited += hosts;
        self.counters.pending += hosts;
        if let Some(run) = runs.first() {
            self.head.get_or_insert(run.at);
        }
    }

    /// Numbers of a dead writer, above those handed over, are gone with their files or cannot be
    /// read.
    pub(crate) fn miss(&mut self, writer: WriterId, to: u64) {
        let Some(stream) = self.stream(writer) else {
            return;
        };
        let after = stream.done_to().max(stream.handed_to());
        let hosts = to.saturating_sub(after);
        if hosts == 0 {
            return;
        }
        let count = Count {
            events: hosts,
            hosts,
        };
        stream.hand_over(to, count);
        stream.lose_in(after + 1, to, count, LossReason::SinkExpired);
        let inherited = &mut self.counters.inherited;
        *inherited = inherited.saturating_add(hosts);
        let reasons = &mut self.counters.lost_by_reason;
        reasons.add(LossReason::SinkExpired, hosts);
    }

    /// Everything of a dead writer is due.
    pub(crate) fn complete(&mut self, writer: WriterId) {
        if let Some(stream) = self.stream(writer) {
            stream.complete();
        }
    }

    /// The sink begins with this batch.
    pub(crate) fn begin(&mut self, batch: &Batch) {
        self.head = Some(batch.first_recorded_at());
    }

    /// Returns the part of a batch that is not done.
    pub(crate) fn left(&self, batch: &Batch) -> Option<Batch> {
        batch.starting_at(self.done_to(batch.writer_id()).saturating_add(1))
    }

    pub(crate) fn done_to(&self, writer: WriterId) -> u64 {
        let mut streams = self.streams.iter();
        let stream = streams.find(|stream| stream.writer == writer);
        stream.map_or(u64::MAX, Stream::done_to)
    }

    /// The sink took these events.
    pub(crate) fn take(&mut self, writer: WriterId, runs: impl IntoIterator<Item = Run>) {
        if let Some(stream) = self.stream(writer) {
            stream.take(runs);
        }
    }

    /// These events are lost to the sink.
    pub(crate) fn lose(&mut self, writer: WriterId, gaps: &[Gap], reason: LossReason) {
        let Some(stream) = self.stream(writer) else {
            return;
        };
        stream.lose(gaps, reason);
        let hosts = gaps.iter().map(|gap| gap.count.hosts);
        self.count_lost(hosts.sum(), reason);
        if writer == self.own {
            self.answer(|seq| {
                let lost = gaps.iter().any(|gap| (gap.from..=gap.to).contains(&seq));
                lost.then_some(Err(Failure::Lost(reason)))
            });
        }
    }

    /// The sink is done with every batch of `writer` up to this number.
    pub(crate) fn done(&mut self, writer: WriterId, to: u64) {
        if let Some(stream) = self.stream(writer) {
            stream.finish(to);
        }
    }

    /// The range up to `to`, in which `total` events were handed over since the start, was read: what
    /// did not come up is gone. Returns how many events that is.
    pub(crate) fn read_to(&mut self, writer: WriterId, to: u64, total: Count) -> u64 {
        let Some(stream) = self.stream(writer) else {
            return 0;
        };
        let count = stream.missing(total);
        if count.events > 0 {
            let gap = Gap {
                from: stream.done_to().saturating_add(1),
                to,
                count,
                bytes: 0,
            };
            self.lose(writer, &[gap], LossReason::Corruption);
        }
        self.done(writer, to);
        count.events
    }

    /// Returns how many events of a writer were handed over, and the last number of them.
    pub(crate) fn handed(&self, writer: WriterId) -> (u64, Count) {
        let mut streams = self.streams.iter();
        let stream = streams.find(|stream| stream.writer == writer);
        stream.map_or((0, Count::default()), |stream| {
            (stream.handed_to(), stream.handed())
        })
    }

    /// What was taken up to this number is durable.
    pub(crate) fn durable(&mut self, writer: WriterId, up_to: u64) {
        let Some(stream) = self.stream(writer) else {
            return;
        };
        let hosts = stream.durable(up_to).hosts;
        self.counters.pending = self.counters.pending.saturating_sub(hosts);
        self.counters.delivered += hosts;
        self.answer_settled();
    }

    /// Whether everything that the sink took is durable.
    pub(crate) fn all_durable(&self) -> bool {
        self.streams.iter().all(Stream::all_durable)
    }

    /// A segment is to be deleted for its age: what the sink does not have of it, which `runs` tell,
    /// is lost. It ends with number `last`, or is the last of a dead writer.
    pub(crate) fn expire(&mut self, writer: WriterId, last: Option<u64>, runs: &[Run]) {
        let reason = LossReason::SinkExpired;
        if self.closed || !self.has(writer) {
            return;
        }
        if writer != self.own {
            self.inherit(writer, runs);
        }
        let Some(stream) = self.stream(writer) else {
            return;
        };
        let to = last.unwrap_or(stream.handed_to());
        let lost = stream.expire(to, runs, reason);
        if last.is_none() {
            stream.complete();
        }
        self.count_lost(lost.hosts, reason);
        if writer == self.own {
            self.answer(|seq| (seq <= to).then_some(Err(Failure::Lost(reason))));
        }
    }

    /// Whether the sink is to get events of `writer`.
    pub(crate) fn has(&self, writer: WriterId) -> bool {
        self.streams.iter().any(|stream| stream.writer == writer)
    }

    /// Returns from where a restart goes on.
    pub(crate) fn cursor(&self) -> Cursor {
        let streams = self.streams.iter();
        streams
            .filter_map(|stream| Some((stream.writer, stream.cursor()?)))
            .collect()
    }

    /// Takes out the windows of losses that are final, see [`Stream::final_window`].
    pub(crate) fn final_windows(&mut self, all: bool) -> Vec<(WriterId, Window)> {
        // What the next start tries again is not decided yet.
        let all = all && !self.spooled;
        // Without a journal to go on from, nobody asks what is confirmed.
        let note = self.spooled;
        let streams = self.streams.iter_mut();
        streams
            .filter_map(|stream| Some((stream.writer, stream.final_window(all, note)?)))
            .collect()
    }

    /// Puts back a window that could not be written.
    pub(crate) fn put_back(&mut self, writer: WriterId, window: &Window) {
        if let Some(stream) = self.stream(writer) {
            stream.put_back(window);
        }
    }

    /// The window was told of by the event `seq`.
    pub(crate) fn tell(&mut self, writer: WriterId, window: &Window, seq: u64) {
        if let Some(stream) = self.stream(writer) {
            stream.tell(window.from(), seq);
        }
    }

    /// Forgets the windows whose events no power cut takes back, see [`Stream::confirm`]; returns whether
    /// some are told of once more.
    pub(crate) fn confirm(
        &mut self,
        are_synced: impl Fn(&RangeInclusive<u64>) -> Option<bool>,
        retell: bool,
    ) -> bool {
        let mut retold = false;
        for stream in &mut self.streams {
            retold |= stream.confirm(&are_synced, retell);
        }
        retold
    }

    /// Whether a power cut can take back what told of a loss.
    pub(crate) fn has_told(&self) -> bool {
        self.streams.iter().any(Stream::has_told)
    }

    /// Ends the book, whatever the sink does from now on: what is not durable stays pending for the
    /// next start, or is lost where nothing holds it.
    pub(crate) fn close(&mut self, reason: LossReason) {
        self.closed = true;
        if self.spooled {
            return self.answer(|_| Some(Err(Failure::Closed)));
        }
        let mut hosts = 0;
        for stream in &mut self.streams {
            hosts += stream.close(reason).hosts;
        }
        self.count_lost(hosts, reason);
        self.answer(|_| Some(Err(Failure::Lost(reason))));
    }

    fn stream(&mut self, writer: WriterId) -> Option<&mut Stream> {
        let mut streams = self.streams.iter_mut();
        streams.find(|stream| stream.writer == writer)
    }

    fn count_lost(&mut self, hosts: u64, reason: LossReason) {
        self.counters.pending = self.counters.pending.saturating_sub(hosts);
        self.counters.lost_by_reason.add(reason, hosts);
    }

    fn answer_settled(&mut self) {
        let own = self.streams.last();
        let settled = own.map_or(0, Stream::settled_to);
        self.answer(|seq| (seq <= settled).then_some(Ok(seq)));
    }

    fn answer(&mut self, mut fate: impl FnMut(u64) -> Option<Result<u64, Failure>>) {
        let waiters = std::mem::take(&mut self.waiters);
        for (seq, waiter) in waiters {
            match fate(seq) {
                Some(answer) => self.answers.push((waiter, answer)),
                None => self.waiters.push((seq, waiter)),
            }
        }
    }
}
