//! The worker's way from drained events to the journal and the sinks.

use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::chunk::{Chunk, Item, Origin, OwnWork};
use super::counters::LossReason;
use super::lanes::Drained;
use super::loss::Stage;
use super::reply::{Failure, Goal};
use super::seal::{Raw, Seal, Sealed};
use super::worker::{Entry, Worker};
use crate::diagnostics::DiagnosticKind;
use crate::event::Event;
use crate::sync::{Arc, Ordering};

impl<S: Seal> Worker<S> {
    /// Seals and appends what was drained, a chunk at a time.
    pub(super) fn process(&mut self) {
        let mut chunk = Chunk::default();
        let mut drained = std::mem::replace(&mut self.drained, Drained::before(0));
        // The opening events are before every event of the host, all others after.
        let own = std::mem::take(&mut self.numbered);
        let (opening, own): (Vec<_>, _) =
            own.into_iter().partition(|(seq, _)| *seq < drained.first);
        self.append_own(&mut chunk, opening);
        for (seq, entry) in drained.events() {
            if chunk.is_full() {
                self.write(std::mem::take(&mut chunk));
            }
            self.append_host(&mut chunk, seq, entry);
        }
        self.drained = drained;
        self.append_own(&mut chunk, own);
        if !chunk.items.is_empty() || !self.waiting.is_empty() {
            self.write(chunk);
        }
    }

    fn append_host(&mut self, chunk: &mut Chunk, seq: u64, entry: Entry<S::Raw>) {
        let bytes = entry.raw.reserved_bytes();
        chunk.reserved += bytes;
        let late = self
            .deadline
            .is_some_and(|deadline| self.shared.clock.monotonic() >= deadline);
        let lost = if late {
            Some((LossReason::ShutdownDeadline, Stage::Journal))
        } else {
            let sealer = &mut self.sealer;
            let clock = &self.shared.clock;
            let start = clock.monotonic();
            let mut end = start;
            let mut left_out = 0;
            let sealed = seal(&mut self.json, || {
                let Sealed {
                    event,
                    spare,
                    withheld,
                } = sealer.seal(entry.raw, seq);
                end = clock.monotonic();
                left_out = withheld;
                (event, Some(spare))
            });
            let nanos = u64::try_from(end.saturating_sub(start).as_nanos()).unwrap_or(0);
            let redaction = &self.shared.redaction_nanos;
            redaction.fetch_add(nanos, Ordering::Relaxed);
            self.shared.withheld.fetch_add(left_out, Ordering::Relaxed);
            self.take(chunk, seq, sealed, true)
        };
        chunk.items.push(Item {
            seq,
            bytes,
            origin: Origin::Host(entry.waiter),
            lost,
        });
    }

    fn append_own(&mut self, chunk: &mut Chunk, own: Vec<(u64, OwnWork)>) {
        for (seq, work) in own {
            let sealer = &mut self.sealer;
            let sealed = seal(&mut self.json, || (sealer.own(work.event, seq), None));
            let lost = self.take(chunk, seq, sealed, false);
            if let Some(log) = &mut self.log {
                log.let_through();
            }
            chunk.items.push(Item {
                seq,
                bytes: self.json.len(),
                origin: work.origin,
                lost,
            });
        }
    }

    /// Appends a sealed event, whose JSON is in `self.json`; returns why it is lost, if it is.
    fn take(
        &mut self,
        chunk: &mut Chunk,
        seq: u64,
        sealed: Option<(Event, Option<S::Spare>)>,
        host: bool,
    ) -> Option<(LossReason, Stage)> {
        let lost = Some((LossReason::EncodeError, Stage::Journal));
        let Some((event, spare)) = sealed else {
            self.tell(DiagnosticKind::EventsLost, "sealing an event panicked");
            return lost;
        };
        if let Some(spare) = spare {
            self.shared.pool.put(spare);
        }
        if let Some(log) = &mut self.log
            && let Err(error) = log.append(seq, &self.json)
        {
            self.tell(DiagnosticKind::EventsLost, &error.to_string());
            return lost;
        }
        chunk.took(seq, self.json.len());
        if self.fanout.is_empty() {
            self.sealer.reuse(event);
        } else {
            chunk.builder().push(seq, event, &self.json, host);
        }
        None
    }

    /// Has the journal write what it took, and closes the chunks whose fate is known.
    pub(super) fn write(&mut self, chunk: Chunk) {
        if !chunk.items.is_empty() {
            self.waiting.push_back(chunk);
        }
        let Some(log) = &mut self.log else {
            return self.close_chunks(u64::MAX, &[], LossReason::IoError);
        };
        let any = self.waiting.iter().any(|chunk| chunk.appended_to.is_some());
        let failed = log.write().err();
        self.shared.budget.set_aside(log.kept_bytes().unwrap_or(0));
        // Without anything to write, that there was no failure says nothing of the disk.
        self.unwritten = failed.is_some() || self.unwritten && !any;
        let is_failing = self.unwritten || log.is_short();
        let up_to = log.written().up_to.unwrap_or(0);
        let lost = failed.as_ref().and_then(|failed| failed.lost.as_ref());
        let seqs = lost.map_or(&[][..], |lost| &lost.seqs);
        let reason = lost.map_or(LossReason::IoError, |lost| lost.reason);
        self.close_chunks(up_to, seqs, reason);
        let failing = std::mem::replace(&mut self.failing, is_failing);
        self.shared.degraded.store(self.failing, Ordering::Relaxed);
        if self.failing {
            self.refuse_intents();
        }
        if let Some(failed) = failed.filter(|_| !failing) {
            self.tell(DiagnosticKind::Degraded, &failed.error.to_string());
        }
    }

