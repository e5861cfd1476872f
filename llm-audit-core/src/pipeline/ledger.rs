//! The conservation law: no event leaves the books without a reason.

use std::collections::VecDeque;

use super::counters::{Counters, LossCounts, LossReason, SinkCounters};
use super::lanes::Tally;
use super::loss::{Stage, Window};
use super::reply::{Failure, Waiter};
use crate::batch::Batch;
use crate::sync::{Mutex, MutexGuard, lock};

/// The books of everything behind the lanes.
///
/// An event is at one place at any moment: in a lane, in the hands of the worker, written, or lost;
/// and once written, for each sink, pending, delivered or lost. Each move is made under the lock,
/// so a reader who also holds the lanes sees the sums add up.
#[derive(Debug)]
pub(crate) struct Ledger {
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) in_hand: u64,
    pub(crate) written: u64,
    pub(crate) lost: LossCounts,
    pub(crate) own_written: u64,
    pub(crate) own_lost: u64,
    pub(crate) sinks: Vec<SinkBook>,
}

/// The books of one sink.
#[derive(Debug, Default)]
pub(crate) struct SinkBook {
    counters: SinkCounters,
    /// Taken by the sink, not durable yet; rising.
    taken: VecDeque<Run>,
    /// The last number whose batch the sink is done with.
    done_to: u64,
    /// The last number handed over.
    handed_to: u64,
    /// Events handed over, the log's own too, that are not durable and not lost.
    open: u64,
    /// Losses that wait until every number up to their end is durable or lost. Two, so that
    /// losses that keep coming cannot put off the first for ever.
    first: Window,
    second: Window,
    waiters: Vec<(u64, Waiter)>,
    /// Answers that are given once the lock is free, because a waker is the host's code.
    answers: Vec<(Waiter, Result<u64, Failure>)>,
    /// Nothing is handed over and nothing changes any more.
    closed: bool,
}

/// Consecutive numbers of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) from: u64,
    pub(crate) len: u64,
    /// Whether the events are the host's, not the log's own.
    pub(crate) host: bool,
}

/// Events of a range of numbers that share a fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) events: u64,
    /// How many of them are the host's.
    pub(crate) hosts: u64,
    pub(crate) bytes: u64,
}

impl Gap {
    pub(crate) fn of(batch: &Batch) -> Self {
        Self {
            from: batch.first_seq(),
            to: batch.last_seq(),
            events: batch.len() as u64,
            hosts: batch.hosts(),
            bytes: batch.json_lines().len() as u64,
        }
    }

    /// Takes in the range that follows.
    pub(crate) fn extend(&mut self, next: &Self) {
        self.to = next.to;
        self.events += next.events;
        self.hosts += next.hosts;
        self.bytes += next.bytes;
    }
}

impl Run {
    const fn to(self) -> u64 {
        self.from + self.len - 1
    }

    const fn hosts(self) -> u64 {
        if self.host { self.len } else { 0 }
    }
}

impl Ledger {
    pub(crate) fn new(sinks: &[String]) -> Self {
        let book = |name: &String| SinkBook {
            counters: SinkCounters {
                name: name.clone(),
                ..SinkCounters::default()
            },
            ..SinkBook::default()
        };
        Self {
            books: Mutex::new(Books {
                sinks: sinks.iter().map(book).collect(),
                ..Books::default()
            }),
        }
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        lock(&self.books)
    }

    /// Events went from the lanes into the hands of the worker.
    pub(crate) fn take_in_hand(&self, events: u64) {
        self.books().in_hand += events;
    }

    /// Makes `change` to the book of a sink, unless it is closed.
    pub(crate) fn sink<T>(
        &self,
        sink: usize,
        change: impl FnOnce(&mut SinkBook) -> T,
    ) -> Option<T> {
        let mut books = self.books();
        let book = books.sinks.get_mut(sink).filter(|book| !book.closed)?;
        let changed = change(book);
        let answers = std::mem::take(&mut book.answers);
        drop(books);
        for (waiter, answer) in answers {
            waiter.resolve(answer);
        }
        Some(changed)
    }
}

impl Books {
    /// Returns the whole ledger; `tally` is of the same moment.
    pub(crate) fn counters(&self, tally: &Tally) -> Counters {
        let mut lost_by_reason = self.lost;
        lost_by_reason.merge(&tally.refused);
        Counters {
            admitted: tally.admitted,
            written: self.written,
            lost_by_reason,
            pending: tally.queued + self.in_hand,
            own_written: self.own_written,
            own_lost: self.own_lost,
            reentrant: 0,
            memory_bytes: 0,
            sinks: self
                .sinks
                .iter()
                .map(|sink| sink.counters.clone())
                .collect(),
        }
    }

    /// An event of the host in the hands of the worker was written.
    pub(crate) fn write(&mut self, host: bool) {
        if host {
            self.in_hand -= 1;
            self.written += 1;
        } else {
            self.own_written += 1;
        }
    }

    /// An event in the hands of the worker is lost.
    pub(crate) fn lose(&mut self, host: bool, reason: LossReason) {
        if host {
            self.in_hand -= 1;
            self.lost.add(reason, 1);
        } else {
            self.own_lost += 1;
        }
    }

