//! Files in a directory.

use std::fmt;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use llm_audit_core::upkeep::Upkeep;
use llm_audit_core::vfs::{OsVfs, Vfs, VfsFile, create_dir_synced};
use llm_audit_core::{Batch, Clock, Durable, Error, SinkError, SystemClock, Timestamp};

use super::config::JsonlConfig;
use super::file_name::{JsonlFileName, compact_date};
use super::upkeep::{DirUpkeep, remove_leftovers};
use crate::share::refuse_share;

/// The disk is asked to confirm at most this often, unless there is much to confirm.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// Bounds what is held in memory until the disk has confirmed it.
const SYNC_BYTES: usize = 1 << 20;
/// Names tried for one file: more copies than this of one beginning are somebody's mistake.
const MAX_COPIES: u32 = 1_000;

/// Appends batches to files, and knows what the disk has confirmed.
pub(super) struct DirWriter {
    dir: PathBuf,
    file_max_bytes: u64,
    vfs: Arc<dyn Vfs>,
    clock: Arc<dyn Clock>,
    /// `None` before the first batch, and when the file must not be written to any more: what is
    /// unconfirmed then goes to a new file.
    current: Open,
    enforce_retention: bool,
    enforce_on_others: bool,
    /// Batches of one writer that were written and that the disk has not confirmed.
    unconfirmed: Vec<Batch>,
    confirmed_at: Duration,
}

/// The file that is written to; whoever looks after the directory may have the sink let go of it.
#[derive(Clone, Default)]
pub(super) struct Open(Arc<Mutex<Option<Current>>>);

impl Open {
    fn lock(&self) -> MutexGuard<'_, Option<Current>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the sink write to another file from now on, if everything in this one is confirmed.
    pub(super) fn let_go(&self, name: &JsonlFileName) {
        self.lock()
            .take_if(|current| current.name == *name && !current.is_dirty);
    }
}

struct Current {
    name: JsonlFileName,
    file: Arc<dyn VfsFile>,
    bytes: u64,
    /// Whether the file's name survives a power cut.
    name_confirmed: bool,
    /// Whether it holds what the disk has not confirmed.
    is_dirty: bool,
}

impl DirWriter {
    /// # Errors
    ///
    /// When a limit is out of range, or the directory cannot be created.
    pub(super) fn new(config: JsonlConfig) -> Result<Self, Error> {
        let failed = |error| failed_to_make(&config.dir, error);
        refuse_share(&OsVfs::new(), &config.dir, config.on_share)?;
        make_dir(&OsVfs::new(), &config.dir).map_err(failed)?;
        // The host may change its working directory later.
        let dir = config.dir.canonicalize().map_err(failed)?;
        let config = JsonlConfig { dir, ..config };
        Self::in_vfs(config, Arc::new(OsVfs::new()), Arc::new(SystemClock::new()))
    }

    /// # Errors
    ///
    /// When a limit is out of range, or the directory cannot be created.
    pub(super) fn in_vfs(
        config: JsonlConfig,
        vfs: Arc<dyn Vfs>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        config.check()?;
        make_dir(&*vfs, &config.dir).map_err(|error| failed_to_make(&config.dir, error))?;
        refuse_share(&*vfs, &config.dir, config.on_share)?;
        // What stays is removed by the next run of the retention.
        remove_leftovers(&*vfs, &config.dir).ok();
        Ok(Self {
            dir: config.dir,
            file_max_bytes: config.file_max_bytes,
            vfs,
            confirmed_at: clock.monotonic(),
            clock,
            current: Open::default(),
            enforce_retention: config.enforce_retention,
            enforce_on_others: config.enforce_on_others,
            unconfirmed: Vec::new(),
        })
    }

    /// Returns what looks after the files.
    pub(super) fn upkeep(&self) -> Option<Box<dyn Upkeep>> {
        let open = self.current.clone();
        let (dir, vfs) = (self.dir.clone(), Arc::clone(&self.vfs));
        let upkeep = DirUpkeep::new(dir, vfs, open, self.enforce_on_others);
        self.enforce_retention.then(|| Box::new(upkeep) as _)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Takes a batch as a whole, or nothing of it.
    pub(super) fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        let mut durable = Durable::UNCHANGED;
        if self.must_roll(batch) {
            durable = self.confirm()?;
            *self.current.lock() = None;
        } else if self.current.lock().is_none() && !self.unconfirmed.is_empty() {
            durable = self.rewrite()?;
        }
        self.append(batch)?;
        self.unconfirmed.push(batch.clone());
        let bytes: usize = self
            .unconfirmed
            .iter()
            .map(|batch| batch.json_lines().len())
            .sum();
        let waited = self.clock.monotonic().saturating_sub(self.confirmed_at);
        if bytes < SYNC_BYTES && waited < SYNC_EVERY {
            return Ok(durable);
        }
        self.confirm().inspect_err(|_| {
            // It is not taken, so it comes again.
            self.unconfirmed.pop();
        })
    }