    /// Tells those whose operation waits for its intent that it is not written.
    fn refuse_intents(&mut self) {
        let items = self.waiting.iter_mut().flat_map(|chunk| &mut chunk.items);
        for item in items {
            let Origin::Host(waiter) = &mut item.origin else {
                continue;
            };
            if let Some((_, waiter)) = waiter.take_if(|(goal, _)| *goal == Goal::Intended) {
                waiter.resolve(Err(Failure::NotWritten));
            }
        }
    }

    /// Gives up what the journal could not write.
    pub(super) fn give_up(&mut self) {
        let lost = self.log.as_mut().and_then(|log| log.give_up());
        if let Some(lost) = lost {
            self.close_chunks(u64::MAX, &lost.seqs, lost.reason);
        }
    }

    /// Closes the waiting chunks of which everything up to `up_to` is written, save what is in
    /// `seqs`.
    pub(super) fn close_chunks(
        &mut self,
        up_to: u64,
        seqs: &[RangeInclusive<u64>],
        reason: LossReason,
    ) {
        while let Some(chunk) = self.waiting.front() {
            if chunk.appended_to.is_some_and(|last| last > up_to) {
                return;
            }
            if let Some(chunk) = self.waiting.pop_front() {
                self.close_chunk(chunk, |seq| {
                    let lost = seqs.iter().any(|range| range.contains(&seq));
                    lost.then_some((reason, Stage::Journal))
                });
            }
        }
    }

    fn close_chunk(&mut self, mut chunk: Chunk, fate: impl Fn(u64) -> Option<(LossReason, Stage)>) {
        let hosts = chunk.hosts();
        let reserved = chunk.reserved;
        let batch = chunk.batch(self.shared.writer_id);
        let batch = match batch {
            Some(batch) if batch.seqs().iter().any(|seq| fate(*seq).is_some()) => {
                batch.filter(|seq| fate(seq).is_none())
            }
            batch => batch,
        };
        let mut answers = Vec::new();
        let shared = Arc::clone(&self.shared);
        let mut books = shared.ledger.books();
        for item in chunk.items {
            let host = item.is_host();
            let lost = item.lost.or_else(|| fate(item.seq));
            match lost {
                None => {
                    books.write(host);
                    self.written_to = self.written_to.max(item.seq);
                }
                Some((reason, stage)) => {
                    books.lose(host, reason);
                    self.missing.add(item.seq, reason, item.bytes, stage);
                }
            }
            match (item.origin, lost) {
                (Origin::Host(Some((_, waiter))), Some((reason, _))) => {
                    answers.push((waiter, Err(Failure::Lost(reason))));
                }
                (Origin::Host(Some((Goal::Written, waiter))), None) => {
                    answers.push((waiter, Ok(item.seq)));
                }
                (Origin::Host(Some((Goal::Synced | Goal::Intended, waiter))), None) => {
                    self.unsynced.push((item.seq, waiter));
                }
                (Origin::Host(Some((Goal::Delivered(sink), waiter))), None) => {
                    let over = match books.sinks.get_mut(sink) {
                        Some(book) => book.await_delivery(item.seq, waiter),
                        None => vec![waiter],
                    };
                    let over = over.into_iter();
                    answers.extend(over.map(|waiter| (waiter, Err(Failure::Closed))));
                }
                (Origin::Asked(waiter), Some((reason, _))) => {
                    answers.push((waiter, Err(Failure::Lost(reason))));
                }
                (Origin::Asked(waiter), None) => self.unsynced.push((item.seq, waiter)),
                (Origin::Loss(None, window), Some(_)) => {
                    self.told_losses += window.counts().total() + 1;
                    self.missing.merge(&window);
                }
                (Origin::Loss(Some((sink, writer)), window), lost) => {
                    if let Some(book) = books.sinks.get_mut(sink) {
                        match lost {
                            Some(_) => {
                                let total = window.counts().total();
                                self.told_windows.push((sink, writer, total));
                                self.told_losses += 1;
                                book.put_back(writer, &window);
                            }
                            None => book.tell(writer, &window, item.seq),
                        }
                    }
                }
                (Origin::Forgotten(forgotten), lost) => {
                    self.forgetting
                        .settle(&forgotten, lost.is_none().then_some(item.seq));
                }
                (Origin::Host(None) | Origin::Own | Origin::Loss(None, _), _) => {}
            }
        }
        let total = batch.as_ref().map(|batch| books.hand_over(batch));
        drop(books);
        shared.budget.release(hosts, reserved);
        if let Some((batch, total)) = batch.zip(total) {
            self.fanout.offer(&batch, total);
        }
        for (waiter, answer) in answers {
            waiter.resolve(answer);
        }
    }
}

/// The buffer of one event's JSON keeps at most this much memory.
const KEPT_BYTES: usize = 1 << 20;

/// Seals and encodes one event into `json`. A panic costs this event only.
fn seal<T>(json: &mut Vec<u8>, make: impl FnOnce() -> (Event, T)) -> Option<(Event, T)> {
    json.clear();
    json.shrink_to(KEPT_BYTES);
    let sealed = catch_unwind(AssertUnwindSafe(|| {
        let (event, rest) = make();
        event.encode(json);
        (event, rest)
    }));
    sealed.ok()
}
