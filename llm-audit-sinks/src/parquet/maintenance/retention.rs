//! Taking what has expired out of final files.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use llm_audit_core::upkeep::{Round, Upkeep};
use llm_audit_core::vfs::{Access, Vfs};
use llm_audit_core::{Event, Expiry, Facet, FacetSet, Fate, Timestamp, WriterId};

use super::super::file_name::ParquetFileName;
use super::super::reader::day;
use super::super::staging::{Staging, final_files, remove_leftovers};
#[cfg(feature = "store")]
use super::super::stored::Stored;
use super::super::summary::Chunks;
use super::footer::{Columns, Footer};
use super::rewrite::{NewFile, Source, has_room};

/// What a look at a footer counts for, of the bytes that a run may read.
const FOOTER_BYTES: u64 = 64 << 10;

/// Looks after the final files of a root.
pub(in super::super) struct RootUpkeep {
    root: PathBuf,
    vfs: Arc<dyn Vfs>,
    known: BTreeMap<ParquetFileName, Known>,
    /// The holds that `known` goes by.
    by: Option<Expiry>,
    /// Where the last run stopped, so that files which fail are in nobody's way.
    next: Option<ParquetFileName>,
    /// The files that are in the store, of a root that goes to one.
    #[cfg(feature = "store")]
    stored: Option<Stored>,
}

/// What is known of a file, so that it is not read in every run.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// A file of another size is another one, which took the name.
    size: u64,
    /// Facets that no event has which is not held.
    gone: FacetSet,
    /// Whether it is there only because something in it is held.
    is_held: bool,
}

/// A file in which something may have expired.
#[derive(Clone, Debug)]
struct Due {
    name: ParquetFileName,
    /// None of its events is newer.
    newest: Timestamp,
}

impl RootUpkeep {
    pub(in super::super) const fn new(root: PathBuf, vfs: Arc<dyn Vfs>) -> Self {
        Self {
            root,
            vfs,
            known: BTreeMap::new(),
            by: None,
            next: None,
            #[cfg(feature = "store")]
            stored: None,
        }
    }

    /// Passes over the files that are not known to be in the store: they still wait for it.
    #[cfg(feature = "store")]
    pub(in super::super) fn of_stored(mut self, stored: Stored) -> Self {
        self.stored = Some(stored);
        self
    }

    fn waits(&self, _name: &ParquetFileName) -> bool {
        #[cfg(feature = "store")]
        if let Some(stored) = &self.stored {
            return !stored.has(_name);
        }
        false
    }

    fn work(&mut self, round: &mut Round<'_>) -> io::Result<()> {
        let dry = round.is_dry();
        if !dry {
            remove_leftovers(&self.root, &*self.vfs)?;
        }
        let expiry = round.expiry();
        if !self.by.as_ref().is_some_and(|by| by.holds_as(expiry)) {
            self.known.clear();
            self.by = Some(expiry.clone());
        }
        if self.due(round)?.is_empty() {
            return Ok(());
        }
        let _lock = match dry {
            true => None,
            false => match super::lock(&*self.vfs, &self.root)? {
                Some(lock) => Some(lock),
                None => {
                    round.leave();
                    return Ok(());
                }
            },
        };
        // Who had the lock before may have changed what there is.
        let mut due = self.due(round)?;
        let next = self.next.take();
        let start = next.map_or(0, |next| due.partition_point(|due| due.name < next));
        let start = start.min(due.len());
        due.rotate_left(start);
        let columns = Columns::of_this_version()?;
        let mut staging = match dry {
            true => None,
            false => Some(Staging::open(&self.root, Arc::clone(&self.vfs))?),
        };
        let mut emptied = BTreeSet::new();
        for due in due {
            if !round.takes_more() {
                self.next = Some(due.name);
                break;
            }
            if self.waits(&due.name) {
                let error = io::Error::other("it is not known to be in the store yet, and stays");
                round.failed(&due.name, error);
                continue;
            }
            let mut file = File {
                of: self,
                due: &due,
                round,
                columns: &columns,
            };
            match file.run(staging.as_mut()) {
                Ok(true) => drop(emptied.insert(due.name.partition(&self.root))),
                Ok(false) => {}
                Err(error) => round.failed(&due.name, error),
            }
        }
        if let Some(staging) = staging {
            staging.close();
            for partition in emptied {
                // It stays as long as something is in it.
                self.vfs.remove_dir(&partition).ok();
            }
        }
        Ok(())
    }

    /// Returns the files in which something may have expired that is not known to be gone, in the order of
    /// their names.
    fn due(&mut self, round: &Round<'_>) -> io::Result<Vec<Due>> {
        let names = final_files(&self.root, &*self.vfs)?;
        let there: BTreeSet<_> = names.iter().cloned().collect();
        let (vfs, root) = (&self.vfs, &self.root);
        self.known.retain(|name, known| {
            let is_it = |size: u64| size == known.size;
            let size = || vfs.open(&name.path(root), Access::Read)?.size();
            there.contains(name) && size().is_ok_and(is_it)
        });
        let mut due = ages(names, round.own());
        let expiry = round.expiry();
        due.retain(|due| {
            let known = self.known.get(&due.name).copied().unwrap_or_default();
            let is_over = expiry.is_over(due.newest);
            match is_over {
                true => !known.is_held,
                false => !without(expiry.facets(due.newest), known.gone).is_empty(),
            }
        });
        due.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(due)
    }
}

