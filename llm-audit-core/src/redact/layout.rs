//! The layouts in which numbers are printed, written as patterns.
//!
//! In a pattern `#` is a digit, `N` one from 2, `Z` one from 1, `A` a capital letter and `_` a
//! separator, the same one each time: a space, `-` or `.`. All else stands for itself.

use super::bytes::{before, byte, digits, in_word};
use super::runs::{CLASSES, MAX, OfRuns, Runs, class};

/// Patterns with a value each, by the length of their first run of digits.
pub(super) struct Layouts<T: 'static> {
    rows: &'static [(&'static str, T)],
    /// A bit for each row.
    by_run: [u64; MAX + 1],
    /// A bit for each row that goes on with a byte of a class behind its first run, or ends there.
    by_next: [u64; CLASSES],
    /// A bit for each row, by the length of the run that begins two bytes behind its first.
    by_second: [u64; MAX + 1],
    /// A bit for each row whose first digit can be this one.
    by_digit: [u64; 10],
    /// A bit for each row in which spaces alone separate digits and letters; see [`is_part`].
    spaced: u64,
}

impl<T> Layouts<T> {
    /// Indexes at most 64 rows.
    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated at compile time, where a wrong index does not compile"
    )]
    pub(super) const fn new(rows: &'static [(&'static str, T)]) -> Self {
        assert!(rows.len() <= 64);
        let mut by_run = [0; MAX + 1];
        let mut by_next = [0; CLASSES];
        let mut by_second = [0; MAX + 1];
        let mut by_digit = [0; 10];
        let mut spaced = 0;
        let mut row = 0;
        while row < rows.len() {
            let pattern = rows[row].0.as_bytes();
            let first = lead(pattern);
            let end = first + digits_of(pattern, first);
            by_run[end - first] |= 1 << row;
            let mut next = 0;
            while next < CLASSES {
                let goes_on = end < pattern.len();
                let separator = goes_on && pattern[end] == b'_' && next <= class(b'.');
                // A number that a letter follows is part of a word.
                let ends = !goes_on && next != class(b'A') && next != class(b'a');
                let same = goes_on && pattern[end] != b'_' && class(pattern[end]) == next;
                if ends || separator || same {
                    by_next[next] |= 1 << row;
                }
                next += 1;
            }
            let second = digits_of(pattern, end + 1);
            let mut length = 0;
            while length <= MAX {
                // A row that goes on otherwise says nothing about digits there.
                if second == 0 || second == length {
                    by_second[length] |= 1 << row;
                }
                length += 1;
            }
            if is_spaced(pattern) {
                spaced |= 1 << row;
            }
            let mut digit = 0;
            while digit < 10 {
                if may_be(pattern[first], b'0' + digit) {
                    by_digit[digit as usize] |= 1 << row;
                }
                digit += 1;
            }
            row += 1;
        }
        Self {
            rows,
            by_run,
            by_next,
            by_second,
            by_digit,
            spaced,
        }
    }

    /// Returns the runs of digits that a layout can begin with.
    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated at compile time, where a wrong index does not compile"
    )]
    #[expect(clippy::cast_possible_truncation, reason = "there are ten digits")]
    pub(super) const fn runs(&self) -> Runs {
        let mut lengths = [0; CLASSES];
        let mut digits = OfRuns::all(0);
        let mut seconds = OfRuns::all(0);
        let mut length = 0;
        while length <= MAX {
            let mut class = 0;
            while class < CLASSES {
                let rows = self.by_run[length] & self.by_next[class];
                if rows != 0 {
                    lengths[class] |= 1 << length;
                    digits = digits.with(class, length, members(&self.by_digit, rows) as u16);
                    seconds = seconds.with(class, length, members(&self.by_second, rows));
                }
                class += 1;
            }
            length += 1;
        }
        Runs::by_class(lengths, digits, seconds)
    }

    /// Returns the layouts that the text has whose first run of digits begins at `at`: where each
    /// begins and ends, and its value. Leaves out some that are part of something longer.
    #[inline]
    pub(super) fn at<'t>(&'t self, text: &'t [u8], at: usize) -> Found<'t, T> {
        let length = digits(text, at).min(MAX);
        let next = byte(text, at + length).map_or(CLASSES - 1, class);
        let digit = usize::from(byte(text, at).unwrap_or(0).wrapping_sub(b'0'));
        let mut rows = self.by_run.get(length).copied().unwrap_or(0)
            & self.by_next.get(next).copied().unwrap_or(0)
            & self.by_digit.get(digit).copied().unwrap_or(0);
        if rows != 0 {
            let second = digits(text, at + length + 1).min(MAX);
            rows &= self.by_second.get(second).copied().unwrap_or(0);
        }
        Found {
            layouts: self,
            text,
            at,
            rows,
        }
    }
}

