//! The legal holds of a directory: for every process that works in it.
//!
//! ```text
//! file = {"holds":[ {"name":text, "subject":text / "session":text / "between":{"since":µs,"before":µs}}, … ]}
//! ```

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::name::Name;
use super::repair::replace;
use super::scan::retry;
use crate::encode::hex;
use crate::hold::{Hold, Holds};
use crate::id::WriterId;
use crate::seal::sha256;
use crate::vfs::{Access, Vfs};

/// More is no file of holds.
const MAX_BYTES: usize = 16 << 20;

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
pub(super) fn in_force(vfs: &dyn Vfs, dir: &Path, own: &[Hold]) -> Holds {
    match read(vfs, dir) {
        Ok(holds) => Holds::new(holds).and(own),
        Err(_) => Holds::all(),
    }
}

/// Returns a digest of holds, by which a change of them is recorded.
pub(super) fn digest(holds: &[Hold]) -> String {
    hex(&sha256(&serde_json::to_vec(holds).unwrap_or_default()))
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
