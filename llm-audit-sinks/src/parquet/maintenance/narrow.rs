//! One file in a run of the retention: what is to become of it, wherever it is.

use std::cell::Cell;
use std::io;
use std::path::Path;
use std::sync::Arc;

use llm_audit_core::upkeep::Round;
use llm_audit_core::vfs::{Access, Vfs};
use llm_audit_core::{Event, Facet, FacetSet, Fate, Timestamp};

use super::super::file_name::ParquetFileName;
use super::super::staging::Staging;
use super::super::summary::Chunks;
use super::footer::{Columns, Footer};
use super::rewrite::{NewFile, Source};

/// What a look at a footer counts for, of the bytes that a run may read.
const FOOTER_BYTES: u64 = 64 << 10;

/// A file in which something may have expired.
#[derive(Clone, Debug)]
pub(super) struct Due {
    pub(super) name: ParquetFileName,
    /// None of its events is newer.
    pub(super) newest: Timestamp,
}

/// Where a file is, and how it goes or is replaced there.
pub(super) trait Place {
    /// Returns what it is read from.
    fn vfs(&self) -> &Arc<dyn Vfs>;

    /// Returns the root below which it is there.
    fn root(&self) -> &Path;

    /// Returns what the record of the run calls it.
    fn shown(&self) -> String;

    /// # Errors
    ///
    /// When there is no room for a second copy of so many bytes.
    fn has_room(&self, bytes: u64) -> io::Result<()>;

    /// Deletes it, unless something is held by now.
    fn delete(&self, round: &Round<'_>) -> io::Result<()>;

    /// Puts a new file in its place, unless something is held by now, or it is not the file of that size
    /// any more that was read.
    fn replace(&self, round: &Round<'_>, new: (&NewFile, u64), staging: &Staging)
    -> io::Result<()>;

    /// Makes what was done to it survive a power cut.
    fn settle(&self) -> io::Result<()>;
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Gone,
    /// Something is left to be done, or would be.
    Later,
    /// Nothing is left to be done.
    Settled {
        /// Facets that no event has which is not held.
        gone: FacetSet,
        /// Whether it is there only because something in it is held.
        is_held: bool,
    },
}

/// One file in a run.
pub(super) struct File<'a, 'b> {
    pub(super) place: &'a dyn Place,
    pub(super) due: &'a Due,
    pub(super) round: &'a mut Round<'b>,
    pub(super) columns: &'a Columns,
}

impl File<'_, '_> {
    /// Does what is to be done, or finds out what it would be.
    pub(super) fn run(&mut self, staging: Option<&mut Staging>) -> io::Result<Outcome> {
        let newest = self.due.newest;
        let expiry = self.round.expiry();
        let is_over = expiry.is_over(newest);
        let path = self.due.name.path(self.place.root());
        let file = self.place.vfs().open(&path, Access::Read)?;
        let size = file.size()?;
        if is_over && !expiry.may_hold(newest) {
            return self.delete(size);
        }
        self.round.read(FOOTER_BYTES.min(size));
        let footer = self.columns.footer(&Chunks::of(file)?)?;
        let due = without(self.round.expiry().facets(newest), footer.gone);
        if is_over {
            let held = self.held(&footer, size)?;
            if held == 0 {
                return self.delete(size);
            }
            if due.is_empty() {
                self.round.held(held);
            }
        }
        if !due.is_empty() && !self.rewrite(&footer, due, size, staging)? {
            return Ok(Outcome::Later);
        }
        Ok(Outcome::Settled {
            gone: union(due, footer.gone),
            is_held: is_over,
        })
    }

    fn delete(&mut self, bytes: u64) -> io::Result<Outcome> {
        let shown = self.place.shown();
        if self.round.is_dry() {
            self.round.deleted(shown, bytes);
            return Ok(Outcome::Later);
        }
        self.place.delete(self.round)?;
        self.round.deleted(shown, bytes);
        self.place.settle()?;
        Ok(Outcome::Gone)
    }

    fn source(&self, footer: &Footer) -> Source<'_> {
        Source {
            vfs: self.place.vfs(),
            root: self.place.root(),
            files: std::slice::from_ref(&self.due.name),
            seqs: (footer.first_seq, footer.last_seq),
        }
    }

    /// Returns how many events are held.
    fn held(&mut self, footer: &Footer, size: u64) -> io::Result<u64> {
        let (held, events) = (Cell::new(0), Cell::new(0));
        let round = &*self.round;
        self.source(footer).events(&|event| {
            go_on(round)?;
            events.set(events.get() + 1);
            held.set(held.get() + u64::from(round.expiry().is_held(event)));
            Ok(())
        })?;
        self.round.read(size);
        match events.get() == footer.events {
            true => Ok(held.get()),
            // In what was not read, something may be held.
            false => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Takes `due` out of the events that are not held; returns whether nothing is left to do.
    fn rewrite(
        &mut self,
        footer: &Footer,
        due: FacetSet,
        size: u64,
        mut staging: Option<&mut Staging>,
    ) -> io::Result<bool> {
        let (narrowed, held) = (Cell::new(0), Cell::new(0));
        let round = &*self.round;
        let change = |event: &mut Event| {
            go_on(round)?;
            let fate = round.expiry().fate(event, due);
            held.set(held.get() + u64::from(fate == Fate::Keep));
            narrowed.set(narrowed.get() + u64::from(fate.apply(event)));
            Ok(())
        };
        let source = self.source(footer);
        let new = match staging.as_deref_mut() {
            None => source.events(&change).map(|()| None),
            Some(staging) => {
                self.place.has_room(size)?;
                source.write(staging, &change, |events| {
                    match (held.get(), narrowed.get()) {
                        _ if events != footer.events => Err(io::ErrorKind::InvalidData.into()),
                        (_, 0) => Ok(None),
                        (0, _) => Ok(Some(union(due, footer.gone))),
                        _ => Ok(Some(footer.gone)),
                    }
                })
            }
        }?;
        let (narrowed, held) = (narrowed.get(), held.get());
        self.round.read(size);
        self.round.held(held);
        if let (Some(new), Some(staging)) = (&new, staging) {
            let replaced = self.place.replace(self.round, (new, size), staging);
            // It is not there any more when it has taken the name.
            staging.remove(&new.path);
            replaced?;
        }
        if narrowed > 0 {
            let freed = new.as_ref().map_or(0, |new| size.saturating_sub(new.bytes));
            self.round.rewrote(self.place.shown(), due, narrowed, freed);
        }
        if new.is_some() {
            self.place.settle()?;
        }
        Ok(narrowed == 0 || new.is_some())
    }
}

/// # Errors
///
/// `Interrupted` when the run has ended.
fn go_on(round: &Round<'_>) -> io::Result<()> {
    match round.goes_on() {
        true => Ok(()),
        false => Err(io::ErrorKind::Interrupted.into()),
    }
}

pub(super) fn union(a: FacetSet, b: FacetSet) -> FacetSet {
    a.iter().chain(b.iter()).collect()
}

pub(super) fn without(a: FacetSet, b: FacetSet) -> FacetSet {
    let left = |facet: &Facet| !b.contains(*facet);
    a.iter().filter(left).collect()
}