/// Returns a bit for each of the sets that has one of the rows.
#[expect(clippy::indexing_slicing, reason = "the position is below the length")]
const fn members(sets: &[u64], rows: u64) -> u32 {
    let mut members = 0;
    let mut at = 0;
    while at < sets.len() {
        if sets[at] & rows != 0 {
            members |= 1 << at;
        }
        at += 1;
    }
    members
}

/// The layouts that a text has at a place.
pub(super) struct Found<'t, T: 'static> {
    layouts: &'t Layouts<T>,
    text: &'t [u8],
    at: usize,
    /// A bit for each row that may be one of them.
    rows: u64,
}

impl<'t, T> Iterator for Found<'t, T> {
    type Item = (usize, usize, &'t T);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while self.rows != 0 {
            let row = self.rows.trailing_zeros();
            let (pattern, value) = self.layouts.rows.get(row as usize)?;
            let spaced = self.layouts.spaced >> row & 1 != 0;
            self.rows &= self.rows - 1;
            if let Some((start, end)) = place(self.text, self.at, pattern.as_bytes(), spaced) {
                return Some((start, end, value));
            }
        }
        None
    }
}

/// Returns where the text has the layout whose first digit stands at `at`, unless it is seen at once
/// that it is part of something longer.
fn place(text: &[u8], at: usize, pattern: &[u8], spaced: bool) -> Option<(usize, usize)> {
    let start = at.checked_sub(lead(pattern))?;
    let end = start + pattern.len();
    let digit = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_digit());
    let goes_on = match byte(text, end) {
        Some(b' ') => spaced && digit(byte(text, end + 1)),
        next => next.is_some_and(|b| b.is_ascii_alphanumeric()),
    };
    let in_row = || {
        let outer = || start.checked_sub(2).and_then(|at| byte(text, at));
        spaced && before(text, start) == Some(b' ') && digit(outer())
    };
    (!goes_on && !in_row() && fits(text, start, pattern)).then_some((start, end))
}

/// Returns whether a pattern has spaces, and else only digits and letters.
#[expect(clippy::indexing_slicing, reason = "the position is below the length")]
const fn is_spaced(pattern: &[u8]) -> bool {
    let mut spaces = 0;
    let mut at = 0;
    while at < pattern.len() {
        match pattern[at] {
            b' ' => spaces += 1,
            b'#' | b'0'..=b'9' | b'A'..=b'Z' => {}
            _ => return false,
        }
        at += 1;
    }
    spaces > 0
}

/// Returns how many bytes stand before the first digit.
#[expect(clippy::indexing_slicing, reason = "the position is below the length")]
const fn lead(pattern: &[u8]) -> usize {
    let mut lead = 0;
    while lead < pattern.len() && !is_digit(pattern[lead]) {
        lead += 1;
    }
    lead
}

/// Returns how many digits stand at `at`.
#[expect(clippy::indexing_slicing, reason = "the position is below the length")]
const fn digits_of(pattern: &[u8], at: usize) -> usize {
    let mut end = at;
    while end < pattern.len() && is_digit(pattern[end]) {
        end += 1;
    }
    end - at
}

/// Returns whether `digit` can stand where the pattern has a digit.
const fn may_be(pattern: u8, digit: u8) -> bool {
    match pattern {
        b'N' => digit >= b'2',
        b'Z' => digit >= b'1',
        b'0'..=b'9' => digit == pattern,
        _ => true,
    }
}

const fn is_digit(pattern: u8) -> bool {
    matches!(pattern, b'#' | b'N' | b'Z' | b'0'..=b'9')
}

/// Returns whether the text at `start` has the layout.
fn fits(text: &[u8], start: usize, pattern: &[u8]) -> bool {
    let Some(text) = text.get(start..start + pattern.len()) else {
        return false;
    };
    let mut separator = None;
    text.iter().zip(pattern).all(|(b, pattern)| match pattern {
        b'#' => b.is_ascii_digit(),
        b'N' => matches!(b, b'2'..=b'9'),
        b'Z' => matches!(b, b'1'..=b'9'),
        b'A' => b.is_ascii_uppercase(),
        b'_' => matches!(b, b' ' | b'-' | b'.') && *separator.get_or_insert(b) == b,
        _ => b == pattern,
    })
}

