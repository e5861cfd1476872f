//! Payment cards: prefix and length of a brand, the Luhn check digit (ISO/IEC 7812-1), and the
//! groups in which numbers are printed.

use std::ops::Range;

use super::{Anchor, Beside, Confidence, Detector, Runs};
use crate::redact::bytes::{before, byte, digits, in_word};
use crate::redact::data_type::DataType;

pub(super) const CARD: Detector = Detector::find(
    "credit_card",
    DataType::CreditCard,
    Confidence::Valid,
    &[
        Anchor::Digits(
            &Runs::of(&[4, 6])
                .beside(Beside::Other, Beside::OneOf(b" -."))
                .then(&[4, 6, 13]),
        ),
        Anchor::Digits(&Runs::of(&[14, 15, 16, 17, 18, 19])),
    ],
    find,
);

/// First six digits from, to, and the lengths of numbers. Lengths of 13 are left out: nobody issues
/// them, and EAN codes and timestamps have them.
const BRANDS: &[(u32, u32, &[usize])] = &[
    (222_100, 272_099, &[16]),     // Mastercard
    (220_000, 220_499, &[16, 19]), // Mir
    (300_000, 305_999, &[14]),     // Diners Club
    (309_500, 309_599, &[14]),
    (340_000, 349_999, &[15]),             // American Express
    (352_800, 358_999, &[16]),             // JCB
    (360_000, 369_999, &[14]),             // Diners Club
    (370_000, 379_999, &[15]),             // American Express
    (380_000, 399_999, &[14]),             // Diners Club
    (400_000, 499_999, &[16, 19]),         // Visa
    (500_000, 509_999, &[16]),             // Maestro, Elo
    (510_000, 559_999, &[16]),             // Mastercard
    (560_000, 589_999, &[16]),             // Maestro
    (601_100, 601_199, &[16, 19]),         // Discover
    (603_000, 609_999, &[16]),             // Hipercard, RuPay
    (620_000, 629_999, &[16, 17, 18, 19]), // UnionPay
    (630_000, 639_999, &[16]),             // Maestro, Elo
    (644_000, 659_999, &[16, 19]),         // Discover
    (670_000, 679_999, &[16, 18, 19]),     // Maestro
];

const MIN: usize = 14;
const MAX: usize = 19;

/// Sizes of printed groups. One group may also hold all digits.
const GROUPS: &[&[usize]] = &[
    &[4, 4, 4, 4],
    &[4, 6, 5],
    &[4, 6, 4],
    &[4, 4, 4, 4, 3],
    &[6, 13],
    &[4, 4, 4, 2],
];

fn find(text: &[u8], at: usize) -> Option<Range<usize>> {
    // Most numbers are shorter than the first group of a card, or begin otherwise.
    let [b'2'..=b'6', rest @ ..] = text.get(at..at + 4)? else {
        return None;
    };
    if !rest.iter().all(u8::is_ascii_digit) || is_joined(text, at) {
        return None;
    }
    let number = Number::read(text, at)?;
    let digits = number.digits.get(..number.length)?;
    let prefix = digits
        .iter()
        .take(6)
        .fold(0, |prefix, digit| prefix * 10 + u32::from(*digit));
    let (.., lengths) = BRANDS
        .iter()
        .find(|(from, to, _)| (*from..=*to).contains(&prefix))?;
    (lengths.contains(&number.length) && luhn(digits)).then_some(at..number.end)
}

/// Returns whether the digits at `at` go on from a word, a decimal point or a longer number.
fn is_joined(text: &[u8], at: usize) -> bool {
    match before(text, at) {
        None => false,
        Some(b'_') => before(text, at - 1).is_some_and(|b| b.is_ascii_digit()),
        Some(b'.' | b'-' | b'/') => before(text, at - 1).is_some_and(|b| b.is_ascii_alphanumeric()),
        Some(_) => in_word(text, at),
    }
}

struct Number {
    digits: [u8; MAX],
    length: usize,
    end: usize,
}

impl Number {
    /// Reads 14 to 19 digits in one group, or in printed groups with one kind of separator.
    fn read(text: &[u8], at: usize) -> Option<Self> {
        let first = group(text, at);
        if first >= MIN {
            return Self::of(text, at, &[first], 0);
        }
        if first != 4 && first != 6 {
            return None;
        }
        let separator = byte(text, at + first).filter(|byte| matches!(byte, b' ' | b'-' | b'.'))?;
        let mut sizes = [first, 0, 0, 0, 0];
        let mut end = at + first;
        for size in sizes.iter_mut().skip(1) {
            if byte(text, end) != Some(separator) {
                break;
            }
            *size = group(text, end + 1);
            end += 1 + *size;
        }
        GROUPS
            .iter()
            .filter(|groups| {
                let length = groups.iter().sum::<usize>() + groups.len() - 1;
                sizes.starts_with(groups)
                    && !(separator != b' '
                        && byte(text, at + length) == Some(separator)
                        && byte(text, at + length + 1).is_some_and(|b| b.is_ascii_alphanumeric()))
            })
            .max_by_key(|groups| groups.iter().sum::<usize>())
            .and_then(|groups| Self::of(text, at, groups, 1))
    }

    fn of(text: &[u8], at: usize, groups: &[usize], gap: usize) -> Option<Self> {
        let length: usize = groups.iter().sum();
        let end = at + length + gap * (groups.len() - 1);
        let next = byte(text, end);
        let decimal = matches!(next, Some(b'.' | b'-'))
            && byte(text, end + 1).is_some_and(|b| b.is_ascii_digit());
        if length > MAX || decimal || next.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return None;
        }
        let mut digits = [0; MAX];
        let found = text.get(at..end)?.iter().filter(|b| b.is_ascii_digit());
        for (to, from) in digits.iter_mut().zip(found) {
            *to = from - b'0';
        }
        Some(Self {
            digits,
            length,
            end,
        })
    }
}

/// Returns the length of the run of digits at `at`, up to one more than any number has.
fn group(text: &[u8], at: usize) -> usize {
    digits(text, at).min(MAX + 1)
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(position, digit)| {
            let digit = u32::from(*digit) << (position % 2);
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::detectors::tests::check;

    #[test]
    fn cards_of_every_brand_and_layout_are_found() {
        check(
            DataType::CreditCard,
            &[
                "«4111111111111111»",
                "card «4111 1111 1111 1111» exp 04/29",
                "card «4111 1111 1111 1111» 04 29",
                "\"pan\":\"«5555-5555-5555-4444»\",",
                "«378282246310005», «3782 822463 10005»",
                "«30569309025904» «3056 930902 5904»",
                "«6011111111111117» «3530111333300000» «2223003122003222» «6205500000000000004»",
                "n=«4012888888881881».",
                "クレジットカード番号«4111 1111 1111 1111»です",
                "line\\n«4111111111111111»\\n",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn other_numbers_are_left() {
        check(
            DataType::CreditCard,
            &[
                "4111111111111112",
                "978-3-16-148410-0 9783161484100 1764028800000",
                "0.4111111111111111",
                "41111111111111110000",
                "x4111111111111111",
                "4111111111111111f",
                "4111 1111-1111 1111",
                "550e8400-e29b-4111-1111-111111111111",
                "2026-4111-1111-1111-1111",
                "4111 1111 1111 11111",
                "9007199254740991",
            ]
            .map(str::to_owned),
        );
    }
}
