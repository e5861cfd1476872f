//! From batches to final files.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use llm_audit_core::upkeep::Upkeep;
use llm_audit_core::vfs::{Access, OsVfs, Vfs, create_dir_synced};
use llm_audit_core::{
    Batch, Clock, Durable, Error, Event, SinkError, SinkLimits, SystemClock, WriterId,
};

use super::config::ParquetConfig;
use super::file::OpenFile;
use super::file_name::ParquetFileName;
use super::maintenance::RootUpkeep;
use super::staging::{Staging, final_files};
#[cfg(feature = "store")]
use super::stored::{Final, Stored, is_lasting, mark};
use super::summary::{Summary, seqs_of};
use crate::share::refuse_share;

/// Many rows at a time make the work for each column, of which there are hundreds, small.
const MAX_BATCH_EVENTS: usize = 2_048;
const MAX_BATCH_BYTES: usize = 4 << 20;
/// Events that are taken at a time; bounds what a table grows by.
const MAX_TABLE_EVENTS: usize = 2_048;

/// Writes batches to files, and knows which events are in final ones.
pub(super) struct RootWriter {
    config: ParquetConfig,
    vfs: Arc<dyn Vfs>,
    clock: Arc<dyn Clock>,
    staging: Staging,
    open: Option<OpenFile>,
    of: Option<Progress>,
    /// Files whose events count as written since they were last asked for, if they go to a store.
    #[cfg(feature = "store")]
    finished: Option<Vec<Final>>,
    #[cfg(feature = "store")]
    stored: Stored,
    /// Whether the encoder failed: what it took is pending until the next start.
    broken: bool,
}

/// What became of one writer's events.
#[derive(Debug)]
struct Progress {
    writer_id: WriterId,
    /// First and last numbers of final files.
    ranges: Vec<(u64, u64)>,
    /// Every event that was taken with this number or a lower one is in a final file.
    settled: Option<u64>,
    /// The number up to which the log knows that.
    told: Option<u64>,
}

impl RootWriter {
    /// # Errors
    ///
    /// When a limit is out of range, or the directory cannot be used.
    pub(super) fn new(config: ParquetConfig) -> Result<Self, Error> {
        let failed = |error| {
            let root = config.root.display();
            Error::io(
                format!("failed to create the Parquet directory `{root}`"),
                error,
            )
        };
        refuse_share(&OsVfs::new(), &config.root, config.on_share)?;
        create_dir_synced(&OsVfs::new(), &config.root).map_err(failed)?;
        // The host may change its working directory later.
        let root = config.root.canonicalize().map_err(failed)?;
        let config = ParquetConfig { root, ..config };
        Self::in_vfs(config, Arc::new(OsVfs::new()), Arc::new(SystemClock::new()))
    }

    /// # Errors
    ///
    /// When a limit is out of range, or the directory cannot be used.
    pub(super) fn in_vfs(
        config: ParquetConfig,
        vfs: Arc<dyn Vfs>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        config.check()?;
        let failed = |error| {
            let root = config.root.display();
            Error::io(
                format!("failed to prepare the Parquet directory `{root}`"),
                error,
            )
        };
        match create_dir_synced(&*vfs, &config.root).map_err(failed)? {
            // Who may not read a directory cannot synchronise it, and did not make the root there.
            Some(error) if error.kind() != io::ErrorKind::PermissionDenied => {
                return Err(failed(error));
            }
            _ => {}
        }
        refuse_share(&*vfs, &config.root, config.on_share)?;
        let staging = Staging::open(&config.root, Arc::clone(&vfs)).map_err(failed)?;
        let layout = ParquetFileName::layout(&config.root);
        vfs.create_dir(&layout).map_err(failed)?;
        vfs.sync_dir(&config.root).map_err(failed)?;
        #[cfg(feature = "store")]
        let has_store = config.store.is_some();
        #[cfg(feature = "store")]
        if has_store {
            mark(&config.root, vfs.as_ref()).map_err(failed)?;
        }
        Ok(Self {
            config,
            vfs,
            clock,
            staging,
            open: None,
            of: None,
            #[cfg(feature = "store")]
            finished: has_store.then(Vec::new),
            #[cfg(feature = "store")]
            stored: Stored::default(),
            broken: false,
        })
    }

    pub(super) fn root(&self) -> &Path {
        &self.config.root
    }

    #[cfg(feature = "store")]
    pub(super) const fn config(&self) -> &ParquetConfig {
        &self.config
    }

    #[cfg(feature = "store")]
    pub(super) fn vfs(&self) -> Arc<dyn Vfs> {
        Arc::clone(&self.vfs)
    }

    /// Returns what is known to be in the store, which the root's upkeep goes by.
    #[cfg(feature = "store")]
    pub(super) fn stored(&self) -> Stored {
        self.stored.clone()
    }

