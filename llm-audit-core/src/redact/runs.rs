//! Which detectors look at a run of digits: by its length, and by what stands beside it.
//!
//! Numbers are everywhere, and what they can be shows in these: of a dozen detectors none or one
//! is asked about most runs.

use super::bytes::{before, behind_escape, byte, digits};

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
    digits: OfRuns<u16>,
    seconds: OfRuns<u32>,
}

/// Sets of bits by the class of the byte behind a run, and its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OfRuns<T>([[T; LENGTHS]; CLASSES]);

impl<T: Copy> OfRuns<T> {
    pub(super) const fn all(set: T) -> Self {
        Self([[set; LENGTHS]; CLASSES])
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated at compile time, where a wrong index does not compile"
    )]
    pub(super) const fn with(mut self, class: usize, length: usize, set: T) -> Self {
        self.0[class][length] = set;
        self
    }

    fn get(&self, class: usize, length: usize) -> Option<T> {
        self.0.get(class)?.get(length).copied()
    }
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
            digits: OfRuns::all(!0),
            seconds: OfRuns::all(!0),
        };
        runs.beside(Beside::Other, Beside::Other)
    }

    /// Returns runs whose length has its bit for the class of the byte behind, and that do not go
    /// on from a word: those whose first digit has its bit in `digits`, and the length of the run
    /// that begins two bytes behind them in `seconds`.
    pub(super) const fn by_class(
        lengths: [u32; CLASSES],
        digits: OfRuns<u16>,
        seconds: OfRuns<u32>,
    ) -> Self {
        Self {
            lengths,
            leads: Beside::Other.leads(),
            digits,
            seconds,
        }
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

    /// The same runs, where a run of one of these lengths begins two bytes behind them.
    pub(super) const fn then(mut self, lengths: &[usize]) -> Self {
        let mut seconds = 0;
        let mut rest = lengths;
        while let [length, tail @ ..] = rest {
            seconds |= 1 << *length;
            rest = tail;
        }
        self.seconds = OfRuns::all(seconds);
        self
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
        Some(LETTER) => usize::from(!behind_escape(text, at)),
        lead => lead.unwrap_or(0),
    }
}

/// Values by the runs that they belong to.
pub(super) struct Table<T> {
    values: Vec<Known<T>>,
    /// A bit for each value, by the kind of a run.
    rows: Vec<u32>,
    /// The same by class, length and first digit.
    digits: Vec<u32>,
    /// The same by class, length and the length of the run that begins two bytes behind.
    seconds: Vec<u32>,
    /// A bit for each value that goes by that length.
    by_second: u32,
}

struct Known<T> {
    value: T,
    /// A bit for each place where this value stands.
    same: u32,
}

const DIGITS: usize = 10;

impl<T: PartialEq> Table<T> {
    /// Takes at most 32 values; equal ones count as one.
    pub(super) fn new(values: Vec<(Runs, T)>) -> Self {
        debug_assert!(values.len() <= 32, "a bit for each");
        let bits = |is_in: &dyn Fn(&Runs) -> bool| {
            let bits = values.iter().zip(0..32);
            bits.fold(0, |bits, ((runs, _), bit)| {
                bits | u32::from(is_in(runs)) << bit
            })
        };
        let rows = (0..LEADS * CLASSES * LENGTHS).map(|row| {
            let (lead, rest) = (row / (CLASSES * LENGTHS), row % (CLASSES * LENGTHS));
            bits(&|runs| runs.contains(rest % LENGTHS, lead, rest / LENGTHS))
        });
        let rows = rows.collect();
        let by_run = |kinds: usize, is_in: &dyn Fn(&Runs, usize, usize, usize) -> bool| {
            let rows = (0..CLASSES * LENGTHS * kinds).map(|row| {
                let (run, kind) = (row / kinds, row % kinds);
                bits(&|runs| is_in(runs, run / LENGTHS, run % LENGTHS, kind))
            });
            rows.collect()
        };
        let digits = by_run(DIGITS, &|runs, class, length, digit| {
            runs.digits
                .get(class, length)
                .is_some_and(|set| set >> digit & 1 != 0)
        });
        let seconds = by_run(LENGTHS, &|runs, class, length, second| {
            runs.seconds
                .get(class, length)
                .is_some_and(|set| set >> second & 1 != 0)
        });
        let by_second = bits(&|runs| runs.seconds != OfRuns::all(!0));
        let same = |value: &T| {
            let bits = values.iter().zip(0..32);
            bits.fold(0, |bits, ((_, other), bit)| {
                bits | u32::from(other == value) << bit
            })
        };
        let same: Vec<u32> = values.iter().map(|(_, value)| same(value)).collect();
        let values = values.into_iter().zip(same);
        Self {
            values: values
                .map(|((_, value), same)| Known { value, same })
                .collect(),
            rows,
            digits,
            seconds,
            by_second,
        }
    }

    /// Returns the values of the run of `length` digits that begins at `at`.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
    pub(super) fn at(&self, text: &[u8], at: usize, length: usize) -> Found<'_, T> {
        let length = length.min(MAX);
        let first = byte(text, at).unwrap_or(b'0');
        let class = byte(text, at + length).map_or(CLASSES - 1, |b| CLASS[usize::from(b)].into());
        // Without branches, which nobody could foretell.
        let zeros = usize::from((first == b'0') & (byte(text, at + 1) == Some(b'0')));
        let lead = lead(text, at) + zeros * ZEROS;
        let run = class * LENGTHS + length;
        let of = |rows: &[u32], row: usize| rows.get(row).copied().unwrap_or(0);
        let digit = usize::from(first.wrapping_sub(b'0'));
        let mut bits = of(&self.rows, lead * CLASSES * LENGTHS + run);
        bits &= of(&self.digits, run * DIGITS + digit);
        if bits & self.by_second != 0 {
            let second = digits(text, at + length + 1).min(MAX);
            bits &= of(&self.seconds, run * LENGTHS + second);
        }
        Found {
            values: &self.values,
            bits,
        }
    }
}

/// The values of a run.
pub(super) struct Found<'t, T> {
    values: &'t [Known<T>],
    bits: u32,
}

impl<'t, T> Iterator for Found<'t, T> {
    type Item = &'t T;

    #[inline]
    fn next(&mut self) -> Option<&'t T> {
        let first = self.bits.trailing_zeros();
        let known = self.values.get(first as usize)?;
        self.bits &= !known.same;
        Some(&known.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_known_by_its_length_and_what_stands_beside_it() {
        let table = Table::new(vec![
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
            (Runs::of(&[6]).then(&[1, 3]), "followed"),
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
            ("123456 1", 0, vec!["followed"]),
            ("123456-123a", 0, vec!["followed"]),
            ("123456 12", 0, vec![]),
            ("123456a1234", 0, vec![]),
            ("123456", 0, vec![]),
        ] {
            let length = digits(text.as_bytes(), at);
            let found = table.at(text.as_bytes(), at, length);
            assert_eq!(found.copied().collect::<Vec<_>>(), expected, "{text}");
        }
    }
}
