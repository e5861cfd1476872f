use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::catalog::Field;
use crate::clock::Clock;
use crate::error::Error;
use crate::event::{Event, Kind, Value};
use crate::id::{Ids, WriterId, event_id};
use crate::journal::finding::Problem;
use crate::journal::open::Opened;
use crate::journal::{Entry, Journal, JournalConfig, Reader};
use crate::retention::Retention;
use crate::sync::Arc;
use crate::testing::{ManualClock, SequentialIds};
use crate::vfs::{MemVfs, Vfs};

pub(super) const DIR: &str = "/log";
pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// A file system, a clock and identifiers: everything a journal is made of.
#[derive(Debug)]
pub(super) struct World {
    pub(super) vfs: MemVfs,
    pub(super) clock: Arc<ManualClock>,
    pub(super) ids: Arc<SequentialIds>,
}

impl World {
    pub(super) fn new() -> Self {
        Self::on(MemVfs::new())
    }

    pub(super) fn on(vfs: MemVfs) -> Self {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        Self {
            vfs,
            clock: Arc::new(ManualClock::at(now)),
            ids: Arc::default(),
        }
    }

    pub(super) fn config() -> JournalConfig {
        JournalConfig::keep(DIR, Retention::Days30).sync_thread(false)
    }

    pub(super) fn open(&self, writer: u8) -> (Journal, Opened) {
        self.open_with(Self::config(), writer)
    }

    pub(super) fn open_with(&self, config: JournalConfig, writer: u8) -> (Journal, Opened) {
        self.try_open(config, writer).unwrap()
    }

    pub(super) fn try_open(
        &self,
        config: JournalConfig,
        writer: u8,
    ) -> Result<(Journal, Opened), Error> {
        let vfs: Arc<dyn Vfs> = Arc::new(self.vfs.clone());
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let ids: Arc<dyn Ids> = Arc::clone(&self.ids) as Arc<dyn Ids>;
        Journal::open(config, vfs, clock, ids, writer_id(writer))
    }

    /// The JSON of an interaction, as the sealer would hand it over.
    pub(super) fn event(&self, writer: u8, seq: u64, text: &str) -> Vec<u8> {
        let now = self.clock.now();
        let id = event_id(&*self.ids, now);
        let mut event = Event::new(Kind::Interaction, id, writer_id(writer), now);
        event.set(Field::Seq, Value::Int(seq));
        event.set(Field::RequestModel, Value::Text(text.to_owned()));
        event.to_json().into_bytes()
    }

    /// Appends and writes events with these numbers.
    pub(super) fn write(
        &self,
        journal: &mut Journal,
        writer: u8,
        seqs: impl IntoIterator<Item = u64>,
    ) {
        for seq in seqs {
            journal
                .append(seq, &self.event(writer, seq, "model"))
                .unwrap();
        }
        journal.write().unwrap();
    }

    pub(super) fn entries(&self) -> Vec<Result<Entry, Error>> {
        let vfs: Arc<dyn Vfs> = Arc::new(self.vfs.clone());
        Reader::open_in(vfs, Path::new(DIR)).unwrap().collect()
    }

    /// What the good lines say, in short: numbers, or kinds where there is none.
    pub(super) fn story(&self) -> Vec<String> {
        self.entries().into_iter().flatten().map(tell).collect()
    }

    /// As [`World::story`], of a log in which every line is good.
    pub(super) fn undamaged_story(&self, told: &str) -> Vec<String> {
        let entries = self.entries().into_iter();
        entries
            .map(|entry| tell(entry.unwrap_or_else(|error| panic!("{told}: {error}"))))
            .collect()
    }

    pub(super) fn damaged_lines(&self) -> usize {
        self.entries().iter().filter(|entry| entry.is_err()).count()
    }

    pub(super) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        self.vfs.files()
    }

    pub(super) fn names(&self) -> Vec<String> {
        let name = |path: &PathBuf| path.strip_prefix(DIR).unwrap().to_str().unwrap().to_owned();
        self.files().keys().map(name).collect()
    }

    /// The paths of the segments, oldest first.
    pub(super) fn segments(&self) -> Vec<PathBuf> {
        let is_segment = |path: &PathBuf| path.extension().is_some_and(|end| end == "jsonl");
        self.files().into_keys().filter(is_segment).collect()
    }
}

pub(super) fn tell(entry: Entry) -> String {
    let event = entry.event();
    match (event.kind(), event.seq()) {
        (Kind::Loss, _) => format!(
            "loss {}..={} {}",
            event.seq_from().unwrap(),
            event.seq_to().unwrap(),
            event.reasons().unwrap().keys().next().unwrap()
        ),
        (_, Some(seq)) => seq.to_string(),
        (kind, None) => kind.to_string(),
    }
}

pub(super) fn writer_id(writer: u8) -> WriterId {
    WriterId::from_bytes([writer; 16])
}

/// Opens and closes another writer, which recovers the dead ones.
pub(super) fn recover(world: &World, writer: u8) -> Vec<Problem> {
    let (journal, opened) = world.open(writer);
    journal.close(Duration::ZERO);
    let findings = opened.findings.into_iter();
    findings.map(|finding| finding.problem).collect()
}

/// Every number up to the reservation is there or in one loss, no line is bad, nothing is out of
/// order, and a second recovery changes nothing.
pub(super) fn assert_whole(world: &World, told: &str) {
    let story = world.undamaged_story(told);
    let mut seen = Vec::new();
    for line in &story {
        if let Some(window) = line.strip_prefix("loss ") {
            let (from, to) = window.split(' ').next().unwrap().split_once("..=").unwrap();
            seen.extend(from.parse::<u64>().unwrap()..=to.parse().unwrap());
        } else if let Ok(seq) = line.parse() {
            seen.push(seq);
        }
    }
    seen.sort_unstable();
    assert!(seen.into_iter().eq(1..=4_096), "{told}: {story:?}");
    assert_eq!(story.last().unwrap(), "writer_closed", "{told}");
    let before = world.files();
    assert_eq!(recover(world, 9), vec![], "{told}");
    assert!(
        world.files() == before,
        "{told}: a second recovery changed bytes"
    );
}
