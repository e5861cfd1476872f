//! Moments, in UTC microseconds.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::Error;

/// A moment in UTC with a resolution of one microsecond.
///
/// `Display` prints RFC 3339 with six digits of fraction and `Z`, the one form that is written to
/// the log; `FromStr` reads that form, with one to nine digits of fraction or none.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use llm_audit_core::Timestamp;
///
/// let at: Timestamp = "2026-01-31T09:30:00Z".parse()?;
/// assert_eq!(at.to_string(), "2026-01-31T09:30:00.000000Z");
/// assert_eq!(Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_micros(7)).as_unix_micros(), 7);
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// 9999-12-31T23:59:59.999999Z, the last moment that RFC 3339 can write.
const MAX_MICROS: i64 = 253_402_300_799_999_999;
/// 0000-01-01T00:00:00.000000Z, the first.
const MIN_MICROS: i64 = -62_167_219_200_000_000;
const MICROS_PER_DAY: i64 = 86_400_000_000;
/// From 0000-03-01 to 1970-01-01. Years that begin in March have their leap day at their end.
const DAYS_TO_1970: i64 = 719_468;
/// The calendar repeats after 400 years.
const DAYS_OF_400_YEARS: i64 = 146_097;

impl Timestamp {
    /// Returns the moment `micros` microseconds after 1970-01-01T00:00:00Z, clamped to the years
    /// 0 to 9999.
    pub const fn from_unix_micros(micros: i64) -> Self {
        if micros > MAX_MICROS {
            Self(MAX_MICROS)
        } else if micros < MIN_MICROS {
            Self(MIN_MICROS)
        } else {
            Self(micros)
        }
    }

    /// Returns the microseconds since 1970-01-01T00:00:00Z.
    pub const fn as_unix_micros(self) -> i64 {
        self.0
    }

    /// Returns the microseconds from `earlier` to this moment; 0 when `earlier` is later.
    pub const fn micros_since(self, earlier: Self) -> u64 {
        let micros = self.0.saturating_sub(earlier.0);
        if micros < 0 { 0 } else { micros as u64 }
    }

    /// Returns the moment `days` days earlier.
    #[must_use]
    pub const fn minus_days(self, days: u32) -> Self {
        Self::from_unix_micros(self.0.saturating_sub(days as i64 * MICROS_PER_DAY))
    }

    /// Returns the date in UTC as `YYYY-MM-DD`.
    pub fn date(self) -> String {
        let mut text = self.to_string();
        text.truncate(10);
        text
    }

    /// Returns the form that is written to the log.
    pub(crate) fn to_ascii(self) -> [u8; 27] {
        let (days, of_day) = (
            self.0.div_euclid(MICROS_PER_DAY),
            self.0.rem_euclid(MICROS_PER_DAY),
        );
        let [year, month, day] = date_of(days);
        // A day's microseconds by a million are seconds, 86,399 of them at most.
        let (seconds, micros) = ((of_day / 1_000_000) as u32, (of_day % 1_000_000) as u32);
        let [y0, y1, y2, y3] = digits(year);
        let [.., m0, m1] = digits(month);
        let [.., d0, d1] = digits(day);
        let [.., h0, h1] = digits(seconds / 3_600);
        let [.., n0, n1] = digits(seconds / 60 % 60);
        let [.., s0, s1] = digits(seconds % 60);
        let [_, u0, u1, u2] = digits(micros / 1_000);
        let [_, u3, u4, u5] = digits(micros % 1_000);
        [
            y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1,
            b'.', u0, u1, u2, u3, u4, u5, b'Z',
        ]
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes are ASCII.
        f.write_str(str::from_utf8(&self.to_ascii()).unwrap_or_default())
    }
}

/// Rounds down to the microsecond, and clamps to the years 0 to 9999.
impl From<SystemTime> for Timestamp {
    fn from(at: SystemTime) -> Self {
        let micros = match at.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Err(before) => {
                let micros = before.duration().as_nanos().div_ceil(1_000);
                i64::try_from(micros).map_or(i64::MIN, |micros| -micros)
            }
        };
        Self::from_unix_micros(micros)
    }
}