/// Returns the files with what their newest events are at most as new as.
///
/// One writer's files are in the order of its numbers, so one counts as at least as new as those before
/// it, whatever the clock said; and events of the running log are no older than it is.
fn ages(mut names: Vec<ParquetFileName>, (own, began): (WriterId, Timestamp)) -> Vec<Due> {
    names.sort_unstable_by_key(|name| (name.writer_id(), name.first_seq()));
    let mut before: Option<(WriterId, Timestamp)> = None;
    let ages = names.into_iter().map(|name| {
        let writer = name.writer_id();
        let end = day(name.date()).map_or(began, |(_, last)| last);
        let earlier = before.filter(|(of, _)| *of == writer);
        let newest = earlier.map_or(end, |(_, newest)| newest.max(end));
        before = Some((writer, newest));
        let newest = if writer == own {
            newest.max(began)
        } else {
            newest
        };
        Due { name, newest }
    });
    ages.collect()
}

impl Upkeep for RootUpkeep {
    fn run(&mut self, round: &mut Round<'_>) {
        if let Err(error) = self.work(round) {
            round.failed("", error);
        }
    }
}

/// One file in a run.
struct File<'a, 'b> {
    of: &'a mut RootUpkeep,
    due: &'a Due,
    round: &'a mut Round<'b>,
    columns: &'a Columns,
}

impl File<'_, '_> {
    /// Does what is to be done, or finds out what it would be; returns whether the file is gone.
    fn run(&mut self, staging: Option<&mut Staging>) -> io::Result<bool> {
        let (name, newest) = (&self.due.name, self.due.newest);
        let expiry = self.round.expiry();
        let is_over = expiry.is_over(newest);
        if is_over && !expiry.may_hold(newest) {
            return self.delete();
        }
        let file = self.of.vfs.open(&name.path(&self.of.root), Access::Read)?;
        let size = file.size()?;
        self.round.read(FOOTER_BYTES.min(size));
        let footer = self.columns.footer(&Chunks::of(file)?)?;
        let due = without(self.round.expiry().facets(newest), footer.gone);
        if is_over {
            let held = self.held(&footer, size)?;
            if held == 0 {
                return self.delete();
            }
            if due.is_empty() {
                self.round.held(held);
            }
        }
        if !due.is_empty() && !self.rewrite(&footer, due, size, staging)? {
            return Ok(false);
        }
        let known = Known {
            size: self
                .of
                .vfs
                .open(&name.path(&self.of.root), Access::Read)?
                .size()?,
            gone: union(due, footer.gone),
            is_held: is_over,
        };
        self.of.known.insert(name.clone(), known);
        Ok(false)
    }

    fn delete(&mut self) -> io::Result<bool> {
        let (vfs, name) = (&self.of.vfs, &self.due.name);
        let path = name.path(&self.of.root);
        let bytes = vfs.open(&path, Access::Read)?.size()?;
        if self.round.is_dry() {
            self.round.deleted(name, bytes);
            return Ok(false);
        }
        self.round.unless_held(|| vfs.unlink(&path))?;
        self.round.deleted(name, bytes);
        vfs.sync_dir(&name.partition(&self.of.root))?;
        Ok(true)
    }

    fn source(&self, footer: &Footer) -> Source<'_> {
        Source {
            vfs: &self.of.vfs,
            root: &self.of.root,
            files: std::slice::from_ref(&self.due.name),
            seqs: (footer.first_seq, footer.last_seq),
        }
    }

    /// Returns how many events are held.
    fn held(&mut self, footer: &Footer, size: u64) -> io::Result<u64> {
        let held = Cell::new(0);
        let round = &*self.round;
        self.source(footer).events(&|event| {
            go_on(round)?;
            held.set(held.get() + u64::from(round.expiry().is_held(event)));
            Ok(())
        })?;
        self.round.read(size);
        Ok(held.get())
    }

    /// Takes `due` out of the events that are not held; returns whether nothing is left to do.
    fn rewrite(
        &mut self,
        footer: &Footer,
        due: FacetSet,
        size: u64,
        staging: Option<&mut Staging>,
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
        let new = match staging {
            None => source.events(&change).map(|()| None),
            Some(staging) => {
                has_room(&*self.of.vfs, &self.of.root, size)?;
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
        if let Some(new) = &new {
            self.replace(new, size)?;
        }
        if narrowed > 0 {
            let freed = new.as_ref().map_or(0, |new| size.saturating_sub(new.bytes));
            self.round.rewrote(&self.due.name, due, narrowed, freed);
        }
        if new.is_some() {
            self.of
                .vfs
                .sync_dir(&self.due.name.partition(&self.of.root))?;
        }
        Ok(narrowed == 0 || new.is_some())
    }

    /// Gives a new file the name of the old one.
    fn replace(&self, new: &NewFile, size: u64) -> io::Result<()> {
        let vfs = &self.of.vfs;
        let path = self.due.name.path(&self.of.root);
        let replaced = self.round.unless_held(|| {
            // What somebody has deleted meanwhile does not come back.
            match vfs.open(&path, Access::Read)?.size()? == size {
                true => vfs.rename(&new.path, &path),
                false => Err(io::ErrorKind::Interrupted.into()),
            }
        });
        // What stays is removed by the next run.
        replaced.inspect_err(|_| drop(vfs.unlink(&new.path)))
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

fn without(a: FacetSet, b: FacetSet) -> FacetSet {
    let left = |facet: &Facet| !b.contains(*facet);
    a.iter().filter(left).collect()
}
