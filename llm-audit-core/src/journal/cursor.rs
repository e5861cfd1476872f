//! Up to which number each sink has the events: what a restart goes on from.
//!
//! ```text
//! file = line of {"sink":name,"cursors":{writer:seq,...}}  ; the line format of a segment with number 0
//! ```
//!
//! A process has a file for each of its sinks and replaces it as a whole. It names the writers whose
//! events the sink does not have as a whole: the process's own, and dead ones that it took over.
//! A writer that is not named is done. A number says that the sink made every event up to it
//! durable, or that a durable `loss` says why not; it is no place in a file, because rewriting a
//! segment moves bytes.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::finding::{Finding, Problem};
use super::line::{self, Place};
use super::name::{Name, SinkTag};
use super::repair::replace;
use super::scan::{Lines, retry};
use crate::id::WriterId;
use crate::sorted::{SortedMap, SortedSet, tree};
use crate::sync::Arc;
use crate::vfs::{Access, FileKind, Vfs, VfsFile};

/// The last number of each writer that a sink has everything up to; of others it has everything.
pub(crate) type Cursor = SortedMap<WriterId, u64>;

/// A sink that goes on where it was.
#[derive(Clone, Debug)]
pub(crate) struct SinkStart {
    pub(crate) name: String,
    /// Whether a sink that the directory does not know gets what is there already.
    pub(crate) from_start: bool,
}

#[derive(Serialize, Deserialize)]
struct Content {
    sink: String,
    cursors: BTreeMap<String, u64>,
}

/// The cursor of another process.
#[derive(Debug)]
pub(super) struct Other {
    pub(super) name: Name,
    /// Empty when it cannot be read.
    pub(super) sink: String,
    /// `None` when it cannot be read.
    pub(super) cursor: Option<Cursor>,
    /// Whether segments wait for it: the process lives, or is dead and the next start of one of our
    /// sinks goes on with it. What only sinks without a process need is not kept for them.
    pub(super) holds: bool,
}

impl Other {
    /// Whether segments wait for it and it does not say which.
    pub(super) const fn is_unknown(&self) -> bool {
        self.holds && self.cursor.is_none()
    }
}

/// Files of dead processes that could not be read, and since when.
///
/// They hold every segment, for what cannot be read may wait for anything. After [`UNREADABLE_FOR`]
/// they count as damaged.
#[derive(Debug, Default)]
pub(super) struct Unreadable {
    since: SortedMap<Name, Duration>,
    given_up: SortedSet<Name>,
    /// By the monotonic clock.
    pub(super) now: Duration,
}

/// A file of a dead process that cannot be read for so long holds nothing any more.
const UNREADABLE_FOR: Duration = Duration::from_secs(3_600);

impl Unreadable {
    /// Notes that a file cannot be read; returns whether it is to be given up.
    fn add(&mut self, name: Name) -> bool {
        let since = *self.since.or_insert(name, self.now);
        self.now.saturating_sub(since) >= UNREADABLE_FOR && self.given_up.insert(name)
    }

    pub(super) fn is_given_up(&self, name: Name) -> bool {
        self.given_up.contains(&name)
    }
}

/// Replaces the cursor of `sink` in the file of `owner`; it survives a power cut.
pub(super) fn save(
    vfs: &dyn Vfs,
    dir: &Path,
    owner: WriterId,
    sink: &str,
    cursor: &Cursor,
) -> io::Result<()> {
    let cursors = cursor.iter();
    let content = Content {
        sink: sink.to_owned(),
        cursors: tree(cursors.map(|(id, seq)| (id.to_string(), *seq))),
    };
    let mut line = Vec::new();
    let json = serde_json::to_vec(&content)?;
    line::seal(Place::new(owner, 0), &json, &mut line).map_err(io::Error::other)?;
    let tag = SinkTag::of(sink);
    let temporary = dir.join(Name::CursorTemporary(owner, tag).to_string());
    let path = dir.join(Name::Cursor(owner, tag).to_string());
    replace(vfs, &temporary, &path, |file| file.write_all(&line))?;
    vfs.sync_dir(dir)
}

