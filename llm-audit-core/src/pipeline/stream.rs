//! One writer's events on their way to one sink.

use std::collections::VecDeque;
use std::ops::{AddAssign, RangeInclusive, Sub};

use super::counters::LossReason;
use super::loss::{Stage, Window};
use crate::batch::Batch;
use crate::id::WriterId;
use crate::timestamp::Timestamp;

/// The events of one writer that one sink is to get, in the order of their numbers.
///
/// An event is handed over, then either taken by the sink, or lost to it; taken, it is pending until
/// it is durable or lost. Everything up to `done_to` was taken or lost.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) writer: WriterId,
    /// Taken by the sink, not durable yet; rising.
    taken: VecDeque<Run>,
    done_to: u64,
    /// The last number handed over.
    handed_to: u64,
    handed: Count,
    done: Count,
    /// Losses that wait until every number up to their end is durable or lost. Two, so that
    /// losses that keep coming cannot put off the first for ever.
    first: Window,
    second: Window,
    /// Losses that are told of, but not so that a power cut could not take it back.
    told: Vec<Told>,
    /// Losses whose event the disk did not take: they are told of once more.
    again: Vec<Window>,
    /// Whether everything was handed over: a dead writer's events, read to their end.
    complete: bool,
}

/// A loss that is told of.
#[derive(Debug)]
struct Told {
    window: Window,
    /// The numbers that its events lie in, once they are written: one, unless losses were joined.
    seqs: Option<RangeInclusive<u64>>,
    /// Whether it was told of before.
    again: bool,
}

/// With more losses that are not confirmed, those whose events are written become one.
const MOST_TOLD: usize = 64;

/// Consecutive numbers of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) from: u64,
    pub(crate) len: u64,
    /// Whether the events are the host's, not the log's own.
    pub(crate) host: bool,
    /// When the first of them was recorded.
    pub(crate) at: Timestamp,
}

/// Events of a range of numbers that share a fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) count: Count,
    pub(crate) bytes: u64,
}

/// How many events, and how many of them are the host's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) events: u64,
    pub(crate) hosts: u64,
}

impl Gap {
    pub(crate) fn of(batch: &Batch) -> Self {
        Self {
            from: batch.first_seq(),
            to: batch.last_seq(),
            count: batch.count(),
            bytes: batch.json_lines().len() as u64,
        }
    }

    /// Takes in the range that follows.
    pub(crate) fn extend(&mut self, next: &Self) {
        self.to = next.to;
        self.count += next.count;
        self.bytes += next.bytes;
    }
}

impl Run {
    /// Adds an event to `runs`, whose numbers are lower.
    pub(crate) fn extend(
        runs: &mut Vec<Self>,
        seq: u64,
        host: bool,
        at: impl FnOnce() -> Timestamp,
    ) {
        match runs.last_mut() {
            Some(run) if run.host == host && run.from + run.len == seq => run.len += 1,
            _ => runs.push(Self {
                from: seq,
                len: 1,
                host,
                at: at(),
            }),
        }
    }

    pub(crate) const fn to(self) -> u64 {
        self.from + (self.len - 1)
    }

    pub(crate) const fn count(self) -> Count {
        Count {
            events: self.len,
            hosts: if self.host { self.len } else { 0 },
        }
    }

    /// Returns the part of the run with numbers above `seq`.
    pub(crate) fn above(self, seq: u64) -> Option<Self> {
        let from = self.from.max(seq.saturating_add(1));
        (from <= self.to()).then(|| Self {
            from,
            len: self.to() - from + 1,
            ..self
        })
    }

    /// Returns the part of the run with numbers up to `seq`.
    fn up_to(self, seq: u64) -> Option<Self> {
        let to = self.to().min(seq);
        (self.from <= to).then(|| Self {
            len: to - self.from + 1,
            ..self
        })
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.events = self.events.saturating_add(other.events);
        self.hosts = self.hosts.saturating_add(other.hosts);
    }
}

impl Sub for Count {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            events: self.events.saturating_sub(other.events),
            hosts: self.hosts.saturating_sub(other.hosts),
        }
    }
}

