//! Counts by key, and what several questions ask of an event.

use std::collections::BTreeMap;

use llm_audit::{Event, Kind, Operation};

/// So many counts for each key.
pub(crate) type Tally<K, const N: usize> = BTreeMap<K, [u64; N]>;

/// Adds `more` to the counts of `key`.
pub(crate) fn add<K: Ord, const N: usize>(tally: &mut Tally<K, N>, key: K, more: [u64; N]) {
    let counts = tally.entry(key).or_insert([0; N]);
    for (count, more) in counts.iter_mut().zip(more) {
        *count += more;
    }
}

/// Returns the day of an event, in UTC.
pub(crate) fn day(event: &Event) -> String {
    event.recorded_at().to_string().chars().take(10).collect()
}

pub(crate) fn is_call(event: &Event) -> bool {
    *event.kind() == Kind::Interaction
}

pub(crate) fn is_chat(event: &Event) -> bool {
    is_call(event) && event.operation() == Some(Operation::Chat)
}
