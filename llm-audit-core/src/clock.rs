//! Time, injected.

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use crate::timestamp::Timestamp;

/// Where the log reads the time.
///
/// [`SystemClock`] is the default; tests inject their own.
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use llm_audit_core::{Clock, SystemClock, Timestamp};
///
/// /// The system's clock, a day late.
/// #[derive(Debug)]
/// struct Yesterday(SystemClock);
///
/// impl Clock for Yesterday {
///     fn now(&self) -> Timestamp {
///         self.0.now().minus_days(1)
///     }
///
///     fn monotonic(&self) -> Duration {
///         self.0.monotonic()
///     }
/// }
///
/// let clock = Yesterday(SystemClock::new());
/// assert!(clock.now() < SystemClock::new().now());
/// ```
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the time of day in UTC. It may jump, also backwards.
    fn now(&self) -> Timestamp;

    /// Returns the time since some fixed moment. It never goes back.
    fn monotonic(&self) -> Duration;
}

/// The operating system's clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Returns the clock; its monotonic time starts at zero.
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock"
    )]
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}
