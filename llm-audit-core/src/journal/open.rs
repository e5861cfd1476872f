//! The start of a writer in a directory.

use std::io;
use std::path::Path;

use super::clockwatch::ClockWatch;
use super::config::JournalConfig;
use super::envelope::Envelope;
use super::finding::{Finding, Problem};
use super::kept::Kept;
use super::line::{self, Place};
use super::name::{Name, SegmentName};
use super::pending::Pending;
use super::recovery;
use super::repair::replace;
use super::reservation::Reservation;
use super::retiring::Retiring;
use super::room::Room;
use super::scan::{Lines, retry};
use super::sinks::Sinks;
use super::structure::Structure;
use super::sync::Syncer;
use super::writer::{Journal, Written};
use crate::clock::Clock;
use crate::error::Error;
use crate::event::Kind;
use crate::id::{Ids, WriterId};
use crate::sync::Arc;
use crate::vfs::{Access, FileKind, Vfs, VfsFile, create_dir_synced, share_of};

/// A writer's `log_opened` is among its first lines.
const FIRST_LINES: usize = 32;

/// What was found at the start.
#[derive(Debug)]
pub(crate) struct Opened {
    /// What was not as it should be, and what was done about it.
    pub(crate) findings: Vec<Finding>,
    /// Whether an earlier writer left anything in the directory.
    pub(crate) had_history: bool,
    /// The JSON object of the newest `log_opened` of an earlier writer.
    pub(crate) previous_log_opened: Option<Vec<u8>>,
}

impl Journal {
    /// Opens the journal of `writer`: makes the directory usable, takes the writer's lock, and
    /// completes the streams of writers that crashed.
    ///
    /// Damage that others left never fails it; it becomes findings.
    ///
    /// # Errors
    ///
    /// `is_configuration` when a limit is out of range; `is_io` when the directory cannot be used.
    pub(crate) fn open(
        config: JournalConfig,
        vfs: Arc<dyn Vfs>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        writer: WriterId,
    ) -> Result<(Self, Opened), Error> {
        config.check()?;
        let unusable = |source| {
            let dir = config.dir.display();
            Error::io(
                format!("the journal's directory `{dir}` cannot be used"),
                source,
            )
        };
        if let Some(kind) = share_of(&*vfs, &config.dir).map_err(unusable)?
            && !config.on_share
        {
            let dir = config.dir.display();
            return Err(Error::configuration(format!(
                "the journal's directory `{dir}` is on {kind}, where the locks that keep writers apart may \
                 hold on one machine only; use a disk of this machine, or give each machine a directory of \
                 its own there, and say so with `JournalConfig::on_share(true)`"
            )));
        }
        let unsynced = create_dir_synced(&*vfs, &config.dir).map_err(unusable)?;
        let lock = take_lock(&*vfs, &config.dir, writer).map_err(unusable)?;
        let structure = Structure {
            clock: Arc::clone(&clock),
            ids,
        };
        let mut findings = recovery::recover(&*vfs, &config.dir, &structure, writer);
        if let Some(error) = unsynced {
            findings.push(Finding::failed(
                config.dir.display(),
                Problem::Failed,
                error,
            ));
        }
        if let Err(error) = put_schema(&*vfs, &config.dir, config.schema, writer) {
            findings.push(Finding::failed(Name::Schema, Problem::Failed, error));
        }
        let segments = segments(&*vfs, &config.dir).map_err(unusable)?;
        let opened = Opened {
            findings,
            had_history: !segments.is_empty(),
            previous_log_opened: previous_log_opened(&*vfs, &config.dir, &segments),
        };
        let syncer = Syncer::new(
            Arc::clone(&vfs),
            Arc::clone(&clock),
            config.dir.clone(),
            config.sync_linger,
        );
        if config.sync_thread {
            // The thread ends with the journal; nobody waits for it, for the disk may hang.
            drop(syncer.spawn()?);
        }
        syncer.changed_dir();
        let days = segments.iter().map(|name| name.day).collect();
        let path = config.dir.join(Name::Reservation(writer).to_string());
        let temporary = config
            .dir
            .join(Name::ReservationTemporary(writer).to_string());
        let ballast = config.dir.join(Name::Ballast(writer).to_string());
        let journal = Self {
            watch: ClockWatch::new(clock.now(), clock.monotonic(), days),
            reservation: Reservation::new(writer, path, temporary),
            renew_at: std::time::Duration::ZERO,
            closed: Vec::new(),
            lock,
            pending: Pending::new(Place::new(writer, 1)),
            kept: Kept::default(),
            segment: None,
            resting: None,
            stretched: None,
            next_number: 1,
            written: Written::default(),
            failing: None,
            opened: false,
            untold: false,
            looked: clock.monotonic(),
            newest: crate::sorted::SortedMap::new(),
            sinks: Sinks::default(),
            retiring: Retiring::default(),
            room: Room::new(&config.dir, ballast, config.min_free),
            config,
            vfs,
            clock,
            structure,
            writer,
            syncer,
        };
        Ok((journal, opened))
    }
}

