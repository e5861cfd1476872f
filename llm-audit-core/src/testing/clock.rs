//! Time that a test moves by hand.

use std::time::Duration;

use crate::clock::Clock;
use crate::sync::{Arc, Mutex, lock};
use crate::timestamp::Timestamp;

/// A clock that stands still until a test moves it. Clones share the time.
///
/// Timeouts of [`Audit::flush`](crate::Audit::flush) and
/// [`Audit::shutdown`](crate::Audit::shutdown), and the pauses between tries of a sink, pass in real
/// time all the same: a test never hangs because nobody moves the clock.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use llm_audit_core::testing::{ManualClock, probe_with};
/// use llm_audit_core::{Field, Operation, Policy, Preset, builder};
///
/// let clock = ManualClock::new();
/// let policy = Policy::preset(Preset::Operations)?;
/// let (audit, probe) = probe_with(builder().policy(policy).clock(clock.clone()))?;
/// let call = audit.begin(Operation::Chat);
/// clock.advance(Duration::from_millis(250));
/// call.finish();
/// probe.one().field(Field::LatencyUs, 250_000);
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<Times>>);

#[derive(Debug)]
struct Times {
    now: Timestamp,
    monotonic: Duration,
}

/// 2026-01-01T00:00:00Z.
const START_MICROS: i64 = 1_767_225_600_000_000;

impl ManualClock {
    /// Returns a clock that stands at 2026-01-01T00:00:00Z; its monotonic time stands at zero.
    pub fn new() -> Self {
        Self::at(Timestamp::from_unix_micros(START_MICROS))
    }

    /// Returns a clock that stands at `now`; its monotonic time stands at zero.
    pub fn at(now: Timestamp) -> Self {
        let monotonic = Duration::ZERO;
        Self(Arc::new(Mutex::new(Times { now, monotonic })))
    }

    /// Lets time pass: both times go on by `time`.
    pub fn advance(&self, time: Duration) {
        let mut times = lock(&self.0);
        let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        times.now = moved(times.now, micros);
        times.monotonic = times.monotonic.saturating_add(time);
    }

    /// Moves the time of day by `micros` microseconds, backwards where negative, and leaves the
    /// monotonic time: what happens when somebody sets the clock.
    pub fn jump(&self, micros: i64) {
        let mut times = lock(&self.0);
        times.now = moved(times.now, micros);
    }
}

fn moved(at: Timestamp, micros: i64) -> Timestamp {
    Timestamp::from_unix_micros(at.as_unix_micros().saturating_add(micros))
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        lock(&self.0).now
    }

    fn monotonic(&self) -> Duration {
        lock(&self.0).monotonic
    }
}