    /// A batch that was written is due to every sink that is open.
    pub(crate) fn hand_over(&mut self, batch: &Batch) {
        let hosts = batch.hosts();
        for sink in &mut self.sinks {
            sink.handed_to = batch.last_seq();
            if sink.closed {
                sink.counters
                    .lost_by_reason
                    .add(LossReason::ShutdownDeadline, hosts);
            } else {
                sink.counters.pending += hosts;
                sink.open += batch.len() as u64;
            }
        }
    }
}

impl SinkBook {
    pub(crate) fn name(&self) -> &str {
        &self.counters.name
    }

    /// Answers when the event is durable at the sink, or lost to it; gives the waiter back when
    /// the book is closed.
    pub(crate) fn await_delivery(&mut self, seq: u64, waiter: Waiter) -> Option<Waiter> {
        if self.closed {
            return Some(waiter);
        }
        self.waiters.push((seq, waiter));
        None
    }

    /// A try failed.
    pub(crate) fn fail(&mut self) {
        self.counters.failures += 1;
    }

    /// The sink took these events.
    pub(crate) fn take(&mut self, runs: impl IntoIterator<Item = Run>) {
        self.taken
            .extend(runs.into_iter().filter(|run| run.len > 0));
    }

    /// These events are lost to the sink.
    pub(crate) fn lose(&mut self, gaps: &[Gap], reason: LossReason) {
        let mut window = Window::default();
        for gap in gaps {
            self.open -= gap.events;
            self.counters.pending -= gap.hosts;
            self.counters.lost_by_reason.add(reason, gap.hosts);
            window.merge(&Window::of(gap, reason, Stage::Sink));
        }
        self.put(&window);
        self.answer(|seq| {
            let lost = gaps.iter().any(|gap| (gap.from..=gap.to).contains(&seq));
            lost.then_some(Err(Failure::Lost(reason)))
        });
    }

    /// The sink is done with every batch up to this number.
    pub(crate) fn done(&mut self, to: u64) {
        self.done_to = self.done_to.max(to);
    }

    /// What was taken up to this number is durable.
    pub(crate) fn durable(&mut self, up_to: u64) {
        while let Some(run) = self.taken.front_mut().filter(|run| run.from <= up_to) {
            let len = run.to().min(up_to) - run.from + 1;
            let part = Run { len, ..*run };
            self.open -= len;
            self.counters.pending -= part.hosts();
            self.counters.delivered += part.hosts();
            if len == run.len {
                self.taken.pop_front();
            } else {
                run.from += len;
                run.len -= len;
                break;
            }
        }
        let settled = self.settled_to();
        self.answer(|seq| (seq <= settled).then_some(Ok(seq)));
    }

    /// Whether everything that the sink took is durable.
    pub(crate) fn all_durable(&self) -> bool {
        self.taken.is_empty()
    }

    /// Every number up to this one is durable at the sink, or lost, or was never for it.
    pub(crate) fn settled_to(&self) -> u64 {
        self.taken
            .front()
            .map_or(self.done_to, |run| self.done_to.min(run.from - 1))
    }

    /// Takes out a window of losses that is final. With `all`, which is for the end of the log,
    /// one that is not: no window is taken out after it.
    ///
    /// The next one is taken out when this one is written: it can be put back until then.
    pub(crate) fn final_window(&mut self, all: bool) -> Option<Window> {
        if all {
            self.first.merge(&std::mem::take(&mut self.second));
        } else if self.first.to() > self.settled_to() {
            return None;
        }
        let window = std::mem::replace(&mut self.first, std::mem::take(&mut self.second));
        (!window.is_empty()).then_some(window)
    }

    /// Puts back a window that could not be written.
    pub(crate) fn put_back(&mut self, window: &Window) {
        let mut first = window.clone();
        first.merge(&self.first);
        self.first = first;
    }

    /// Ends the book: what is not durable is lost, whatever the sink does from now on.
    pub(crate) fn close(&mut self, reason: LossReason) {
        self.closed = true;
        if self.open > 0 {
            let from = self.taken.front().map_or(self.done_to + 1, |run| run.from);
            let gap = Gap {
                from,
                to: self.handed_to,
                events: self.open,
                hosts: self.counters.pending,
                bytes: 0,
            };
            let mut window = Window::of(&gap, reason, Stage::Sink);
            // The sink may have got some of them, without an answer.
            window.mark_inexact();
            self.counters
                .lost_by_reason
                .add(reason, self.counters.pending);
            self.counters.pending = 0;
            self.open = 0;
            self.taken.clear();
            self.first.merge(&std::mem::take(&mut self.second));
            self.first.merge(&window);
        }
        self.done_to = self.handed_to;
        self.answer(|_| Some(Err(Failure::Lost(reason))));
    }

    fn put(&mut self, window: &Window) {
        // The first is frozen while numbers before its end are open, and once there is a second.
        let frozen = !self.second.is_empty()
            || !self.first.is_empty() && self.first.to() > self.settled_to();
        if frozen {
            self.second.merge(window);
        } else {
            self.first.merge(window);
        }
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
