//! Reading a log back.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::line::{self, MAX_LINE, Place};
use super::name::{Day, Name, SegmentName};
use super::numbers::Numbers;
use super::scan::Lines;
use crate::error::Error;
use crate::event::Event;
use crate::filter::Filter;
use crate::id::WriterId;
use crate::sorted::{SortedMap, SortedSet};
use crate::sync::Arc;
use crate::timestamp::Timestamp;
use crate::vfs::{Access, DirEntry, FileKind, OsVfs, Vfs};

/// The last moment that there is.
const END_OF_TIME: Timestamp = Timestamp::from_unix_micros(i64::MAX);
/// So many gaps in one writer's numbers are remembered: a second file follows soon on the first.
const MOST_GAPS: usize = 1_024;

/// Reads the events of a log, one after the other, with bounded memory.
///
/// It reads a journal's directory, the copies that a JSON lines sink writes, or one file of either.
/// The segments come by date, writer and number, so one writer's events are in the order of their
/// numbers; files of other names ending in `.jsonl` follow by name. Checksums are verified in
/// segments; other files carry none.
///
/// What a writer wrote to a second file, because the first did not survive a synchronisation, comes
/// once. A damaged line is an error that names file and line, and reading goes on behind it. The line that
/// a live writer is about to write is no error: it is not there yet. Kinds and fields of newer
/// versions are read as they stand.
///
/// # Examples
///
/// ```no_run
/// use llm_audit_core::journal::Reader;
///
/// for entry in Reader::open("/var/log/app/audit")? {
///     match entry {
///         Ok(entry) => assert_eq!(entry.event().schema_version(), 1),
///         Err(damage) => eprintln!("{damage}"),
///     }
/// }
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
pub struct Reader {
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
    sources: VecDeque<Source>,
    current: Option<Current>,
    /// What follows the error that was returned last.
    next: Option<Result<Entry, Error>>,
    seen: SortedMap<WriterId, Numbers>,
    filter: Filter,
}

/// An event and where it stands.
///
/// # Examples
///
/// ```
/// use llm_audit_core::journal::{Entry, Reader};
/// use llm_audit_core::{Kind, Policy, Preset};
///
/// # let directory = tempfile::tempdir()?;
/// # let dir = directory.path();
/// let policy = Policy::preset(Preset::Operations)?;
/// drop(llm_audit_core::builder().policy(policy).journal(dir).spawn()?);
/// let entries: Vec<Entry> = Reader::open(dir)?.collect::<Result<_, _>>()?;
/// assert_eq!(*entries[0].event().kind(), Kind::SegmentOpened);
/// assert_eq!(entries[0].line(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    event: Event,
    file: Arc<str>,
    line: u64,
}

struct Source {
    name: Arc<str>,
    /// The day of a segment and, unless it is its writer's last, that of the next.
    days: Option<(Day, Option<Day>)>,
    /// Where its lines belong; `None` when they carry no checksum.
    place: Option<Place>,
    /// Whether a writer may be writing its last line.
    live: bool,
}

struct Current {
    source: Source,
    lines: Lines,
    line: u64,
}

