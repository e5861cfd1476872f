//! Taking what has expired out of final files.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use llm_audit_core::upkeep::{Round, Upkeep};
use llm_audit_core::vfs::{Access, Vfs};
use llm_audit_core::{Expiry, FacetSet, Timestamp, WriterId};

use super::super::file_name::ParquetFileName;
use super::super::reader::day;
use super::super::staging::{Staging, final_files, remove_leftovers};
#[cfg(feature = "store")]
use super::super::stored::{Looked, Stored, is_lasting};
use super::footer::Columns;
use super::narrow::{Due, File, Outcome, Place, without};
#[cfg(feature = "store")]
use super::objects::StoreUpkeep;
use super::rewrite::{NewFile, has_room};
#[cfg(feature = "store")]
use crate::store::Store;

/// Looks after the final files of a root.
pub(in super::super) struct RootUpkeep {
    root: PathBuf,
    vfs: Arc<dyn Vfs>,
    known: BTreeMap<ParquetFileName, Known>,
    /// The holds that `known` goes by.
    by: Option<Expiry>,
    /// Whether it looks after the files of other logs too.
    on_others: bool,
    /// Where the last run stopped, so that files which fail are in nobody's way.
    next: Option<ParquetFileName>,
    /// What is known of the files of a root that goes to a store, and what looks after that.
    #[cfg(feature = "store")]
    stored: Option<(Stored, StoreUpkeep)>,
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

impl RootUpkeep {
    pub(in super::super) const fn new(root: PathBuf, vfs: Arc<dyn Vfs>, on_others: bool) -> Self {
        Self {
            root,
            vfs,
            on_others,
            known: BTreeMap::new(),
            by: None,
            next: None,
            #[cfg(feature = "store")]
            stored: None,
        }
    }

    /// Looks after the objects of the store too, and tells whoever uploads what came of the files.
    #[cfg(feature = "store")]
    pub(in super::super) fn of_stored(mut self, stored: Stored, store: Store) -> Self {
        let (root, vfs) = (self.root.clone(), Arc::clone(&self.vfs));
        let objects = StoreUpkeep::new(store, root, vfs, self.on_others);
        self.stored = Some((stored, objects));
        self
    }

    /// Notes what came of a file that may wait for the store.
    #[cfg(feature = "store")]
    fn note(&self, name: &ParquetFileName, done: &io::Result<Outcome>) {
        let Some((stored, _)) = &self.stored else {
            return;
        };
        let looked = match done {
            Ok(Outcome::Gone) => Looked::Gone,
            Ok(Outcome::Settled { gone, .. }) => Looked::Without(*gone),
            Err(error) if is_lasting(error) || error.kind() == io::ErrorKind::Unsupported => {
                Looked::Never
            }
            _ => return,
        };
        stored.looked(name, looked);
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
        let mut others = 0;
        #[cfg(feature = "store")]
        let waits = self.stored.is_some();
        #[cfg(not(feature = "store"))]
        let waits = false;
        due.retain(|due| {
            let is_ours = self.on_others || round.is_own(due.name.writer_id());
            others += u64::from(!is_ours && (waits || round.expiry().is_over(due.newest)));
            is_ours
        });
        round.others(others);
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
            let place = OnDisk {
                vfs: &self.vfs,
                root: &self.root,
                name: &due.name,
            };
            let mut file = File {
                place: &place,
                due: &due,
                round,
                columns: &columns,
            };
            let outcome = file.run(staging.as_mut());
            #[cfg(feature = "store")]
            if !dry {
                self.note(&due.name, &outcome);
            }
            match outcome.map(|outcome| (outcome, place.size())) {
                Ok((Outcome::Gone, _)) => {
                    emptied.insert(due.name.partition(&self.root));
                }
                Ok((Outcome::Settled { gone, is_held }, Ok(size))) => {
                    let known = Known {
                        size,
                        gone,
                        is_held,
                    };
                    self.known.insert(due.name, known);
                }
                Ok(_) => {}
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
        #[cfg(feature = "store")]
        if let Some((stored, _)) = &self.stored {
            stored.forget(|name| there.contains(name));
        }
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

/// Returns what the newest event of a file is at most as new as; `files` are those of the root.
#[cfg(feature = "store")]
pub(in super::super) fn newest_of(
    name: &ParquetFileName,
    files: &[ParquetFileName],
    own: (WriterId, Timestamp),
) -> Option<Timestamp> {
    let of_writer = |other: &&ParquetFileName| other.writer_id() == name.writer_id();
    let mut files: Vec<_> = files.iter().filter(of_writer).cloned().collect();
    if !files.contains(name) {
        files.push(name.clone());
    }
    newest_of_each(files, own).remove(name)
}

/// Returns what the newest event of each file of a root is at most as new as.
#[cfg(feature = "store")]
pub(in super::super) fn newest_of_each(
    files: Vec<ParquetFileName>,
    own: (WriterId, Timestamp),
) -> BTreeMap<ParquetFileName, Timestamp> {
    let ages = ages(files, own).into_iter();
    ages.map(|due| (due.name, due.newest)).collect()
}

impl Upkeep for RootUpkeep {
    #[cfg(feature = "store")]
    fn begin(&mut self, expiry: &Expiry, own: (WriterId, Timestamp)) {
        if let Some((stored, _)) = &self.stored {
            stored.begin((expiry.clone(), own));
        }
        // Whoever forgets there what came of a file has it looked after again.
        if !self.by.as_ref().is_some_and(|by| by.holds_as(expiry)) {
            self.known.clear();
            self.by = Some(expiry.clone());
        }
    }

    fn run(&mut self, round: &mut Round<'_>) {
        // What is only looked at is told to nobody, so it is not known either.
        let before = || (self.known.clone(), self.by.clone(), self.next.clone());
        let before = round.is_dry().then(before);
        let done = self.work(round);
        if let Some(before) = before {
            (self.known, self.by, self.next) = before;
        }
        if let Err(error) = done {
            round.failed("", error);
        }
        #[cfg(feature = "store")]
        if let Some((_, objects)) = &mut self.stored {
            objects.run(round);
        }
    }
}

/// A final file of the root.
struct OnDisk<'a> {
    vfs: &'a Arc<dyn Vfs>,
    root: &'a Path,
    name: &'a ParquetFileName,
}

impl OnDisk<'_> {
    fn size(&self) -> io::Result<u64> {
        let path = self.name.path(self.root);
        self.vfs.open(&path, Access::Read)?.size()
    }
}

impl Place for OnDisk<'_> {
    fn vfs(&self) -> &Arc<dyn Vfs> {
        self.vfs
    }

    fn root(&self) -> &Path {
        self.root
    }

    fn shown(&self) -> String {
        self.name.to_string()
    }

    fn has_room(&self, bytes: u64) -> io::Result<()> {
        has_room(&**self.vfs, self.root, bytes)
    }

    fn delete(&self, round: &Round<'_>) -> io::Result<()> {
        let path = self.name.path(self.root);
        round.unless_held(|| self.vfs.unlink(&path))
    }

    fn replace(
        &self,
        round: &Round<'_>,
        (new, size): (&NewFile, u64),
        _: &Staging,
    ) -> io::Result<()> {
        let path = self.name.path(self.root);
        round.unless_held(|| {
            // What somebody has deleted or written anew meanwhile does not come back.
            match self.size()? == size {
                true => self.vfs.rename(&new.path, &path),
                false => Err(io::ErrorKind::Interrupted.into()),
            }
        })
    }

    fn settle(&self) -> io::Result<()> {
        self.vfs.sync_dir(&self.name.partition(self.root))
    }
}
