//! A sealer, a journal and sinks that fail as a seed or a test tells them.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::ops::RangeInclusive;
use std::time::Duration;

use async_trait::async_trait;

use super::super::log::{Disk, Spooled};
use super::super::*;
use crate::batch::Batch;
use crate::catalog::Field;
use crate::event::{Event, Kind, Value};
use crate::id::{EventId, RandomIds};
use crate::journal::{Closed, Cursor, Held, Lost, SinkStart, SyncStatus, WriteFailed, Written};
use crate::narrow::Narrowed;
use crate::sink::{Durable, Sink, SinkError, SinkLimits};
use crate::sync::{Mutex, lock};
use crate::timestamp::Timestamp;

pub(super) const WRITER: WriterId = WriterId::from_bytes([7; 16]);

/// A stream of numbers from a seed (SplitMix64).
pub(super) struct Rng(pub(super) u64);

impl Rng {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

#[derive(Default)]
pub(super) struct FakeRaw {
    pub(super) bytes: usize,
    pub(super) panics: bool,
}

impl Raw for FakeRaw {
    fn reserved_bytes(&self) -> usize {
        self.bytes
    }
}

#[derive(Clone, Default)]
pub(super) struct FakeSealer {
    /// `WRITER` unless set.
    pub(super) writer: Option<WriterId>,
    pub(super) now: Timestamp,
    pub(super) steps: Arc<AtomicU64>,
    pub(super) sealed: Arc<Mutex<Vec<Event>>>,
}

impl Reusable for () {
    fn held(&self) -> usize {
        0
    }
}

impl Seal for FakeSealer {
    type Raw = FakeRaw;
    type Spare = ();

    fn seal(&mut self, raw: FakeRaw, seq: u64) -> Sealed<()> {
        assert!(!raw.panics, "as the test asked");
        let event = self.own(OwnEvent::new(Kind::Interaction), seq);
        Sealed {
            event,
            spare: (),
            withheld: 0,
        }
    }

    fn own(&mut self, own: OwnEvent, seq: u64) -> Event {
        let id = EventId::from_bytes([1; 16]);
        let mut event = Event::new(own.kind, id, self.writer.unwrap_or(WRITER), self.now);
        event.set(Field::Seq, Value::Int(seq));
        for (field, value) in own.fields {
            event.set(field, value);
        }
        lock(&self.sealed).push(event.clone());
        event
    }

    fn take_pending_own(&mut self) -> Vec<OwnEvent> {
        self.steps.fetch_add(1, Ordering::Relaxed);
        Vec::new()
    }
}

/// What a journal holds, and how it is to fail.
#[derive(Default)]
pub(super) struct Paper {
    pub(super) lines: Vec<Event>,
    pending: VecDeque<(u64, Vec<u8>)>,
    pub(super) written: Written,
    pub(super) status: SyncStatus,
    pub(super) reserved: u64,
    pub(super) closed: bool,
    /// Nothing is confirmed.
    pub(super) hangs: bool,
    failures: u64,
    /// One call in so many fails, zero for none.
    pub(super) fails_one_in: u64,
    /// Whether a call that fails may write a part.
    pub(super) tears: bool,
    /// One event in so many is refused, zero for none.
    pub(super) refuses_one_in: u64,
    /// After so many failures in a row what waits is given up.
    pub(super) gives_up_after: u64,
    pub(super) rng: Option<Rng>,
}

impl Paper {
    pub(super) fn seqs(&self) -> BTreeSet<u64> {
        self.lines.iter().filter_map(Event::seq).collect()
    }

    pub(super) fn kinds(&self) -> Vec<Kind> {
        let kinds = self.lines.iter().map(|event| event.kind().clone());
        kinds.collect()
    }

    fn strikes(&mut self, one_in: u64) -> bool {
        let rng = self.rng.get_or_insert(Rng(1));
        one_in > 0 && rng.one_in(one_in)
    }

