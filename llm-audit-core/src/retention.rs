//! How long data is kept. Pure: the journal and the sinks act on it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use crate::error::Error;
use crate::facet::{Facet, FacetSet};
use crate::timestamp::Timestamp;

/// How long data is kept.
///
/// In files: `"30 days"`, `"forever"`, or the number of days. `Days(30)` equals `Days30`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Retention {
    /// 30 days.
    Days30,
    /// 90 days.
    Days90,
    /// 120 days.
    Days120,
    /// The given number of days, from 1 to 36,500.
    Days(u32),
    /// Nothing is ever deleted for its age.
    Forever,
}

/// A century: a longer span is `Forever` in all but name, and arithmetic stays exact.
const MAX_DAYS: u32 = 36_500;

impl Retention {
    /// Returns the number of days, or `None` when data is kept forever.
    pub const fn days(self) -> Option<u32> {
        match self {
            Self::Days30 => Some(30),
            Self::Days90 => Some(90),
            Self::Days120 => Some(120),
            Self::Days(days) => Some(days),
            Self::Forever => None,
        }
    }

    /// Returns the moment before which data has expired at `now`, or `None` when none ever does.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::{Retention, Timestamp};
    ///
    /// let now: Timestamp = "2026-03-31T00:00:00Z".parse()?;
    /// let limit: Timestamp = "2026-03-01T00:00:00Z".parse()?;
    /// assert_eq!(Retention::Days30.expired_before(now), Some(limit));
    /// assert_eq!(Retention::Forever.expired_before(now), None);
    /// # Ok::<(), llm_audit_core::Error>(())
    /// ```
    pub const fn expired_before(self, now: Timestamp) -> Option<Timestamp> {
        match self.days() {
            Some(days) => Some(now.minus_days(days)),
            None => None,
        }
    }

    /// Returns the longer of both.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        match (self.days(), other.days()) {
            (Some(a), Some(b)) if a < b => other,
            (Some(_), None) => other,
            _ => self,
        }
    }

    /// Returns the retention of `days` days.
    ///
    /// # Errors
    ///
    /// When `days` is 0 or more than 36,500.
    pub fn from_days(days: u32) -> Result<Self, Error> {
        match days {
            30 => Ok(Self::Days30),
            90 => Ok(Self::Days90),
            120 => Ok(Self::Days120),
            1..=MAX_DAYS => Ok(Self::Days(days)),
            _ => Err(Error::policy(format!(
                "a retention of {days} days is impossible; use 1 to {MAX_DAYS} days, or `forever`"
            ))),
        }
    }
}

/// How long a log is kept, and which facets of its events for less.
///
/// An event is there as long as anything of it is: the log is kept as long as the facet that is kept
/// longest.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Facet, Level, Policy, Retention};
///
/// let policy = Policy::builder()
///     .facet(Facet::Prompt, Level::Full)
///     .facet(Facet::Usage, Level::Full)
///     .retention(Retention::Forever)
///     .retain(Facet::Prompt, Retention::Days30)
///     .build()?;
/// let retentions = policy.retentions();
/// assert_eq!(retentions.of(Facet::Prompt), Retention::Days30);
/// assert_eq!(retentions.whole(), Retention::Forever);
/// assert_eq!(retentions.to_string(), "forever; prompt 30 days");
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retentions {
    whole: Retention,
    /// Those that are kept for less, the shortest first.
    shorter: Vec<(Retention, FacetSet)>,
}

impl Retentions {
    /// Returns the retentions of a log that is kept as a whole.
    pub const fn all(whole: Retention) -> Self {
        Self {
            whole,
            shorter: Vec::new(),
        }
    }

