//! A program that starts, ends and crashes over one directory, and the receiver behind its sinks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;

use super::super::backlog::Backlog;
use super::super::outlet::{Outlet, Step};
use super::super::worker::{Drain, Worker};
use super::super::*;
use super::fakes::*;
use super::laws::assert_balanced;
use crate::batch::Batch;
use crate::diagnostics::{DiagnosticKind, Diagnostics, Hook};
use crate::error::Error;
use crate::event::{Event, Kind};
use crate::id::RandomIds;
use crate::journal::{Journal, JournalConfig, Reader};
use crate::narrow::Narrowed;
use crate::retention::Retention;
use crate::sink::{Durable, Sink, SinkError, SinkLimits};
use crate::sync::{Mutex, MutexGuard, lock};
use crate::testing::ManualClock;
use crate::vfs::{MemVfs, Vfs};

pub(super) const DIR: &str = "/log";

/// Small, so that a few events are too many for it.
const BACKLOG_BYTES: usize = 20_000;

/// An event as receivers know it.
pub(super) type Id = (WriterId, u64);

/// What is behind a sink: it outlives the program.
#[derive(Default)]
pub(super) struct Receiver {
    /// Durable events, in the order in which they came first, and how often each came.
    pub(super) order: Vec<Id>,
    pub(super) times: BTreeMap<Id, u32>,
    /// Taken from a start of the program and not durable: gone when that crashes.
    taken: BTreeMap<u8, Vec<Id>>,
    /// What came from a start of the program under a key of a batch.
    bytes: BTreeMap<(u8, String), Vec<u8>>,
    pub(super) down: bool,
    pub(super) lags: bool,
    /// One call in so many fails, zero for none.
    pub(super) fails_one_in: u64,
    pub(super) rng: Option<Rng>,
    /// One call in so many takes a part, zero for none.
    pub(super) parts_one_in: u64,
    /// One call in so many turns an event away, zero for none; which, for the books.
    pub(super) rejects_one_in: u64,
    pub(super) rejected: BTreeSet<Id>,
    /// Events that make every batch they are in fail for good.
    pub(super) poison: BTreeSet<Id>,
    pub(super) panics: bool,
    pub(super) calls: u64,
    /// Of one batch, in memory.
    pub(super) largest: usize,
    pub(super) most_events: usize,
}

impl Receiver {
    fn strikes(&mut self, one_in: u64) -> bool {
        one_in > 0 && self.rng.get_or_insert(Rng(1)).one_in(one_in)
    }

    fn keep(&mut self, start: u8) {
        for id in self.taken.remove(&start).unwrap_or_default() {
            let times = self.times.entry(id).or_default();
            *times += 1;
            if *times == 1 {
                self.order.push(id);
            }
        }
    }

    pub(super) fn durable(&self) -> BTreeSet<Id> {
        self.times.keys().copied().collect()
    }

    /// Each writer's events came in the order of their numbers, save what was turned away and came
    /// again after a restart.
    pub(super) fn assert_in_order(&self) {
        let mut last = BTreeMap::new();
        let first = self.order.iter().filter(|id| !self.rejected.contains(id));
        for (writer, seq) in first {
            let before = last.insert(*writer, *seq);
            assert!(
                before.is_none_or(|before| before < *seq),
                "{before:?} {seq}"
            );
        }
    }
}

#[derive(Clone)]
pub(super) struct FarSink {
    pub(super) name: &'static str,
    /// Which start of the program it belongs to.
    start: u8,
    pub(super) limits: SinkLimits,
    pub(super) receiver: Arc<Mutex<Receiver>>,
}

