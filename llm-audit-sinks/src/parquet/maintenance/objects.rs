//! Taking what has expired out of the objects of a store.
//!
//! The days are listed from the newest to the oldest, some objects at a time, and of each object that
//! nothing is left to be done for, a digest is kept. An object is written anew in the sink's folder of
//! unfinished files and put in the place of the one that was read, on condition that it is still that.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use llm_audit_core::upkeep::{Round, Upkeep};
use llm_audit_core::vfs::Vfs;
use llm_audit_core::{Expiry, FacetSet, Timestamp, WriterId};

use super::super::file_name::{LAYOUT, ParquetFileName};
use super::super::reader::day;
use super::super::staging::Staging;
use super::footer::Columns;
use super::narrow::{Due, File, Outcome, Place, without};
use super::rewrite::{NewFile, has_room};
use crate::store::{Keeper, Listed, ObjectFile, Store};

/// So many objects may fail for the store's sake before the rest waits for the next run.
const MAX_FAILED: u32 = 3;
/// So many that a store refuses, one after the other, before the rest waits for the run that comes soon.
const MAX_REFUSED: u32 = 20;
/// One that was not looked after is not tried again before that: by the next regular run, and by none of those
/// that come soon.
const REFUSED_FOR: Duration = Duration::from_secs(3_000);
/// From the first object that it looks after a run takes so long at most and the request it is at: the journal
/// lets go of nothing and adopts nobody meanwhile.
const ROUND_TIME: Duration = Duration::from_secs(20);
/// So many objects are looked after in it: their names stand in one event.
const ROUND_OBJECTS: u32 = 500;

/// Looks after the objects of a store.
pub(in super::super) struct StoreUpkeep {
    store: Store,
    /// The root of the sink, where new files are made.
    root: PathBuf,
    vfs: Arc<dyn Vfs>,
    /// Whether it looks after the objects of other logs too.
    on_others: bool,
    known: BTreeMap<[u8; 16], Known>,
    /// The holds that `known` goes by.
    by: Option<Expiry>,
    /// Objects that could not be looked after, and when.
    refused: BTreeMap<[u8; 16], Instant>,
    /// Behind which object the next run goes on.
    next: Option<ParquetFileName>,
    runs: u64,
}

/// What is known of an object, so that it is not read in every run.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// Facets that no event has which is not held.
    gone: FacetSet,
    /// Whether it is there only because something in it is held.
    is_held: bool,
    /// The last run that saw it.
    run: u64,
}

/// Why a run ends before it has seen all objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It has seen them.
    All,
    /// It has done enough, or the store fails.
    Here,
}

impl StoreUpkeep {
    pub(in super::super) const fn new(
        store: Store,
        root: PathBuf,
        vfs: Arc<dyn Vfs>,
        on_others: bool,
    ) -> Self {
        Self {
            store,
            root,
            vfs,
            on_others,
            known: BTreeMap::new(),
            by: None,
            refused: BTreeMap::new(),
            next: None,
            runs: 0,
        }
    }

    fn work(&mut self, round: &mut Round<'_>) -> io::Result<()> {
        let expiry = round.expiry();
        if expiry.is_nothing() {
            return Ok(());
        }
        if !self.by.as_ref().is_some_and(|by| by.holds_as(expiry)) {
            self.known.clear();
            self.by = Some(expiry.clone());
        }
        let dry = round.is_dry();
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
        let keeper = Keeper::start(&self.store)?;
        let mut staging = match dry {
            true => None,
            false => Some(Staging::open(&self.root, Arc::clone(&self.vfs))?),
        };
        self.runs += 1;
        self.refused.retain(|_, at| at.elapsed() < REFUSED_FOR);
        let mut pass = Pass {
            keeper: &keeper,
            columns: &Columns::of_this_version()?,
            staging: staging.as_mut(),
            behind: if dry { None } else { self.next.take() },
            last: None,
            ages: Ages::default(),
            others: 0,
            failed: 0,
            refused: 0,
            looked: 0,
            began: None,
        };
        let is_whole = pass.behind.is_none();
        let end = self.pass(&mut pass, round);
        round.others(pass.others);
        if let Some(staging) = staging {
            staging.close();
        }
        if end? == End::All {
            match is_whole {
                true => {
                    let run = self.runs;
                    self.known.retain(|_, known| known.run == run);
                }
                // Those before the one that it went on behind are still to be looked at.
                false => round.leave(),
            }
        }
        Ok(())
    }

