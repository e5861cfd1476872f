//! What is in a directory, and what it breaks of the promises.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use llm_audit_core::journal::Reader;
use llm_audit_core::schema::ValueRef;
use llm_audit_core::{AuditBuilder, Event, Facet, Field, Kind, Level, Policy, Retention, WriterId};
use llm_audit_sinks::JsonlSink;

use crate::child::Promise;

/// The state of a log as its reader sees it.
#[derive(Default)]
pub(crate) struct State {
    /// Calls that are in the log.
    pub(crate) calls: usize,
    /// Numbers that losses of a crash cover: an upper bound.
    pub(crate) lost_by_crash: u64,
    /// Broken promises: what was acknowledged and is not there, is there twice, or is missing
    /// without a loss that says so.
    pub(crate) problems: Vec<String>,
    /// What the reader could not read.
    pub(crate) damage: Vec<String>,
    closed: BTreeSet<String>,
}

/// One writer's numbers.
#[derive(Default)]
struct Stream {
    numbers: BTreeSet<u64>,
    /// Windows of losses, with the number of events that they say are lost, and whether exactly.
    windows: Vec<(u64, u64, u64, bool)>,
}

impl State {
    /// Reads the log in `dir`, in which every event of `promised` must be.
    pub(crate) fn read(dir: &Path, promised: &[Promise]) -> Self {
        let mut state = Self::default();
        let mut streams: BTreeMap<String, Stream> = BTreeMap::new();
        let mut present = HashSet::new();
        for entry in Reader::open(dir).unwrap() {
            let event = match entry {
                Ok(entry) => entry.into_event(),
                Err(damage) => {
                    state.damage.push(damage.to_string());
                    continue;
                }
            };
            let writer = event.writer_id().to_string();
            let key = (writer.clone(), event.event_id().to_string());
            if !present.insert(key) {
                let twice = format!("event {} is there twice", event.event_id());
                state.problems.push(twice);
            }
            let stream = streams.entry(writer.clone()).or_default();
            if let Some(seq) = event.seq()
                && !stream.numbers.insert(seq)
            {
                let twice = format!("number {seq} of {writer} is there twice");
                state.problems.push(twice);
            }
            match event.kind() {
                Kind::Interaction => state.calls += 1,
                Kind::WriterClosed => drop(state.closed.insert(writer)),
                Kind::Loss => state.add_loss(&event, &mut streams),
                _ => {}
            }
        }
        for (writer, stream) in &streams {
            stream.check(writer, &mut state.problems);
        }
        for promise in promised
            .iter()
            .filter(|promise| !present.contains(*promise))
        {
            let (writer, event) = promise;
            let lost = format!("event {event} of {writer} was acknowledged and is lost");
            state.problems.push(lost);
        }
        state
    }

    pub(crate) fn is_closed(&self, writer: &str) -> bool {
        self.closed.contains(writer)
    }

    fn add_loss(&mut self, event: &Event, streams: &mut BTreeMap<String, Stream>) {
        let number = |field| match event.get(field) {
            Some(ValueRef::Int(number)) => number,
            _ => 0,
        };
        let exact = matches!(event.get(Field::Exact), Some(ValueRef::Bool(true)));
        let count = number(Field::Count);
        if !exact {
            self.lost_by_crash += count;
        }
        if let (Some(ValueRef::Text(writer)), None) =
            (event.get(Field::LossWriterId), event.get(Field::LossSink))
        {
            let window = (number(Field::SeqFrom), number(Field::SeqTo), count, exact);
            let stream = streams.entry(writer.to_owned()).or_default();
            stream.windows.push(window);
        }
    }
}

impl Stream {
    /// Each number up to the highest is an event or in one window; windows do not overlap, and an
    /// exact one counts what is absent.
    fn check(&self, writer: &str, problems: &mut Vec<String>) {
        let highest = self.numbers.last().copied().unwrap_or(0);
        let covering = |seq| {
            let windows = self.windows.iter();
            windows
                .filter(|(from, to, ..)| (*from..=*to).contains(&seq))
                .count()
        };
        let windows = self
            .windows
            .iter()
            .map(|(_, to, ..)| *to)
            .max()
            .unwrap_or(0);
        for seq in 1..=highest.max(windows) {
            match (self.numbers.contains(&seq), covering(seq)) {
                (true, 0 | 1) | (false, 1) => {}
                (_, times) => problems.push(format!(
                    "number {seq} of {writer} is in {times} losses, of {highest} numbers"
                )),
            }
        }
        for (from, to, count, exact) in &self.windows {
            let absent = (*from..=*to)
                .filter(|seq| !self.numbers.contains(seq))
                .count();
            let fits = if *exact {
                absent as u64 == *count
            } else {
                absent as u64 <= *count
            };
            if !fits {
                problems.push(format!(
                    "the loss {from}..={to} of {writer} counts {count} of {absent} absent"
                ));
            }
        }
    }
}

/// Opens the log in `dir`, which completes the streams of the dead, and closes it.
pub(crate) fn recover(dir: &Path) {
    end(builder(dir));
}

/// Opens the log in `dir` with the copy that the dead had, so that the copy catches up, and returns
/// how many events that a dead writer left are not in it.
pub(crate) fn catch_up(dir: &Path) -> usize {
    let copy = dir.join("copy");
    end(builder(dir).sink(JsonlSink::dir(&copy).unwrap()));
    let copied = ids(&copy);
    let kept = Reader::open(dir).unwrap().map(Result::unwrap);
    let kept: Vec<_> = kept.map(|entry| entry.into_event()).collect();
    let calls = kept
        .iter()
        .filter(|event| *event.kind() == Kind::Interaction);
    // Starts that only repaired had no copy.
    let writers: HashSet<_> = calls.map(Event::writer_id).collect();
    let due = kept
        .iter()
        .filter(|event| writers.contains(&event.writer_id()));
    let missing = due.filter_map(|event| Some((event.writer_id(), event.seq()?)));
    missing.filter(|id| !copied.contains(id)).count()
}

fn ids(dir: &Path) -> HashSet<(WriterId, u64)> {
    let events = Reader::open(dir).unwrap().events();
    // A kill cuts the last line of a copy; the event comes again in the next file.
    let events = events.filter_map(Result::ok);
    events
        .filter_map(|event| Some((event.writer_id(), event.seq()?)))
        .collect()
}

fn builder(dir: &Path) -> AuditBuilder {
    let policy = Policy::builder()
        .facet(Facet::Model, Level::Full)
        .retention(Retention::Days90)
        .build()
        .unwrap();
    llm_audit_core::builder().policy(policy).journal(dir)
}

fn end(builder: AuditBuilder) {
    let report = builder.spawn().unwrap().shutdown(Duration::from_secs(60));
    assert!(report.is_complete(), "{report}");
}

/// Returns every file in `dir`, with its content.
pub(crate) fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}
