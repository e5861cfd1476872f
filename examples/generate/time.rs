//! Time that does not depend on the machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use llm_audit::{Clock, Timestamp};

/// A clock that goes on when it is told to.
#[derive(Clone, Debug)]
pub(crate) struct Time {
    start_micros: i64,
    pace_micros: i64,
    passed_micros: Arc<AtomicI64>,
}

impl Time {
    pub(crate) fn at(start_micros: i64, pace_micros: i64) -> Self {
        Self {
            start_micros,
            pace_micros,
            passed_micros: Arc::default(),
        }
    }

    pub(crate) fn pass(&self, micros: i64) {
        self.passed_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Goes on to `micros`, unless it is later already.
    pub(crate) fn pass_to(&self, micros: i64) {
        self.pass((micros - self.now_micros()).max(0));
    }

    /// Lets a person take so much time, in units of the log's pace.
    pub(crate) fn pause(&self, units: u64) {
        self.pass(units as i64 * self.pace_micros);
    }

    pub(crate) fn now_micros(&self) -> i64 {
        self.start_micros + self.passed_micros.load(Ordering::Relaxed)
    }
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.now_micros())
    }

    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.passed_micros.load(Ordering::Relaxed).unsigned_abs())
    }
}