    /// `default` is that of facets for which nothing else is said in `own`.
    pub(crate) fn new(
        default: Retention,
        own: impl IntoIterator<Item = (Facet, Retention)>,
    ) -> Self {
        let own: Vec<_> = own.into_iter().collect();
        let whole = own.iter().fold(default, |whole, (_, own)| whole.max(*own));
        let of = |facet: Facet| own.iter().find(|(of, _)| *of == facet);
        let mut shorter: Vec<(Retention, FacetSet)> = Vec::new();
        for facet in Facet::ALL {
            let retention = of(*facet).map_or(default, |(_, own)| *own);
            if retention == whole {
                continue;
            }
            match shorter.iter_mut().find(|(known, _)| *known == retention) {
                Some((_, facets)) => drop(facets.insert(*facet)),
                None => {
                    let place =
                        shorter.partition_point(|(known, _)| known.days() <= retention.days());
                    shorter.insert(place, (retention, [*facet].into_iter().collect()));
                }
            }
        }
        Self { whole, shorter }
    }

    /// Returns how long events are kept, with whatever is left of them by then.
    pub const fn whole(&self) -> Retention {
        self.whole
    }

    /// Returns how long a facet is kept.
    pub fn of(&self, facet: Facet) -> Retention {
        let own = self.shorter.iter();
        let mut own = own.filter(|(_, facets)| facets.contains(facet));
        own.next().map_or(self.whole, |(retention, _)| *retention)
    }

    /// Returns the facets that are kept for less than the log, the shortest retention first.
    pub fn shorter(&self) -> &[(Retention, FacetSet)] {
        &self.shorter
    }

    /// Returns the shortest of all.
    pub(crate) fn shortest(&self) -> Retention {
        let shortest = self.shorter.first();
        shortest.map_or(self.whole, |(retention, _)| *retention)
    }
}

impl fmt::Display for Retentions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.whole)?;
        for (retention, facets) in &self.shorter {
            let names: Vec<_> = facets.iter().map(Facet::name).collect();
            write!(f, "; {} {retention}", names.join(", "))?;
        }
        Ok(())
    }
}

impl PartialEq for Retention {
    fn eq(&self, other: &Self) -> bool {
        self.days() == other.days()
    }
}

impl Eq for Retention {}

impl Hash for Retention {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.days().hash(state);
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.days() {
            Some(days) => write!(f, "{days} days"),
            None => f.write_str("forever"),
        }
    }
}

impl FromStr for Retention {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "forever" {
            return Ok(Self::Forever);
        }
        let days = text.strip_suffix(" days").unwrap_or(text).parse::<u32>().map_err(|_| {
            Error::policy(format!(
                "`{text}` is not a retention; use `30 days`, `90 days`, `120 days`, any number of \
                 days, or `forever`"
            ))
        })?;
        Self::from_days(days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_back() {
        for retention in [Retention::Days30, Retention::Days(7), Retention::Forever] {
            assert_eq!(
                retention.to_string().parse::<Retention>().unwrap(),
                retention
            );
        }
    }

    #[test]
    fn forever_is_longer_than_any_number_of_days() {
        assert_eq!(
            Retention::Days(36_500).max(Retention::Forever),
            Retention::Forever
        );
        assert_eq!(Retention::Days90.max(Retention::Days30), Retention::Days90);
    }

    #[test]
    fn a_log_is_kept_as_long_as_what_is_kept_longest() {
        let kept = Retentions::new(
            Retention::Days30,
            [
                (Facet::Usage, Retention::Forever),
                (Facet::User, Retention::Days(7)),
            ],
        );
        assert_eq!(kept.whole(), Retention::Forever);
        assert_eq!(kept.shortest(), Retention::Days(7));
        assert_eq!(kept.of(Facet::Prompt), Retention::Days30);
        assert_eq!(kept.shorter().len(), 2);
        assert!(!kept.shorter()[1].1.contains(Facet::Usage));
        let same = Retentions::new(Retention::Days30, [(Facet::User, Retention::Days(30))]);
        assert_eq!(same, Retentions::all(Retention::Days30));
    }

    #[test]
    fn one_span_is_equal_however_it_is_written() {
        assert_eq!(Retention::Days(90), Retention::Days90);
        assert_ne!(Retention::Days(36_500), Retention::Forever);
    }

    #[test]
    fn zero_days_is_refused_with_the_remedy() {
        let error = "0 days".parse::<Retention>().unwrap_err();
        assert!(
            error.is_policy() && error.to_string().contains("1 to 36500"),
            "{error}"
        );
    }
}
