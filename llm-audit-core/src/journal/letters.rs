//! Dead letters, written anew without what has expired.
//!
//! They are events as a sink was to get them, without checksums, in a file for each day of recording.

use std::io;

use super::name::{DEAD_LETTERS, DeadName};
use super::narrowing::{Done, Job, union, without};
use super::repair::replace;
use super::scan::Lines;
use crate::event::Event;
use crate::sync::lock;
use crate::vfs::Access;

/// What the name of an unfinished file ends in.
const TEMPORARY: &str = ".tmp";

/// Returns the name of the dead letters in a name, and whether the file is unfinished.
pub(super) fn parse(text: &str) -> Option<(DeadName, bool)> {
    match text.strip_suffix(TEMPORARY) {
        Some(stem) => Some((DeadName::parse(stem)?, true)),
        None => Some((DeadName::parse(text)?, false)),
    }
}

/// Takes what has expired out of one file, or deletes it when nothing is left that is kept.
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
    // The threads of sinks add to the files.
    let _gate = lock(&job.letters_gate);
    let file = match job.vfs.open(&path, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let size = file.size()?;
    let newest = dead.day.end();
    let key = (name.to_owned(), size);
    let gone = done.known.letters.get(&key).copied().unwrap_or_default();
    let due = without(job.expiry.facets(newest), gone);
    if due.is_empty() {
        return Ok(());
    }
    *used += size;
    let mut kept = Vec::new();
    let (mut held, mut narrowed) = (0_u64, 0_u64);
    let mut lines = Lines::new(file);
    while let Some(piece) = lines.next()? {
        // What is no event, as a line that was not written to its end, cannot be narrowed.
        let event = piece.bytes.and_then(|json| Event::from_json(json).ok());
        let Some(mut event) = event.filter(|_| piece.ended) else {
            continue;
        };
        let (fate, is_held) = job.fate(&event, due);
        held += u64::from(is_held);
        narrowed += u64::from(fate.apply(&mut event));
        event.encode(&mut kept);
        kept.push(b'\n');
    }
    let shown = format!("{DEAD_LETTERS}/{name}");
    if job.expiry.is_over(newest) && held == 0 {
        if !job.dry {
            let _unchanged = job.may_replace()?;
            job.vfs.unlink(&path)?;
        }
        done.deleted.push(shown);
        done.bytes += size;
        return Ok(());
    }
    done.held += held;
    let freed = size.saturating_sub(kept.len() as u64);
    if narrowed == 0 && freed == 0 {
        done.known.letters.insert(key, union(due, gone));
        return Ok(());
    }
    if !job.dry {
        let _unchanged = job.may_replace()?;
        let temporary = dir.join(format!("{name}{TEMPORARY}"));
        replace(&*job.vfs, &temporary, &path, |file| file.write_all(&kept))?;
        job.vfs.sync_dir(&dir)?;
        let key = (name.to_owned(), kept.len() as u64);
        done.known.letters.insert(key, union(due, gone));
    }
    done.rewrote(shown, due, narrowed, freed);
    Ok(())
}
