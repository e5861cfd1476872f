//! Dates as people write them.

use super::bytes::{ByteSet, before, byte, has, in_word, run};

/// Beginnings of the months' names in seven languages, without marks.
const MONTHS: &[&[u8; 3]] = &[
    b"abr", b"ago", b"apr", b"aou", b"aug", b"avr", b"dec", b"dez", b"dic", b"ene", b"feb", b"fev",
    b"gen", b"giu", b"jan", b"jui", b"jul", b"jun", b"lug", b"maa", b"mag", b"mai", b"mar", b"may",
    b"mei", b"mrt", b"nov", b"oct", b"okt", b"ott", b"out", b"sep", b"set",
];
const MAX_MONTH: usize = 12;
const SPACE: ByteSet = ByteSet::of(b" ");

/// Returns where the date ends that begins at `at`: year, month and day in any usual order, the
/// month in digits or by name.
pub(super) fn date(text: &[u8], at: usize) -> Option<usize> {
    let first = byte(text, at)?;
    if in_word(text, at) || before(text, at).is_some_and(|b| b.is_ascii_digit()) {
        return None;
    }
    match first {
        b'0'..=b'9' => numeric(text, at).or_else(|| day_first(text, at)),
        b'a'..=b'z' | b'A'..=b'Z' => month_first(text, at),
        _ => None,
    }
}

fn numeric(text: &[u8], at: usize) -> Option<usize> {
    let (first, length, end) = number(text, at)?;
    let parts = if length == 8 {
        (first / 10_000, first / 100 % 100, first % 100, end)
    } else {
        let (second, middle, next) = number(text, separator(text, end, true)?)?;
        let between = separator(text, next, false)?;
        if byte(text, end) != byte(text, next) && byte(text, end)?.is_ascii() {
            return None;
        }
        let (third, last, mut end) = number(text, between)?;
        if has(text, end, "日".as_bytes()) {
            end += "日".len();
        }
        match (length, last) {
            (4, 1 | 2) => (first, second, third, end),
            (1 | 2, 4) => (third, second, first, end),
            // `2.5.18` is a version rather.
            (2, 2) if middle == 2 => (1900 + third, second, first, end),
            _ => return None,
        }
    };
    let (year, month, day, end) = parts;
    let day_and_month = |day, month| (1..=31).contains(&day) && (1..=12).contains(&month);
    (is_year(year) && (day_and_month(day, month) || (length < 4 && day_and_month(month, day))))
        .then_some(end)
}

/// Returns where the next number begins behind a separator.
fn separator(text: &[u8], at: usize, first: bool) -> Option<usize> {
    match byte(text, at)? {
        b'-' | b'/' => Some(at + 1),
        b'.' => Some(run(text, at + 1, &SPACE, 1)),
        _ => {
            let sign = if first { "年" } else { "月" };
            has(text, at, sign.as_bytes()).then_some(at + sign.len())
        }
    }
}

/// `March 3, 1980`.
fn month_first(text: &[u8], at: usize) -> Option<usize> {
    let day = gap(text, month(text, at)?);
    let (day, _, end) =
        number(text, day).filter(|(day, length, _)| *length <= 2 && (1..=31).contains(day))?;
    debug_assert!(day > 0, "the filter asks for a day");
    year(text, gap(text, ordinal(text, end)))
}

/// `3 March 1980`, `3. März 1980`, `3 de marzo de 1980`, `03-Mar-1980`.
fn day_first(text: &[u8], at: usize) -> Option<usize> {
    let (_, _, end) =
        number(text, at).filter(|(day, length, _)| *length <= 2 && (1..=31).contains(day))?;
    let end = month(text, gap(text, ordinal(text, end)))?;
    year(text, gap(text, end))
}

fn year(text: &[u8], at: usize) -> Option<usize> {
    number(text, at)
        .filter(|(year, length, _)| *length == 4 && is_year(*year))
        .map(|(_, _, end)| end)
}

const fn is_year(year: u32) -> bool {
    1880 <= year && year <= 2100
}

/// Skips what stands between the parts of a date: spaces, signs, `of` and `de`.
fn gap(text: &[u8], at: usize) -> usize {
    const SIGNS: ByteSet = ByteSet::of(b" .,-/");
    let at = run(text, at, &SIGNS, 2);
    let of = [&b"of "[..], b"de ", b"del "]
        .into_iter()
        .find(|of| has(text, at, of));
    at + of.map_or(0, <[u8]>::len)
}

fn ordinal(text: &[u8], at: usize) -> usize {
    let suffixes = [
        &b"st"[..],
        b"nd",
        b"rd",
        b"th",
        b"er",
        "º".as_bytes(),
        "°".as_bytes(),
    ];
    at + suffixes
        .into_iter()
        .find(|suffix| has(text, at, suffix))
        .map_or(0, <[u8]>::len)
}

/// Returns where the name of a month ends.
fn month(text: &[u8], at: usize) -> Option<usize> {
    let mut name = [0; 3];
    let mut length = 0;
    let mut end = at;
    while end < at + MAX_MONTH {
        let letter = match (byte(text, end)?, byte(text, end + 1)) {
            (b, _) if b.is_ascii_alphabetic() => b.to_ascii_lowercase(),
            (0xc3, Some(0xa4 | 0x84)) => b'a',
            (0xc3, Some(0xa9 | 0x89)) => b'e',
            (0xc3, Some(0xa7 | 0x87)) => b'c',
            (0xc3, Some(0xbb | 0x9b)) => b'u',
            _ => break,
        };
        if let Some(slot) = name.get_mut(length) {
            *slot = letter;
        }
        length += 1;
        end += if byte(text, end)?.is_ascii() { 1 } else { 2 };
    }
    MONTHS.contains(&&name).then_some(end)
}

/// Returns the number of at most eight digits at `at`, how many digits it has, and where it ends.
fn number(text: &[u8], at: usize) -> Option<(u32, usize, usize)> {
    let end = run(text, at, &ByteSet::DIGIT, 9);
    let digits = text.get(at..end)?;
    let value = digits
        .iter()
        .fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    matches!(digits.len(), 1 | 2 | 4 | 8).then_some((value, digits.len(), end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_every_order() {
        for text in [
            "1980-03-04",
            "03/04/1980",
            "31.12.1980",
            "12/31/1980",
            "4. 3. 1980",
            "04.03.80",
            "1980/3/4",
            "19800304",
            "March 3, 1980",
            "mar 3 1980",
            "3 March 1980",
            "3rd of March, 1980",
            "1er mars 1980",
            "4. März 1980",
            "12 août 1980",
            "4 de marzo de 1980",
            "04-Mar-1980",
            "1980年3月4日",
        ] {
            assert_eq!(date(text.as_bytes(), 0), Some(text.len()), "{text}");
        }
    }

    #[test]
    fn other_numbers_are_no_dates() {
        for text in [
            "",
            "1980",
            "1980-13-04",
            "32.01.1980",
            "1.2.3",
            "2.5.18",
            "99/99/2020",
            "12-03/1980",
            "12345678",
            "1980030",
            "03:04:1980",
            "Marvin",
            "Room 3, 1980",
            "3 times 1980",
            "1700-03-04",
        ] {
            assert_eq!(date(text.as_bytes(), 0), None, "{text}");
        }
        assert_eq!(date(b"11980-03-04", 1), None);
    }
}
