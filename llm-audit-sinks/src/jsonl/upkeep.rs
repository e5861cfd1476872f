//! Taking what has expired out of files that are not written to any more.
//!
//! A complete new file is written beside the old one, under a hidden name, and synchronised; then it
//! takes the name, and the directory is synchronised. `.maintenance.lock` is locked meanwhile, so that
//! no two programs write one file anew. A file that a sink writes to is locked by it, and passed over.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use llm_audit_core::upkeep::{Copies, Found, Round, Upkeep};
use llm_audit_core::vfs::{Access, FileKind, Vfs, VfsFile};
use llm_audit_core::{Expiry, Facet, FacetSet, Timestamp, WriterId};

use super::file_name::JsonlFileName;
use super::writer::Open;

const LOCK: &str = ".maintenance.lock";
/// What is written at a time.
const CHUNK: usize = 256 << 10;
/// So much of the disk stays free for others, or a twentieth of a smaller one.
const MIN_FREE: u64 = 64 << 20;
const DAY_MICROS: i64 = 86_400_000_000;

/// Looks after the files of a directory.
pub(super) struct DirUpkeep {
    dir: PathBuf,
    vfs: Arc<dyn Vfs>,
    /// What the sink of this program writes to.
    open: Open,
    /// Whether it looks after the copies of other logs too.
    on_others: bool,
    known: BTreeMap<JsonlFileName, Known>,
    /// The holds that `known` goes by.
    by: Option<Expiry>,
    /// Where the last run stopped, so that files which fail are in nobody's way.
    next: Option<JsonlFileName>,
}

/// What is known of a file, so that it is not read in every run.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// When its newest event was recorded.
    latest: Option<Timestamp>,
    /// Facets that no event has which is not held.
    gone: FacetSet,
    /// Whether it is there only because something in it is, or may be, held.
    is_held: bool,
}

/// A file in which something may have expired.
#[derive(Clone, Debug)]
struct Due {
    name: JsonlFileName,
    /// It is at least as new as this, whatever its events say.
    least: Timestamp,
    /// It counts as so new when nothing in it can be read.
    end: Timestamp,
}

impl DirUpkeep {
    pub(super) const fn new(dir: PathBuf, vfs: Arc<dyn Vfs>, open: Open, on_others: bool) -> Self {
        Self {
            dir,
            vfs,
            open,
            on_others,
            known: BTreeMap::new(),
            by: None,
            next: None,
        }
    }