    fn pass(&mut self, pass: &mut Pass<'_>, round: &mut Round<'_>) -> io::Result<End> {
        let folders = pass.keeper.folders(LAYOUT)?;
        let dates = folders.iter().filter_map(|folder| {
            let date = folder.strip_prefix(ParquetFileName::DATE)?;
            Some((day(date)?.1, date))
        });
        let mut dates: Vec<_> = dates.collect();
        dates.sort_unstable();
        for (last, date) in dates.into_iter().rev() {
            let mut end = End::All;
            let folder = format!("{LAYOUT}/{}{date}", ParquetFileName::DATE);
            let keeper = pass.keeper;
            keeper.each_below(&folder, &mut |listed| {
                for object in listed {
                    end = self.object(&object, last, pass, round);
                    if end == End::Here {
                        return Ok(false);
                    }
                }
                Ok(round.goes_on())
            })?;
            if end == End::Here || !round.goes_on() {
                return Ok(End::Here);
            }
            pass.ages.end_of_day(last);
        }
        Ok(End::All)
    }

    /// Looks after one object of a day that ends at `last`.
    fn object(
        &mut self,
        object: &Listed,
        last: Timestamp,
        pass: &mut Pass<'_>,
        round: &mut Round<'_>,
    ) -> End {
        let Ok(name) = object.name.parse::<ParquetFileName>() else {
            return End::All;
        };
        let newest = pass.ages.newest(&name, last, round.own());
        if pass
            .behind
            .as_ref()
            .is_some_and(|done| !is_behind(&name, done))
        {
            return End::All;
        }
        let known = self.known.get_mut(&object.id);
        let (gone, is_held) = known.map_or((FacetSet::EMPTY, false), |known| {
            known.run = self.runs;
            (known.gone, known.is_held)
        });
        let expiry = round.expiry();
        let is_due = match expiry.is_over(newest) {
            true => !is_held,
            false => !without(expiry.facets(newest), gone).is_empty(),
        };
        if !is_due {
            return End::All;
        }
        let is_asked = round.is_dry() || round.is_unbounded();
        if !is_asked && self.refused.contains_key(&object.id) {
            return End::All;
        }
        if !self.on_others && !round.is_own(name.writer_id()) {
            pass.others += u64::from(expiry.is_over(newest));
            return End::All;
        }
        let has_done_enough = !round.is_dry() && pass.has_done_enough();
        if has_done_enough {
            round.leave();
        }
        if has_done_enough || !round.takes_more() {
            self.next = pass.last.take().or_else(|| pass.behind.clone());
            return End::Here;
        }
        let due = Due { name, newest };
        pass.looked += 1;
        pass.began.get_or_insert_with(Instant::now);
        let done = self.file(&due, pass, round);
        let mut end = End::All;
        let refused = match &done {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => pass.refused + 1,
            _ => 0,
        };
        pass.refused = refused;
        match done {
            Ok(Outcome::Settled { gone, is_held }) => {
                let run = self.runs;
                let known = Known { gone, is_held, run };
                self.known.insert(object.id, known);
            }
            Ok(Outcome::Gone | Outcome::Later) => {}
            Err(error) => {
                let is_store = pass.keeper.take_failed();
                pass.failed += u32::from(is_store);
                if !is_store && refused > 0 && !round.is_dry() {
                    self.refused.insert(object.id, Instant::now());
                }
                // What the holds or somebody else have changed is the next run's.
                let is_refused = pass.refused == MAX_REFUSED;
                if is_refused {
                    round.leave();
                }
                if is_refused
                    || pass.failed == MAX_FAILED
                    || error.kind() == io::ErrorKind::Interrupted
                {
                    self.next = Some(due.name.clone());
                    end = End::Here;
                }
                round.failed(shown(&self.store, &due.name), error);
            }
        }
        pass.last = Some(due.name);
        end
    }

    fn file(&self, due: &Due, pass: &mut Pass<'_>, round: &mut Round<'_>) -> io::Result<Outcome> {
        let keeper = pass.keeper;
        let object = Arc::new(keeper.object(&due.name.to_string())?);
        let place = InStore {
            keeper,
            vfs: Arc::clone(&object) as _,
            object,
            shown: shown(&self.store, &due.name),
            local: (&*self.vfs, &self.root),
        };
        let mut file = File {
            place: &place,
            due,
            round,
            columns: pass.columns,
        };
        let done = file.run(pass.staging.as_deref_mut());
        done.map_err(|error| match keeper.is_still(&place.object) {
            // What was read of two states of it is no damage.
            Ok(false) => io::ErrorKind::Interrupted.into(),
            _ => error,
        })
    }
}