impl Stream {
    /// Of `writer`, whose events up to `seq` the sink has.
    pub(crate) fn new(writer: WriterId, seq: u64) -> Self {
        Self {
            writer,
            taken: VecDeque::new(),
            done_to: seq,
            handed_to: seq,
            handed: Count::default(),
            done: Count::default(),
            first: Window::default(),
            second: Window::default(),
            told: Vec::new(),
            again: Vec::new(),
            complete: false,
        }
    }

    /// The sink is done with every number up to this one.
    pub(crate) const fn done_to(&self) -> u64 {
        self.done_to
    }

    /// When the first event that was taken and is not durable was recorded.
    pub(crate) fn oldest_taken(&self) -> Option<Timestamp> {
        self.taken.front().map(|run| run.at)
    }

    pub(crate) fn hand_over(&mut self, to: u64, count: Count) {
        self.handed += count;
        self.handed_to = self.handed_to.max(to);
    }

    /// Hands over what was not, of events that an earlier process wrote.
    pub(crate) fn inherit(&mut self, runs: &[Run]) -> Count {
        let mut count = Count::default();
        for run in runs {
            if let Some(run) = run.above(self.handed_to.max(self.done_to)) {
                self.hand_over(run.to(), run.count());
                count += run.count();
            }
        }
        count
    }

    /// Nothing more is handed over.
    pub(crate) const fn complete(&mut self) {
        self.complete = true;
    }

    /// The sink took these events, which were not done.
    pub(crate) fn take(&mut self, runs: impl IntoIterator<Item = Run>) {
        for run in runs {
            self.done += run.count();
            self.taken.push_back(run);
        }
    }

    /// These events, which were not done, are lost to the sink.
    pub(crate) fn lose(&mut self, gaps: &[Gap], reason: LossReason) {
        let mut window = Window::default();
        for gap in gaps {
            self.done += gap.count;
            window.merge(&Window::of(gap, reason, Stage::Sink));
        }
        self.put(&window);
    }

    /// Numbers of this range are lost, `count` at most.
    pub(crate) fn lose_in(&mut self, from: u64, to: u64, count: Count, reason: LossReason) {
        self.done += count;
        let bytes = 0;
        let gap = Gap {
            from,
            to,
            count,
            bytes,
        };
        let mut window = Window::of(&gap, reason, Stage::Sink);
        window.mark_inexact();
        self.put(&window);
        // What comes before it may still be brought.
        if from <= self.done_to.saturating_add(1) {
            self.finish(to);
        }
    }

    pub(crate) fn finish(&mut self, to: u64) {
        self.done_to = self.done_to.max(to);
    }

    /// What was taken up to this number is durable; returns how much that is.
    pub(crate) fn durable(&mut self, up_to: u64) -> Count {
        self.take_out(up_to)
    }

    /// Everything up to `to` is lost if it is not durable: `runs` are the events of that range.
    /// Returns how much is.
    pub(crate) fn expire(&mut self, to: u64, runs: &[Run], reason: LossReason) -> Count {
        let from = self.settled_to().saturating_add(1);
        let taken = self.take_out(to);
        let mut left = Count::default();
        for run in runs {
            let run = run.above(self.done_to).and_then(|run| run.up_to(to));
            left += run.map(Run::count).unwrap_or_default();
        }
        self.done += left;
        let mut lost = left;
        lost += taken;
        if lost.events > 0 {
            let gap = Gap {
                from,
                to,
                count: lost,
                bytes: 0,
            };
            let mut window = Window::of(&gap, reason, Stage::Sink);
            if taken.events > 0 {
                // The sink may keep what it took all the same.
                window.mark_inexact();
            }
            self.put(&window);
        }
        self.finish(to);
        lost
    }

    /// Returns what was handed over up to `total` and never came up to be taken or lost.
    pub(crate) fn missing(&self, total: Count) -> Count {
        total - self.done
    }

    /// The last number handed over.
    pub(crate) const fn handed_to(&self) -> u64 {
        self.handed_to
    }

