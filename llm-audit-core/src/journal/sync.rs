//! Makes written events survive a power cut, on a thread of its own.
//!
//! The thread `llm-audit-sync` calls `fdatasync` and the directory's `fsync`, nothing else, so that
//! a slow disk delays nobody who does not wait for it. It works at once for those who wait (after a
//! linger that gathers others), else every second or 8 MiB.
//!
//! A file whose synchronisation failed is never synchronised again: the operating system drops the
//! dirty pages with the error, and a second call would say yes to data that is gone. Its events are
//! owed: the writer writes them to another file, once. When that fails too, they are in
//! [`SyncStatus::failed`].

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::repair::without;
use super::scan::retry;
use crate::clock::Clock;
use crate::error::Error;
use crate::sync::{Arc, Condvar, Mutex, MutexGuard, lock, thread};
use crate::vfs::{Vfs, VfsFile};

const INTERVAL: Duration = Duration::from_secs(1);
const INTERVAL_BYTES: u64 = 8 << 20;
/// So many ranges of events that two files did not take are told apart.
const MOST_FAILED: usize = 64;
/// Nothing is dirty: only a signal ends the wait.
const IDLE: Duration = Duration::from_secs(3_600);

/// What the disk has promised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SyncStatus {
    /// Every event up to this number that was written survives a power cut, save those in `failed`.
    pub(crate) up_to: Option<u64>,
    /// Events in files whose synchronisation failed: they may be lost with the next power cut. Of
    /// the oldest, where they begin and end.
    pub(crate) failed: Vec<RangeInclusive<u64>>,
    /// Events whose file failed, and that no other file has confirmed yet.
    pub(crate) owed: Vec<Owed>,
    /// Whether the last pass failed somewhere, or events are owed. Until that is over there is a pass
    /// each second.
    pub(crate) failing: bool,
    /// How often the directory could not be synchronised.
    pub(crate) dir_errors: u64,
}

/// Events to be confirmed by another file than the one that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owed {
    pub(crate) events: RangeInclusive<u64>,
    /// Whether they are in another file.
    rewritten: bool,
}

/// A handle to the synchronisation of one journal. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Syncer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    vfs: Arc<dyn Vfs>,
    clock: Arc<dyn Clock>,
    dir: PathBuf,
    /// How long a pass waits for more who wait.
    linger: Duration,
    state: Mutex<State>,
    /// Signalled when there is work.
    work: Condvar,
    /// Signalled when a pass is over.
    done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    status: SyncStatus,
    files: Vec<Target>,
    dir_dirty: bool,
    /// Whether the directory could not be synchronised last time.
    dir_failed: bool,
    /// Highest number in any file so far.
    written: Option<u64>,
    bytes: u64,
    /// When the oldest unsynchronised byte was written.
    since: Option<Duration>,
    /// Passes begun and finished, and the one that somebody waits for.
    begun: u64,
    finished: u64,
    wanted: u64,
    threaded: bool,
    closed: bool,
    /// The highest number that was written when it was closed.
    closed_at: Option<u64>,
}

#[derive(Clone, Debug)]
struct Target {
    file: Arc<dyn VfsFile>,
    /// The events in it that are not synchronised.
    events: Option<RangeInclusive<u64>>,
    dirty: bool,
    poisoned: bool,
}