impl Reader {
    /// Opens the directory of a journal or of a JSON lines sink, or one file of either.
    ///
    /// # Errors
    ///
    /// When the directory cannot be listed. What is wrong with a file comes up when it is read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_in(Arc::new(OsVfs::new()), path.as_ref())
    }

    /// As [`Reader::open`], in another file system.
    ///
    /// # Errors
    ///
    /// When the directory cannot be listed.
    #[doc(hidden)]
    pub fn open_in(vfs: Arc<dyn Vfs>, path: &Path) -> Result<Self, Error> {
        let (dir, sources) = match vfs.list(path) {
            Ok(entries) => (path, sources(&entries)),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                let dir = path.parent().unwrap_or(Path::new(""));
                let name = path.file_name().and_then(|name| name.to_str());
                (dir, VecDeque::from([source(name.unwrap_or_default())]))
            }
            Err(error) => {
                let message = format!("failed to list `{}`", path.display());
                return Err(Error::io(message, error));
            }
        };
        Ok(Self {
            dir: dir.to_owned(),
            vfs,
            sources,
            current: None,
            next: None,
            seen: SortedMap::new(),
            filter: Filter::new(),
        })
    }

    /// Returns the reader of those events only that `filter` lets pass.
    ///
    /// Segments of days that are not asked for are not opened. A segment holds what was recorded from
    /// its day on until the writer's next one was opened; the last of a writer also what a later start tells of it, whenever
    /// that is. A day more is read on both sides, for clocks that were set; what a clock moved further
    /// is not found by its time. Damage in what is read is told as without a filter.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::journal::Reader;
    /// use llm_audit_core::{Filter, Kind, Policy, Preset};
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let dir = directory.path();
    /// let policy = Policy::preset(Preset::Operations)?;
    /// drop(llm_audit_core::builder().policy(policy).journal(dir).spawn()?);
    /// let opened = Reader::open(dir)?.filter_by(Filter::new().kind(Kind::LogOpened));
    /// assert_eq!(opened.count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn filter_by(mut self, filter: Filter) -> Self {
        self.sources.retain(|source| {
            source.days.is_none_or(|(first, last)| {
                let last = last.map_or(END_OF_TIME, |day| day.after().end());
                filter.may_hold(first.before().start(), last)
            })
        });
        self.filter = filter;
        self
    }

    /// Returns the events alone.
    pub fn events(self) -> impl Iterator<Item = Result<Event, Error>> {
        self.map(|entry| entry.map(Entry::into_event))
    }

    /// Returns whether the event, of a segment, has come before.
    fn is_repeated(&mut self, entry: &Entry) -> bool {
        let in_segment = |current: &Current| current.source.place.is_some();
        // Numbers begin at 1: an event with another is of nobody who counts, and comes as it stands.
        let (true, Some(seq @ 1..)) = (
            self.current.as_ref().is_some_and(in_segment),
            entry.event.seq(),
        ) else {
            return false;
        };
        let none = Numbers::up_to(0).most_gaps(MOST_GAPS);
        let seen = self.seen.or_insert(entry.event.writer_id(), none);
        !seen.add(seq, false)
    }

    /// Reads one line of the current file; returns `None` at its end, and no entry for a blank line.
    fn step(&mut self) -> Option<Result<Option<Entry>, Error>> {
        let current = self.current.as_mut()?;
        let piece = match current.lines.next() {
            Ok(Some(piece)) => piece,
            Ok(None) => return None,
            Err(error) => {
                let name = Arc::clone(&current.source.name);
                self.current = None;
                return Some(Err(Error::io(format!("failed to read `{name}`"), error)));
            }
        };
        current.line += 1;
        let at = At {
            file: &current.source.name,
            line: current.line,
        };
        let Some(bytes) = piece.bytes else {
            let size = piece.size;
            return Some(Err(
                at.damaged(format_args!("has {size} bytes, more than {MAX_LINE}"))
            ));
        };
        let Some(place) = current.source.place else {
            let json = line::open_unchecked(bytes).trim_ascii();
            return Some((!json.is_empty()).then(|| at.entry(json)).transpose());
        };
        if !piece.ended {
            let unfinished = || at.damaged(format_args!("was not written to its end"));
            return (!current.source.live).then(|| Err(unfinished()));
        }
        if line::check(place, bytes).is_some() {
            let json = line::open(place, bytes).unwrap_or_default();
            return Some(at.entry(json).map(Some));
        }
        let rest = line::resume(place, bytes).and_then(|start| bytes.get_mut(start..));
        self.next = rest
            .and_then(|line| line::open(place, line))
            .map(|json| at.entry(json));
        Some(Err(at.damaged(format_args!(
            "is damaged: its checksum is not that of its bytes"
        ))))
    }
}

