//! What the journal keeps for the sinks until they have it.

use super::cursor::{self, Cursor, Other, SinkStart, Unreadable};
use super::dead::DeadLetters;
use super::finding::{Finding, Problem};
use super::name::SegmentName;
use super::spool::Spool;
use super::writer::Journal;
use crate::error::Error;
use crate::id::WriterId;
use crate::sync::Arc;

/// The cursors of this process's sinks, as they are stored.
#[derive(Debug, Default)]
pub(super) struct Sinks {
    stored: Vec<(String, Cursor)>,
    /// Whether a dead writer's segments may be free since they were looked at.
    pub(super) sweep: bool,
    pub(super) unreadable: Unreadable,
}

impl Journal {
    /// Takes over what earlier writers did not bring to `sinks`; returns from where each goes on.
    ///
    /// # Errors
    ///
    /// When the cursors of this writer cannot be stored: its events could be forgotten by a sink.
    pub(crate) fn start_sinks(
        &mut self,
        sinks: &[SinkStart],
    ) -> Result<(Vec<Cursor>, Vec<Finding>), Error> {
        let mut findings = Vec::new();
        let mut unreadable = Unreadable::default();
        unreadable.now = self.clock.monotonic();
        let cursors = cursor::take_over(
            &*self.vfs,
            self.dir(),
            self.writer,
            sinks,
            &[],
            &mut unreadable,
            &mut findings,
        );
        let cursors = cursors.map_err(|source| {
            let dir = self.dir().display();
            let message = format!("the cursors of the sinks cannot be stored in `{dir}`");
            Error::io(message, source)
        })?;
        let names = sinks.iter().map(|sink| sink.name.clone());
        self.sinks = Sinks {
            stored: names.zip(cursors.iter().cloned()).collect(),
            sweep: true,
            unreadable,
        };
        Ok((cursors, findings))
    }

    /// Takes over what writers that died since left to the sinks: for each sink, writer and number
    /// above which its events are due.
    pub(crate) fn adopt(&mut self, findings: &mut Vec<Finding>) -> Vec<(usize, WriterId, u64)> {
        let start = |(name, _): &(String, Cursor)| SinkStart {
            name: name.clone(),
            from_start: false,
        };
        let starts: Vec<_> = self.sinks.stored.iter().map(start).collect();
        let before = self.sinks.stored.iter().map(|(_, cursor)| cursor.clone());
        let before: Vec<_> = before.collect();
        let (vfs, dir) = (&*self.vfs, self.config.dir.as_path());
        let unreadable = &mut self.sinks.unreadable;
        unreadable.now = self.clock.monotonic();
        let taken = cursor::take_over(
            vfs,
            dir,
            self.writer,
            &starts,
            &before,
            unreadable,
            findings,
        );
        let cursors = match taken {
            Ok(cursors) => cursors,
            Err(error) => {
                findings.push(Finding::failed(dir.display(), Problem::Failed, error));
                return Vec::new();
            }
        };
        let mut adopted = Vec::new();
        for (sink, (cursor, before)) in cursors.into_iter().zip(&before).enumerate() {
            let new = cursor
                .iter()
                .filter(|(writer, _)| !before.contains_key(writer));
            adopted.extend(new.map(|(writer, seq)| (sink, *writer, *seq)));
            if let Some((_, stored)) = self.sinks.stored.get_mut(sink) {
                *stored = cursor;
            }
        }
        adopted
    }

    /// Stores a cursor; returns whether it has changed.
    ///
    /// # Errors
    ///
    /// When it could not be stored; the old one stands.
    pub(crate) fn save_cursor(&mut self, sink: usize, cursor: Cursor) -> Result<bool, Error> {
        let dir = self.config.dir.as_path();
        let stored = self.sinks.stored.get_mut(sink);
        let Some((name, stored)) = stored.filter(|(_, stored)| *stored != cursor) else {
            return Ok(false);
        };
        cursor::save(&*self.vfs, dir, self.writer, name, &cursor).map_err(|source| {
            Error::io(format!("failed to store how far sink `{name}` is"), source)
        })?;
        *stored = cursor;
        self.sinks.sweep = true;
        Ok(true)
    }

    pub(crate) fn spool(&self) -> Spool {
        Spool::new(Arc::clone(&self.vfs), self.config.dir.clone())
    }

    pub(crate) fn dead_letters(&self) -> DeadLetters {
        DeadLetters::new(
            Arc::clone(&self.vfs),
            self.config.dir.clone(),
            self.writer,
            Arc::clone(&self.retiring.letters),
        )
    }

    /// Returns whether every sink, of this process and of `others`, has what is in a segment; `last`
    /// is its last number, unless it is the last one of a dead writer.
    pub(super) fn is_passed(&self, name: SegmentName, last: Option<u64>, others: &[Other]) -> bool {
        let others = others.iter().filter(|other| other.holds);
        let others = others.map(|other| other.cursor.as_ref());
        let own = self.sinks.stored.iter().map(|(_, cursor)| Some(cursor));
        // What cannot be read may wait for anything.
        own.chain(others).all(|cursor| {
            cursor.is_some_and(|cursor| {
                let seq = cursor.get(&name.writer);
                seq.is_none_or(|seq| last.is_some_and(|last| *seq >= last))
            })
        })
    }

    /// Returns the names of the sinks.
    pub(super) fn sink_names(&self) -> impl Iterator<Item = &str> {
        self.sinks.stored.iter().map(|(name, _)| name.as_str())
    }
}
