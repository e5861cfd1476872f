//! What was said of an event: the last word counts.

use std::collections::BTreeMap;

use llm_audit::{Event, Timestamp};

/// When something was said, and its number.
type Moment = (Timestamp, Option<u64>);

/// The last word on each event, by its identifier.
pub(crate) struct LastWords<T>(BTreeMap<String, (Moment, T)>);

impl<T> Default for LastWords<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> LastWords<T> {
    /// Takes what `fact` says of its target, unless something newer is known.
    pub(crate) fn take(&mut self, fact: &Event, word: Option<T>) {
        let moment = (fact.recorded_at(), fact.seq());
        let (Some(target), Some(word)) = (fact.target_event_id(), word) else {
            return;
        };
        let before = self.0.get(target);
        if before.is_none_or(|(before, _)| *before < moment) {
            self.0.insert(target.to_owned(), (moment, word));
        }
    }

    pub(crate) fn on(&self, event: &str) -> Option<&T> {
        self.0.get(event).map(|(_, word)| word)
    }
}