impl Iterator for Reader {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next.take() {
                Some(Ok(entry)) if !self.filter.matches(&entry.event) => {}
                Some(next) => return Some(next),
                None => {}
            }
            match self.step() {
                Some(Ok(None)) => continue,
                Some(Ok(Some(entry))) if self.is_repeated(&entry) => continue,
                Some(Ok(Some(entry))) if !self.filter.matches(&entry.event) => continue,
                Some(step) => return step.transpose(),
                None => {}
            }
            self.current = None;
            let source = self.sources.pop_front()?;
            match self.vfs.open(&self.dir.join(&*source.name), Access::Read) {
                Ok(file) => {
                    self.current = Some(Current {
                        source,
                        lines: Lines::new(file),
                        line: 0,
                    });
                }
                Err(error) => {
                    let message = format!("failed to open `{}`", source.name);
                    return Some(Err(Error::io(message, error)));
                }
            }
        }
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("dir", &self.dir)
            .field("files_left", &self.sources.len())
            .finish_non_exhaustive()
    }
}

impl Entry {
    /// Returns the event.
    pub const fn event(&self) -> &Event {
        &self.event
    }

    /// Returns the event, alone.
    pub fn into_event(self) -> Event {
        self.event
    }

    /// Returns the name of the file within its directory.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns the number of the line within the file, from 1.
    pub const fn line(&self) -> u64 {
        self.line
    }
}

struct At<'a> {
    file: &'a Arc<str>,
    line: u64,
}

impl At<'_> {
    fn entry(&self, json: &[u8]) -> Result<Entry, Error> {
        match Event::from_json(json) {
            Ok(event) => Ok(Entry {
                event,
                file: Arc::clone(self.file),
                line: self.line,
            }),
            Err(error) => Err(self.damaged(format_args!("holds no event: {error}"))),
        }
    }

    fn damaged(&self, problem: fmt::Arguments<'_>) -> Error {
        Error::damaged(format!("`{}`, line {} {problem}", self.file, self.line))
    }
}

fn sources(entries: &[DirEntry]) -> VecDeque<Source> {
    let mut segments: Vec<SegmentName> = Vec::new();
    let mut locked = SortedSet::new();
    let mut others = Vec::new();
    for entry in entries.iter().filter(|entry| entry.kind == FileKind::File) {
        match Name::parse(&entry.name) {
            Some(Name::Segment(name)) => segments.push(name),
            Some(Name::Lock(writer)) => {
                locked.insert(writer);
            }
            None if entry.name.ends_with(".jsonl") => others.push(source(&entry.name)),
            _ => {}
        }
    }
    SegmentName::sort(&mut segments);
    let newest: SortedMap<WriterId, u64> = segments
        .iter()
        .map(|name| (name.writer, name.number))
        .collect();
    let following = segments.iter().skip(1).map(Some).chain([None]);
    let following = segments.iter().zip(following).map(|(name, next)| {
        let next = next.filter(|next| next.writer == name.writer);
        (*name, next.map(|next| next.day.max(name.day)))
    });
    // Should a clock have gone back, a writer's later segments follow its earlier ones all the same.
    let mut latest: SortedMap<WriterId, Day> = SortedMap::new();
    let mut keyed: Vec<_> = following
        .map(|(name, following)| {
            let day = latest.or_insert(name.writer, name.day);
            *day = name.day.max(*day);
            (*day, name.writer, name.number, name, following)
        })
        .collect();
    keyed.sort_unstable();
    let segments = keyed.into_iter().map(|(.., name, following)| Source {
        live: locked.contains(&name.writer) && newest.get(&name.writer) == Some(&name.number),
        days: Some((name.day, following)),
        ..source(&name.to_string())
    });
    segments.chain(others).collect()
}

fn source(name: &str) -> Source {
    let segment = match Name::parse(name) {
        Some(Name::Segment(segment)) => Some(segment),
        _ => None,
    };
    Source {
        name: name.into(),
        days: None,
        place: segment.map(|segment| Place::new(segment.writer, segment.number)),
        live: false,
    }
}
