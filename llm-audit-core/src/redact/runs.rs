//! Which detectors look at a run of digits: by its length, and by whether it is part of a word.
//!
//! Numbers are everywhere, and what they can be shows in these two: of a dozen detectors one or
//! two are asked about a run.

use super::bytes::in_word;

/// Runs that are longer count as runs of this length.
pub(super) const MAX: usize = 20;
const LENGTHS: usize = MAX + 1;
const NEIGHBOURS: usize = 4;

/// Which runs of digits a detector looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Runs {
    /// A bit for each length.
    lengths: u32,
    before: Beside,
    after: Beside,
}

/// What stands beside a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// Anything.
    Any,
    /// A letter of ASCII that is not the end of an escape.
    Letter,
    /// Anything else.
    Other,
}

impl Runs {
    /// Returns runs of these lengths that are not part of a word.
    pub(super) const fn of(lengths: &[usize]) -> Self {
        let mut bits = 0;
        let mut rest = lengths;
        while let [length, tail @ ..] = rest {
            bits |= 1 << if *length > MAX { MAX } else { *length };
            rest = tail;
        }
        Self::of_bits(bits)
    }

    /// Returns runs whose length has its bit, and that are not part of a word.
    pub(super) const fn of_bits(lengths: u32) -> Self {
        Self {
            lengths,
            before: Beside::Other,
            after: Beside::Other,
        }
    }

    /// Returns runs of at least this length that are not part of a word.
    pub(super) const fn from(length: usize) -> Self {
        Self::of_bits(!0 << length)
    }

    pub(super) const fn beside(mut self, before: Beside, after: Beside) -> Self {
        self.before = before;
        self.after = after;
        self
    }

    fn contains(self, length: usize, before: bool, after: bool) -> bool {
        self.lengths >> length & 1 != 0 && self.before.is(before) && self.after.is(after)
    }
}

impl Beside {
    fn is(self, letter: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Letter => letter,
            Self::Other => !letter,
        }
    }
}

/// Values by the runs that they belong to.
pub(super) struct Table<T> {
    rows: Vec<Vec<T>>,
}

impl<T: Copy> Table<T> {
    pub(super) fn new(values: &[(Runs, T)]) -> Self {
        let rows = (0..NEIGHBOURS * LENGTHS)
            .map(|row| {
                let (neighbours, length) = (row / LENGTHS, row % LENGTHS);
                let (before, after) = (neighbours & 1 != 0, neighbours & 2 != 0);
                let here = |runs: &Runs| runs.contains(length, before, after);
                let of_row = values.iter().filter(|(runs, _)| here(runs));
                of_row.map(|(_, value)| *value).collect()
            })
            .collect();
        Self { rows }
    }

    /// Returns the values of the run that begins at `at`.
    #[inline]
    pub(super) fn at(&self, text: &[u8], at: usize) -> &[T] {
        let rest = text.get(at..).unwrap_or_default();
        let length = rest
            .iter()
            .take(MAX)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let after = rest.get(length).is_some_and(u8::is_ascii_alphabetic);
        let neighbours = usize::from(in_word(text, at)) | usize::from(after) << 1;
        self.rows
            .get(neighbours * LENGTHS + length)
            .map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_known_by_its_length_and_the_letters_beside_it() {
        let table = Table::new(&[
            (Runs::of(&[2, 30]), "free"),
            (Runs::of(&[2]).beside(Beside::Letter, Beside::Any), "behind"),
            (Runs::of(&[2]).beside(Beside::Any, Beside::Letter), "before"),
        ]);
        for (text, at, expected) in [
            ("12", 0, vec!["free"]),
            ("a 12.", 2, vec!["free"]),
            ("\\n12", 2, vec!["free"]),
            ("x12", 1, vec!["behind"]),
            ("12x", 0, vec!["before"]),
            ("x12x", 1, vec!["behind", "before"]),
            ("123", 0, vec![]),
            ("1234567890123456789012", 0, vec!["free"]),
            ("é12", 2, vec!["free"]),
        ] {
            assert_eq!(table.at(text.as_bytes(), at), expected, "{text}");
        }
    }
}