#[async_trait]
impl Sink for FarSink {
    fn name(&self) -> &str {
        self.name
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        let mut receiver = lock(&self.receiver);
        receiver.calls += 1;
        receiver.largest = receiver.largest.max(batch.memory());
        receiver.most_events = receiver.most_events.max(batch.len());
        let key = (self.start, batch.idempotency_key());
        let bytes = receiver.bytes.entry(key);
        let bytes = bytes.or_insert_with(|| batch.json_lines().to_vec());
        assert!(
            *bytes == batch.json_lines(),
            "a batch came again with other bytes"
        );
        let one_in = receiver.fails_one_in;
        if receiver.down || receiver.strikes(one_in) {
            return Err(SinkError::retry("down"));
        }
        let ids = || batch.seqs().iter().map(|seq| (batch.writer_id(), *seq));
        if ids().any(|id| receiver.poison.contains(&id)) {
            assert!(!receiver.panics, "as the test asked");
            return Err(SinkError::permanent("poison"));
        }
        let middle = receiver.rng.get_or_insert(Rng(1)).below(batch.len() as u64);
        let middle = batch.seqs()[middle as usize];
        let one_in = receiver.parts_one_in;
        if receiver.strikes(one_in) {
            let part = ids().filter(|id| id.1 < middle);
            receiver.taken.entry(self.start).or_default().extend(part);
            return Err(SinkError::retry("reset").from_seq(middle));
        }
        let one_in = receiver.rejects_one_in;
        if receiver.strikes(one_in) {
            let part = ids().filter(|id| id.1 != middle);
            receiver.taken.entry(self.start).or_default().extend(part);
            receiver.rejected.insert((batch.writer_id(), middle));
            return Err(SinkError::reject([middle], "too strange"));
        }
        receiver.taken.entry(self.start).or_default().extend(ids());
        if receiver.lags {
            return Ok(Durable::UNCHANGED);
        }
        receiver.keep(self.start);
        Ok(Durable::up_to(batch.last_seq()))
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        let mut receiver = lock(&self.receiver);
        if receiver.down {
            return Err(SinkError::retry("down"));
        }
        let last = receiver
            .taken
            .get(&self.start)
            .and_then(|ids| ids.last().copied());
        receiver.keep(self.start);
        let durable = |(writer, seq)| Durable::up_to(seq).of(writer);
        Ok(last.map_or(Durable::UNCHANGED, durable))
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        self.flush().await
    }

    fn limits(&self) -> SinkLimits {
        self.limits
    }
}

/// The disk, the time and the receivers.
pub(super) struct World {
    pub(super) vfs: MemVfs,
    pub(super) clock: Arc<ManualClock>,
    pub(super) sinks: Vec<FarSink>,
    pub(super) retention: Option<Retention>,
    pub(super) backlog_bytes: usize,
    /// What the diagnostics were told.
    told: Arc<Mutex<Vec<DiagnosticKind>>>,
    starts: u8,
}

/// A program that runs.
pub(super) struct Program {
    pub(super) pipeline: Pipeline<FakeSealer>,
    pub(super) worker: Worker<FakeSealer>,
    pub(super) outlets: Vec<Outlet>,
    pub(super) backlogs: Vec<Arc<Backlog>>,
    start: u8,
    pub(super) writer: WriterId,
    clock: Arc<ManualClock>,
}

impl World {
    pub(super) fn new(names: &[&'static str]) -> Self {
        let sink = |name: &&'static str| FarSink {
            name,
            start: 0,
            limits: SinkLimits::default(),
            receiver: Arc::default(),
        };
        Self {
            vfs: MemVfs::new(),
            clock: Arc::new(ManualClock::new()),
            sinks: names.iter().map(sink).collect(),
            retention: Some(Retention::Days30),
            backlog_bytes: BACKLOG_BYTES,
            told: Arc::default(),
            starts: 0,
        }
    }

    pub(super) fn start(&mut self) -> Program {
        self.start_with(&[])
    }

    /// Starts the program; sinks in `from_start` get what is there already.
    pub(super) fn start_with(&mut self, from_start: &[&str]) -> Program {
        self.try_start(from_start).unwrap()
    }

    /// As [`World::start_with`], on a disk that may fail it.
    pub(super) fn try_start(&mut self, from_start: &[&str]) -> Result<Program, Error> {
        self.starts += 1;
        let writer = WriterId::from_bytes([self.starts; 16]);
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let told = Arc::clone(&self.told);
        let hook: Hook = Arc::new(move |diagnostic| lock(&told).push(diagnostic.kind));
        let config = PipelineConfig {
            overflow: Overflow::DropNewest,
            diagnostics: Diagnostics::new(Some(hook), Arc::clone(&clock)),
            sink_backlog_bytes: self.backlog_bytes,
            from_start: from_start.iter().map(|name| (*name).to_owned()).collect(),
            writer_id: writer,
            ..config(clock)
        };
        let journal = match self.retention {
            Some(retention) => JournalConfig::keep(DIR, retention),
            None => JournalConfig::spool(DIR).aside(Retention::Days30),
        };
        let journal = journal.segment_max_bytes(64 << 10).sync_thread(false);
        let vfs: Arc<dyn Vfs> = Arc::new(self.vfs.clone());
        let ids = Arc::new(RandomIds::new());
        let opened = Journal::open(journal, vfs, Arc::clone(&config.clock), ids, writer);
        let log = JournalLog::new(
            opened?.0,
            self.retention.is_none(),
            Arc::clone(&config.clock),
            config.diagnostics.clone(),
        );
        let sinks = self.sinks.iter();
        let start = self.starts;
        let sinks = sinks.map(|sink| {
            let sink = sink.clone();
            Narrowed::from(FarSink { start, ..sink })
        });
        let sealer = FakeSealer {
            writer: Some(writer),
            now: self.clock.now(),
            ..FakeSealer::default()
        };
        let opening = vec![OwnEvent::new(Kind::LogOpened)];
        let log: Box<dyn Log> = Box::new(log);
        let (shared, worker, outlets) =
            assemble(config, sealer, Some(log), sinks.collect(), opening)?;
        Ok(Program {
            pipeline: Pipeline { shared },
            backlogs: outlets.iter().map(Outlet::backlog).collect(),
            worker,
            outlets,
            start: self.starts,
            writer,
            clock: Arc::clone(&self.clock),
        })
    }

