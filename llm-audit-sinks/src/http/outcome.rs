//! What a status means for the events that were sent.

use std::ops::RangeInclusive;

/// What becomes of events that a receiver answered.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::http::Outcome;
///
/// assert_eq!(Outcome::of(202), Outcome::Delivered);
/// assert_eq!(Outcome::of(503), Outcome::Retried);
/// assert_eq!(Outcome::of(413), Outcome::Divided);
/// assert_eq!(Outcome::of(403), Outcome::Paused);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The receiver has them.
    Delivered,
    /// The receiver does not take these events as they were sent, and never will: their halves are
    /// sent, and theirs. An event that is turned away alone is lost to the sink; a journal keeps it
    /// among its dead letters.
    Divided,
    /// Somebody has to mend something first, such as credentials or the address. They are sent
    /// again each minute until that is done, and none is given up.
    Paused,
    /// They are sent again after a pause.
    Retried,
}

impl Outcome {
    /// Returns what becomes of events that are answered with `status`, unless something else is
    /// agreed upon.
    pub fn of(status: u16) -> Self {
        row(status).map_or(Self::Paused, |row| row.outcome)
    }
}

/// Returns what an operator may want to know about a status.
pub(super) fn advice(status: u16) -> &'static str {
    row(status).map_or("that is no status of HTTP", |row| row.advice)
}

struct Row {
    statuses: RangeInclusive<u16>,
    outcome: Outcome,
    advice: &'static str,
}

fn row(status: u16) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.statuses.contains(&status))
}

const fn row_of(statuses: RangeInclusive<u16>, outcome: Outcome, advice: &'static str) -> Row {
    Row {
        statuses,
        outcome,
        advice,
    }
}

use Outcome::{Delivered, Divided, Paused, Retried};

/// RFC 9110, section 15; RFC 6585; the first row that matches counts.
const ROWS: &[Row] = &[
    row_of(100..=199, Paused, "is a server of HTTP there?"),
    row_of(207..=207, Paused, "its parts are not read by this format"),
    row_of(200..=299, Delivered, "it has the events"),
    row_of(
        300..=399,
        Paused,
        "redirects are not followed: give the address that it names",
    ),
    row_of(
        400..=400,
        Divided,
        "it does not take the events as they are",
    ),
    row_of(401..=401, Paused, "check the credentials"),
    row_of(402..=402, Paused, "check the account"),
    row_of(
        403..=403,
        Paused,
        "check the credentials and what they allow",
    ),
    row_of(404..=405, Paused, "check the address"),
    row_of(406..=406, Paused, "check the address and the format"),
    row_of(407..=407, Paused, "check the proxy's credentials"),
    row_of(408..=409, Retried, "it did not take the events yet"),
    row_of(410..=410, Paused, "check the address"),
    row_of(411..=411, Paused, "check the address and the format"),
    row_of(413..=413, Divided, "the body is too large for it"),
    row_of(414..=414, Paused, "check the address"),
    row_of(415..=415, Paused, "check the format and the compression"),
    row_of(421..=421, Paused, "check the address"),
    row_of(
        422..=422,
        Divided,
        "it does not take the events as they are",
    ),
    row_of(423..=425, Retried, "it did not take the events yet"),
    row_of(426..=426, Paused, "it wants another protocol"),
    row_of(429..=429, Retried, "it asks for fewer requests"),
    row_of(431..=431, Paused, "check the headers"),
    row_of(451..=451, Paused, "check the address"),
    row_of(
        400..=499,
        Divided,
        "it does not take the events as they are",
    ),
    row_of(501..=501, Paused, "check the address"),
    row_of(505..=505, Paused, "check the address"),
    row_of(511..=511, Paused, "the network wants a login first"),
    row_of(500..=599, Retried, "it has trouble of its own"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_an_outcome_and_only_the_200s_deliver() {
        for status in 0..=u16::MAX {
            let delivers = (200..300).contains(&status) && status != 207;
            assert_eq!(Outcome::of(status) == Delivered, delivers, "{status}");
            assert!(!advice(status).is_empty());
        }
    }

    #[test]
    fn what_only_somebody_can_mend_is_neither_divided_nor_hurried() {
        for status in [
            301, 302, 307, 308, 401, 402, 403, 404, 405, 407, 410, 415, 501, 511, 999,
        ] {
            assert_eq!(Outcome::of(status), Paused, "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 504, 520, 599] {
            assert_eq!(Outcome::of(status), Retried, "{status}");
        }
        for status in [400, 413, 422, 418] {
            assert_eq!(Outcome::of(status), Divided, "{status}");
        }
    }
}
