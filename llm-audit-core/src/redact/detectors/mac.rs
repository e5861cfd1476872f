//! Hardware addresses (EUI-48): six pairs of hex digits, or three groups of four.

use std::ops::Range;

use super::{Anchor, Beside, Confidence, Detector, Runs};
use crate::redact::bytes::{ByteSet, before, byte, has, hex_group, in_word};
use crate::redact::data_type::DataType;

pub(super) const MAC: Detector = Detector::find(
    "mac_address",
    DataType::MacAddress,
    Confidence::Prefix,
    &[
        Anchor::Colon,
        // A group of digits alone, the first or a later one; the letter behind a backslash is none.
        Anchor::Digits(
            &Runs::of(&[1, 2])
                .beside(Beside::Other, Beside::OneOf(b"-"))
                .then(&[0, 1, 2]),
        ),
        Anchor::Digits(
            &Runs::of(&[3, 4])
                .beside(Beside::Other, Beside::OneOf(b"."))
                .then(&[0, 1, 2, 3, 4]),
        ),
        Anchor::Digits(&Runs::of(&[2, 4]).beside(Beside::Joint, Beside::Other)),
        // A group that begins or ends with letters.
        Anchor::Digits(&PART.beside(Beside::Other, Beside::Letter)),
        Anchor::Digits(&PART.beside(Beside::Letter, Beside::Other)),
    ],
    find,
);

const PART: Runs = Runs::of(&[1, 2, 3]);

fn find(text: &[u8], at: usize) -> Option<Range<usize>> {
    if byte(text, at) == Some(b':') {
        // Most colons are followed by no other one.
        let start = at
            .checked_sub(2)
            .filter(|_| byte(text, at + 3) == Some(b':'))?;
        return address(text, start, (b':', 2, 6));
    }
    if !is_near_separator(text, at) {
        return None;
    }
    let Range { start: group, end } = hex_group(text, at)?;
    let is_separator = |b: Option<u8>| matches!(b, Some(b'-' | b'.'));
    if !is_separator(byte(text, end)) && !is_separator(before(text, group)) {
        return None;
    }
    // Separator, size of a group, and how many groups there are.
    let (separator, size, count) = match end - group {
        2 => (b'-', 2, 6),
        4 => (b'.', 4, 3),
        _ => return None,
    };
    if byte(text, end) != Some(separator) && before(text, group) != Some(separator) {
        return None;
    }
    // The first digit speaks for the whole address: groups before it have letters alone.
    let mut start = group;
    for _ in 1..count {
        let previous = start
            .checked_sub(size + 1)
            .filter(|_| before(text, start) == Some(separator));
        match previous {
            Some(at) if text.get(at..start - 1)?.iter().all(u8::is_ascii_alphabetic) => start = at,
            _ => break,
        }
    }
    address(text, start, (separator, size, count))
}

/// Returns whether a separator may stand beside the group with the digit at `at`; of most numbers
/// none does. Without branches, which nobody could foretell.
fn is_near_separator(text: &[u8], at: usize) -> bool {
    let near = at
        .checked_sub(4)
        .and_then(|from| text.get(from..)?.first_chunk());
    near.is_none_or(|&[a, b, c, d, _, e, f, g, h]| {
        let dash = [c, d, e, f].map(|byte| byte == b'-');
        let dot = [a, b, c, d, e, f, g, h].map(|byte| byte == b'.');
        dash.into_iter().chain(dot).fold(false, |any, is| any | is)
    })
}

/// Returns the address that begins at `start`, in this layout.
fn address(
    text: &[u8],
    start: usize,
    (separator, size, count): (u8, usize, usize),
) -> Option<Range<usize>> {
    let length = (size + 1) * count - 1;
    let address = text.get(start..start + length)?;
    // The last separator is that of the fewest other texts.
    let mut places = (1..count).rev().map(|group| group * (size + 1) - 1);
    if places.any(|at| byte(address, at) != Some(separator)) {
        return None;
    }
    let (mut letters, mut numbers) = (false, false);
    for (index, b) in address.iter().enumerate() {
        let is_separator = index % (size + 1) == size;
        if !(if is_separator {
            *b == separator
        } else {
            ByteSet::HEX.contains(*b)
        }) {
            return None;
        }
        letters |= b.is_ascii_alphabetic();
        numbers |= b.is_ascii_digit();
    }
    let digits = || address.iter().filter(|b| **b != separator);
    // Groups of four decimal digits may be years, pairs a date and a time.
    let vague = !letters && (separator == b'.' || (separator == b'-' && is_time(address)));
    let reserved = digits().all(|b| *b == b'0');
    (numbers && !vague && !reserved && is_bounded(text, start, start + length, separator))
        .then_some(start..start + length)
}

