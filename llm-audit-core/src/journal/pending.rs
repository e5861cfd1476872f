//! Lines that wait to be written.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use super::kept::Lines;
use super::line::{self, Place};
use crate::error::Error;
use crate::pipeline::LossReason;

/// Complete lines in one buffer, in the order of their numbers. It is content: it has no `Debug`.
pub(crate) struct Pending {
    place: Place,
    bytes: Vec<u8>,
    /// Number and length of each line.
    lines: VecDeque<(u64, usize)>,
}

/// Events that could not be written and are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Their numbers, in order, as windows without gaps.
    pub(crate) seqs: Vec<RangeInclusive<u64>>,
    /// How many events.
    pub(crate) count: u64,
    /// How many bytes of lines.
    pub(crate) bytes: u64,
    pub(crate) reason: LossReason,
}

/// Lines that were taken away because they are in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) seqs: Option<RangeInclusive<u64>>,
    pub(crate) events: u64,
    pub(crate) bytes: u64,
}

impl Pending {
    pub(crate) const fn new(place: Place) -> Self {
        Self {
            place,
            bytes: Vec::new(),
            lines: VecDeque::new(),
        }
    }

    pub(crate) fn push(&mut self, seq: u64, json: &[u8]) -> Result<(), Error> {
        debug_assert!(self.lines.back().is_none_or(|(last, _)| *last < seq));
        let before = self.bytes.len();
        line::seal(self.place, json, &mut self.bytes)?;
        self.lines.push_back((seq, self.bytes.len() - before));
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub(crate) fn events(&self) -> usize {
        self.lines.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn first_seq(&self) -> Option<u64> {
        self.lines.front().map(|(seq, _)| *seq)
    }

    /// Returns the lines that fit into `room` bytes, at least one.
    pub(crate) fn fitting(&self, room: u64) -> &[u8] {
        let mut end = 0;
        for (_, length) in &self.lines {
            if end > 0 && (end + length) as u64 > room {
                break;
            }
            end += length;
        }
        self.bytes.get(..end).unwrap_or_default()
    }

    /// Takes the lines that are whole within the first `bytes` bytes. Where those are all, it goes on
    /// with another empty buffer instead of copying them.
    pub(crate) fn take(&mut self, bytes: usize, empty: impl FnOnce() -> Vec<u8>) -> (Taken, Lines) {
        let mut end = 0;
        let whole = self.lines.iter().take_while(|(_, length)| {
            let fits = end + length <= bytes;
            end += if fits { *length } else { 0 };
            fits
        });
        let count = whole.count();
        let lines: Vec<_> = self.lines.drain(..count).collect();
        let bytes = if end == self.bytes.len() {
            let mut all = std::mem::replace(&mut self.bytes, empty());
            if all.capacity() - end > end / 4 {
                all.shrink_to_fit();
            }
            all
        } else {
            self.bytes.drain(..end).collect()
        };
        let seqs = lines.first().zip(lines.last());
        let taken = Taken {
            seqs: seqs.map(|((first, _), (last, _))| *first..=*last),
            events: lines.len() as u64,
            bytes: end as u64,
        };
        (taken, Lines { lines, bytes })
    }

    /// Gives the waiting lines the checksums of another segment.
    pub(crate) fn move_to(&mut self, place: Place) {
        self.place = place;
        let mut rest = self.bytes.as_mut_slice();
        for (_, length) in &self.lines {
            let Some((line, others)) = rest.split_at_mut_checked(*length) else {
                break;
            };
            line::move_to(place, line);
            rest = others;
        }
    }

    /// Takes away all lines; returns what is lost, if anything.
    pub(crate) fn give_up(&mut self, reason: LossReason) -> Option<Lost> {
        let mut seqs: Vec<RangeInclusive<u64>> = Vec::new();
        for (seq, _) in &self.lines {
            match seqs.last_mut() {
                Some(last) if last.end().checked_add(1) == Some(*seq) => {
                    *last = *last.start()..=*seq;
                }
                _ => seqs.push(*seq..=*seq),
            }
        }
        let lost = Lost {
            seqs,
            count: self.lines.len() as u64,
            bytes: self.bytes.len() as u64,
            reason,
        };
        self.lines.clear();
        self.bytes = Vec::new();
        (lost.count > 0).then_some(lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::WriterId;

    fn place(segment: u64) -> Place {
        Place::new(WriterId::from_bytes([1; 16]), segment)
    }

    fn pending(seqs: &[u64]) -> Pending {
        let mut pending = Pending::new(place(1));
        for seq in seqs {
            let json = format!("{{\"seq\":{seq}}}");
            pending.push(*seq, json.as_bytes()).unwrap();
        }
        pending
    }

    #[test]
    fn only_whole_lines_count_as_written() {
        let mut pending = pending(&[4, 5, 6]);
        let line = pending.bytes() / 3;
        let taken = |seqs, events| Taken {
            seqs: Some(seqs),
            events,
            bytes: events * line as u64,
        };
        let all = pending.fitting(u64::MAX).to_vec();
        let (first, rest) = all.split_at(line);
        let mut take = |bytes, count| {
            let (told, lines) = pending.take(bytes, || Vec::with_capacity(7));
            assert_eq!(lines.lines.len() as u64, count);
            (told, lines.bytes)
        };
        assert_eq!(take(2 * line - 1, 1), (taken(4..=4, 1), first.to_vec()));
        assert_eq!(take(2 * line, 2), (taken(5..=6, 2), rest.to_vec()));
        assert!(pending.is_empty() && pending.bytes.capacity() == 7);
    }

    #[test]
    fn at_least_one_line_fits() {
        let pending = pending(&[1, 2, 3]);
        let line = pending.bytes() / 3;
        assert_eq!(pending.fitting(0).len(), line);
        assert_eq!(pending.fitting(2 * line as u64).len(), 2 * line);
        assert_eq!(pending.fitting(u64::MAX).len(), 3 * line);
    }

    #[test]
    fn what_is_given_up_is_told_by_its_exact_numbers() {
        let lost = pending(&[1, 2, 4, 7, 8])
            .give_up(LossReason::Enospc)
            .unwrap();
        assert_eq!(lost.seqs, vec![1..=2, 4..=4, 7..=8]);
        assert_eq!(lost.count, 5);
        assert_eq!(pending(&[]).give_up(LossReason::Enospc), None);
    }

    #[test]
    fn lines_moved_to_another_segment_are_good_there() {
        let mut moved = pending(&[1, 2]);
        moved.move_to(place(2));
        for line in moved.bytes.split_inclusive(|byte| *byte == b'\n') {
            assert!(line::check(place(2), line.trim_ascii_end()).is_some());
        }
    }
}
