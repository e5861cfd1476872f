//! Dead letters, written anew without what has expired.
//!
//! They are events as a sink was to get them, without checksums, in a file for each day of recording.
//! Sinks add to them meanwhile: a file that has grown is left for the next run.

use std::io;
use std::path::Path;

use super::copies::{Copies, Found};
use super::finding::{Finding, Problem};
use super::name::{DEAD_LETTERS, DeadName};
use super::narrowing::{Done, Job, union, without};
use super::repair::create_over;
use crate::sync::{Arc, lock};
use crate::vfs::{Access, VfsFile};

/// What the name of an unfinished file ends in.
const TEMPORARY: &str = ".tmp";
/// What is written at a time.
const CHUNK: usize = 256 << 10;

/// Returns the name of the dead letters in a name, and whether the file is unfinished.
pub(super) fn parse(text: &str) -> Option<(DeadName, bool)> {
    match text.strip_suffix(TEMPORARY) {
        Some(stem) => Some((DeadName::parse(stem)?, true)),
        None => Some((DeadName::parse(text)?, false)),
    }
}

/// One file, as it is before.
struct Letters<'a> {
    job: &'a Job,
    copies: Copies,
}

/// Takes what has expired out of one file, or deletes it when nothing is left that is kept.
///
/// # Errors
///
/// `Interrupted` when it is not to be done now.
pub(super) fn narrow(job: &Job, name: &str, used: &mut u64, done: &mut Done) -> io::Result<()> {
    let Some((dead, unfinished)) = parse(name) else {
        return Ok(());
    };
    let dir = job.dir.join(DEAD_LETTERS);
    let path = dir.join(name);
    if unfinished {
        return match job.dry {
            true => Ok(()),
            false => job.vfs.unlink(&path),
        };
    }
    let Some((file, size)) = open(job, &path)? else {
        return Ok(());
    };
    let newest = dead.day.end();
    let key = (name.to_owned(), size);
    let gone = done.known.letters.get(&key).copied().unwrap_or_default();
    let due = without(job.expiry.facets(newest), gone);
    if due.is_empty() {
        return Ok(());
    }
    let copies = Copies {
        file,
        size,
        newest,
        due,
    };
    let letters = Letters { job, copies };
    *used += size;
    let mut found = Found::default();
    letters.copies.each(job, &mut found, &mut |_| Ok(()))?;
    let shown = format!("{DEAD_LETTERS}/{name}");
    if job.expiry.is_over(newest) && found.held == 0 && found.unreadable == 0 {
        if !job.dry {
            letters.if_the_same(&path, || job.vfs.unlink(&path))?;
        }
        done.deleted.push(shown);
        done.bytes += size;
        return Ok(());
    }
    done.held += found.held;
    if found.narrowed == 0 && found.lost.is_none() {
        done.known.letters.insert(key, union(due, gone));
        return Ok(());
    }
    if !job.dry {
        *used += size;
        let temporary = dir.join(format!("{name}{TEMPORARY}"));
        let new = create_over(&*job.vfs, &temporary)?;
        let written = letters.fill(&new).and_then(|()| {
            new.sync_data()?;
            letters.if_the_same(&path, || job.vfs.rename(&temporary, &path))
        });
        if let Err(error) = written {
            // What stays is removed by the next run.
            drop(job.vfs.unlink(&temporary));
            return Err(error);
        }
        job.vfs.sync_dir(&dir)?;
        let key = (name.to_owned(), found.left);
        done.known.letters.insert(key, union(due, gone));
        if let Some((offset, bytes)) = found.lost {
            let problem = Problem::Damaged { offset, bytes };
            done.findings.push(Finding::new(&shown, problem));
        }
    }
    let freed = size.saturating_sub(found.left);
    done.rewrote(shown, due, found.narrowed, freed);
    Ok(())
}

/// Opens a file between two additions of a sink; returns its size too.
fn open(job: &Job, path: &Path) -> io::Result<Option<(Arc<dyn VfsFile>, u64)>> {
    let _gate = lock(&job.letters_gate);
    match job.vfs.open(path, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        file => {
            let file = file?;
            let size = file.size()?;
            Ok(Some((file, size)))
        }
    }
}

impl Letters<'_> {
    /// Does something to the file, unless a sink has added to it, or it is not to be done any more.
    fn if_the_same(&self, path: &Path, action: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let _gate = lock(&self.job.letters_gate);
        let size = self.job.vfs.open(path, Access::Read)?.size()?;
        if size != self.copies.size {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let _unchanged = self.job.may_replace()?;
        action()
    }

    fn fill(&self, new: &Arc<dyn VfsFile>) -> io::Result<()> {
        let mut buffer = Vec::new();
        let found = &mut Found::default();
        self.copies.each(self.job, found, &mut |bytes| {
            buffer.extend_from_slice(bytes);
            if buffer.len() >= CHUNK {
                new.write_all(&buffer)?;
                buffer.clear();
            }
            Ok(())
        })?;
        new.write_all(&buffer)
    }
}
