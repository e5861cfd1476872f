//! When a sink that fails is asked again.

use std::time::Duration;

use super::counters::Breaker;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A sink that asks for a longer pause is asked again after this one.
const LONGEST_ASKED_PAUSE: Duration = Duration::from_secs(300);
/// Failures in a row after which a sink counts as down.
const TRIP_AFTER: u32 = 5;
/// Tries that a sink may cost beyond one for each batch.
const BUDGET: u32 = 100;
/// So many batches that are taken earn one such try.
const EARNED_BY: u32 = 10;

/// How often a batch is tried before it is lost to the sink.
const MOST_TRIES: u32 = 12;
/// How old a batch becomes before it is lost to the sink.
const OLDEST: Duration = Duration::from_secs(600);

/// How long a batch is tried before it is lost to a sink. With a journal, where it can wait, only
/// tries at which the sink panicked count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryLimits {
    pub(crate) tries: u32,
    pub(crate) age: Duration,
}

impl Default for RetryLimits {
    fn default() -> Self {
        Self {
            tries: MOST_TRIES,
            age: OLDEST,
        }
    }
}

/// Paces the tries of one sink: pauses that grow, a budget of tries, and a circuit breaker.
#[derive(Debug)]
pub(crate) struct Patience {
    /// In a row.
    failures: u32,
    /// In parts of a try.
    budget: u32,
    state: Breaker,
}

impl Patience {
    pub(crate) const fn new() -> Self {
        Self {
            failures: 0,
            budget: BUDGET * EARNED_BY,
            state: Breaker::Closed,
        }
    }

    pub(crate) const fn state(&self) -> Breaker {
        self.state
    }

    /// A try begins.
    pub(crate) const fn begin(&mut self) {
        if matches!(self.state, Breaker::Open) {
            self.state = Breaker::HalfOpen;
        }
    }

    /// The sink answered, and it was no failure of its own.
    pub(crate) fn succeed(&mut self) {
        self.failures = 0;
        self.budget = (self.budget + 1).min(BUDGET * EARNED_BY);
        self.state = Breaker::Closed;
    }

    /// Takes a try out of the budget; returns whether there was one.
    pub(crate) const fn spend(&mut self) -> bool {
        let left = self.budget.checked_sub(EARNED_BY);
        if let Some(left) = left {
            self.budget = left;
        }
        left.is_some()
    }

    /// Puts back tries that were no waste.
    pub(crate) fn refund(&mut self, tries: u32) {
        let budget = self.budget.saturating_add(tries.saturating_mul(EARNED_BY));
        self.budget = budget.min(BUDGET * EARNED_BY);
    }

    /// Returns the pause that was asked for, as far as it is kept, or `None` for none.
    pub(crate) fn rest(asked: Duration) -> Option<Duration> {
        (!asked.is_zero()).then(|| asked.min(LONGEST_ASKED_PAUSE))
    }

    /// A try failed; returns how long to wait before the next, at least as long as was asked for.
    ///
    /// Full jitter: anything from nothing to a bound that doubles with each failure. When the sink
    /// counts as down, or has no tries left, at least half of the bound.
    pub(crate) fn fail(&mut self, asked: Duration, random: u128) -> Duration {
        let has_budget = self.spend();
        let doubled = FIRST_PAUSE.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        if self.failures >= TRIP_AFTER {
            self.state = Breaker::Open;
        }
        let bound = if has_budget {
            doubled.min(LONGEST_PAUSE)
        } else {
            LONGEST_PAUSE
        };
        let least = match self.state {
            Breaker::Closed if has_budget => Duration::ZERO,
            _ => bound / 2,
        };
        let span = (bound - least).as_micros() + 1;
        let jitter = u64::try_from(random % span).unwrap_or(0);
        (least + Duration::from_micros(jitter)).max(asked.min(LONGEST_ASKED_PAUSE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: u128 = u128::MAX;

    #[test]
    fn pauses_grow_and_have_a_bound() {
        let mut patience = Patience::new();
        for bound in [200, 400, 800, 1_600] {
            let pause = patience.fail(Duration::ZERO, MOST);
            assert!(pause <= Duration::from_millis(bound), "{pause:?}");
        }
        for _ in 0..20 {
            assert!(patience.fail(Duration::ZERO, MOST) <= LONGEST_PAUSE);
        }
    }

    #[test]
    fn a_sink_that_keeps_failing_is_left_alone_and_then_tried_once() {
        let mut patience = Patience::new();
        for _ in 1..TRIP_AFTER {
            patience.fail(Duration::ZERO, 0);
            assert_eq!(patience.state(), Breaker::Closed);
        }
        let pause = patience.fail(Duration::ZERO, 0);
        assert_eq!(patience.state(), Breaker::Open);
        assert!(pause >= FIRST_PAUSE, "{pause:?}");
        patience.begin();
        assert_eq!(patience.state(), Breaker::HalfOpen);
        patience.fail(Duration::ZERO, 0);
        assert_eq!(patience.state(), Breaker::Open);
        patience.begin();
        patience.succeed();
        assert_eq!(patience.state(), Breaker::Closed);
    }

    #[test]
    fn a_sink_that_fails_every_other_time_runs_out_of_quick_tries() {
        let mut patience = Patience::new();
        let mut quick = 0;
        while patience.fail(Duration::ZERO, 0) < LONGEST_PAUSE / 2 {
            patience.succeed();
            quick += 1;
        }
        assert!((BUDGET..2 * BUDGET).contains(&quick), "{quick}");
    }

    #[test]
    fn a_pause_that_is_asked_for_is_kept_up_to_a_bound() {
        let asked = |asked| Patience::new().fail(asked, 0);
        assert_eq!(asked(Duration::from_secs(7)), Duration::from_secs(7));
        assert_eq!(asked(Duration::MAX), LONGEST_ASKED_PAUSE);
    }
}
