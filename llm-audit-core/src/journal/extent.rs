//! Which numbers a segment can hold, as the names of its writer's segments tell.
//!
//! Segments are named by the first number that they can hold, and hold none that a later one is
//! named by. Those that repeat what earlier ones did not keep are named by zero, and say nothing of
//! others.

use super::name::SegmentName;

/// In the name of a segment that repeats events of earlier ones, in place of its first number.
pub(super) const REPEATS: u64 = 0;

impl SegmentName {
    /// Returns whether the segment holds nothing but events that stand in earlier ones, whose
    /// synchronisation failed.
    pub(crate) const fn is_repeat(&self) -> bool {
        self.first_seq == REPEATS
    }
}

/// Returns the number that no number in `name` is above, or `None` when no later segment tells.
pub(super) fn last_seq(
    name: SegmentName,
    others: impl IntoIterator<Item = SegmentName>,
) -> Option<u64> {
    let others = others.into_iter();
    let later = others.filter(|other| {
        other.writer == name.writer && other.number > name.number && !other.is_repeat()
    });
    let first = later.map(|other| other.first_seq).min();
    first.map(|first| first.saturating_sub(1))
}

/// Returns the segments that can hold numbers above `after`; all are of one writer, by number.
pub(super) fn above(segments: &[SegmentName], after: u64) -> Vec<SegmentName> {
    let mut next = None;
    let mut found = Vec::new();
    for name in segments.iter().rev() {
        if next.is_none_or(|first| first > after.saturating_add(1)) {
            found.push(*name);
        }
        if !name.is_repeat() {
            next = Some(name.first_seq);
        }
    }
    found.reverse();
    found
}

/// Returns the number before the first that `segments`, of one writer by number, can be expected to
/// hold: earlier ones may have expired.
pub(super) fn before(segments: &[SegmentName]) -> u64 {
    let first = segments.iter().find(|name| !name.is_repeat());
    first.map_or(0, |name| name.first_seq.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::WriterId;
    use crate::journal::name::Day;

    #[test]
    fn a_segment_that_repeats_bounds_no_other() {
        let name = |number, first_seq| SegmentName {
            day: Day::of(crate::timestamp::Timestamp::default()),
            writer: WriterId::from_bytes([1; 16]),
            number,
            first_seq,
        };
        let names = [name(1, 1), name(2, 11), name(3, REPEATS), name(4, 21)];
        let last = |name| last_seq(name, names);
        assert_eq!(names.map(last), [Some(10), Some(20), Some(20), None]);
        assert_eq!(above(&names, 9), names);
        assert_eq!(above(&names, 10), names[1..]);
        assert_eq!(above(&names, 20), names[3..]);
        assert_eq!(before(&names), 0);
        assert_eq!(before(&names[2..]), 20);
    }
}