impl From<Timestamp> for SystemTime {
    fn from(at: Timestamp) -> Self {
        let distance = Duration::from_micros(at.0.unsigned_abs());
        let moment = if at.0 < 0 {
            UNIX_EPOCH.checked_sub(distance)
        } else {
            UNIX_EPOCH.checked_add(distance)
        };
        // Every system counts far beyond the years 0 to 9999.
        moment.unwrap_or(UNIX_EPOCH)
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        parse(text).ok_or_else(|| {
            Error::invalid("a timestamp is not RFC 3339 in UTC, as 2026-01-31T09:30:00.000000Z")
        })
    }
}

/// The last four decimal digits of `number`.
fn digits(number: u32) -> [u8; 4] {
    [1_000, 100, 10, 1].map(|unit| b'0' + (number / unit % 10) as u8)
}

fn parse(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z')?;
    let (date, time) = text.split_once('T')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    if fraction.is_empty() || fraction.len() > 9 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nanos: i128 = format!("{fraction:0<9}").parse().ok()?;
    let days = days_to([year, month, day])?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days * 86_400 + i64::from(hour * 3_600 + minute * 60 + second);
    let nanos = i128::from(seconds) * 1_000_000_000 + nanos;
    Some(Timestamp::from_unix_micros(
        i64::try_from(nanos / 1_000).ok()?,
    ))
}

/// Returns year, month and day of the date that is `days` after 1970-01-01, in the years 0 to 9999.
fn date_of(days: i64) -> [u32; 3] {
    // 400 years on, so that January of the year 0 is no negative number of days.
    let quarters = 4 * (days + DAYS_TO_1970 + DAYS_OF_400_YEARS) + 3;
    let (century, of_century) = (
        quarters / DAYS_OF_400_YEARS,
        quarters % DAYS_OF_400_YEARS / 4,
    );
    let quarters = 4 * of_century + 3;
    let (of_year, year) = (quarters % 1_461 / 4, century * 100 + quarters / 1_461 - 400);
    // From March on, five months in a row have 153 days.
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = match month {
        0..=9 => (year, month + 3),
        _ => (year + 1, month - 9),
    };
    [year, month, day].map(|number| u32::try_from(number).unwrap_or_default())
}

/// Returns the days from 1970-01-01 to a date; `None` when there is no such date.
fn days_to(date: [u32; 3]) -> Option<i64> {
    let [year, month, day] = date.map(i64::from);
    if year > 9_999 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, month) = match month {
        3.. => (year + 400, month - 3),
        _ => (year + 399, month + 9),
    };
    let of_years = 365 * year + year / 4 - year / 100 + year / 400;
    let days = of_years + (153 * month + 2) / 5 + day - 1 - DAYS_OF_400_YEARS - DAYS_TO_1970;
    (date_of(days) == date).then_some(days)
}

fn numbers(text: &str, separator: char) -> Option<[u32; 3]> {
    let mut parts = text.split(separator).map(|part| {
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse::<u32>().ok().filter(|_| digits)
    });
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prints_six_digits_and_a_z() {
        let at = Timestamp::from_unix_micros(1_767_225_600_000_001);
        assert_eq!(at.to_string(), "2026-01-01T00:00:00.000001Z");
        assert_eq!(at.date(), "2026-01-01");
    }

    #[test]
    fn what_is_not_a_timestamp_is_refused() {
        for text in [
            "",
            "Z",
            "2026-01-01",
            "2026-13-01T00:00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-32T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:60Z",
            "2026-1-1-1T00:00:00Z",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let is_leap = |year: u32| {
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
        };
        let mut days = days_to([0, 1, 1]).unwrap();
        assert_eq!(days * MICROS_PER_DAY, MIN_MICROS);
        for year in 0..10_000 {
            for month in 1..=12 {
                let last = match month {
                    2 => 28 + u32::from(is_leap(year)),
                    4 | 6 | 9 | 11 => 30,
                    _ => 31,
                };
                assert_eq!(days_to([year, month, last + 1]), None);
                for day in [1, last] {
                    let date = [year, month, day];
                    let at = days + i64::from(day) - 1;
                    assert_eq!((date_of(at), days_to(date)), (date, Some(at)));
                }
                days += i64::from(last);
            }
        }
        assert_eq!(days * MICROS_PER_DAY, MAX_MICROS + 1);
        assert_eq!(date_of(0), [1970, 1, 1]);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(micros in MIN_MICROS..=MAX_MICROS) {
            let at = Timestamp::from_unix_micros(micros);
            prop_assert_eq!(at.to_string().parse::<Timestamp>().unwrap(), at);
            prop_assert_eq!(Timestamp::from(SystemTime::from(at)), at);
        }
    }
}