    /// Returns what was handed over up to now.
    pub(crate) const fn handed(&self) -> Count {
        self.handed
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

    /// Returns the number up to which a restart need not go back; `None` when the sink has
    /// everything of a writer that is dead.
    pub(crate) fn cursor(&self) -> Option<u64> {
        let untold = [&self.first, &self.second].into_iter().chain(&self.again);
        let told = self.told.iter().map(|told| &told.window);
        let open = untold.chain(told).filter_map(Window::from).min();
        let settled = self.settled_to();
        match open {
            Some(from) => Some(settled.min(from - 1)),
            None if self.complete && settled >= self.handed_to => None,
            None => Some(settled),
        }
    }

    /// Takes out a window of losses that is final. With `all`, which is for the end of the log,
    /// one that is not: no window is taken out after it.
    ///
    /// The next one is taken out when this one is written: it can be put back until then. With
    /// `note`, it holds the cursor until it is [confirmed](Self::confirm).
    pub(crate) fn final_window(&mut self, all: bool, note: bool) -> Option<Window> {
        if let Some(window) = self.again.pop() {
            self.note(&window, true);
            return Some(window);
        }
        if all {
            self.first.merge(&std::mem::take(&mut self.second));
        } else if self.first.to() > self.settled_to() {
            return None;
        }
        let window = std::mem::replace(&mut self.first, std::mem::take(&mut self.second));
        window.from()?;
        if note {
            self.note(&window, false);
        }
        Some(window)
    }

    fn note(&mut self, window: &Window, again: bool) {
        if self.told.len() >= MOST_TOLD {
            // A disk that goes on to fail, or hangs, must not take the memory of the host.
            self.join_told();
        }
        let window = window.clone();
        self.told.push(Told {
            window,
            seqs: None,
            again,
        });
    }

    fn join_told(&mut self) {
        let written = self.told.extract_if(.., |told| told.seqs.is_some());
        let joined = written.reduce(|mut joined, told| {
            joined.window.merge(&told.window);
            joined.window.mark_inexact();
            let (first, second) = (joined.seqs.take(), told.seqs);
            joined.seqs = first.zip(second).map(|(first, second)| {
                *first.start().min(second.start())..=*first.end().max(second.end())
            });
            joined
        });
        self.told.extend(joined);
    }

    /// Puts back a window that could not be written.
    pub(crate) fn put_back(&mut self, window: &Window) {
        let is_it = |told: &mut Told| told.window.from() == window.from();
        let again: Vec<_> = self.told.extract_if(.., is_it).collect();
        if again.iter().any(|told| told.again) {
            // Others may have been told of since that lie behind it.
            self.again.push(window.clone());
            return;
        }
        let mut first = window.clone();
        first.merge(&self.first);
        self.first = first;
    }

    /// The window that begins at `from` was told of by the event `seq`.
    pub(crate) fn tell(&mut self, from: Option<u64>, seq: u64) {
        let mut told = self.told.iter_mut();
        if let Some(told) = told.find(|told| told.window.from() == from) {
            told.seqs = Some(seq..=seq);
        }
    }

    /// Forgets the windows whose events no power cut takes back. With `retell`, those that the disk did
    /// not take are told of once more; returns whether it is the first time that this is known of any.
    pub(crate) fn confirm(
        &mut self,
        are_synced: impl Fn(&RangeInclusive<u64>) -> Option<bool>,
        retell: bool,
    ) -> bool {
        let fate = |told: &Told| told.seqs.as_ref().and_then(&are_synced);
        self.told.retain(|told| fate(told) != Some(true));
        let before = self.again.len();
        if retell {
            let refused = |told: &mut Told| fate(told) == Some(false);
            let refused = self.told.extract_if(.., refused);
            self.again.extend(refused.map(|told| {
                // Without a power cut, the event that told of it can still be read.
                let mut window = told.window;
                window.mark_inexact();
                window
            }));
        }
        self.again.len() > before
    }

    pub(crate) const fn has_told(&self) -> bool {
        !self.told.is_empty() || !self.again.is_empty()
    }

    /// What is not durable is lost; returns how much that is.
    pub(crate) fn close(&mut self, reason: LossReason) -> Count {
        let from = self.settled_to().saturating_add(1);
        let mut lost = self.handed - self.done;
        self.done += lost;
        lost += self.take_out(u64::MAX);
        if lost.events > 0 {
            let gap = Gap {
                from,
                to: self.handed_to,
                count: lost,
                bytes: 0,
            };
            let mut window = Window::of(&gap, reason, Stage::Sink);
            // The sink may have got some of them, without an answer.
            window.mark_inexact();
            self.first.merge(&std::mem::take(&mut self.second));
            self.first.merge(&window);
        }
        self.done_to = self.handed_to;
        lost
    }

    fn take_out(&mut self, up_to: u64) -> Count {
        let mut count = Count::default();
        while let Some(run) = self.taken.front_mut() {
            let Some(part) = run.up_to(up_to) else {
                break;
            };
            count += part.count();
            match run.above(up_to) {
                Some(rest) => {
                    *run = rest;
                    break;
                }
                None => drop(self.taken.pop_front()),
            }
        }
        count
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Field;
    use crate::event::Value;

    const MANY: u64 = 10 * MOST_TOLD as u64;

    fn stream() -> Stream {
        Stream::new(WriterId::from_bytes([1; 16]), 0)
    }

    /// The event is lost, and told of by the event of the number a thousand above it.
    fn lose(stream: &mut Stream, seq: u64, note: bool) -> Option<Window> {
        let count = Count {
            events: 1,
            hosts: 1,
        };
        stream.hand_over(seq, count);
        let gap = Gap {
            from: seq,
            to: seq,
            count,
            bytes: 1,
        };
        stream.lose(&[gap], LossReason::SinkRejected);
        stream.finish(seq);
        let window = stream.final_window(false, note)?;
        stream.tell(window.from(), seq + 1_000);
        Some(window)
    }

    fn is_exact(window: &Window) -> bool {
        let event = window.event(WriterId::from_bytes([1; 16]), None);
        let exact = event
            .fields
            .iter()
            .find(|(field, _)| *field == Field::Exact);
        exact.unwrap().1 == Value::Bool(true)
    }

    #[test]
    fn a_loss_that_is_told_again_is_not_exact() {
        let mut stream = stream();
        assert!(is_exact(&lose(&mut stream, 1, true).unwrap()));
        assert!(stream.confirm(|_| Some(false), true));
        // That it waits to be told puts nothing off.
        assert!(!stream.confirm(|_| Some(false), true));
        assert!(!is_exact(&stream.final_window(false, true).unwrap()));
    }

    #[test]
    fn losses_that_nobody_confirms_are_not_kept() {
        let mut stream = stream();
        for seq in 1..=MANY {
            assert!(lose(&mut stream, seq, false).is_some());
        }
        assert!(!stream.has_told());
        assert_eq!(stream.cursor(), Some(MANY));
    }

    #[test]
    fn losses_that_are_never_confirmed_become_one_that_holds_the_cursor_until_all_are() {
        let mut stream = stream();
        for seq in 1..=MANY {
            assert!(lose(&mut stream, seq, true).is_some());
            stream.confirm(|_| None, true);
            assert!(stream.told.len() <= MOST_TOLD, "{}", stream.told.len());
            assert_eq!(stream.cursor(), Some(0));
        }
        // The disk took some events, and what tells of the first is not among them.
        stream.confirm(|seqs| (*seqs.start() > 1_001).then_some(true), true);
        assert_eq!(stream.cursor(), Some(0));
        assert!(stream.told.iter().any(|told| !is_exact(&told.window)));
        let refused = stream.confirm(|seqs| Some(!seqs.contains(&1_001)), true);
        assert!(refused && stream.told.is_empty());
        let window = stream.final_window(false, true).unwrap();
        stream.tell(window.from(), 5_000);
        stream.confirm(|_| Some(true), true);
        assert_eq!(stream.cursor(), Some(MANY));
    }
}
