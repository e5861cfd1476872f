//! Which detectors look at a run of digits: by its length, and by what stands beside it.
//!
//! Numbers are everywhere, and what they can be shows in these: of a dozen detectors none or one
//! is asked about most runs.

use super::bytes::{before, byte, in_word};

/// Runs that are longer count as runs of this length.
pub(super) const MAX: usize = 20;
const LENGTHS: usize = MAX + 1;

/// Kinds of byte behind a run; see [`class`].
pub(super) const CLASSES: usize = 7;
const LETTERS: u8 = 1 << UPPER | 1 << LOWER;
const UPPER: usize = 4;
const LOWER: usize = 5;

/// Kinds of byte before a run; see [`lead`]. The upper half is of runs that begin with `00`.
const LEADS: usize = 8;
const ZEROS: usize = LEADS / 2;

/// Which runs of digits a detector looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Runs {
    /// A bit for each length, by the class of the byte behind.
    lengths: [u32; CLASSES],
    /// A bit for each lead.
    leads: u16,
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
    /// Before a run: `+`, or its own first digits `00`.
    Abroad,
    /// Before a run: `-` or `.`.
    Joint,
    /// Behind a run: one of these bytes, each of a class of its own.
    OneOf(&'static [u8]),
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

    /// Returns runs of at least this length that are not part of a word.
    pub(super) const fn from(length: usize) -> Self {
        Self::of_bits(!0 << length)
    }

    const fn of_bits(lengths: u32) -> Self {
        let runs = Self {
            lengths: [lengths; CLASSES],
            leads: 0,
        };
        runs.beside(Beside::Other, Beside::Other)
    }

    /// Returns runs whose length has its bit for the class of the byte behind, and that do not go
    /// on from a word.
    pub(super) const fn by_class(lengths: [u32; CLASSES]) -> Self {
        let leads = Beside::Other.leads();
        Self { lengths, leads }
    }

    /// The runs of these lengths beside other bytes.
    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated at compile time, where a wrong index does not compile"
    )]
    pub(super) const fn beside(mut self, before: Beside, after: Beside) -> Self {
        let mut lengths = 0;
        let mut class = 0;
        while class < CLASSES {
            lengths |= self.lengths[class];
            class += 1;
        }
        let classes = after.classes();
        let mut class = 0;
        while class < CLASSES {
            self.lengths[class] = if classes >> class & 1 != 0 {
                lengths
            } else {
                0
            };
            class += 1;
        }
        self.behind(before)
    }

    /// The same runs behind other bytes.
    pub(super) const fn behind(mut self, before: Beside) -> Self {
        self.leads = before.leads();
        self
    }

    fn contains(self, length: usize, lead: usize, class: usize) -> bool {
        let lengths = self.lengths.get(class).copied().unwrap_or(0);
        lengths >> length & 1 != 0 && self.leads >> lead & 1 != 0
    }
}

impl Beside {
    const fn leads(self) -> u16 {
        const LETTER: u16 = 1 << 1 | 1 << (ZEROS + 1);
        const PLUS: u16 = 1 << 2 | 1 << (ZEROS + 2);
        const JOINT: u16 = 1 << 3 | 1 << (ZEROS + 3);
        const ALL: u16 = (1 << LEADS) - 1;
        match self {
            Self::Any | Self::OneOf(_) => ALL,
            Self::Letter => LETTER,
            Self::Other => ALL & !LETTER,
            Self::Abroad => PLUS | (ALL << ZEROS & ALL & !LETTER),
            Self::Joint => JOINT,
        }
    }

    const fn classes(self) -> u8 {
        match self {
            Self::Any | Self::Abroad | Self::Joint => !0,
            Self::Letter => LETTERS,
            Self::Other => !LETTERS,
            Self::OneOf(bytes) => {
                let mut classes = 0;
                let mut rest = bytes;
                while let [byte, tail @ ..] = rest {
                    classes |= 1 << class(*byte);
                    rest = tail;
                }
                classes
            }
        }
    }
}

/// Returns the kind of byte behind a run.
#[inline]
pub(super) const fn class(next: u8) -> usize {
    match next {
        b' ' => 0,
        b'-' => 1,
        b'.' => 2,
        b'/' | b')' => 3,
        b'A'..=b'Z' => UPPER,
        b'a'..=b'z' => LOWER,
        _ => 6,
    }
}

