//! Moments, in UTC microseconds.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::{Date, Month, OffsetDateTime, Time};

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
        Self::from_unix_micros(self.0.saturating_sub(days as i64 * 86_400_000_000))
    }

    /// Returns the date in UTC as `YYYY-MM-DD`.
    pub fn date(self) -> String {
        let mut text = self.to_string();
        text.truncate(10);
        text
    }

    /// Returns the form that is written to the log.
    pub(crate) fn to_ascii(self) -> [u8; 27] {
        let at = self.to_offset();
        let [y0, y1, y2, y3] = digits(at.year().unsigned_abs());
        let [.., m0, m1] = digits(u8::from(at.month()).into());
        let [.., d0, d1] = digits(at.day().into());
        let [.., h0, h1] = digits(at.hour().into());
        let [.., n0, n1] = digits(at.minute().into());
        let [.., s0, s1] = digits(at.second().into());
        let [_, u0, u1, u2] = digits(at.microsecond() / 1_000);
        let [_, u3, u4, u5] = digits(at.microsecond() % 1_000);
        [
            y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1,
            b'.', u0, u1, u2, u3, u4, u5, b'Z',
        ]
    }

    fn to_offset(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
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
    let nanos: u32 = format!("{fraction:0<9}").parse().ok()?;
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date =
        Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    let time = Time::from_hms_nano(
        u8::try_from(hour).ok()?,
        u8::try_from(minute).ok()?,
        u8::try_from(second).ok()?,
        nanos,
    )
    .ok()?;
    let nanos = date.with_time(time).assume_utc().unix_timestamp_nanos();
    Some(Timestamp::from_unix_micros(
        i64::try_from(nanos / 1_000).ok()?,
    ))
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
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
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