/// Returns whether the last three pairs of decimal digits can be hours, minutes and seconds.
fn is_time(pairs: &[u8]) -> bool {
    let time = pairs.get(9..).unwrap_or_default();
    let limits = [&b"23"[..], b"59", b"59"];
    time.chunks(3)
        .zip(limits)
        .all(|(pair, limit)| pair.get(..2).is_some_and(|pair| pair <= limit))
}

/// Returns whether the address is not part of a longer word or row of groups.
fn is_bounded(text: &[u8], start: usize, end: usize, separator: u8) -> bool {
    let joined = match before(text, start) {
        Some(b'_') => true,
        Some(b) if b == separator => {
            before(text, start - 1).is_some_and(|b| b.is_ascii_alphanumeric() || b == separator)
        }
        _ => in_word(text, start),
    };
    let goes_on = match byte(text, end) {
        Some(b) if b == separator => {
            byte(text, end + 1).is_some_and(|b| b.is_ascii_alphanumeric() || b == separator)
        }
        Some(b) => b.is_ascii_alphanumeric() || b == b'_',
        None => false,
    };
    !joined && !goes_on && !has(text, end, b"::")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::redact::detectors::tests::check;
    use crate::redact::scan::Scanner;
    use crate::redact::session::Families;

    proptest! {
        #[test]
        fn no_address_is_missed_for_runs_of_digits_that_are_not_looked_at(
            before in r"[a-z ._\\-]{0,2}",
            pairs in prop::collection::vec("[0-9a-f]{2}", 6),
            // A digit between letters of one group announces nothing.
            fours in prop::collection::vec("[0-9]{4}|[a-f]{4}|[0-9]{2}[a-f]{2}|[a-f]{3}[0-9]", 3),
            after in "[a-z0-9 ._-]{0,3}",
        ) {
            static SCANNER: std::sync::LazyLock<Scanner> =
                std::sync::LazyLock::new(|| Scanner::new([&MAC].into_iter()));
            for address in [pairs.join("-"), fours.join(".")] {
                let text = format!("{before}{address}{after}");
                let mut hits = Vec::new();
                SCANNER.scan(&text, Families::All, &mut hits);
                let digits = (0..text.len()).filter(|at| text.as_bytes()[*at].is_ascii_digit());
                for address in digits.filter_map(|at| find(text.as_bytes(), at)) {
                    prop_assert!(hits.iter().any(|hit| (hit.start..hit.end) == address), "{text}");
                }
            }
        }
    }

    #[test]
    fn addresses_are_found_in_every_notation() {
        check(
            DataType::MacAddress,
            &[
                "Device «3c:22:fb:a1:b2:c3» joined",
                "ether «AA:BB:CC:DD:EE:F1» txqueuelen",
                "MAC-Adresse: «3C-22-FB-A1-B2-C3», lease",
                "«3c22.fba1.b2c3».",
                "\\n«00:1a:2b:3c:4d:5e»\\n",
                "\"mac\":\"«ab:cd:ef:ab:cd:e0»\"",
                "«12:34:56:78:90:12»: up, «12-34-56-78-90-12»",
                "dir\\«b1-22-33-44-55-66» dir\\«f123.4567.89ab»",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn times_dates_and_longer_rows_are_left() {
        check(
            DataType::MacAddress,
            &[
                "12:34:56 00:12:10",
                "00:00:00:00:00:00",
                "26-11-22-10-04-56 2024.2025.2026",
                "3c:22:fb:a1:b2:c3:d4 1:3c:22:fb:a1:b2:c3 3c:22:fb:a1:b2",
                "3c:22-fb:a1:b2:c3",
                "x3c:22:fb:a1:b2:c3 3c:22:fb:a1:b2:c3x",
                "SHA256:3c:22:fb:a1:b2:c3:9f:86:d0:81",
                "8d0f7c1e-5a44-4f0e-9a63-0b8b3f5f7a11",
            ]
            .map(str::to_owned),
        );
    }
}