impl Syncer {
    pub(crate) fn new(
        vfs: Arc<dyn Vfs>,
        clock: Arc<dyn Clock>,
        dir: PathBuf,
        linger: Duration,
    ) -> Self {
        let shared = Shared {
            vfs,
            clock,
            dir,
            linger,
            state: Mutex::default(),
            work: Condvar::new(),
            done: Condvar::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Starts the thread. Without it, those who wait do the work.
    pub(crate) fn spawn(&self) -> Result<thread::JoinHandle<()>, Error> {
        self.state().threaded = true;
        let syncer = self.clone();
        thread::Builder::new()
            .name("llm-audit-sync".to_owned())
            .spawn(move || syncer.run())
            .map_err(|source| {
                self.state().threaded = false;
                Error::io("failed to start the thread `llm-audit-sync`", source)
            })
    }

    /// Tells that bytes, and with them `events`, are in `file` and not yet synchronised.
    pub(crate) fn wrote(
        &self,
        file: &Arc<dyn VfsFile>,
        events: Option<RangeInclusive<u64>>,
        bytes: u64,
    ) {
        let mut state = self.state();
        let last = events.as_ref().map(|events| *events.end());
        state.written = state.written.max(last);
        let known = state
            .files
            .iter_mut()
            .find(|target| Arc::ptr_eq(&target.file, file));
        match known {
            Some(target) => {
                target.dirty = true;
                target.events = join(target.events.take(), events.clone());
            }
            None => state.files.push(Target {
                file: Arc::clone(file),
                events: events.clone(),
                dirty: true,
                poisoned: false,
            }),
        }
        if let Some(events) = events.filter(|_| self.poisoned(&state, file)) {
            state.owe(events);
        }
        state.bytes += bytes;
        if state.since.is_none() || state.bytes >= INTERVAL_BYTES {
            self.mark(&mut state);
        }
    }

    /// Tells that a name in the directory was created, renamed or removed.
    pub(crate) fn changed_dir(&self) {
        let mut state = self.state();
        state.dir_dirty = true;
        self.mark(&mut state);
    }

    /// Returns whether a synchronisation of `file` failed: it must not be written to any more.
    pub(crate) fn is_poisoned(&self, file: &Arc<dyn VfsFile>) -> bool {
        self.poisoned(&self.state(), file)
    }

    /// Returns the number of the last pass that is over, or `None` while the directory or `file` is not
    /// in order.
    pub(crate) fn passed(&self, file: &Arc<dyn VfsFile>) -> Option<u64> {
        let state = self.state();
        let is_good = !state.dir_failed && !self.poisoned(&state, file);
        is_good.then_some(state.finished)
    }

    /// Returns the number of the pass that takes in all that was told up to now.
    pub(crate) fn next_pass(&self) -> u64 {
        self.state().begun + 1
    }

    /// Returns what the disk has promised so far.
    pub(crate) fn status(&self) -> SyncStatus {
        self.state().status.clone()
    }

    /// Returns the events that are to be written to another file, and takes them as written there.
    pub(crate) fn take_owed(&self) -> Vec<RangeInclusive<u64>> {
        let mut state = self.state();
        let owed = state.status.owed.iter_mut().filter(|owed| !owed.rewritten);
        owed.map(|owed| {
            owed.rewritten = true;
            owed.events.clone()
        })
        .collect()
    }

    /// Tells that events of a failed file could not be written to another one.
    pub(crate) fn give_up(&self, events: RangeInclusive<u64>) {
        let mut state = self.state();
        state.status.owed.retain(|owed| owed.events != events);
        state.status.fail(events);
    }

    /// Waits until everything that was written before the call is synchronised.
    ///
    /// # Errors
    ///
    /// When `timeout` passes first, or a file with some of the events could not be synchronised.
    pub(crate) fn sync(&self, timeout: Duration) -> Result<SyncStatus, Error> {
        let mut state = self.state();
        if !state.threaded {
            drop(self.pass(state));
            return self.answer(&self.state());
        }
        let deadline = self.shared.clock.monotonic().saturating_add(timeout);
        // A pass that has begun may have missed the last write.
        let wanted = state.begun + 1;
        state.wanted = wanted;
        self.shared.work.notify_one();
        let mut timed_out = timeout.is_zero();
        while state.finished < wanted {
            if timed_out {
                let within = match timeout {
                    Duration::ZERO => "in the time that was left".to_owned(),
                    timeout => format!("within {timeout:?}"),
                };
                return Err(Error::timeout(format!(
                    "journal `{}` was not synchronised {within}",
                    self.shared.dir.display()
                )));
            }
            let left = deadline.saturating_sub(self.shared.clock.monotonic());
            (state, timed_out) = wait(&self.shared.done, state, left);
        }
        self.answer(&state)
    }

    /// Ends the thread after the pass under way, and lets go of all files: what is not synchronised
    /// by then is never promised.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.closed_at = state.closed_at.max(state.written);
        state.files.clear();
        state.written = state.status.up_to;
        self.shared.work.notify_all();
    }

    fn answer(&self, state: &State) -> Result<SyncStatus, Error> {
        let status = state.status.clone();
        // What a journal left behind when it was let go of is in nobody's hands.
        let is_left = state.closed_at > status.up_to;
        if status.failed.is_empty() && status.owed.is_empty() && !state.dir_failed && !is_left {
            return Ok(status);
        }
        Err(Error::io(
            format!(
                "journal `{}` could not be synchronised; its newest events may not survive a power \
                 cut",
                self.shared.dir.display()
            ),
            std::io::Error::other("fdatasync failed"),
        ))
    }

    fn run(&self) {
        let mut state = self.state();
        while !state.closed || state.is_awaited() {
            let age = state
                .since
                .map(|since| self.shared.clock.monotonic().saturating_sub(since));
            if state.is_awaited() {
                drop(state);
                thread::sleep(self.shared.linger);
                state = self.pass(self.state());
            } else if state.bytes >= INTERVAL_BYTES || age.is_some_and(|age| age >= INTERVAL) {
                state = self.pass(state);
            } else {
                let left = age.map_or(IDLE, |age| INTERVAL.saturating_sub(age));
                (state, _) = wait(&self.shared.work, state, left);
            }
        }
        state.threaded = false;
        self.shared.done.notify_all();
    }

    /// Synchronises everything that is dirty; the lock is not held meanwhile.
    fn pass<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.begun += 1;
        let pass = state.begun;
        let written = state.written;
        let dir_dirty = std::mem::take(&mut state.dir_dirty);
        state.bytes = 0;
        state.since = None;
        let mut targets = Vec::new();
        for target in &mut state.files {
            if std::mem::take(&mut target.dirty) && !target.poisoned {
                targets.push((Arc::clone(&target.file), target.events.take()));
            }
        }
        drop(state);

        let dir_failed = dir_dirty && retry(|| self.shared.vfs.sync_dir(&self.shared.dir)).is_err();
        let (mut failed, mut confirmed) = (Vec::new(), Vec::new());
        let worked = dir_dirty || !targets.is_empty();
        for (file, events) in targets {
            // Not even an interrupted call is repeated: the pages may be gone already.
            match file.sync_data() {
                Ok(()) => confirmed.extend(events.map(|events| (file, events))),
                Err(_) => failed.push((file, events)),
            }
        }

        let mut state = self.state();
        let any_failed = dir_failed || !failed.is_empty();
        for (file, events) in failed {
            state.poison(&file, events);
        }
        if dir_failed {
            // A file whose name may be gone confirms nothing: it comes again with the directory.
            confirmed
                .drain(..)
                .for_each(|(file, events)| state.again(&file, events));
        }
        let holds = |owed: &Owed| {
            let mut confirmed = confirmed.iter();
            owed.rewritten && confirmed.any(|(_, events)| covers(events, &owed.events))
        };
        state.status.owed.retain(|owed| !holds(owed));
        if worked {
            state.status.failing = any_failed || !state.status.owed.is_empty();
        }
        if state.status.failing {
            // Perhaps nothing else will ask the disk again, for who waits for it is refused.
            state.dir_dirty = true;
            self.mark(&mut state);
        }
        state.dir_failed = dir_failed;
        if dir_failed {
            state.status.dir_errors += 1;
        } else {
            state.status.up_to = written;
        }
        // Files that are no longer written to are held by nobody else.
        state
            .files
            .retain(|target| target.dirty || Arc::strong_count(&target.file) > 1);
        state.finished = pass;
        self.shared.done.notify_all();
        state
    }

