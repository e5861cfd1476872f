//! Lines that are written and not known to survive a power cut.
//!
//! When the synchronisation of their file fails, they are written to another one. That is the only
//! way: the operating system may have dropped what the file seems to hold.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use super::line::{self, Place};

/// More is not held: a disk that confirms nothing must not take the host's memory.
const MOST_BYTES: usize = 16 << 20;

/// A buffer that is used again has at most this much memory.
const SPARE_BYTES: usize = 1 << 20;

/// The lines of each write. It holds content: it has no `Debug`.
#[derive(Default)]
pub(crate) struct Kept {
    chunks: VecDeque<Lines>,
    bytes: usize,
    /// Lines up to this number were let go of for want of room.
    dropped_to: u64,
    spare: Vec<u8>,
}

/// Whole lines, with their numbers and lengths.
#[derive(Default)]
pub(crate) struct Lines {
    pub(crate) lines: Vec<(u64, usize)>,
    pub(crate) bytes: Vec<u8>,
}

impl Kept {
    pub(crate) fn keep(&mut self, lines: Lines) {
        self.bytes += lines.bytes.capacity();
        self.chunks.push_back(lines);
        while self.bytes > MOST_BYTES {
            let Some(oldest) = self.pop() else { return };
            self.dropped_to = oldest;
        }
    }

    /// Returns how many bytes are held.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns an empty buffer of lines that were let go of.
    pub(crate) fn spare(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.spare)
    }

    /// Lets go of what survives: everything up to `up_to`.
    pub(crate) fn forget(&mut self, up_to: u64) {
        let survives = |chunk: &Lines| chunk.lines.last().is_none_or(|(seq, _)| *seq <= up_to);
        while self.chunks.front().is_some_and(survives) {
            self.pop();
        }
    }

    /// Returns the lines of these numbers with the checksums of `place`, or `None` when some were
    /// let go of.
    pub(crate) fn lines(&self, seqs: &RangeInclusive<u64>, place: Place) -> Option<Vec<u8>> {
        if *seqs.start() <= self.dropped_to {
            return None;
        }
        let mut found = Vec::new();
        for chunk in &self.chunks {
            let mut rest = chunk.bytes.as_slice();
            for (seq, length) in &chunk.lines {
                let (line, others) = rest.split_at_checked(*length)?;
                rest = others;
                if seqs.contains(seq) {
                    let start = found.len();
                    found.extend_from_slice(line);
                    line::move_to(place, found.get_mut(start..)?);
                }
            }
        }
        Some(found)
    }

    fn pop(&mut self) -> Option<u64> {
        let mut chunk = self.chunks.pop_front()?;
        let capacity = chunk.bytes.capacity();
        self.bytes -= capacity;
        if (self.spare.capacity() + 1..=SPARE_BYTES).contains(&capacity) {
            chunk.bytes.clear();
            self.spare = chunk.bytes;
        }
        chunk.lines.last().map(|(seq, _)| *seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::WriterId;

    fn place(segment: u64) -> Place {
        Place::new(WriterId::from_bytes([1; 16]), segment)
    }

    fn keep(kept: &mut Kept, seqs: &[u64]) {
        let (mut lines, mut bytes) = (Vec::new(), Vec::new());
        for seq in seqs {
            let before = bytes.len();
            let json = format!("{{\"seq\":{seq}}}");
            line::seal(place(1), json.as_bytes(), &mut bytes).unwrap();
            lines.push((*seq, bytes.len() - before));
        }
        kept.keep(Lines { lines, bytes });
    }

    #[test]
    fn lines_come_back_good_in_another_segment() {
        let mut kept = Kept::default();
        keep(&mut kept, &[1, 2]);
        keep(&mut kept, &[4, 5]);
        let lines = kept.lines(&(2..=4), place(2)).unwrap();
        let lines: Vec<_> = lines.split_inclusive(|byte| *byte == b'\n').collect();
        assert_eq!(lines.len(), 2);
        for line in lines {
            assert!(line::check(place(2), line.trim_ascii_end()).is_some());
        }
    }

    #[test]
    fn what_survives_is_not_held() {
        let mut kept = Kept::default();
        keep(&mut kept, &[1, 2]);
        keep(&mut kept, &[3]);
        kept.forget(2);
        assert_eq!(kept.lines(&(1..=2), place(2)), Some(vec![]));
        assert!(!kept.lines(&(3..=3), place(2)).unwrap().is_empty());
        kept.forget(3);
        assert_eq!(kept.bytes(), 0);
    }

    #[test]
    fn a_buffer_of_what_survives_is_used_again_unless_it_is_large() {
        let mut kept = Kept::default();
        for (seq, capacity) in [(1, 100), (2, 200), (3, SPARE_BYTES + 1)] {
            kept.keep(Lines {
                lines: vec![(seq, 0)],
                bytes: Vec::with_capacity(capacity),
            });
        }
        assert_eq!(kept.bytes(), 300 + SPARE_BYTES + 1);
        kept.forget(3);
        assert_eq!(kept.bytes(), 0);
        assert_eq!(kept.spare().capacity(), 200);
        assert_eq!(kept.spare().capacity(), 0);
    }

    #[test]
    fn lines_let_go_of_for_want_of_room_are_not_made_up() {
        let mut kept = Kept::default();
        kept.keep(Lines {
            lines: vec![(1, MOST_BYTES)],
            bytes: vec![0; MOST_BYTES],
        });
        keep(&mut kept, &[2]);
        assert_eq!(kept.lines(&(1..=2), place(2)), None);
        assert!(kept.lines(&(2..=2), place(2)).is_some());
    }
}
