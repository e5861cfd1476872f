//! Accumulation of a streamed answer, in bounded memory.

use std::time::Duration;

use crate::event::{Message, Part};
use crate::timestamp::Timestamp;

/// Choices of one answer; providers allow far fewer, and a wrong index must not cost memory.
const MAX_CHOICES: usize = 128;

/// What has come of a stream so far.
#[derive(Default)]
pub(crate) struct Stream {
    choices: Vec<Vec<Part>>,
    /// Bytes of text that are kept.
    pub(crate) bytes: usize,
    /// Bytes of text that came.
    pub(crate) offered: usize,
    /// Whether there was no room for a text. What comes later is not kept either: a text with a
    /// hole reads like a whole one, and half a secret is none that a detector knows.
    pub(crate) is_cut: bool,
    /// Whether a chunk said why the answer ends.
    pub(crate) is_told_why: bool,
    pub(crate) count: u64,
    pub(crate) first_at: Option<Timestamp>,
    pub(crate) last_at: Option<Timestamp>,
    pub(crate) first: Option<Duration>,
    last: Option<Duration>,
    gaps: Gaps,
}

impl Stream {
    /// Counts a chunk that came at `now`.
    pub(crate) fn tick(&mut self, at: Timestamp, now: Duration) {
        self.count += 1;
        if let Some(last) = self.last {
            self.gaps.add(now.saturating_sub(last));
        }
        self.first_at.get_or_insert(at);
        self.first.get_or_insert(now);
        self.last_at = Some(at);
        self.last = Some(now);
    }

    /// Appends `text` to choice number `choice`, in a part of its own when the type changes, and
    /// returns whether there can be such a choice.
    pub(crate) fn append(&mut self, choice: usize, part_type: &'static str, text: &str) -> bool {
        if choice >= MAX_CHOICES {
            return false;
        }
        if self.choices.len() <= choice {
            self.choices.resize_with(choice + 1, Vec::new);
        }
        let Some(parts) = self.choices.get_mut(choice) else {
            return false;
        };
        match parts.last_mut().filter(|part| part.is_type(part_type)) {
            Some(part) => part.content.get_or_insert_default().push_str(text),
            None => parts.push(Part::default().r#type(part_type).content(text)),
        }
        true
    }

    /// Returns whether text of type `part_type` begins a new part of choice number `choice`.
    pub(crate) fn begins_part(&self, choice: usize, part_type: &str) -> bool {
        let last = self.choices.get(choice).and_then(|parts| parts.last());
        last.is_none_or(|part| !part.is_type(part_type))
    }

    /// Adds `part` to the first choice, after what has come of it.
    pub(crate) fn push(&mut self, part: Part) {
        match self.choices.first_mut() {
            Some(parts) => parts.push(part),
            None => self.choices.push(vec![part]),
        }
    }

    /// Returns one message for each choice.
    pub(crate) fn into_messages(self) -> Vec<Message> {
        let choices = self.choices.into_iter();
        choices
            .map(|parts| Message::default().role("assistant").parts(parts))
            .collect()
    }

    /// Returns the given percentile of the time between chunks, in microseconds, or `None` before
    /// the second chunk. It is at most 12.5 % above the true value.
    pub(crate) fn gap_percentile(&self, percent: u64) -> Option<u64> {
        self.gaps.percentile(percent)
    }
}

/// A histogram of durations with eight buckets for each power of two of microseconds.
#[derive(Default)]
struct Gaps {
    buckets: Vec<u32>,
    count: u64,
}

const STEPS: u64 = 8;

impl Gaps {
    fn add(&mut self, gap: Duration) {
        let bucket = bucket(u64::try_from(gap.as_micros()).unwrap_or(u64::MAX));
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        if let Some(count) = self.buckets.get_mut(bucket) {
            *count = count.saturating_add(1);
            self.count += 1;
        }
    }

    fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let found = self.buckets.iter().position(|count| {
            seen += u64::from(*count);
            seen >= rank
        });
        found.map(upper_bound)
    }
}

/// The bucket of `micros`: exact below 8, then eight for each power of two.
fn bucket(micros: u64) -> usize {
    if micros < STEPS {
        return micros as usize;
    }
    let exponent = u64::from(micros.ilog2());
    let step = (micros >> (exponent - 3)) - STEPS;
    ((exponent - 2) * STEPS + step) as usize
}

/// The largest number of microseconds in `bucket`.
fn upper_bound(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < STEPS {
        return bucket;
    }
    let exponent = bucket / STEPS + 2;
    let next = u128::from(bucket % STEPS + STEPS + 1) << (exponent - 3);
    u64::try_from(next - 1).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_keep_the_order_in_which_their_types_came() {
        let mut stream = Stream::default();
        for (part_type, text) in [
            ("reasoning", "hm"),
            ("reasoning", "m"),
            ("text", "Hel"),
            ("text", "lo"),
        ] {
            assert!(stream.append(0, part_type, text));
        }
        let messages = stream.into_messages();
        let parts = messages[0].parts.as_ref().unwrap();
        let contents: Vec<_> = parts
            .iter()
            .map(|part| part.content.as_deref().unwrap())
            .collect();
        assert_eq!(contents, ["hmm", "Hello"]);
    }

    #[test]
    fn a_wrong_choice_costs_no_memory() {
        assert!(!Stream::default().append(usize::MAX, "text", "x"));
    }

    proptest! {
        #[test]
        fn a_bucket_is_at_most_an_eighth_too_high(micros: u64) {
            let bound = upper_bound(bucket(micros));
            prop_assert!(bound >= micros);
            prop_assert!(bound - micros <= micros / 8);
        }
    }
}