/// Returns whether the number at `start..end` is a part of something longer: a word, a decimal
/// number, a path, or a row of numbers, where only spaces separate its own groups.
pub(super) fn is_part(text: &[u8], start: usize, end: usize) -> bool {
    let number = text.get(start..end).unwrap_or_default();
    let spaced = || {
        number.contains(&b' ')
            && number
                .iter()
                .all(|b| *b == b' ' || b.is_ascii_alphanumeric())
    };
    let digit = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_digit());
    let word = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    let outer = start.checked_sub(2).and_then(|at| byte(text, at));
    let joined = match before(text, start) {
        Some(b'_' | b'$' | b'#' | b'%') => true,
        Some(b'-' | b'.' | b'+') => word(outer),
        Some(b'/' | b':') => digit(outer),
        Some(b' ') => digit(outer) && spaced(),
        _ => in_word(text, start),
    };
    if joined {
        return true;
    }
    let outer = byte(text, end + 1);
    match byte(text, end) {
        Some(b'_' | b'%') => true,
        Some(b'-') => word(outer),
        Some(b'.' | b'/' | b':') => digit(outer),
        Some(b' ') => digit(outer) && spaced(),
        Some(b) => b.is_ascii_alphanumeric(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LAYOUTS: Layouts<u8> = Layouts::new(&[
        ("(N##) ###-####", 1),
        ("###_###_####", 2),
        ("A#######A", 3),
        ("0Z-####", 4),
    ]);

    fn found(text: &str, at: usize) -> Vec<(usize, usize, u8)> {
        let found = LAYOUTS.at(text.as_bytes(), at);
        found
            .map(|(start, end, value)| (start, end, *value))
            .collect()
    }

    #[test]
    fn a_layout_is_found_from_its_first_digit() {
        for (text, at, expected) in [
            ("(415) 555-0123", 1, (0, 14, 1)),
            ("943 476 5919", 0, (0, 12, 2)),
            ("943.476.5919", 0, (0, 12, 2)),
            ("no X1234567L", 4, (3, 12, 3)),
            ("03-1234.", 0, (0, 7, 4)),
        ] {
            assert_eq!(found(text, at), [expected], "{text}");
        }
        for (text, at) in [
            ("(115) 555-0123", 1),
            ("415) 555-0123", 0),
            ("943 476-5919", 0),
            ("943 476 591", 0),
            ("9434 476 5919", 0),
            ("x1234567L", 1),
            ("00-1234", 0),
        ] {
            assert_eq!(found(text, at), [], "{text}");
        }
    }

    #[test]
    fn runs_are_those_of_the_layouts() {
        let mut lengths = [0_u32; CLASSES];
        let mut digits = OfRuns::all(0);
        let mut seconds = OfRuns::all(0);
        let mut row = |next: u8, length: usize, first: u16, second: u32| {
            lengths[class(next)] |= 1 << length;
            digits = digits.with(class(next), length, first);
            seconds = seconds.with(class(next), length, second);
        };
        let any = (1 << (MAX + 1)) - 1;
        row(b')', 3, 0b11_1111_1100, any);
        for separator in b" -." {
            row(*separator, 3, 0b11_1111_1111, 1 << 3);
        }
        row(b'A', 7, 0b11_1111_1111, any);
        row(b'-', 2, 1, 1 << 4);
        assert_eq!(LAYOUTS.runs(), Runs::by_class(lengths, digits, seconds));
    }

    const IN_ROWS: &[(&str, u8)] = &[("### ###", 1), ("###-###", 2), ("## ##A", 3), ("###_##", 4)];

    proptest! {
        #[test]
        fn only_parts_of_something_longer_are_left_out(text in "[0-9A .-]{0,16}") {
            static LAYOUTS: Layouts<u8> = Layouts::new(IN_ROWS);
            let bytes = text.as_bytes();
            for at in (0..text.len()).filter(|at| *at == 0 || !bytes[at - 1].is_ascii_digit()) {
                let whole = |found: &(usize, usize, u8)| !is_part(bytes, found.0, found.1);
                let found = LAYOUTS.at(bytes, at).map(|(start, end, value)| (start, end, *value));
                let fitting = IN_ROWS.iter().map(|(pattern, value)| (at, at + pattern.len(), *value));
                let expected = fitting.filter(|(.., value)| {
                    let (pattern, _) = IN_ROWS[usize::from(*value) - 1];
                    fits(bytes, at, pattern.as_bytes())
                });
                let found: Vec<_> = found.filter(whole).collect();
                prop_assert_eq!(found, expected.filter(whole).collect::<Vec<_>>());
            }
        }
    }
}
