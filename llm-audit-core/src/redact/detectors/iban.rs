//! Bank accounts: IBAN (ISO 13616), with the length that its country has and the check digits of
//! ISO 7064, in one piece or in printed groups of four.

use std::ops::Range;

use super::{Anchor, Beside, Confidence, Detector, Runs};
use crate::redact::bytes::{byte, in_word};
use crate::redact::data_type::DataType;

pub(super) const IBAN: Detector = Detector::find(
    "iban",
    DataType::Iban,
    Confidence::Valid,
    &[Anchor::Digits(
        &Runs::from(2).beside(Beside::Letter, Beside::Any),
    )],
    find,
);

/// Country and length, in the order of the codes (registry of IBAN formats, SWIFT).
#[rustfmt::skip]
const COUNTRIES: &[([u8; 2], usize)] = &[
    (*b"AD", 24), (*b"AE", 23), (*b"AL", 28), (*b"AT", 20), (*b"AZ", 28), (*b"BA", 20), (*b"BE", 16),
    (*b"BG", 22), (*b"BH", 22), (*b"BI", 27), (*b"BR", 29), (*b"BY", 28), (*b"CH", 21), (*b"CR", 22),
    (*b"CY", 28), (*b"CZ", 24), (*b"DE", 22), (*b"DJ", 27), (*b"DK", 18), (*b"DO", 28), (*b"EE", 20),
    (*b"EG", 29), (*b"ES", 24), (*b"FI", 18), (*b"FK", 18), (*b"FO", 18), (*b"FR", 27), (*b"GB", 22),
    (*b"GE", 22), (*b"GI", 23), (*b"GL", 18), (*b"GR", 27), (*b"GT", 28), (*b"HN", 28), (*b"HR", 21),
    (*b"HU", 28), (*b"IE", 22), (*b"IL", 23), (*b"IQ", 23), (*b"IS", 26), (*b"IT", 27), (*b"JO", 30),
    (*b"KW", 30), (*b"KZ", 20), (*b"LB", 28), (*b"LC", 32), (*b"LI", 21), (*b"LT", 20), (*b"LU", 20),
    (*b"LV", 21), (*b"LY", 25), (*b"MC", 27), (*b"MD", 24), (*b"ME", 22), (*b"MK", 19), (*b"MN", 20),
    (*b"MR", 27), (*b"MT", 31), (*b"MU", 30), (*b"NI", 28), (*b"NL", 18), (*b"NO", 15), (*b"OM", 23),
    (*b"PK", 24), (*b"PL", 28), (*b"PS", 29), (*b"PT", 25), (*b"QA", 29), (*b"RO", 24), (*b"RS", 22),
    (*b"RU", 33), (*b"SA", 24), (*b"SC", 31), (*b"SD", 18), (*b"SE", 24), (*b"SI", 19), (*b"SK", 24),
    (*b"SM", 27), (*b"SO", 23), (*b"ST", 25), (*b"SV", 28), (*b"TL", 23), (*b"TN", 24), (*b"TR", 26),
    (*b"UA", 29), (*b"VA", 22), (*b"VG", 24), (*b"XK", 20), (*b"YE", 30),
];

fn find(text: &[u8], at: usize) -> Option<Range<usize>> {
    let start = at.checked_sub(2)?;
    let code = [byte(text, start)?, byte(text, start + 1)?].map(|b| b.to_ascii_uppercase());
    if !code.iter().all(u8::is_ascii_uppercase) || in_word(text, start) {
        return None;
    }
    let country = COUNTRIES.binary_search_by_key(&code, |(code, _)| *code);
    let (_, length) = *COUNTRIES.get(country.ok()?)?;
    let end = end(text, start, length)?;
    let number = || {
        let bytes = text.get(start..end).into_iter().flatten();
        bytes.copied().filter(|b| b.is_ascii_alphanumeric())
    };
    let rest = number()
        .skip(4)
        .chain(number().take(4))
        .fold(0, |rest, b| match b {
            b'0'..=b'9' => (rest * 10 + u32::from(b - b'0')) % 97,
            _ => (rest * 100 + u32::from(b.to_ascii_uppercase() - b'A') + 10) % 97,
        });
    (rest == 1).then_some(start..end)
}

/// Returns where `length` letters and digits end that begin at `start`, in one piece or in groups of
/// four with one separator.
fn end(text: &[u8], start: usize, length: usize) -> Option<usize> {
    let separator = byte(text, start + 4).filter(|b| matches!(b, b' ' | b'-'));
    let end = match separator {
        Some(_) => start + length + (length - 1) / 4,
        None => start + length,
    };
    let whole = text
        .get(start..end)?
        .iter()
        .enumerate()
        .all(|(index, b)| match separator {
            Some(separator) if index % 5 == 4 => *b == separator,
            _ => b.is_ascii_alphanumeric(),
        });
    let next = byte(text, end);
    (whole && !next.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::detectors::tests::check;

    #[test]
    fn accounts_are_found_in_one_piece_and_in_groups() {
        check(
            DataType::Iban,
            &[
                "IBAN «DE89370400440532013000», please",
                "auf «DE89 3704 0044 0532 0130 00».",
                "iban=«GB82WEST12345698765432»&x",
                "«FR14 2004 1010 0505 0001 3M02 606» «NL91ABNA0417164300»",
                "«CH93-0076-2011-6238-5295-7»",
                "«be68539007547034» \\n«NO9386011117947»\\n",
                "口座«DE89370400440532013000»へ",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn wrong_check_digits_and_lengths_are_left() {
        check(
            DataType::Iban,
            &[
                "DE88370400440532013000",
                "DE8937040044053201300",
                "DE893704004405320130000",
                "XX89370400440532013000",
                "aDE89370400440532013000",
                "DE89 37040044 0532 0130 00",
                "GB12345 AE12 SE2024",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn countries_are_in_order() {
        assert!(COUNTRIES.is_sorted());
    }
}
