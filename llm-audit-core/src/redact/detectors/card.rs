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

/// Sizes of printed groups, the longest numbers first. One group may also hold all digits.
const GROUPS: [Groups; 6] = [
    Groups::of(&[6, 13]),
    Groups::of(&[4, 4, 4, 4, 3]),
    Groups::of(&[4, 4, 4, 4]),
    Groups::of(&[4, 6, 5]),
    Groups::of(&[4, 6, 4]),
    Groups::of(&[4, 4, 4, 2]),
];

fn find(text: &[u8], at: usize) -> Option<Range<usize>> {
    // Most numbers are shorter than the first group of a card, or begin otherwise.
    let [b'2'..=b'6', rest @ ..] = text.get(at..at + 4)? else {
        return None;
    };
    if !rest.iter().all(u8::is_ascii_digit) || is_joined(text, at) {
        return None;
    }
    let (length, end) = extent(text, at)?;
    let number = Number::read(text.get(at..end)?, length)?;
    let prefix = number.prefix();
    let (.., lengths) = BRANDS
        .iter()
        .find(|(from, to, _)| (*from..=*to).contains(&prefix))?;
    (lengths.contains(&length) && number.is_valid()).then_some(at..end)
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

/// Sizes of groups, as four bits each from the lowest on.
struct Groups {
    sizes: u32,
    /// The bits of all groups.
    mask: u32,
    digits: usize,
    /// With a separator between each two.
    bytes: usize,
}

impl Groups {
    const fn of(sizes: &[usize]) -> Self {
        let mut groups = Self {
            sizes: 0,
            mask: 0,
            digits: 0,
            bytes: sizes.len() - 1,
        };
        let (mut rest, mut bit) = (sizes, 0);
        while let [size, tail @ ..] = rest {
            assert!(*size < LARGEST as usize);
            groups.sizes |= nibble(*size) << bit;
            groups.mask |= LARGEST << bit;
            groups.digits += *size;
            groups.bytes += *size;
            bit += NIBBLE;
            rest = tail;
        }
        groups
    }
}

const NIBBLE: u32 = 4;
/// Larger groups count as this one, which no number has.
const LARGEST: u32 = 15;

#[expect(clippy::cast_possible_truncation, reason = "smaller than a nibble")]
const fn nibble(size: usize) -> u32 {
    if size < LARGEST as usize {
        size as u32
    } else {
        LARGEST
    }
}

/// Returns how many digits the number at `at` has, 14 to 19 in one group or in printed groups with
/// one kind of separator, and where it ends.
fn extent(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let first = digits(text, at);
    if first >= MIN {
        let is_number = first <= MAX && ends(text, at + first);
        return is_number.then_some((first, at + first));
    }
    if first != 4 && first != 6 {
        return None;
    }
    let mut end = at + first;
    let separator = byte(text, end).filter(|byte| matches!(byte, b' ' | b'-' | b'.'))?;
    let mut sizes = nibble(first);
    for group in 1..5 {
        if byte(text, end) != Some(separator) {
            break;
        }
        let size = digits(text, end + 1);
        sizes |= nibble(size) << (group * NIBBLE);
        end += 1 + size;
    }
    let goes_on = |end| {
        separator != b' '
            && byte(text, end) == Some(separator)
            && byte(text, end + 1).is_some_and(|b| b.is_ascii_alphanumeric())
    };
    let groups = GROUPS
        .iter()
        .find(|groups| sizes & groups.mask == groups.sizes && !goes_on(at + groups.bytes))?;
    let end = at + groups.bytes;
    ends(text, end).then_some((groups.digits, end))
}

/// Returns whether a number can end at `end`: no word and no decimal number goes on there.
fn ends(text: &[u8], end: usize) -> bool {
    match byte(text, end) {
        Some(b'.' | b'-') => !byte(text, end + 1).is_some_and(|b| b.is_ascii_digit()),
        next => !next.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_'),
    }
}

/// Digits behind as many zeros as they are fewer than [`Number::DIGITS`].
struct Number {
    digits: [u8; Self::DIGITS],
    length: usize,
}

impl Number {
    /// An even number, so that the weights of the check digit begin with that of a doubled one.
    const DIGITS: usize = MAX + 1;

    /// Reads `length` digits among separators.
    fn read(text: &[u8], length: usize) -> Option<Self> {
        let mut digits = [0; Self::DIGITS];
        let found = text.iter().filter(|b| b.is_ascii_digit());
        for (to, from) in digits
            .get_mut(Self::DIGITS - length..)?
            .iter_mut()
            .zip(found)
        {
            *to = from - b'0';
        }
        Some(Self { digits, length })
    }

    /// Returns the first six digits.
    fn prefix(&self) -> u32 {
        let digits = self.digits.iter().skip(Self::DIGITS - self.length).take(6);
        digits.fold(0, |prefix, digit| prefix * 10 + u32::from(*digit))
    }

    /// Returns whether the Luhn digit is right; zeros before a number change nothing.
    fn is_valid(&self) -> bool {
        let pairs = self.digits.as_chunks().0.iter();
        let sum: u8 = pairs
            .map(|[doubled, single]| {
                let nines = if *doubled > 4 { 9 } else { 0 };
                2 * doubled - nines + single
            })
            .sum();
        sum.is_multiple_of(10)
    }
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
                "«4111 1111 1111 1111 110» «620500 0000000000124» «3056 9309 0259 04»",
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
