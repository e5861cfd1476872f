//! How much of one event is redacted, in bytes and in time.

use std::fmt;
use std::time::Duration;

use crate::clock::Clock;
use crate::sync::Arc;

/// What the redaction of one event may cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Bytes of content, and as many of everything else.
    max_bytes: usize,
    /// For content.
    max_time: Duration,
}

const DEFAULT_MAX_BYTES: usize = 32 << 20;
const DEFAULT_MAX_TIME: Duration = Duration::from_secs(5);

impl Budget {
    pub(super) fn new(max_bytes: Option<usize>, max_time: Option<Duration>) -> Self {
        Self {
            max_bytes: max_bytes.unwrap_or(DEFAULT_MAX_BYTES),
            max_time: max_time.unwrap_or(DEFAULT_MAX_TIME),
        }
    }

    pub(super) const fn limits(&self) -> (usize, Duration) {
        (self.max_bytes, self.max_time)
    }
}

/// What is left of the budget of one event.
pub(super) struct Meter {
    budget: Budget,
    content: usize,
    other: usize,
    watch: Option<Watch>,
}

struct Watch {
    clock: Arc<dyn Clock>,
    start: Duration,
}

impl Meter {
    /// Returns the meter of an event whose redaction begins now; without a clock its time is not
    /// measured.
    pub(super) fn new(budget: Budget, clock: Option<Arc<dyn Clock>>) -> Self {
        Self {
            budget,
            content: 0,
            other: 0,
            watch: clock.map(|clock| Watch {
                start: clock.monotonic(),
                clock,
            }),
        }
    }

    /// Takes the bytes of a text, and returns whether it may be redacted. One that may not takes
    /// nothing from those behind it.
    pub(super) fn take(&mut self, bytes: usize, is_content: bool) -> bool {
        if is_content && self.is_late() {
            return false;
        }
        let used = match is_content {
            true => &mut self.content,
            false => &mut self.other,
        };
        let sum = used.saturating_add(bytes);
        if sum > self.budget.max_bytes {
            return false;
        }
        *used = sum;
        true
    }

    /// Returns whether the time is over.
    pub(super) fn is_late(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| {
            let spent = watch.clock.monotonic().saturating_sub(watch.start);
            spent > self.budget.max_time
        })
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter")
            .field("content", &self.content)
            .field("other", &self.other)
            .finish_non_exhaustive()
    }
}
