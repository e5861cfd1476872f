//! Whether the time of day can be believed, before anything is deleted by it.
//!
//! A clock that jumps forward makes everything look expired. So the time of day is compared with
//! the monotonic clock from look to look. A jump of more than a day is not believed until the clock
//! has stood by it for a day of monotonic time; until then time goes on from where it was believed.
//! A clock that goes back is believed at once: it deletes less.
//!
//! The first look of a process has no earlier one to compare with. The dates in the names of the
//! segments stand in for it: they are days on which a clock was looked at. The present date is
//! believed when the dates before it follow without a gap for two days, or when there are none.
//! Otherwise deletion goes by the last date before the gap. So a program that runs once a week
//! deletes one run late, and one that starts under a wrong clock, however often, deletes nothing. A
//! date that stands alone more than half a year after the one before may itself come from a wrong
//! clock, and is passed over.

use std::time::Duration;

use super::name::Day;
use crate::timestamp::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Clocks that are wrong are wrong by years; programs that run now and then do so more often.
const LONGEST_GAP_DAYS: i64 = 180;

/// Compares the time of day with the monotonic clock.
#[derive(Debug)]
pub(crate) struct ClockWatch {
    /// What the clocks showed at the last look.
    now: Timestamp,
    monotonic: Duration,
    /// The time that is believed.
    believed: Timestamp,
    /// Since when the clock shows a time that is not believed.
    doubted: Option<Duration>,
}

impl ClockWatch {
    /// Begins with the dates on which segments were opened before.
    pub(crate) fn new(now: Timestamp, monotonic: Duration, mut days: Vec<Day>) -> Self {
        let today = Day::of(now);
        days.retain(|day| *day < today);
        days.push(today);
        days.sort_unstable();
        let (since, mut before) = last_run(&days, today);
        let mut doubtful = before.last().filter(|_| today.days_since(since) < 2);
        while let Some(day) = doubtful {
            let (since, earlier) = last_run(before, *day);
            let alone = day.days_since(since) < 2;
            match earlier.last() {
                Some(last) if alone && since.days_since(*last) > LONGEST_GAP_DAYS => {
                    (before, doubtful) = (earlier, Some(last));
                }
                _ => break,
            }
        }
        Self {
            now,
            monotonic,
            believed: doubtful.map_or(now, |day| day.end().min(now)),
            doubted: doubtful.map(|_| monotonic),
        }
    }

    /// Looks at the clocks and returns the time to delete by, which is never later than `now`.
    pub(crate) fn look(&mut self, now: Timestamp, monotonic: Duration) -> Timestamp {
        let elapsed = monotonic.saturating_sub(self.monotonic);
        self.believed = later(self.believed, elapsed);
        if now > later(self.now, elapsed + DAY) {
            self.doubted = Some(monotonic);
        } else if now <= later(self.believed, DAY)
            || self
                .doubted
                .is_some_and(|since| monotonic.saturating_sub(since) >= DAY)
        {
            self.doubted = None;
        }
        if self.doubted.is_none() {
            self.believed = now;
        }
        (self.now, self.monotonic) = (now, monotonic);
        self.believed.min(now)
    }

    /// Believes the clock as it is, because a person says so.
    pub(crate) const fn confirm(&mut self) {
        self.believed = self.now;
        self.doubted = None;
    }

    /// Returns whether the last look is not believed.
    pub(crate) const fn is_doubted(&self) -> bool {
        self.doubted.is_some()
    }
}

/// Returns the first of the days that lead up to `last`, the last of `days`, without a gap, and the
/// days before those.
fn last_run(days: &[Day], last: Day) -> (Day, &[Day]) {
    let mut since = last;
    let mut before = days;
    while let Some((day, earlier)) = before.split_last() {
        if since.days_since(*day) > 1 {
            break;
        }
        (since, before) = (*day, earlier);
    }
    (since, before)
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_unix_micros(at.as_unix_micros().saturating_add(by))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn at(text: &str) -> Timestamp {
        format!("{text}:00Z").parse().unwrap()
    }

    fn days(texts: &[&str]) -> Vec<Day> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_steady_clock_is_believed() {
        let mut watch = ClockWatch::new(at("2026-01-01T00:00"), HOUR, vec![]);
        assert_eq!(
            watch.look(at("2026-01-03T00:00"), HOUR * 49),
            at("2026-01-03T00:00")
        );
        assert!(!watch.is_doubted());
    }

    #[test]
    fn a_jump_forward_is_believed_after_a_day_of_standing_by_it() {
        let mut watch = ClockWatch::new(at("2026-01-01T00:00"), HOUR, vec![]);
        assert_eq!(
            watch.look(at("2027-01-01T01:00"), HOUR * 2),
            at("2026-01-01T01:00")
        );
        assert_eq!(
            watch.look(at("2027-01-01T13:00"), HOUR * 14),
            at("2026-01-01T13:00")
        );
        assert!(watch.is_doubted());
        assert_eq!(
            watch.look(at("2027-01-02T01:00"), HOUR * 26),
            at("2027-01-02T01:00")
        );
    }

    #[test]
    fn a_clock_that_jumps_back_is_believed_at_once() {
        let mut watch = ClockWatch::new(at("2026-01-01T00:00"), HOUR, vec![]);
        watch.look(at("2027-01-01T01:00"), HOUR * 2);
        assert_eq!(
            watch.look(at("2026-01-01T03:00"), HOUR * 4),
            at("2026-01-01T03:00")
        );
        assert_eq!(
            watch.look(at("2025-01-01T00:00"), HOUR * 5),
            at("2025-01-01T00:00")
        );
        assert!(!watch.is_doubted());
    }

    #[test]
    fn a_start_long_after_the_last_segment_goes_by_that_segment() {
        let mut watch = ClockWatch::new(
            at("2026-06-15T12:00"),
            HOUR,
            days(&["20260601", "20260608", "20260615"]),
        );
        assert_eq!(
            watch.look(at("2026-06-15T12:00"), HOUR),
            at("2026-06-09T00:00")
        );
    }

    #[test]
    fn restarts_under_a_wrong_clock_confirm_nothing() {
        let witnesses = days(&["20260601", "20270601", "20270601"]);
        let mut watch = ClockWatch::new(at("2027-06-01T12:00"), HOUR, witnesses);
        assert_eq!(
            watch.look(at("2027-06-01T12:00"), HOUR),
            at("2026-06-02T00:00")
        );
        watch.confirm();
        assert_eq!(
            watch.look(at("2027-06-01T12:00"), HOUR),
            at("2027-06-01T12:00")
        );
    }

    #[test]
    fn restarts_under_two_wrong_clocks_confirm_nothing() {
        let witnesses = days(&["20260531", "20260601", "20270601"]);
        let mut watch = ClockWatch::new(at("2028-06-01T12:00"), HOUR, witnesses);
        assert_eq!(
            watch.look(at("2028-06-01T12:00"), HOUR),
            at("2026-06-02T00:00")
        );
    }

    #[test]
    fn dates_that_follow_each_other_are_believed() {
        let witnesses = days(&["20260101", "20260613", "20260614", "20260615"]);
        let mut watch = ClockWatch::new(at("2026-06-15T12:00"), HOUR, witnesses);
        assert_eq!(
            watch.look(at("2026-06-15T12:00"), HOUR),
            at("2026-06-15T12:00")
        );
    }
}
