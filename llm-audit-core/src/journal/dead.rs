//! What a sink never took.

use std::io;
use std::path::PathBuf;

use super::name::{DEAD_LETTERS, Day, DeadName};
use super::subdirectory;
use crate::batch::Batch;
use crate::id::WriterId;
use crate::sorted::SortedMap;
use crate::sync::{Arc, Mutex, lock};
use crate::vfs::{Access, Vfs};

/// Keeps the events that one sink turned away, as they were sent to it: JSON Lines, one file for each
/// day on which events were recorded, so that they expire with the others of that day.
#[derive(Clone, Debug)]
pub(crate) struct DeadLetters {
    vfs: Arc<dyn Vfs>,
    dir: PathBuf,
    writer: WriterId,
    /// Held while a file is added to, or written anew.
    gate: Arc<Mutex<()>>,
}

impl DeadLetters {
    pub(super) const fn new(
        vfs: Arc<dyn Vfs>,
        dir: PathBuf,
        writer: WriterId,
        gate: Arc<Mutex<()>>,
    ) -> Self {
        Self {
            vfs,
            dir,
            writer,
            gate,
        }
    }

    /// Keeps the events of `batch`; they survive a power cut.
    pub(crate) fn keep(&self, sink: &str, batch: &Batch) -> io::Result<()> {
        let mut days: SortedMap<Day, Vec<u8>> = SortedMap::new();
        for (event, line) in batch.events().iter().zip(batch.lines()) {
            let lines = days.or_default(Day::of(event.recorded_at()));
            lines.extend_from_slice(line);
            lines.push(b'\n');
        }
        let _gate = lock(&self.gate);
        let dir = subdirectory::make(&*self.vfs, &self.dir, DEAD_LETTERS)?;
        for (day, lines) in days {
            let path = dir.join(DeadName::new(day, self.writer, sink).to_string());
            let file = match self.vfs.open(&path, Access::Append) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.vfs.create_new(&path)?
                }
                file => file?,
            };
            let size = file.size()?;
            let written = file.write_all(&lines).and_then(|()| file.sync_data());
            if let Err(error) = written {
                // Half a line would spoil the file for its readers.
                file.truncate(size)?;
                return Err(error);
            }
        }
        self.vfs.sync_dir(&dir)
    }
}
