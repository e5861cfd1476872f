//! An answer that comes in chunks: what has come of it, and when.

use std::time::Duration;

use crate::protocol::said::Said;
use crate::timestamp::Timestamp;

/// What has come of a stream so far.
#[derive(Default)]
pub(crate) struct Stream {
    /// What the chunks say, unless a protocol's reader keeps that.
    pub(crate) said: Option<Box<Said>>,
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
        let micros = gap.as_secs().saturating_mul(1_000_000);
        let bucket = bucket(micros.saturating_add(gap.subsec_micros().into()));
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

    proptest! {
        #[test]
        fn a_bucket_is_at_most_an_eighth_too_high(micros: u64) {
            let bound = upper_bound(bucket(micros));
            prop_assert!(bound >= micros);
            prop_assert!(bound - micros <= micros / 8);
        }
    }
}
