//! The log's own events.

use crate::catalog::Field;
use crate::event::{Kind, Value};

/// An event of the log itself: a start, a change, a loss, an end.
///
/// It gets its number when the worker drains the lanes; the ledger counts it apart from the
/// host's events.
#[derive(Clone, Debug)]
pub(crate) struct OwnEvent {
    pub(crate) kind: Kind,
    pub(crate) fields: Vec<(Field, Value)>,
}

impl OwnEvent {
    pub(crate) const fn new(kind: Kind) -> Self {
        Self {
            kind,
            fields: Vec::new(),
        }
    }
}