    /// Makes everything that was taken durable, and returns up to where that is.
    pub(super) fn confirm(&mut self) -> Result<Durable, SinkError> {
        if self.unconfirmed.is_empty() {
            return Ok(Durable::UNCHANGED);
        }
        let confirmed = match &mut *self.current.lock() {
            Some(current) => current.confirm(self.vfs.as_ref(), &self.dir).is_ok(),
            None => false,
        };
        // After a failed sync the system may say yes to the next one although data is gone, so that
        // file is never asked again.
        if confirmed {
            Ok(self.all_confirmed())
        } else {
            self.rewrite()
        }
    }

    /// Writes what is unconfirmed to a new file and makes it durable there.
    fn rewrite(&mut self) -> Result<Durable, SinkError> {
        *self.current.lock() = None;
        let batches = mem::take(&mut self.unconfirmed);
        let rewritten = batches.iter().try_for_each(|batch| self.append(batch));
        self.unconfirmed = batches;
        let confirmed = rewritten.and_then(|()| match &mut *self.current.lock() {
            Some(current) => current
                .confirm(self.vfs.as_ref(), &self.dir)
                .map_err(|error| failed("synchronise", &current.name, &error)),
            None => Ok(()),
        });
        if let Err(error) = confirmed {
            // It holds nothing that is not written again.
            if let Some(current) = self.current.lock().take() {
                self.vfs
                    .unlink(&self.dir.join(current.name.to_string()))
                    .ok();
            }
            return Err(error);
        }
        Ok(self.all_confirmed())
    }

    fn all_confirmed(&mut self) -> Durable {
        let last = self.unconfirmed.last();
        let durable = last.map(|batch| Durable::up_to(batch.last_seq()).of(batch.writer_id()));
        self.unconfirmed.clear();
        self.confirmed_at = self.clock.monotonic();
        durable.unwrap_or(Durable::UNCHANGED)
    }

    fn append(&self, batch: &Batch) -> Result<(), SinkError> {
        let mut open = self.current.lock();
        let mut current = match open.take() {
            Some(current) => current,
            None => self.create(batch)?,
        };
        let lines = batch.json_lines();
        let before = match current.file.size() {
            Ok(size) => size,
            // It cannot be written to safely; another file can.
            Err(error) => return Err(failed("look at", &current.name, &error)),
        };
        let Err(error) = current.file.write_all(lines) else {
            current.bytes = before.saturating_add(lines.len() as u64);
            current.is_dirty = true;
            *open = Some(current);
            return Ok(());
        };
        let error = failed("write to", &current.name, &error);
        // A reader must not find half a line, and the batch comes again.
        if current.file.truncate(before).is_ok() {
            *open = Some(current);
        }
        Err(error)
    }

    fn create(&self, batch: &Batch) -> Result<Current, SinkError> {
        let mut name = JsonlFileName::new(recorded_at(batch), batch.writer_id(), batch.first_seq());
        let result = self.vfs.create_dir(&self.dir).and_then(|()| {
            for _ in 0..MAX_COPIES {
                match self.vfs.create_new(&self.dir.join(name.to_string())) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    // So that nobody takes it for a file of a program that is gone. Whoever did so
                    // already has it.
                    Ok(file) if file.try_lock().is_ok_and(|free| !free) => {}
                    result => return result,
                }
                name = name.clone().next_copy();
            }
            Err(io::ErrorKind::AlreadyExists.into())
        });
        match result {
            Ok(file) => Ok(Current {
                name,
                file,
                bytes: 0,
                name_confirmed: false,
                is_dirty: false,
            }),
            Err(error) => Err(failed("create", &name, &error)),
        }
    }

    fn must_roll(&self, batch: &Batch) -> bool {
        self.current.lock().as_ref().is_some_and(|current| {
            let bytes = current
                .bytes
                .saturating_add(batch.json_lines().len() as u64);
            current.name.writer_id() != batch.writer_id()
                || current.name.date() != compact_date(recorded_at(batch))
                || (current.bytes > 0 && bytes > self.file_max_bytes)
        })
    }
}

impl Current {
    fn confirm(&mut self, vfs: &dyn Vfs, dir: &Path) -> io::Result<()> {
        self.file.sync_data()?;
        if !self.name_confirmed {
            vfs.sync_dir(dir)?;
            self.name_confirmed = true;
        }
        self.is_dirty = false;
        Ok(())
    }
}

/// When the batch's first event was recorded.
fn recorded_at(batch: &Batch) -> Timestamp {
    batch
        .events()
        .first()
        .map(|event| event.recorded_at())
        .unwrap_or_default()
}

/// Creates the directory, and those above it, so that a power cut leaves them.
fn make_dir(vfs: &dyn Vfs, dir: &Path) -> io::Result<()> {
    // That the name of a directory that was there is not confirmed once more keeps no copy from being
    // made: who may not read the one above did not make it, and not every file system can.
    create_dir_synced(vfs, dir).map(drop)
}

fn failed_to_make(dir: &Path, error: io::Error) -> Error {
    let dir = dir.display();
    Error::io(
        format!("failed to create the JSON Lines directory `{dir}`"),
        error,
    )
}

fn failed(what: &str, name: &JsonlFileName, error: &io::Error) -> SinkError {
    SinkError::retry(format!("failed to {what} `{name}`: {error}"))
}

impl fmt::Debug for DirWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirWriter")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}