impl Upkeep for StoreUpkeep {
    fn run(&mut self, round: &mut Round<'_>) {
        let before = || (self.known.clone(), self.by.clone(), self.next.clone());
        let before = round.is_dry().then(before);
        let done = self.work(round);
        if let Some(before) = before {
            (self.known, self.by, self.next) = before;
        }
        if let Err(error) = done {
            round.failed(&self.store, error);
        }
    }
}

/// What one run needs for each object.
struct Pass<'a> {
    keeper: &'a Keeper,
    columns: &'a Columns,
    staging: Option<&'a mut Staging>,
    /// It goes on behind this one.
    behind: Option<ParquetFileName>,
    /// The last one that was looked after.
    last: Option<ParquetFileName>,
    ages: Ages,
    /// Objects of other logs that have expired as a whole.
    others: u64,
    failed: u32,
    /// Objects in a row that could not be looked after.
    refused: u32,
    looked: u32,
    /// When it looked after the first.
    began: Option<Instant>,
}

impl Pass<'_> {
    fn has_done_enough(&self) -> bool {
        let is_late = |began: Instant| began.elapsed() >= ROUND_TIME;
        self.looked >= ROUND_OBJECTS || self.began.is_some_and(is_late)
    }
}

/// Whether an object comes behind another in a run: its day is before the other's, or it has a greater
/// name of the same.
fn is_behind(name: &ParquetFileName, other: &ParquetFileName) -> bool {
    match name.date().cmp(other.date()) {
        Ordering::Less => true,
        Ordering::Equal => name > other,
        Ordering::Greater => false,
    }
}

fn shown(store: &Store, name: &ParquetFileName) -> String {
    format!("{store}/{name}")
}

/// What the objects of younger days say of those of older ones: one writer's are in the order of its
/// numbers, so one counts as at least as new as those before it, whatever the clock said.
#[derive(Debug, Default)]
struct Ages {
    /// The lowest number of a writer in younger days, and the end of the youngest.
    younger: BTreeMap<WriterId, (u64, Timestamp)>,
    /// The lowest of this day.
    of_day: BTreeMap<WriterId, u64>,
}

impl Ages {
    /// Returns what the newest event of an object is at most as new as; its day ends at `last`.
    fn newest(
        &mut self,
        name: &ParquetFileName,
        last: Timestamp,
        (own, began): (WriterId, Timestamp),
    ) -> Timestamp {
        let (writer, seq) = (name.writer_id(), name.first_seq());
        let lowest = self.of_day.entry(writer).or_insert(seq);
        *lowest = seq.min(*lowest);
        let newest = match self.younger.get(&writer) {
            Some((before, youngest)) if *before < seq => last.max(*youngest),
            _ => last,
        };
        match writer == own {
            true => newest.max(began),
            false => newest,
        }
    }

    fn end_of_day(&mut self, last: Timestamp) {
        for (writer, seq) in std::mem::take(&mut self.of_day) {
            let (before, _) = self.younger.entry(writer).or_insert((seq, last));
            *before = seq.min(*before);
        }
    }
}

/// An object of the store.
struct InStore<'a> {
    keeper: &'a Keeper,
    object: Arc<ObjectFile>,
    vfs: Arc<dyn Vfs>,
    shown: String,
    /// Where new files are made.
    local: (&'a dyn Vfs, &'a Path),
}

impl Place for InStore<'_> {
    fn vfs(&self) -> &Arc<dyn Vfs> {
        &self.vfs
    }

    fn root(&self) -> &Path {
        self.keeper.root()
    }

    fn shown(&self) -> String {
        self.shown.clone()
    }

    fn has_room(&self, bytes: u64) -> io::Result<()> {
        has_room(self.local.0, self.local.1, bytes)
    }

    fn delete(&self, round: &Round<'_>) -> io::Result<()> {
        was_there(round.unless_held(|| self.keeper.remove(&self.object))?)
    }

    fn replace(
        &self,
        round: &Round<'_>,
        (new, _): (&NewFile, u64),
        staging: &Staging,
    ) -> io::Result<()> {
        let file = staging.open_file(&new.path)?;
        let mut new = Some(self.keeper.stage(&self.object, file)?);
        let replaced = round.unless_held(|| match new.take() {
            Some(new) => self.keeper.replace(&self.object, new),
            None => Ok(false),
        });
        if let Some(new) = new {
            self.keeper.discard(new);
        }
        was_there(replaced?)
    }

    fn settle(&self) -> io::Result<()> {
        Ok(())
    }
}

/// # Errors
///
/// `Interrupted` when the object is another one by now.
fn was_there(was_there: bool) -> io::Result<()> {
    match was_there {
        true => Ok(()),
        false => Err(io::ErrorKind::Interrupted.into()),
    }
}
