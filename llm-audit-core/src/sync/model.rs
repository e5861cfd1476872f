//! The primitives under a scheduler that chooses, at each of their operations, who goes on.
//!
//! Time is part of the schedule. A wait that is shorter than [`FOR_EVER`] may end at any moment, by
//! its time, which then has passed, or without a reason; a longer one ends only when it is told to,
//! so that a notification which does not come is a deadlock, and the scheduler sees it.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::{LockResult, PoisonError, TryLockError};
use std::time::Duration;

use shuttle::rand::{Rng, thread_rng};

use crate::clock::Clock;
use crate::timestamp::Timestamp;

pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
pub(crate) use shuttle::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
pub(crate) use shuttle::thread_local;

/// From here on a wait has no end of its own.
const FOR_EVER: Duration = Duration::from_secs(1);
/// Debug builds use more than the scheduler's default.
const STACK_BYTES: usize = 1 << 20;
/// Far more than any schedule of the tests takes: who gets here does not end.
const MOST_STEPS: usize = 200_000;

std::thread_local! {
    // Every modelled thread runs on the same thread of the system.
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Tries `schedules` orders of what `run` does: half of them at random, half with few changes of
/// thread. A failure prints the schedule, which `LLM_AUDIT_SCHEDULE` tries again.
#[expect(clippy::disallowed_methods, reason = "the schedule comes from outside")]
pub(crate) fn explore(schedules: usize, run: fn()) {
    use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};

    const DEPTH: usize = 3;
    let run = move || {
        NOW.set(Duration::ZERO);
        run();
    };
    let config = || {
        let mut config = shuttle::Config::new();
        config.stack_size = STACK_BYTES;
        config.max_steps = shuttle::MaxSteps::FailAfter(MOST_STEPS);
        config.silence_warnings = true;
        config
    };
    if let Ok(schedule) = std::env::var("LLM_AUDIT_SCHEDULE") {
        let scheduler = ReplayScheduler::new_from_encoded(&schedule);
        shuttle::Runner::new(scheduler, config()).run(run);
        return;
    }
    let asked = std::env::var("LLM_AUDIT_SCHEDULES").ok();
    let asked = asked.and_then(|asked| asked.parse().ok());
    let schedules = asked.unwrap_or(schedules);
    let schedulers: [Box<dyn Scheduler + Send>; 2] = [
        Box::new(RandomScheduler::new(schedules / 2)),
        Box::new(PctScheduler::new(DEPTH, schedules / 2)),
    ];
    for scheduler in schedulers {
        shuttle::Runner::new(scheduler, config()).run(run);
    }
}

/// The time of the schedule.
#[derive(Debug)]
pub(crate) struct ModelClock;

impl Clock for ModelClock {
    fn now(&self) -> Timestamp {
        let micros = NOW.get().as_micros().try_into();
        Timestamp::from_unix_micros(micros.unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        NOW.get()
    }
}

fn pass(time: Duration) {
    NOW.set(NOW.get() + time);
}

pub(crate) mod thread {
    pub(crate) use shuttle::thread::*;

    pub(crate) fn sleep(time: std::time::Duration) {
        super::pass(time);
        yield_now();
    }
}

#[derive(Default)]
pub(crate) struct Mutex<T: ?Sized>(shuttle::sync::Mutex<T>);

pub(crate) struct MutexGuard<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    guard: shuttle::sync::MutexGuard<'a, T>,
}

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(shuttle::sync::Mutex::new(value))
    }
}

impl<T: ?Sized> Mutex<T> {
    pub(crate) fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(MutexGuard { mutex: self, guard })
    }

    pub(crate) fn try_lock(
        &self,
    ) -> Result<MutexGuard<'_, T>, TryLockError<shuttle::sync::MutexGuard<'_, T>>> {
        self.0
            .try_lock()
            .map(|guard| MutexGuard { mutex: self, guard })
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mutex").finish_non_exhaustive()
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.guard.fmt(f)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Condvar(shuttle::sync::Condvar);

/// Whether a wait ended by its time.
pub(crate) struct TimedOut(bool);

impl TimedOut {
    pub(crate) const fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    pub(crate) const fn new() -> Self {
        Self(shuttle::sync::Condvar::new())
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        let MutexGuard { mutex, guard } = guard;
        let guard = self.0.wait(guard).unwrap_or_else(PoisonError::into_inner);
        Ok(MutexGuard { mutex, guard })
    }

    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        at_most: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, TimedOut)> {
        if at_most >= FOR_EVER {
            return Ok((lock_result(self.wait(guard)), TimedOut(false)));
        }
        let mutex = guard.mutex;
        drop(guard);
        thread::yield_now();
        let guard = lock_result(mutex.lock());
        let timed_out = thread_rng().r#gen();
        if timed_out {
            pass(at_most);
        }
        Ok((guard, TimedOut(timed_out)))
    }

    pub(crate) fn wait_timeout_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        at_most: Duration,
        mut go_on: impl FnMut(&mut T) -> bool,
    ) -> LockResult<(MutexGuard<'a, T>, TimedOut)> {
        let mut timed_out = TimedOut(false);
        while go_on(&mut guard) && !timed_out.0 {
            (guard, timed_out) = lock_result(self.wait_timeout(guard, at_most));
        }
        Ok((guard, timed_out))
    }
}

fn lock_result<T>(result: LockResult<T>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}

/// Runs the futures of one thread.
pub(crate) struct Runtime(());

impl Runtime {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(()))
    }

    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        shuttle::future::block_on(future)
    }
}

/// Returns the number of the calling thread.
pub(crate) fn thread_number() -> Option<usize> {
    Some(shuttle::current::me().into())
}
