//! How long a receiver asks to be left alone (RFC 9110, section 10.2.3).

use std::time::{Duration, SystemTime};

use llm_audit_core::Timestamp;

/// What a sink asks its log for at most; the log itself has a lower bound. It keeps every sum of
/// times within its range.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// Returns the pause that a header `Retry-After` asks for, in seconds or until a date; nothing when
/// it is neither.
///
/// A date is compared with the answer's own `date`, so that the clocks of both may differ, and
/// without that with `now`.
pub(super) fn parse(value: &str, date: Option<&str>, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds ask for longer than anything else.
        let seconds = value.parse().map_or(LONGEST, Duration::from_secs);
        return Some(seconds.min(LONGEST));
    }
    let until = unix_seconds(value)?;
    let from = date.and_then(|date| unix_seconds(date.trim()));
    let from = from.unwrap_or_else(|| now.as_unix_micros().div_euclid(1_000_000));
    let seconds = u64::try_from(until.saturating_sub(from)).unwrap_or(0);
    Some(Duration::from_secs(seconds).min(LONGEST))
}

/// Returns the time of an HTTP-date, in any of its three forms.
fn unix_seconds(date: &str) -> Option<i64> {
    let date = httpdate::parse_http_date(date).ok()?;
    let since = date.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sun, 22 Nov 2026 04:00:00 GMT.
    const NOW: i64 = 1_795_320_000;

    fn parse_at(value: &str, date: Option<&str>) -> Option<Duration> {
        parse(value, date, Timestamp::from_unix_micros(NOW * 1_000_000))
    }

    fn seconds(value: &str) -> Option<u64> {
        parse_at(value, None).map(|pause| pause.as_secs())
    }

    #[test]
    fn seconds_and_each_form_of_a_date_are_understood() {
        for (value, pause) in [
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("0", Some(0)),
            ("Sun, 22 Nov 2026 04:00:30 GMT", Some(30)),
            ("Sunday, 22-Nov-26 04:01:00 GMT", Some(60)),
            ("Sun Nov 22 04:02:00 2026", Some(120)),
            ("Sun, 22 Nov 2026 03:00:00 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(24 * 3_600)),
            ("99999999999999999999999999", Some(24 * 3_600)),
            ("", None),
            ("-5", None),
            ("1.5", None),
            ("+5", None),
            ("soon", None),
            ("Sun, 99 Nov 2026 04:00:30 GMT", None),
        ] {
            assert_eq!(seconds(value), pause, "{value}");
        }
    }

    #[test]
    fn a_date_is_measured_by_the_clock_of_who_wrote_it() {
        let until = "Sun, 22 Nov 2026 09:00:10 GMT";
        let date = Some("Sun, 22 Nov 2026 09:00:00 GMT");
        assert_eq!(parse_at(until, date), Some(Duration::from_secs(10)));
        assert_eq!(
            parse_at(until, Some("?")),
            Some(Duration::from_secs(18_010))
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_a_pause_without_a_bound(value in "\\PC*", date in "\\PC*", now: i64) {
            let now = Timestamp::from_unix_micros(now);
            let pause = parse(&value, Some(&date), now);
            prop_assert!(pause.is_none_or(|pause| pause <= LONGEST));
        }

        #[test]
        fn every_date_that_can_be_written_is_read(at in 0_i64..253_402_300_799, skew in 0_i64..100_000) {
            let time = |seconds: i64| {
                let since = Duration::from_secs(u64::try_from(seconds).unwrap());
                httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since)
            };
            let until = (at + skew).min(253_402_300_799);
            let pause = parse_at(&time(until), Some(&time(at))).unwrap();
            let asked = Duration::from_secs(u64::try_from(until - at).unwrap());
            prop_assert_eq!(pause, asked.min(LONGEST));
        }
    }
}