/// Returns for each sink what `own` has to bring it: its own events, or what it has already under
/// `before`, and what dead writers left.
///
/// The files of the dead are taken over under their locks, and are removed once `own` has saved what
/// they say; with `before`, a sink for which that fails stays as it was. A file that is damaged, or
/// that nobody could read for long, counts as one of a sink that has nothing: rather twice than never.
pub(super) fn take_over(
    vfs: &dyn Vfs,
    dir: &Path,
    own: WriterId,
    sinks: &[SinkStart],
    before: &[Cursor],
    unreadable: &mut Unreadable,
    findings: &mut Vec<Finding>,
) -> io::Result<Vec<Cursor>> {
    let entries = vfs.list(dir)?;
    let files = entries.iter().filter(|entry| entry.kind == FileKind::File);
    let names: Vec<_> = files.filter_map(|entry| Name::parse(&entry.name)).collect();
    let living = living(&names, own);
    let mut cursors = Vec::new();
    for (index, sink) in sinks.iter().enumerate() {
        let before = before.get(index);
        let mut cursor = before.cloned().unwrap_or_default();
        let mut taken = Vec::new();
        let mut known = before.is_some();
        let mut all = false;
        for (name, owner) in names.iter().filter_map(|name| match name {
            Name::Cursor(owner, tag) if *tag == SinkTag::of(&sink.name) => Some((*name, *owner)),
            _ => None,
        }) {
            known = true;
            if owner == own || living.contains(&owner) || unreadable.is_given_up(name) {
                continue;
            }
            let found = claim(vfs, dir, name, owner).and_then(|lock| {
                let content = lock.clone().map(|lock| read(owner, lock)).transpose()?;
                Ok(lock.zip(content))
            });
            match found {
                Ok(Some((lock, content))) => {
                    match content {
                        Some((name, found)) if name == sink.name => merge(&mut cursor, found),
                        _ => {
                            findings.push(Finding::new(name, Problem::DamagedCursor));
                            all = true;
                        }
                    }
                    taken.push((name, Some(lock)));
                }
                // Another process takes it over.
                Ok(None) => {}
                Err(error) if unreadable.add(name) => {
                    findings.push(Finding::failed(name, Problem::DamagedCursor, error));
                    all = true;
                    taken.push((name, None));
                }
                Err(error) => findings.push(Finding::failed(name, Problem::Failed, error)),
            }
        }
        if all || !known && sink.from_start {
            let dead = names.iter().filter_map(|name| match name {
                Name::Segment(name) if !living.contains(&name.writer) => Some((name.writer, 0)),
                _ => None,
            });
            for (writer, seq) in dead {
                if writer != own {
                    cursor.insert(writer, seq);
                }
            }
        }
        if before.is_some() && taken.is_empty() {
            cursors.push(cursor);
            continue;
        }
        cursor.or_insert(own, 0);
        if let Err(error) = save(vfs, dir, own, &sink.name, &cursor) {
            let Some(before) = before else {
                return Err(error);
            };
            // The files of the dead stand, and are taken over the next time.
            let name = Name::Cursor(own, SinkTag::of(&sink.name));
            findings.push(Finding::failed(name, Problem::Failed, error));
            cursors.push(before.clone());
            continue;
        }
        for (name, _lock) in &taken {
            if let Err(error) = vfs.unlink(&dir.join(name.to_string())) {
                findings.push(Finding::failed(name, Problem::Failed, error));
            }
        }
        cursors.push(cursor);
    }
    Ok(cursors)
}