    fn put(&mut self, count: usize) {
        for (seq, json) in self.pending.drain(..count).collect::<Vec<_>>() {
            self.lines.push(Event::from_json(&json).unwrap());
            self.written.up_to = Some(seq);
        }
    }

    fn lose(&mut self) -> Option<Lost> {
        let count = self.pending.len() as u64;
        let mut seqs: Vec<RangeInclusive<u64>> = Vec::new();
        for (seq, _) in self.pending.drain(..) {
            match seqs.last_mut() {
                Some(last) if last.end() + 1 == seq => *last = *last.start()..=seq,
                _ => seqs.push(seq..=seq),
            }
            self.written.up_to = Some(seq);
        }
        (count > 0).then_some(Lost {
            seqs,
            count,
            bytes: 0,
            reason: LossReason::Enospc,
        })
    }
}

#[derive(Clone, Default)]
pub(super) struct FakeLog {
    pub(super) paper: Arc<Mutex<Paper>>,
    /// Held by a test, it blocks every write.
    pub(super) gate: Arc<Mutex<()>>,
}

impl Log for FakeLog {
    fn append(&mut self, seq: u64, json: &[u8]) -> Result<(), Error> {
        let mut paper = lock(&self.paper);
        assert!(seq <= paper.reserved, "number {seq} was not set aside");
        let one_in = paper.refuses_one_in;
        if paper.strikes(one_in) {
            return Err(Error::refused("the event is too long"));
        }
        paper.pending.push_back((seq, json.to_vec()));
        Ok(())
    }

    fn write(&mut self) -> Result<Written, WriteFailed> {
        let _gate = lock(&self.gate);
        let mut paper = lock(&self.paper);
        let one_in = paper.fails_one_in;
        let all = paper.pending.len();
        if all == 0 || !paper.strikes(one_in) {
            paper.put(all);
            paper.failures = 0;
            return Ok(paper.written);
        }
        if paper.tears {
            let part = paper.rng.as_mut().unwrap().below(all as u64) as usize;
            paper.put(part);
        }
        paper.failures += 1;
        let lost = (paper.failures >= paper.gives_up_after)
            .then(|| paper.lose())
            .flatten();
        Err(WriteFailed {
            error: Error::io("failed to write", io::Error::other("full")),
            lost,
        })
    }

    fn written(&self) -> Written {
        lock(&self.paper).written
    }

    fn give_up(&mut self) -> Option<Lost> {
        lock(&self.paper).lose()
    }

    fn reserve(&mut self, seq: u64) -> Result<u64, Error> {
        lock(&self.paper).reserved = seq;
        Ok(seq)
    }

    fn tick(&mut self) -> Vec<OwnEvent> {
        Vec::new()
    }

    fn expire(&mut self) -> Vec<OwnEvent> {
        Vec::new()
    }

    fn confirm_clock(&mut self) {}

    fn start_sinks(&mut self, _: &[SinkStart]) -> Result<Option<Spooled>, Error> {
        Ok(None)
    }

    fn save_cursor(&mut self, _: usize, _: Cursor) -> Result<(), Error> {
        Ok(())
    }

    fn release(&mut self) {}

    fn take_adopted(&mut self) -> Vec<(usize, WriterId, u64)> {
        Vec::new()
    }

    fn take_held(&mut self) -> Vec<Held> {
        Vec::new()
    }

    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(self.clone())
    }

    fn close(mut self: Box<Self>, timeout: Duration) -> Closed {
        let lost = self.write().err().and_then(|failed| failed.lost);
        let synced = self.sync(timeout);
        let mut paper = lock(&self.paper);
        paper.closed = true;
        Closed {
            written: paper.written,
            lost: lost.or_else(|| paper.lose()),
            synced,
        }
    }
}