    fn mark(&self, state: &mut State) {
        let now = self.shared.clock.monotonic();
        state.since.get_or_insert(now);
        self.shared.work.notify_one();
    }

    fn poisoned(&self, state: &State, file: &Arc<dyn VfsFile>) -> bool {
        let mut files = state.files.iter();
        files.any(|target| target.poisoned && Arc::ptr_eq(&target.file, file))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }
}

impl State {
    /// Whether someone waits who came after the last pass began.
    const fn is_awaited(&self) -> bool {
        self.wanted > self.begun
    }

    fn again(&mut self, file: &Arc<dyn VfsFile>, events: RangeInclusive<u64>) {
        let mut files = self.files.iter_mut();
        if let Some(target) = files.find(|target| Arc::ptr_eq(&target.file, file)) {
            target.dirty = true;
            target.events = join(target.events.take(), Some(events));
        }
    }

    fn poison(&mut self, file: &Arc<dyn VfsFile>, events: Option<RangeInclusive<u64>>) {
        let known = self
            .files
            .iter_mut()
            .find(|target| Arc::ptr_eq(&target.file, file));
        let later = known.and_then(|target| {
            target.poisoned = true;
            target.dirty = false;
            target.events.take()
        });
        if let Some(events) = join(events, later) {
            self.owe(events);
        }
    }

