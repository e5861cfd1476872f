//! The log's own events.

use crate::catalog::Field;
use crate::event::{Event, Kind, Value};

/// An event of the log itself: a start, a change, a loss, an end.
///
/// It gets its number when the worker drains the lanes; the ledger counts it apart from the
/// host's events.
#[derive(Clone, Debug)]
pub(crate) struct OwnEvent {
    pub(crate) kind: Kind,
    pub(crate) fields: Vec<(Field, Value)>,
    /// The event itself, where it is sealed already and lacks its number only.
    pub(crate) sealed: Option<Box<Event>>,
}

impl OwnEvent {
    pub(crate) const fn new(kind: Kind) -> Self {
        Self::of(kind, Vec::new())
    }

    pub(crate) const fn of(kind: Kind, fields: Vec<(Field, Value)>) -> Self {
        Self {
            kind,
            fields,
            sealed: None,
        }
    }
}
