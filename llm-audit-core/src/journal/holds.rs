//! The legal holds of a directory: for every process that works in it.
//!
//! ```text
//! file = {"holds":[ {"name":text, "subject":text / "session":text / "between":{"since":µs,"before":µs}}, … ]}
//! ```

use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::name::Name;
use super::repair::replace;
use super::scan::retry;
use crate::hold::{Hold, Holds};
use crate::id::WriterId;
use crate::sync::{Arc, Mutex, lock as locked, thread};
use crate::vfs::{Access, Vfs, VfsFile};

/// More is no file of holds.
const MAX_BYTES: usize = 16 << 20;

/// So many milliseconds who changes the holds waits for the lock: whoever has it is between a look and
/// one file.
const TO_CHANGE: usize = 2_000;
/// So many who would delete does; it may come again.
const TO_DELETE: usize = 100;

/// The holds of the program, beside those of the directory. They change while it runs.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnHolds(Arc<Mutex<Vec<Hold>>>);

impl OwnHolds {
    pub(super) fn new(holds: Vec<Hold>) -> Self {
        Self(Arc::new(Mutex::new(holds)))
    }

    pub(super) fn get(&self) -> Vec<Hold> {
        locked(&self.0).clone()
    }

    pub(super) fn set(&self, holds: Vec<Hold>) {
        *locked(&self.0) = holds;
    }
}

/// The holds stay as they are until it is dropped.
#[derive(Debug)]
#[must_use = "dropped, it ends"]
pub(super) struct Guard(#[expect(dead_code, reason = "it has the lock")] Option<Arc<dyn VfsFile>>);

/// Keeps everybody, in any process, from changing the holds, and from taking away what none of them
/// was on.
///
/// # Errors
///
/// When the lock cannot be had, or somebody has it for longer than a file takes.
pub(super) fn lock(vfs: &dyn Vfs, dir: &Path) -> io::Result<Guard> {
    let guard = lock_within(vfs, dir, TO_CHANGE)?;
    guard.ok_or_else(|| {
        let message = "another process does not let go of `holds.lock`";
        io::Error::new(io::ErrorKind::TimedOut, message)
    })
}

/// As [`lock`], if the holds are still those that the caller goes by.
///
/// # Errors
///
/// As [`lock`]; `Interrupted` when they are not, or somebody is changing them.
pub(super) fn still(vfs: &dyn Vfs, dir: &Path, own: &OwnHolds, known: &Holds) -> io::Result<Guard> {
    let guard = lock_within(vfs, dir, TO_DELETE)?;
    let guard = guard.filter(|_| in_force(vfs, dir, own) == *known);
    guard.ok_or_else(|| io::ErrorKind::Interrupted.into())
}

fn lock_within(vfs: &dyn Vfs, dir: &Path, millis: usize) -> io::Result<Option<Guard>> {
    let path = dir.join(Name::HoldsLock.to_string());
    let file = loop {
        match vfs.open(&path, Access::Append) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            file => break file?,
        }
        match vfs.create_new(&path) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            // Nobody can set a hold there, and deleting makes room.
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                return Ok(Some(Guard(None)));
            }
            file => break file?,
        }
    };
    for _ in 0..millis {
        if retry(|| file.try_lock())? {
            return Ok(Some(Guard(Some(file))));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(None)
}

#[derive(Serialize, Deserialize)]
struct Content {
    holds: Vec<Hold>,
}

/// Returns the holds of the directory.
///
/// # Errors
///
/// When the file is there and cannot be read, or says what this version does not understand.
pub(super) fn read(vfs: &dyn Vfs, dir: &Path) -> io::Result<Vec<Hold>> {
    let file = match vfs.open(&dir.join(Name::Holds.to_string()), Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        file => file?,
    };
    let size = usize::try_from(file.size()?).ok();
    let size = size.filter(|size| *size <= MAX_BYTES);
    let mut bytes = vec![0; size.ok_or(io::ErrorKind::InvalidData)?];
    let mut filled = 0;
    while let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty()) {
        match retry(|| file.read_at(room, filled as u64))? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => filled += read,
        }
    }
    // What stands in the file is not shown.
    let content: Result<Content, _> = serde_json::from_slice(&bytes);
    let content = content.map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok(content.holds)
}

/// As [`read`]; when that fails, everything is held.
pub(super) fn in_force(vfs: &dyn Vfs, dir: &Path, own: &OwnHolds) -> Holds {
    match read(vfs, dir) {
        Ok(holds) => Holds::new(holds).and(&own.get()),
        Err(_) => Holds::all(),
    }
}

/// Replaces the holds of the directory; they survive a power cut.
pub(super) fn write(
    vfs: &dyn Vfs,
    dir: &Path,
    writer: WriterId,
    holds: Vec<Hold>,
) -> io::Result<()> {
    let json = serde_json::to_vec(&Content { holds })?;
    let temporary = dir.join(Name::HoldsTemporary(writer).to_string());
    let path = dir.join(Name::Holds.to_string());
    replace(vfs, &temporary, &path, |file| file.write_all(&json))?;
    vfs.sync_dir(dir)
}