impl Disk for FakeLog {
    fn sync(&self, timeout: Duration) -> Result<SyncStatus, Error> {
        let mut paper = lock(&self.paper);
        if !paper.hangs {
            paper.status.up_to = paper.written.up_to;
        }
        if timeout.is_zero() || paper.hangs {
            return Err(Error::timeout("not synchronised in no time"));
        }
        Ok(paper.status.clone())
    }

    fn status(&self) -> SyncStatus {
        lock(&self.paper).status.clone()
    }
}

/// What a sink got, and how it is to fail.
#[derive(Default)]
pub(super) struct Shelf {
    taken: BTreeSet<u64>,
    /// What the sink said to be durable, save what it rejected.
    pub(super) durable: BTreeSet<u64>,
    pub(super) calls: u64,
    /// One call in so many goes wrong, zero for none.
    pub(super) fails_one_in: u64,
    /// Whether `write` says what is durable, or only a flush.
    pub(super) lags: bool,
    pub(super) limits: SinkLimits,
    pub(super) rng: Option<Rng>,
}

impl Shelf {
    fn take(&mut self, seqs: impl IntoIterator<Item = u64>) {
        self.taken.extend(seqs);
    }

    fn keep(&mut self) -> Durable {
        let up_to = self.taken.last().copied();
        self.durable.append(&mut self.taken);
        up_to.map_or(Durable::UNCHANGED, Durable::up_to)
    }
}

#[derive(Clone)]
pub(super) struct FakeSink {
    pub(super) name: &'static str,
    pub(super) shelf: Arc<Mutex<Shelf>>,
}

impl FakeSink {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            shelf: Arc::default(),
        }
    }
}

#[async_trait]
impl Sink for FakeSink {
    fn name(&self) -> &str {
        self.name
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        let mut shelf = lock(&self.shelf);
        shelf.calls += 1;
        let one_in = shelf.fails_one_in;
        let mut rng = shelf.rng.take().unwrap_or(Rng(1));
        let strikes = one_in > 0 && rng.one_in(one_in);
        let fault = rng.below(5);
        let middle = batch.seqs()[rng.below(batch.len() as u64) as usize];
        shelf.rng = Some(rng);
        if strikes {
            let below = batch.seqs().iter().copied().filter(|seq| *seq < middle);
            return match fault {
                0 => Err(SinkError::retry("busy")),
                1 => {
                    shelf.take(below);
                    Err(SinkError::retry("busy").from_seq(middle))
                }
                2 => {
                    let others = batch.seqs().iter().copied();
                    shelf.take(others.filter(|seq| *seq != middle));
                    Err(SinkError::reject([middle], "too strange"))
                }
                3 => Err(SinkError::permanent("never")),
                _ => panic!("as the test asked"),
            };
        }
        shelf.take(batch.seqs().iter().copied());
        if shelf.lags {
            return Ok(Durable::UNCHANGED);
        }
        Ok(shelf.keep())
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        Ok(lock(&self.shelf).keep())
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        Ok(lock(&self.shelf).keep())
    }

    fn limits(&self) -> SinkLimits {
        lock(&self.shelf).limits
    }
}

impl FakeSink {
    pub(super) fn durable(&self) -> BTreeSet<u64> {
        lock(&self.shelf).durable.clone()
    }
}

pub(super) fn boxes(sinks: &[FakeSink]) -> Vec<Box<dyn Sink>> {
    let boxed = |sink: &FakeSink| Box::new(sink.clone()) as Box<dyn Sink>;
    sinks.iter().map(boxed).collect()
}

/// Sinks that get all of the log.
pub(super) fn whole(sinks: Vec<Box<dyn Sink>>) -> Vec<Narrowed> {
    sinks.into_iter().map(Narrowed::from).collect()
}

pub(super) fn config(clock: Arc<dyn Clock>) -> PipelineConfig {
    let hook: crate::diagnostics::Hook = Arc::new(|_| {});
    let diagnostics = Diagnostics::new(Some(hook), Arc::clone(&clock));
    PipelineConfig::new(WRITER, clock, Arc::new(RandomIds::new()), diagnostics)
}