    /// Returns the files whose events count as written since the last call.
    #[cfg(feature = "store")]
    pub(super) fn take_finished(&mut self) -> Vec<Final> {
        self.finished
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// Takes numbers of the present writer's events that are elsewhere, so that they are not written again.
    #[cfg(feature = "store")]
    pub(super) fn learn(&mut self, ranges: &[(u64, u64)]) {
        if let Some(of) = &mut self.of {
            of.ranges.extend_from_slice(ranges);
        }
    }

    /// Returns what looks after the final files, and after the objects that they became.
    pub(super) fn upkeep(&self) -> Option<Box<dyn Upkeep>> {
        let (root, vfs) = (self.config.root.clone(), Arc::clone(&self.vfs));
        let upkeep = RootUpkeep::new(root, vfs, self.config.enforce_on_others);
        #[cfg(feature = "store")]
        let upkeep = match &self.config.store {
            Some(store) => upkeep.of_stored(self.stored(), store.clone()),
            None => upkeep,
        };
        self.config.enforce_retention.then(|| Box::new(upkeep) as _)
    }

    pub(super) fn limits(&self) -> SinkLimits {
        SinkLimits::default()
            .max_batch_events(MAX_BATCH_EVENTS)
            .max_batch_bytes(MAX_BATCH_BYTES)
            .idle_flush(self.config.file_max_age)
    }

    /// Takes a batch, and returns what is in final files by now.
    pub(super) fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        self.settle()?;
        let old = self.turn_to(batch.writer_id())?;
        let all: Vec<(u64, &Event)> = batch.seqs().iter().copied().zip(batch.events()).collect();
        let mut rest = all.as_slice();
        while let [(first, event), ..] = rest {
            if self.has(*first) {
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let date = event.recorded_at().date();
            let run = rest.iter().take(MAX_TABLE_EVENTS);
            let run = run
                .take_while(|(seq, event)| !self.has(*seq) && event.recorded_at().date() == date);
            let (run, later) = rest.split_at(run.count().max(1));
            self.take(&date, run)
                .map_err(|error| error.from_seq(*first))?;
            rest = later;
        }
        if self.is_full() {
            // What fails here is tried again, and told, by the next call.
            self.end()?;
            self.settle().ok();
        }
        self.advance(batch.last_seq());
        Ok(old.unwrap_or_else(|| self.news()))
    }

    /// Makes the open file final, and returns what is in final files by now.
    pub(super) fn confirm(&mut self) -> Result<Durable, SinkError> {
        self.settle()?;
        if self.open.is_some() {
            self.end()?;
            self.settle()?;
        }
        Ok(self.news())
    }

    /// Makes the open file final and gives back what the sink has in the directory.
    pub(super) fn close(&mut self) -> Result<Durable, SinkError> {
        let durable = self.confirm()?;
        self.staging.close();
        Ok(durable)
    }

    /// Finishes what a call before this one could not.
    fn settle(&mut self) -> Result<(), SinkError> {
        if self.broken {
            return Err(SinkError::retry(
                "the encoder failed; what it had taken comes again after a restart",
            ));
        }
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let settled = open.settle(&self.config.root, self.vfs.as_ref(), &mut self.staging);
        settled.map_err(|error| failed("write", &open.name, &error))?;
        if open.is_ended() {
            let (first, last) = (open.summary.first_seq, open.summary.last_seq);
            #[cfg(feature = "store")]
            if let Some(finished) = &mut self.finished {
                finished.push(Final::new(open.name.clone(), last));
            }
            self.open = None;
            if let Some(of) = &mut self.of {
                of.ranges.push((first, last));
            }
            self.advance(last);
        }
        Ok(())
    }

    /// Prepares for events of `writer`; returns what is durable of the one before.
    pub(super) fn turn_to(&mut self, writer: WriterId) -> Result<Option<Durable>, SinkError> {
        if self.of.as_ref().is_some_and(|of| of.writer_id == writer) {
            return Ok(None);
        }
        let old = self.confirm()?;
        let ranges = self.final_ranges(writer)?;
        self.of = Some(Progress {
            writer_id: writer,
            ranges,
            settled: None,
            told: None,
        });
        Ok((old != Durable::UNCHANGED).then_some(old))
    }

    /// Returns which of `writer`'s events are in final files, of an earlier start or another, and has
    /// their names confirmed.
    #[cfg_attr(
        not(feature = "store"),
        expect(
            clippy::needless_pass_by_ref_mut,
            reason = "of files that go to a store it takes notes"
        )
    )]
    fn final_ranges(&mut self, writer: WriterId) -> Result<Vec<(u64, u64)>, SinkError> {
        let root = &self.config.root;
        let files = final_files(root, self.vfs.as_ref()).map_err(|error| {
            SinkError::retry(format!("failed to look for the writer's files: {error}"))
        })?;
        let files = files.into_iter().filter(|name| name.writer_id() == writer);
        let files: Vec<_> = files.collect();
        // Whoever gave them their names may have ended before these were confirmed.
        let partitions = files.iter().map(|name| name.partition(root));
        let mut dirs: BTreeSet<_> = partitions.collect();
        if !dirs.is_empty() {
            dirs.insert(ParquetFileName::layout(root));
        }
        for dir in dirs {
            self.vfs.sync_dir(&dir).map_err(|error| {
                SinkError::retry(format!(
                    "failed to synchronise `{}`: {error}",
                    dir.display()
                ))
            })?;
        }
        let mut ranges = Vec::with_capacity(files.len());
        for name in files {
            let file = self.vfs.open(&name.path(root), Access::Read);
            let seqs = file.and_then(seqs_of);
            #[cfg(feature = "store")]
            let seqs = match (&mut self.finished, seqs) {
                (Some(finished), seqs) => {
                    let seqs = match seqs {
                        // Nobody knows what it holds: so nothing behind its first event is written
                        // before somebody has moved it away, and nothing is told.
                        Err(error) if is_lasting(&error) => Ok((name.first_seq(), u64::MAX)),
                        seqs => seqs,
                    };
                    if let Ok((_, last)) = seqs {
                        finished.push(Final::found(name.clone(), last));
                    }
                    seqs
                }
                (None, seqs) => seqs,
            };
            ranges.push(seqs.map_err(|error| failed("read the range of", &name, &error))?);
        }
        Ok(ranges)
    }

    /// Whether the event numbered `seq` is in a final file, or in the open one.
    fn has(&self, seq: u64) -> bool {
        let open = self.open.as_ref();
        let within = |(first, last): (u64, u64)| (first..=last).contains(&seq);
        open.is_some_and(|open| within((open.summary.first_seq, open.summary.last_seq)))
            || self
                .of
                .as_ref()
                .is_some_and(|of| of.ranges.iter().any(|range| within(*range)))
    }

    /// Takes consecutive events of one date.
    fn take(&mut self, date: &str, events: &[(u64, &Event)]) -> Result<(), SinkError> {
        let Some((first, event)) = events.first() else {
            return Ok(());
        };
        let fits = |open: &OpenFile| {
            !open.is_ended() && open.name.date() == date && open.summary.last_seq < *first
        };
        if self.open.as_ref().is_some_and(|open| !fits(open)) {
            self.end()?;
            self.settle()?;
        }
        if self.open.is_none() {
            self.open = Some(self.create(date, *first, event)?);
        }
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        if !open.is_ready() {
            open.settle(&self.config.root, self.vfs.as_ref(), &mut self.staging)
                .map_err(|error| failed("write", &open.name, &error))?;
        }
        // A panic must not leave half a batch behind unnoticed.
        self.broken = true;
        open.add(events.iter().map(|(_, event)| *event))
            .map_err(|error| failed("encode", &open.name, &error))?;
        self.broken = false;
        for (seq, event) in events {
            open.summary.add(*seq, event);
        }
        // What fails here is tried again, and told, by the next call.
        open.settle(&self.config.root, self.vfs.as_ref(), &mut self.staging)
            .ok();
        Ok(())
    }

    fn create(&mut self, date: &str, first: u64, event: &Event) -> Result<OpenFile, SinkError> {
        let writer = event.writer_id();
        let name = ParquetFileName::new(date.to_owned(), writer, first);
        let summary = Summary::new(writer, first, event);
        let now = self.clock.monotonic();
        OpenFile::create(name.clone(), summary, now, &mut self.staging)
            .map_err(|error| failed("create", &name, &error))
    }

    fn is_full(&self) -> bool {
        self.open.as_ref().is_some_and(|open| {
            let age = self.clock.monotonic().saturating_sub(open.since);
            open.size() >= self.config.file_max_bytes || age >= self.config.file_max_age
        })
    }

    fn end(&mut self) -> Result<(), SinkError> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        self.broken = true;
        open.end()
            .map_err(|error| failed("encode", &open.name, &error))?;
        self.broken = false;
        Ok(())
    }

    /// Everything taken up to `seq` is in final files, if there is no other.
    fn advance(&mut self, seq: u64) {
        if let (Some(of), None) = (&mut self.of, &self.open) {
            of.settled = of.settled.max(Some(seq));
        }
    }

    /// Returns what the log does not know yet to be durable.
    fn news(&mut self) -> Durable {
        let Some(of) = &mut self.of else {
            return Durable::UNCHANGED;
        };
        match of.settled.filter(|_| of.settled > of.told) {
            Some(settled) => {
                of.told = of.settled;
                Durable::up_to(settled).of(of.writer_id)
            }
            None => Durable::UNCHANGED,
        }
    }
}

impl Drop for RootWriter {
    fn drop(&mut self) {
        if let Some(open) = &self.open {
            open.discard(self.vfs.as_ref());
        }
        self.staging.close();
    }
}

fn failed(what: &str, name: &ParquetFileName, error: &io::Error) -> SinkError {
    SinkError::retry(format!("failed to {what} `{name}`: {error}"))
}

impl fmt::Debug for RootWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RootWriter")
            .field("root", &self.config.root)
            .finish_non_exhaustive()
    }
}