/// Returns the cursors in other processes' files, `sinks` being those of this one.
pub(super) fn others<'a>(
    vfs: &dyn Vfs,
    dir: &Path,
    own: WriterId,
    names: &[Name],
    sinks: impl Iterator<Item = &'a str>,
) -> Vec<Other> {
    let living = living(names, own);
    let tags: SortedSet<_> = sinks.map(SinkTag::of).collect();
    let mut others = Vec::new();
    for name in names {
        let Name::Cursor(owner, tag) = name else {
            continue;
        };
        if *owner == own {
            continue;
        }
        let file = vfs.open(&dir.join(name.to_string()), Access::Read);
        let content = file.and_then(|file| read(*owner, file));
        let content = content.ok().flatten();
        others.push(Other {
            name: *name,
            sink: content
                .as_ref()
                .map(|(sink, _)| sink.clone())
                .unwrap_or_default(),
            cursor: content.map(|(_, cursor)| cursor),
            holds: living.contains(owner) || tags.contains(tag),
        });
    }
    others
}

/// Has the cursor in the file of a dead process pass over a writer's numbers up to `to`, or over
/// all of them; returns whether that is so. It is left alone when another process has it.
pub(super) fn pass(
    vfs: &dyn Vfs,
    dir: &Path,
    name: Name,
    writer: WriterId,
    to: Option<u64>,
) -> io::Result<bool> {
    let Name::Cursor(owner, _) = name else {
        return Ok(true);
    };
    let Some(lock) = claim(vfs, dir, name, owner)? else {
        return match vfs.open(&dir.join(name.to_string()), Access::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            file => file.map(|_| false),
        };
    };
    // One that is damaged names nothing that it waits for.
    let Some((sink, mut cursor)) = read(owner, Arc::clone(&lock))? else {
        return Ok(true);
    };
    match (to, cursor.get_mut(&writer)) {
        (Some(to), Some(seq)) => *seq = to.max(*seq),
        (None, _) => drop(cursor.remove(&writer)),
        (Some(_), None) => {}
    }
    save(vfs, dir, owner, &sink, &cursor)?;
    Ok(true)
}

/// Returns the writers that live, or wait for recovery.
fn living(names: &[Name], own: WriterId) -> SortedSet<WriterId> {
    let living = names.iter().filter_map(|name| match name {
        Name::Lock(writer) | Name::Reservation(writer) => Some(*writer),
        _ => None,
    });
    living.filter(|writer| *writer != own).collect()
}

/// Returns the locked file, or `None` when another process has it or its owner lives.
fn claim(
    vfs: &dyn Vfs,
    dir: &Path,
    name: Name,
    owner: WriterId,
) -> io::Result<Option<Arc<dyn VfsFile>>> {
    let path = dir.join(name.to_string());
    let open = |path: &Path, access| match vfs.open(path, access) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    };
    let Some(file) = open(&path, Access::Append)? else {
        return Ok(None);
    };
    if !retry(|| file.try_lock())? {
        return Ok(None);
    }
    // Who had the lock before may have removed the file, and its writer may have just begun.
    let is_left = open(&path, Access::Read)?.is_some();
    let lock = dir.join(Name::Lock(owner).to_string());
    let is_dead = open(&lock, Access::Read)?.is_none();
    Ok((is_left && is_dead).then_some(file))
}

/// Returns the sink that a file is about and what it says, or `None` when it is damaged.
fn read(owner: WriterId, file: Arc<dyn VfsFile>) -> io::Result<Option<(String, Cursor)>> {
    let mut lines = Lines::new(file);
    let Some(piece) = lines.next()? else {
        return Ok(None);
    };
    let place = Place::new(owner, 0);
    let json = piece.bytes.and_then(|bytes| line::open(place, bytes));
    let content: Option<Content> = json.and_then(|json| serde_json::from_slice(json).ok());
    Ok(content.and_then(|content| {
        let cursors = content.cursors.iter();
        let cursors = cursors.map(|(writer, seq)| Some((writer.parse().ok()?, *seq)));
        Some((content.sink, cursors.collect::<Option<_>>()?))
    }))
}

fn merge(cursor: &mut Cursor, other: Cursor) {
    for (writer, seq) in other {
        let known = cursor.or_insert(writer, seq);
        *known = seq.max(*known);
    }
}