    /// Has `events` written to another file, save those that were already: they are given up.
    fn owe(&mut self, events: RangeInclusive<u64>) {
        let mut first_time = vec![events.clone()];
        let mut failed = Vec::new();
        self.status.owed.retain(|owed| {
            let again = owed.rewritten && covers(&events, &owed.events);
            if again {
                let outside = |range| without(&range, &owed.events);
                first_time = std::mem::take(&mut first_time)
                    .into_iter()
                    .flat_map(outside)
                    .collect();
                failed.push(owed.events.clone());
            }
            !again
        });
        for events in failed {
            self.status.fail(events);
        }
        let rewritten = false;
        let owed = first_time.into_iter();
        let owed = owed.map(|events| Owed { events, rewritten });
        self.status.owed.extend(owed);
    }
}

impl SyncStatus {
    /// Returns whether the event, which is written, survives a power cut; `None` while that is
    /// open.
    pub(crate) fn is_synced(&self, seq: u64) -> Option<bool> {
        self.are_synced(&(seq..=seq))
    }

    /// Returns whether all of these events survive a power cut, of which the first and the last are
    /// written; `None` while that is open.
    pub(crate) fn are_synced(&self, seqs: &RangeInclusive<u64>) -> Option<bool> {
        let meets = |events: &RangeInclusive<u64>| {
            events.start() <= seqs.end() && seqs.start() <= events.end()
        };
        if self.failed.iter().any(meets) {
            return Some(false);
        }
        let is_owed = self.owed.iter().any(|owed| meets(&owed.events));
        (!is_owed && self.up_to.is_some_and(|up_to| up_to >= *seqs.end())).then_some(true)
    }

    /// Returns the highest number such that everything written up to it survives a power cut.
    pub(crate) fn durable_to(&self) -> Option<u64> {
        self.before(self.failed.iter().map(RangeInclusive::start))
    }

    /// Returns the highest number such that nothing up to it will be written again.
    pub(crate) fn settled_to(&self) -> Option<u64> {
        self.before([].iter())
    }

    /// Notes events that may be lost with the next power cut. A disk that goes on to fail must not
    /// take the memory of the host: of the oldest ones the outline is enough, their waiters have had
    /// an answer long ago.
    fn fail(&mut self, events: RangeInclusive<u64>) {
        let at = |failed: &RangeInclusive<u64>| failed.start() < events.start();
        self.failed.insert(self.failed.partition_point(at), events);
        let mut joined: Vec<RangeInclusive<u64>> = Vec::new();
        let outlined = self.failed.len().saturating_sub(MOST_FAILED);
        for (index, events) in self.failed.drain(..).enumerate() {
            match joined.last_mut() {
                Some(last)
                    if index <= outlined || *events.start() <= last.end().saturating_add(1) =>
                {
                    *last = *last.start()..=*last.end().max(events.end());
                }
                _ => joined.push(events),
            }
        }
        self.failed = joined;
    }

    fn before<'a>(&'a self, open: impl Iterator<Item = &'a u64>) -> Option<u64> {
        let owed = self.owed.iter().map(|owed| owed.events.start());
        let first = open.chain(owed).min().copied().unwrap_or(u64::MAX);
        self.up_to.map(|up_to| up_to.min(first.saturating_sub(1)))
    }
}

fn covers(events: &RangeInclusive<u64>, part: &RangeInclusive<u64>) -> bool {
    events.contains(part.start()) && events.contains(part.end())
}

fn join(
    a: Option<RangeInclusive<u64>>,
    b: Option<RangeInclusive<u64>>,
) -> Option<RangeInclusive<u64>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(*a.start().min(b.start())..=*a.end().max(b.end())),
        (a, b) => a.or(b),
    }
}

/// Waits for a signal; also returns whether the time passed without one.
fn wait<'a>(
    condvar: &Condvar,
    state: MutexGuard<'a, State>,
    left: Duration,
) -> (MutexGuard<'a, State>, bool) {
    let (state, result) = condvar
        .wait_timeout(state, left)
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    (state, result.timed_out())
}