    fn work(&mut self, round: &mut Round<'_>) -> io::Result<()> {
        let expiry = round.expiry();
        if !self.by.as_ref().is_some_and(|by| by.holds_as(expiry)) {
            for known in self.known.values_mut() {
                (known.gone, known.is_held) = (FacetSet::EMPTY, false);
            }
            self.by = Some(expiry.clone());
        }
        let (due, left_over) = self.due(round)?;
        if due.is_empty() && left_over.is_empty() {
            return Ok(());
        }
        let _lock = match round.is_dry() {
            true => None,
            false => match lock(&*self.vfs, &self.dir)? {
                Some(lock) => Some(lock),
                None => {
                    round.leave();
                    return Ok(());
                }
            },
        };
        if !round.is_dry() {
            for name in left_over {
                match self.vfs.unlink(&self.dir.join(name)) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    result => result?,
                }
            }
        }
        // Who had the lock before may have changed what there is.
        let (mut due, _) = self.due(round)?;
        let mut others = 0;
        due.retain(|due| {
            let is_ours = self.on_others || round.is_own(due.name.writer_id());
            others += u64::from(!is_ours && round.expiry().is_over(due.end));
            is_ours
        });
        round.others(others);
        let next = self.next.take();
        let start = next.map_or(0, |next| due.partition_point(|due| due.name < next));
        let start = start.min(due.len());
        due.rotate_left(start);
        for due in due {
            if !round.takes_more() {
                self.next = Some(due.name);
                break;
            }
            if let Err(error) = self.file(&due, round) {
                round.failed(&due.name, error);
            }
        }
        Ok(())
    }

    /// Returns the files in which something may have expired that is not known to be gone, in the order of
    /// their names; and the names of unfinished ones.
    fn due(&mut self, round: &Round<'_>) -> io::Result<(Vec<Due>, Vec<String>)> {
        let entries = match self.vfs.list(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Default::default()),
            entries => entries?,
        };
        let files = entries.iter().filter(|entry| entry.kind == FileKind::File);
        let (mut names, mut left_over) = (Vec::new(), Vec::new());
        for file in files {
            names.extend(file.name.parse::<JsonlFileName>());
            if of_temporary(&file.name).is_some() {
                left_over.push(file.name.clone());
            }
        }
        let there: BTreeSet<_> = names.iter().cloned().collect();
        self.known.retain(|name, _| there.contains(name));
        let expiry = round.expiry();
        let mut due = ages(names, round.own());
        due.retain(|due| {
            let known = self.known.get(&due.name).copied().unwrap_or_default();
            let newest = due.least.max(known.latest.unwrap_or(due.least));
            match expiry.is_over(newest) {
                true => !known.is_held,
                false => !without(expiry.facets(newest), known.gone).is_empty(),
            }
        });
        due.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok((due, left_over))
    }

    fn file(&mut self, due: &Due, round: &mut Round<'_>) -> io::Result<()> {
        let path = self.dir.join(due.name.to_string());
        if !round.is_dry() {
            self.open.let_go(&due.name);
        }
        let file = self.vfs.open(&path, Access::Append)?;
        // A sink writes to it, of this program or of another.
        if !file.try_lock()? {
            return Ok(());
        }
        let size = file.size()?;
        let known = self.known.get(&due.name).copied().unwrap_or_default();
        let mut copies = Copies::new(file, size, due.least);
        let latest = match known.latest {
            Some(latest) => latest,
            None => {
                let found = round.narrow(&copies, &mut |_| Ok(()))?;
                round.read(size);
                // What is in it is no newer than the end of its date, and may be as new.
                found.latest.unwrap_or(due.end)
            }
        };
        let newest = due.least.max(latest);
        copies.newest = newest;
        copies.due = without(round.expiry().facets(newest), known.gone);
        let is_over = round.expiry().is_over(newest);
        let mut known = Known {
            latest: Some(latest),
            ..known
        };
        self.known.insert(due.name.clone(), known);
        if is_over && !round.expiry().may_hold(newest) {
            return self.delete(due, size, round);
        }
        if copies.due.is_empty() && !is_over {
            return Ok(());
        }
        let found = round.narrow(&copies, &mut |_| Ok(()))?;
        round.read(size);
        if is_over && found.held == 0 && found.unreadable == 0 {
            return self.delete(due, size, round);
        }
        round.held(found.held);
        if found.narrowed > 0 || found.lost.is_some() {
            if round.is_dry() {
                round.rewrote(&due.name, copies.due, found.narrowed, 0);
                return Ok(());
            }
            self.replace(due, &copies, &found, &path, round)?;
        }
        known.gone = copies.due.iter().chain(known.gone.iter()).collect();
        known.is_held = is_over;
        self.known.insert(due.name.clone(), known);
        Ok(())
    }

    fn delete(&self, due: &Due, size: u64, round: &mut Round<'_>) -> io::Result<()> {
        if !round.is_dry() {
            let path = self.dir.join(due.name.to_string());
            round.unless_held(|| self.vfs.unlink(&path))?;
        }
        round.deleted(&due.name, size);
        match round.is_dry() {
            true => Ok(()),
            false => self.vfs.sync_dir(&self.dir),
        }
    }

    /// Puts a new file in the place of the old one.
    fn replace(
        &self,
        due: &Due,
        copies: &Copies,
        found: &Found,
        path: &Path,
        round: &mut Round<'_>,
    ) -> io::Result<()> {
        self.has_room(found.left)?;
        let temporary = self.dir.join(temporary(&due.name));
        let new = self.vfs.create_new(&temporary)?;
        let written = fill(&new, copies, round).and_then(|()| {
            new.sync_data()?;
            round.unless_held(|| {
                // What somebody has deleted meanwhile does not come back.
                match self.vfs.open(path, Access::Read)?.size()? == copies.size {
                    true => self.vfs.rename(&temporary, path),
                    false => Err(io::ErrorKind::Interrupted.into()),
                }
            })
        });
        if let Err(error) = written {
            // What stays is removed by the next run.
            self.vfs.unlink(&temporary).ok();
            return Err(error);
        }
        round.read(copies.size);
        let freed = copies.size.saturating_sub(found.left);
        round.rewrote(&due.name, copies.due, found.narrowed, freed);
        if let Some(lost) = found.lost {
            round.damaged(&due.name, lost);
        }
        self.vfs.sync_dir(&self.dir)
    }

    fn has_room(&self, bytes: u64) -> io::Result<()> {
        let space = self.vfs.space(&self.dir).ok().flatten();
        let fits = |free: u64, total: u64| free >= bytes.saturating_add(MIN_FREE.min(total / 20));
        match space.is_none_or(|space| fits(space.free, space.total)) {
            true => Ok(()),
            false => Err(io::ErrorKind::StorageFull.into()),
        }
    }
}