/// The kind of each byte behind a run, and before one; see [`class`] and [`lead_of`].
static CLASS: [u8; 256] = kinds(false);
static LEAD: [u8; 256] = kinds(true);

#[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
#[expect(clippy::cast_possible_truncation, reason = "kinds are few")]
const fn kinds(before: bool) -> [u8; 256] {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let kind = match before {
            true => lead_of(byte as u8),
            false => class(byte as u8),
        };
        kinds[byte] = kind as u8;
        byte += 1;
    }
    kinds
}

/// Returns the kind of a byte before a run; what ends an escape is no letter.
const fn lead_of(byte: u8) -> usize {
    match byte {
        b'+' => 2,
        b'-' | b'.' => 3,
        b if b.is_ascii_alphanumeric() => LETTER,
        _ => 0,
    }
}

const LETTER: usize = 1;

/// Returns the kind of byte before the run at `at`.
#[inline]
#[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
fn lead(text: &[u8], at: usize) -> usize {
    match before(text, at).map(|b| usize::from(LEAD[usize::from(b)])) {
        Some(LETTER) => usize::from(in_word(text, at)),
        lead => lead.unwrap_or(0),
    }
}

/// Values by the runs that they belong to.
pub(super) struct Table<T> {
    /// For each kind of run, which of the lists.
    rows: Vec<u8>,
    lists: Vec<Vec<T>>,
}

impl<T: Copy + PartialEq> Table<T> {
    /// Each value is once in a row, however many of its runs are.
    pub(super) fn new(values: &[(Runs, T)]) -> Self {
        let mut lists: Vec<Vec<T>> = vec![Vec::new()];
        let rows = (0..LEADS * CLASSES * LENGTHS)
            .map(|row| {
                let (lead, rest) = (row / (CLASSES * LENGTHS), row % (CLASSES * LENGTHS));
                let (class, length) = (rest / LENGTHS, rest % LENGTHS);
                let mut list: Vec<T> = Vec::new();
                for (runs, value) in values {
                    if runs.contains(length, lead, class) && !list.contains(value) {
                        list.push(*value);
                    }
                }
                let known = lists.iter().position(|known| *known == list);
                let index = known.unwrap_or_else(|| {
                    lists.push(list);
                    lists.len() - 1
                });
                debug_assert!(index < 256, "detectors agree on the kinds of run");
                u8::try_from(index).unwrap_or(0)
            })
            .collect();
        Self { rows, lists }
    }

    /// Returns the values of the run of `length` digits that begins at `at`.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
    pub(super) fn at(&self, text: &[u8], at: usize, length: usize) -> &[T] {
        let length = length.min(MAX);
        let class = byte(text, at + length).map_or(CLASSES - 1, |b| CLASS[usize::from(b)].into());
        let mut lead = lead(text, at);
        if let Some([b'0', b'0']) = text.get(at..at + 2) {
            lead += ZEROS;
        }
        let row = (lead * CLASSES + class) * LENGTHS + length;
        self.rows
            .get(row)
            .and_then(|list| self.lists.get(usize::from(*list)))
            .map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::bytes::digits;

    #[test]
    fn a_run_is_known_by_its_length_and_what_stands_beside_it() {
        let table = Table::new(&[
            (Runs::of(&[2, 30]), "free"),
            (Runs::of(&[2]), "free"),
            (Runs::of(&[2]).beside(Beside::Letter, Beside::Any), "behind"),
            (Runs::of(&[2]).beside(Beside::Any, Beside::Letter), "before"),
            (Runs::of(&[4]).beside(Beside::Abroad, Beside::Any), "abroad"),
            (Runs::of(&[3]).beside(Beside::Joint, Beside::Any), "joint"),
            (
                Runs::of(&[5]).beside(Beside::Other, Beside::OneOf(b".")),
                "dotted",
            ),
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
            ("1234", 0, vec![]),
            ("+1234", 1, vec!["abroad"]),
            ("0012", 0, vec!["abroad"]),
            ("x0012", 1, vec![]),
            (".123-", 1, vec!["joint"]),
            ("-123f", 1, vec!["joint"]),
            (" 123-", 1, vec![]),
            (":123 ", 1, vec![]),
            ("12345.", 0, vec!["dotted"]),
            ("12345", 0, vec![]),
        ] {
            let length = digits(text.as_bytes(), at);
            assert_eq!(table.at(text.as_bytes(), at, length), expected, "{text}");
        }
    }
}
