//! Which numbers of one writer have come.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

/// The numbers of one writer's events, in whatever order its segments give them: what a file did not
/// keep stands in a later one, behind higher numbers.
#[derive(Debug)]
pub(super) struct Numbers {
    last: u64,
    /// Rising.
    gaps: VecDeque<Gap>,
    most_gaps: usize,
}

/// Numbers that have not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) range: RangeInclusive<u64>,
    /// Whether bytes are damaged there.
    pub(super) damaged: bool,
}

impl Numbers {
    /// Returns the numbers up to `last`, as if they had come.
    pub(super) const fn up_to(last: u64) -> Self {
        Self {
            last,
            gaps: VecDeque::new(),
            most_gaps: usize::MAX,
        }
    }

    /// Remembers so many gaps, the newest.
    pub(super) const fn most_gaps(mut self, most: usize) -> Self {
        self.most_gaps = most;
        self
    }

    /// Returns the highest number that has come.
    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    /// Returns what is missing below the last number.
    pub(super) fn gaps(&self) -> impl Iterator<Item = &Gap> {
        self.gaps.iter()
    }

    /// Notes a number, before which bytes may be damaged; returns whether it had not come yet.
    pub(super) fn add(&mut self, seq: u64, damaged: bool) -> bool {
        if seq > self.last {
            self.leave_out(self.last + 1..=seq - 1, damaged);
            self.last = seq;
            return true;
        }
        let at = self.gaps.partition_point(|gap| *gap.range.end() < seq);
        let Some(gap) = self.gaps.get(at).filter(|gap| *gap.range.start() <= seq) else {
            return false;
        };
        let damaged = gap.damaged;
        let (start, end) = gap.range.clone().into_inner();
        self.gaps.remove(at);
        for range in [seq + 1..=end, start..=seq - 1] {
            if !range.is_empty() {
                self.gaps.insert(at, Gap { range, damaged });
            }
        }
        true
    }

    fn leave_out(&mut self, range: RangeInclusive<u64>, damaged: bool) {
        if range.is_empty() {
            return;
        }
        self.gaps.push_back(Gap { range, damaged });
        if self.gaps.len() > self.most_gaps {
            self.gaps.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_number_is_new_once_in_any_order(seqs in prop::collection::vec(1_u64..40, 0..80)) {
            let (mut numbers, mut come) = (Numbers::up_to(0), BTreeSet::new());
            for seq in seqs {
                prop_assert_eq!(numbers.add(seq, false), come.insert(seq));
            }
            let missing: Vec<_> = numbers.gaps().flat_map(|gap| gap.range.clone()).collect();
            let last = come.last().copied().unwrap_or(0);
            let expected: Vec<_> = (1..=last).filter(|seq| !come.contains(seq)).collect();
            prop_assert_eq!((missing, numbers.last()), (expected, last));
        }
    }

    #[test]
    fn the_parts_of_a_damaged_gap_are_damaged_and_old_gaps_are_forgotten() {
        let mut numbers = Numbers::up_to(0).most_gaps(2);
        numbers.add(9, true);
        numbers.add(5, false);
        let gap = |range, damaged| Gap { range, damaged };
        let gaps: Vec<_> = numbers.gaps().cloned().collect();
        assert_eq!(gaps, [gap(1..=4, true), gap(6..=8, true)]);
        numbers.add(11, false);
        assert_eq!(numbers.gaps().next(), Some(&gap(6..=8, true)));
        assert!(!numbers.add(3, false), "nobody knows any more");
    }
}