/// Takes the lock of a directory; `None` when somebody else has it.
fn lock(vfs: &dyn Vfs, dir: &Path) -> io::Result<Option<Arc<dyn VfsFile>>> {
    let path = dir.join(LOCK);
    let file = match vfs.open(&path, Access::Append) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match vfs.create_new(&path) {
            // Somebody was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            file => file?,
        },
        file => file?,
    };
    Ok(file.try_lock()?.then_some(file))
}

/// Removes what a killed run left unfinished, unless somebody works on it.
pub(super) fn remove_leftovers(vfs: &dyn Vfs, dir: &Path) -> io::Result<()> {
    let is_left = |name: &str| of_temporary(name).is_some();
    if !vfs.list(dir)?.iter().any(|entry| is_left(&entry.name)) {
        return Ok(());
    }
    let Some(_lock) = lock(vfs, dir)? else {
        return Ok(());
    };
    for entry in vfs.list(dir)? {
        if entry.kind == FileKind::File && is_left(&entry.name) {
            vfs.unlink(&dir.join(entry.name))?;
        }
    }
    Ok(())
}

impl Upkeep for DirUpkeep {
    fn run(&mut self, round: &mut Round<'_>) {
        if let Err(error) = self.work(round) {
            round.failed("", error);
        }
    }
}

fn fill(new: &Arc<dyn VfsFile>, copies: &Copies, round: &Round<'_>) -> io::Result<()> {
    let mut buffer = Vec::new();
    round.narrow(copies, &mut |line| {
        buffer.extend_from_slice(line);
        if buffer.len() >= CHUNK {
            new.write_all(&buffer)?;
            buffer.clear();
        }
        Ok(())
    })?;
    new.write_all(&buffer)
}

/// Returns the files with what they are at least as new as: their dates, those before them of the same
/// writer, and of the running log its beginning.
fn ages(mut names: Vec<JsonlFileName>, (own, began): (WriterId, Timestamp)) -> Vec<Due> {
    names.sort_unstable_by_key(|name| (name.writer_id(), name.first_seq()));
    let mut before: Option<(WriterId, Timestamp)> = None;
    let ages = names.into_iter().map(|name| {
        let writer = name.writer_id();
        let start = name.day_start().unwrap_or(began);
        let earlier = before.filter(|(of, _)| *of == writer);
        let earlier = earlier
            .map(|(_, earlier)| earlier)
            .filter(|earlier| *earlier > start);
        // The clock was set back: what is known of the file before is its date.
        let end = earlier.map(|day| day.as_unix_micros().saturating_add(DAY_MICROS - 1));
        before = Some((writer, earlier.unwrap_or(start)));
        let least = end.map_or(start, Timestamp::from_unix_micros);
        let least = if writer == own {
            least.max(began)
        } else {
            least
        };
        let end = start.as_unix_micros().saturating_add(DAY_MICROS - 1);
        let end = least.max(Timestamp::from_unix_micros(end));
        Due { name, least, end }
    });
    ages.collect()
}

/// The name of an unfinished file; what begins with a dot, nobody collects.
fn temporary(name: &JsonlFileName) -> String {
    format!(".{name}.tmp")
}

fn of_temporary(text: &str) -> Option<JsonlFileName> {
    text.strip_prefix('.')?.strip_suffix(".tmp")?.parse().ok()
}

fn without(a: FacetSet, b: FacetSet) -> FacetSet {
    let left = |facet: &Facet| !b.contains(*facet);
    a.iter().filter(left).collect()
}
