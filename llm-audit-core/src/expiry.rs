//! What is to become of events that are older than their retention.

use crate::event::{Absence, Event};
use crate::facet::{Facet, FacetSet};
use crate::hold::Holds;
use crate::retention::Retentions;
use crate::timestamp::Timestamp;

/// What is to become of an event when the file that holds it is written anew.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It stays as it is.
    Keep,
    /// It stays without these facets, and says so under the reason. Without any facet its envelope is
    /// left, with its number: whoever checks the log finds it accounted for.
    Withhold(FacetSet, Absence),
}

impl Fate {
    /// Brings it about; returns whether that changed the event.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::schema::Value;
    /// use llm_audit_core::{Absence, Event, EventId, Facet, Fate, Field, Kind, Timestamp, WriterId};
    ///
    /// let (id, writer) = (EventId::from_bytes([1; 16]), WriterId::from_bytes([2; 16]));
    /// let mut event = Event::new(Kind::Interaction, id, writer, Timestamp::default());
    /// event.try_set(Field::UserId, Value::Text("u-1".into()))?;
    /// let fate = Fate::Withhold([Facet::User].into_iter().collect(), Absence::Expired);
    /// assert!(fate.apply(&mut event) && event.user_id().is_none());
    /// assert!(!fate.apply(&mut event));
    /// # Ok::<(), llm_audit_core::Error>(())
    /// ```
    pub fn apply(&self, event: &mut Event) -> bool {
        match self {
            Self::Keep => false,
            Self::Withhold(facets, reason) => {
                let before = event.clone();
                event.withhold(*facets, reason.clone());
                *event != before
            }
        }
    }
}

/// What has expired at a moment, and what is held for all that.
///
/// The log makes one for each run of its retention, from a clock that it believes; the journal and the
/// sinks that keep files act on it.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Expiry, Facet, Policy, Retention};
///
/// let policy = Policy::builder()
///     .retention(Retention::Forever)
///     .retain(Facet::Prompt, Retention::Days30)
///     .build()?;
/// let expiry = Expiry::new(&policy.retentions(), "2026-03-31T00:00:00Z".parse()?);
/// let february = "2026-02-28T23:59:59Z".parse()?;
/// assert!(expiry.facets(february).contains(Facet::Prompt) && !expiry.is_over(february));
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Expiry {
    /// What is older has expired as a whole.
    whole: Option<Timestamp>,
    /// Of what is older, the facets have expired; the earliest moment last.
    facets: Vec<(Timestamp, FacetSet)>,
    holds: Holds,
}

impl Expiry {
    /// Returns what has expired at `now`; nothing is held.
    pub fn new(retentions: &Retentions, now: Timestamp) -> Self {
        let shorter = retentions.shorter().iter();
        let facets = shorter
            .filter_map(|(retention, facets)| Some((retention.expired_before(now)?, *facets)));
        Self {
            whole: retentions.whole().expired_before(now),
            facets: facets.collect(),
            holds: Holds::default(),
        }
    }

    /// Returns the same with what is held.
    pub(crate) fn but(mut self, holds: Holds) -> Self {
        self.holds = holds;
        self
    }

    /// Returns whether nothing can have expired.
    pub fn is_nothing(&self) -> bool {
        self.latest().is_none()
    }

    /// Returns whether files go as a whole, or not at all.
    pub(crate) const fn is_of_whole_files(&self) -> bool {
        self.facets.is_empty() && self.holds.is_empty()
    }

    /// Returns the moment before which something has expired.
    pub fn latest(&self) -> Option<Timestamp> {
        let facets = self.facets.iter().map(|(limit, _)| *limit);
        facets.chain(self.whole).max()
    }

    /// Returns whether events that were all recorded at `newest` or before have expired as a whole,
    /// holds aside.
    pub fn is_over(&self, newest: Timestamp) -> bool {
        self.whole.is_some_and(|limit| newest < limit)
    }

    /// Returns the facets that have expired in events that were all recorded at `newest` or before,
    /// holds aside.
    pub fn facets(&self, newest: Timestamp) -> FacetSet {
        if self.is_over(newest) {
            return Facet::ALL.iter().copied().collect();
        }
        self.shorter(newest)
    }

    /// As [`Expiry::facets`], of those alone that are kept for less than the log.
    pub(crate) fn shorter(&self, newest: Timestamp) -> FacetSet {
        let expired = self.facets.iter().filter(|(limit, _)| newest < *limit);
        expired.flat_map(|(_, facets)| facets.iter()).collect()
    }

    /// Returns whether the same is held as by `other`.
    pub fn holds_as(&self, other: &Self) -> bool {
        self.holds == other.holds
    }

    /// Returns whether a legal hold is on the event.
    pub fn is_held(&self, event: &Event) -> bool {
        self.holds.holds(event)
    }

    /// Returns whether a legal hold may be on something recorded at `end` or before it.
    pub fn may_hold(&self, end: Timestamp) -> bool {
        self.holds.may_hold(end)
    }

    /// Returns what is to become of an event of which `expired` have expired.
    pub fn fate(&self, event: &Event, expired: FacetSet) -> Fate {
        if expired.is_empty() || self.is_held(event) {
            Fate::Keep
        } else {
            Fate::Withhold(expired, Absence::Expired)
        }
    }

    pub(crate) const fn holds(&self) -> &Holds {
        &self.holds
    }
}

/// What a run of the retention would do. It names files and counts, and holds no values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetentionPlan {
    /// Files that would be deleted: of the journal's directory, and behind its name those of a sink.
    pub deleted: Vec<String>,
    /// Files that would be written anew.
    pub rewritten: Vec<PlannedRewrite>,
    /// The facets that would be taken out of events.
    pub facets: FacetSet,
    /// Out of how many events.
    pub events: u64,
    /// Files that could not be looked into, or that only a newer version could write anew: they stay as
    /// they are.
    pub skipped: Vec<String>,
    /// Events that have expired and stay because of a legal hold.
    pub held_events: u64,
    /// Whether the clock is in doubt, so that less would be taken away than it says.
    pub is_clock_doubted: bool,
}

/// A file that would be written anew.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{PlannedRewrite, RetentionPlan};
///
/// let plan = RetentionPlan::default();
/// let events = |planned: &PlannedRewrite| planned.events;
/// assert_eq!(plan.rewritten.iter().map(events).sum::<u64>(), plan.events);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedRewrite {
    /// Its name within the directory.
    pub file: String,
    /// Events in it that something would be taken out of.
    pub events: u64,
}

impl PlannedRewrite {
    pub(crate) const fn new(file: String, events: u64) -> Self {
        Self { file, events }
    }
}
