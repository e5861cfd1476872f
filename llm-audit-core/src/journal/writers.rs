//! The writers of a directory, also those of whom nothing else is left in it: the files of sinks may still
//! hold their events, and are this log's to look after.
//!
//! ```text
//! file = *( LF writer LF )        ; a line that is no writer was cut off by a power cut
//! ```

use std::io;
use std::path::Path;

use super::name::Name;
use super::scan::retry;
use crate::id::WriterId;
use crate::sorted::SortedSet;
use crate::sync::Arc;
use crate::vfs::{Access, Vfs};

/// What is read at a time.
const CHUNK: usize = 64 << 10;
/// More is no line of ours.
const MAX_LINE: usize = 64;

/// The writers of a directory.
#[derive(Clone, Debug, Default)]
pub(super) struct Writers {
    known: Arc<SortedSet<WriterId>>,
    /// Those that the file is not known to have.
    unsaved: SortedSet<WriterId>,
    is_read: bool,
}

impl Writers {
    /// Returns those that are known by now.
    pub(super) fn known(&self) -> Arc<SortedSet<WriterId>> {
        Arc::clone(&self.known)
    }

    /// Learns those that the file has, and those whose files are in the directory; `save` says whether the
    /// file learns of these.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written. Those whose files are there are known all the same.
    pub(super) fn learn(
        &mut self,
        vfs: &dyn Vfs,
        dir: &Path,
        found: impl Iterator<Item = WriterId>,
        save: bool,
    ) -> io::Result<()> {
        let known = Arc::make_mut(&mut self.known);
        let mut of_file = SortedSet::new();
        let read = match self.is_read {
            true => Ok(()),
            false => read(vfs, dir, &mut of_file),
        };
        self.is_read = read.is_ok();
        self.unsaved.retain(|writer| !of_file.contains(writer));
        known.extend(of_file);
        let new: SortedSet<_> = found.filter(|writer| !known.contains(writer)).collect();
        self.unsaved.extend(new.iter().copied());
        known.extend(new);
        let saved = match save && self.is_read && !self.unsaved.is_empty() {
            true => add(vfs, dir, &self.unsaved),
            false => Ok(()),
        };
        if save && self.is_read && saved.is_ok() {
            self.unsaved.clear();
        }
        read.and(saved)
    }
}

fn read(vfs: &dyn Vfs, dir: &Path, known: &mut SortedSet<WriterId>) -> io::Result<()> {
    let file = match vfs.open(&dir.join(Name::Writers.to_string()), Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let (mut chunk, mut line, mut at) = (vec![0; CHUNK], Vec::new(), 0);
    loop {
        let read = retry(|| file.read_at(&mut chunk, at))?;
        if read == 0 {
            return Ok(());
        }
        at += read as u64;
        for byte in chunk.iter().take(read) {
            match byte {
                b'\n' => {
                    let text = std::str::from_utf8(&line).ok();
                    known.extend(text.and_then(|text| text.parse::<WriterId>().ok()));
                    line.clear();
                }
                byte if line.len() < MAX_LINE => line.push(*byte),
                _ => {}
            }
        }
    }
}

/// Adds lines to the file; they survive a power cut.
fn add(vfs: &dyn Vfs, dir: &Path, new: &SortedSet<WriterId>) -> io::Result<()> {
    let path = dir.join(Name::Writers.to_string());
    let (file, is_new) = match vfs.open(&path, Access::Append) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match vfs.create_new(&path) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                (vfs.open(&path, Access::Append)?, false)
            }
            file => (file?, true),
        },
        file => (file?, false),
    };
    // What a power cut left of the last line ends there.
    let lines: String = new.iter().map(|writer| format!("\n{writer}\n")).collect();
    file.write_all(lines.as_bytes())?;
    file.sync_data()?;
    match is_new {
        true => vfs.sync_dir(dir),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vfs::MemVfs;

    fn writer(number: u8) -> WriterId {
        WriterId::from_bytes([number; 16])
    }

    #[test]
    fn writers_are_known_as_long_as_the_directory_is_there_and_a_torn_line_costs_nothing() {
        let (vfs, dir) = (MemVfs::new(), Path::new("/journal"));
        vfs.create_dir(dir).unwrap();
        let learn = |numbers: &[u8], save| {
            let mut writers = Writers::default();
            let found = numbers.iter().map(|number| writer(*number));
            writers.learn(&vfs, dir, found, save).unwrap();
            writers.known().iter().copied().collect::<Vec<_>>()
        };
        assert_eq!(learn(&[1, 2], true), [writer(1), writer(2)]);
        assert_eq!(learn(&[3], false), [writer(1), writer(2), writer(3)]);
        let path = dir.join(Name::Writers.to_string());
        let mut torn = vfs.get(&path).unwrap();
        torn.truncate(torn.len() - 9);
        vfs.put(&path, torn);
        assert_eq!(learn(&[4], true), [writer(1), writer(4)]);
        assert_eq!(learn(&[], false), [writer(1), writer(4)]);
    }

    #[test]
    fn who_could_not_be_saved_or_was_not_to_be_is_saved_the_next_time() {
        let (vfs, dir) = (MemVfs::new(), Path::new("/journal"));
        vfs.create_dir(dir).unwrap();
        let mut writers = Writers::default();
        let mut learn = |number, save| {
            let found = std::iter::once(writer(number));
            writers.learn(&vfs, dir, found, save)
        };
        learn(1, false).unwrap();
        vfs.limit(Some(vfs.used()));
        assert!(learn(2, true).is_err());
        vfs.heal();
        learn(2, true).unwrap();
        let mut later = Writers::default();
        later.learn(&vfs, dir, std::iter::empty(), false).unwrap();
        let known: Vec<_> = later.known().iter().copied().collect();
        assert_eq!(known, [writer(1), writer(2)]);
    }
}