/// Returns the segments in the directory, sorted by date, writer and number.
pub(super) fn segments(vfs: &dyn Vfs, dir: &Path) -> io::Result<Vec<SegmentName>> {
    let entries = vfs.list(dir)?.into_iter();
    let mut names: Vec<_> = entries
        .filter(|entry| entry.kind == FileKind::File)
        .filter_map(|entry| match Name::parse(&entry.name) {
            Some(Name::Segment(name)) => Some(name),
            _ => None,
        })
        .collect();
    SegmentName::sort_by(&mut names, &Ord::cmp);
    Ok(names)
}

/// Creates the writer's lock file. It gets its final name when it is locked already, so that nobody
/// ever finds the lock of a live writer free.
fn take_lock(vfs: &dyn Vfs, dir: &Path, writer: WriterId) -> io::Result<Arc<dyn VfsFile>> {
    let temporary = dir.join(Name::LockTemporary(writer).to_string());
    let file = vfs.create_new(&temporary)?;
    if !retry(|| file.try_lock())? {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    vfs.rename(&temporary, &dir.join(Name::Lock(writer).to_string()))?;
    Ok(file)
}

/// Puts the schema of this version in place. The writer that started last has the last word.
fn put_schema(vfs: &dyn Vfs, dir: &Path, schema: &[u8], writer: WriterId) -> io::Result<()> {
    let path = dir.join(Name::Schema.to_string());
    if schema.is_empty() || is_content(vfs, &path, schema)? {
        return Ok(());
    }
    let temporary = dir.join(Name::SchemaTemporary(writer).to_string());
    replace(vfs, &temporary, &path, |file| file.write_all(schema)).map(drop)
}

fn is_content(vfs: &dyn Vfs, path: &Path, content: &[u8]) -> io::Result<bool> {
    let file = match vfs.open(path, Access::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let mut buffer = vec![0; content.len() + 1];
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match retry(|| file.read_at(rest, filled as u64))? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(buffer.get(..filled) == Some(content))
}

/// Looks for the newest `log_opened` in the first lines of each earlier writer, newest first.
fn previous_log_opened(vfs: &dyn Vfs, dir: &Path, segments: &[SegmentName]) -> Option<Vec<u8>> {
    let firsts = segments.iter().rev().filter(|name| name.number == 1);
    for name in firsts {
        // A file that cannot be read holds no answer; an older one may.
        if let Ok(Some(found)) = log_opened(vfs, dir, *name) {
            return Some(found);
        }
    }
    None
}

fn log_opened(vfs: &dyn Vfs, dir: &Path, name: SegmentName) -> io::Result<Option<Vec<u8>>> {
    let place = Place::new(name.writer, name.number);
    let mut lines = Lines::new(vfs.open(&dir.join(name.to_string()), Access::Read)?);
    for _ in 0..FIRST_LINES {
        let Some(piece) = lines.next()? else {
            break;
        };
        let json = piece.bytes.and_then(|bytes| line::open(place, bytes));
        let opened = |json: &&[u8]| {
            Envelope::read(json).is_some_and(|envelope| envelope.is(&Kind::LogOpened))
        };
        if let Some(json) = json.filter(opened) {
            return Ok(Some(json.to_vec()));
        }
    }
    Ok(None)
}