    /// How often the diagnostics were told so.
    pub(super) fn told(&self, kind: DiagnosticKind) -> usize {
        let told = lock(&self.told);
        told.iter().filter(|told| **told == kind).count()
    }

    /// What every file of the directory holds, by the reader.
    pub(super) fn events(&self) -> Vec<Event> {
        let vfs: Arc<dyn Vfs> = Arc::new(self.vfs.clone());
        let reader = Reader::open_in(vfs, Path::new(DIR)).unwrap();
        reader.events().filter_map(Result::ok).collect()
    }

    /// The numbered events that the directory holds.
    pub(super) fn ids(&self) -> BTreeSet<Id> {
        let events = self.events().into_iter();
        events
            .filter_map(|event| Some((event.writer_id(), event.seq()?)))
            .collect()
    }

    pub(super) fn files(&self, part: &str) -> Vec<String> {
        let files = self.vfs.files().into_keys();
        let names = files.map(|path| path.to_str().unwrap().to_owned());
        names.filter(|name| name.contains(part)).collect()
    }

    pub(super) fn receiver(&self, sink: usize) -> MutexGuard<'_, Receiver> {
        lock(&self.sinks[sink].receiver)
    }

    /// The end without a word: what the sinks took and did not make durable is gone too.
    pub(super) fn crash(&self, program: Program) {
        for sink in &self.sinks {
            lock(&sink.receiver).taken.remove(&program.start);
        }
        drop(program);
    }

    /// The end of every program, and of what no disk had confirmed as far as `seed` says.
    pub(super) fn power_cut(&mut self, programs: Vec<Program>, seed: u64) {
        for program in programs {
            self.crash(program);
        }
        self.vfs = self.vfs.after_power_cut_by(seed);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Nobody waits for a worker that is on no thread.
        let control = &self.pipeline.shared.control;
        let tracker = Tracker::new(self.pipeline.shared.sinks.len());
        control.shut_down(Duration::ZERO, tracker);
        control.end();
    }
}

/// Lets a program record `events` events while that sink is down, and end; returns its writer.
pub(super) fn away(world: &mut World, sink: usize, events: u64) -> WriterId {
    world.receiver(sink).down = true;
    let mut program = world.start();
    program.admit(events);
    program.settle();
    let writer = program.writer;
    program.end(Duration::from_millis(30));
    writer
}

impl Program {
    pub(super) fn admit(&mut self, events: u64) {
        for _ in 0..events {
            self.pipeline.admit(FakeRaw::default(), None).unwrap();
        }
        self.worker.step(Drain::Open);
    }

    /// Lets the worker and the sinks do what they can without a pause, and time pass a little.
    pub(super) fn settle(&mut self) {
        for _ in 0..4 {
            for outlet in &mut self.outlets {
                while outlet.step() == Step::GoOn {
                    assert_balanced(&self.pipeline.counters());
                }
            }
            self.pass(Duration::from_secs(2));
        }
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.clock.advance(time);
        self.worker.step(Drain::Open);
        assert_balanced(&self.pipeline.counters());
    }

    /// Has everything that is written confirmed by the disk.
    pub(super) fn synchronise(&self) {
        let disk = self.pipeline.shared.disk.as_ref();
        disk.unwrap().sync(Duration::ZERO).unwrap();
    }

    pub(super) fn sink(&self, sink: usize) -> SinkCounters {
        self.pipeline.counters().sinks[sink].clone()
    }

    /// The end in good order; sinks have `patience` of real time.
    pub(super) fn end(mut self, patience: Duration) -> Counters {
        let shared = Arc::clone(&self.pipeline.shared);
        let deadline = self.clock.monotonic() + patience;
        shared
            .control
            .shut_down(deadline, Tracker::new(self.outlets.len()));
        let outlets = std::mem::take(&mut self.outlets).into_iter();
        let threads: Vec<_> = outlets
            .map(|outlet| thread::spawn(|| outlet.run()))
            .collect();
        self.worker.finish();
        for thread in threads {
            thread.join().unwrap();
        }
        let counters = self.pipeline.counters();
        assert_balanced(&counters);
        counters
    }
}
