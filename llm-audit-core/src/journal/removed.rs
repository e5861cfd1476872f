//! What sinks that nobody has any more never got, and that is to be deleted.

use super::cursor::{self, Other};
use super::expire::RetentionRun;
use super::name::{Name, SegmentName};
use super::writer::Journal;
use crate::error::Error;
use crate::id::WriterId;

/// Events that a removed sink does not have and that are deleted once a `loss` says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Forgotten {
    /// Its cursor's file.
    file: Name,
    pub(crate) sink: String,
    pub(crate) writer: WriterId,
    /// The sink has everything of the writer up to this number.
    pub(crate) after: u64,
    /// Up to this number it will not get anything; `None` is everything that there is.
    pub(crate) to: Option<u64>,
}

impl Journal {
    /// Notes in `run` what removed sinks miss of a segment that is about to be deleted; returns
    /// whether there is anything. `last` is its last number, unless it is the last of a dead writer.
    pub(super) fn is_missed(
        &self,
        name: SegmentName,
        last: Option<u64>,
        others: &[Other],
        run: &mut RetentionRun,
    ) -> bool {
        let mut missed = false;
        for other in others.iter().filter(|other| !other.holds) {
            let seq = other
                .cursor
                .as_ref()
                .and_then(|cursor| cursor.get(&name.writer));
            let Some(after) = seq.filter(|seq| last.is_none_or(|last| **seq < last)) else {
                continue;
            };
            missed = true;
            let known = run.forgotten.iter_mut();
            let mut known = known.filter(|known| known.file == other.name);
            match known.find(|known| known.writer == name.writer) {
                // Segments come by their numbers, and the last one has no bound.
                Some(known) => known.to = last.and_then(|last| Some(last.max(known.to?))),
                None => run.forgotten.push(Forgotten {
                    file: other.name,
                    sink: other.sink.clone(),
                    writer: name.writer,
                    after: *after,
                    to: last,
                }),
            }
        }
        missed
    }

    /// Has the cursor of a removed sink say that it will not get these events: a `loss` says why.
    /// Returns whether it does; another process may have it.
    ///
    /// # Errors
    ///
    /// When that could not be stored; then they stay.
    pub(crate) fn forget(&mut self, forgotten: &Forgotten) -> Result<bool, Error> {
        let Forgotten { sink, file, .. } = forgotten;
        let passed = cursor::pass(
            &*self.vfs,
            self.dir(),
            *file,
            forgotten.writer,
            forgotten.to,
        );
        self.sinks.sweep = true;
        passed.map_err(|source| {
            let message = format!("failed to store what sink `{sink}` will not get");
            Error::io(message, source)
        })
    }
}
