//! Social security numbers of the United States: area, group and serial as the administration
//! assigns them.

use std::ops::Range;

use super::{Anchor, Confidence, Detector};
use crate::redact::context::Context;
use crate::redact::data_type::DataType;
use crate::redact::layout::{Layouts, is_part};

pub(super) const SSN: Detector = Detector::find(
    "us_ssn",
    DataType::UsSsn,
    Confidence::Context,
    &[Anchor::Digits(&Layouts::new(PRINTED).runs())],
    find,
)
.named(
    &[
        "socialsecurity",
        "socialsecurityno",
        "socialsecuritynumber",
        "ssn",
        "ssnumber",
        "usssn",
    ],
    judge,
);

const WORDS: Context = Context::of(&[
    "my social",
    "social security",
    "social security number",
    "ssn",
    "ssns",
]);

/// Layouts, and whether they need words before them.
static LAYOUTS: Layouts<bool> = Layouts::new(PRINTED);

const PRINTED: &[(&str, bool)] = &[
    ("###-##-####", false),
    ("### ## ####", true),
    ("###.##.####", true),
    ("#########", true),
];

fn find(text: &[u8], at: usize) -> Option<Range<usize>> {
    LAYOUTS.at(text, at).find_map(|(start, end, needs_words)| {
        let number = text.get(start..end)?;
        let is_ssn = is_assigned(number) && !is_part(text, start, end);
        (is_ssn && (!needs_words || WORDS.announces(text, start))).then_some(start..end)
    })
}

/// Returns whether the nine digits are a number that is or may be assigned.
fn is_assigned(number: &[u8]) -> bool {
    let mut digits = number.iter().filter(|b| b.is_ascii_digit());
    let mut next = |count| {
        let part = digits.by_ref().take(count);
        part.fold(0, |part, digit| part * 10 + u32::from(digit - b'0'))
    };
    let (area, group, serial) = (next(3), next(2), next(4));
    !matches!(area, 0 | 666 | 900..) && group != 0 && serial != 0
}

fn judge(text: &[u8]) -> Option<Range<usize>> {
    let digits = text.iter().filter(|b| b.is_ascii_digit()).count();
    let printed = text.iter().all(|b| matches!(b, b'0'..=b'9' | b'-' | b' '));
    (printed && matches!(digits, 4 | 9)).then_some(0..text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::detectors::tests::check;

    #[test]
    fn numbers_are_found() {
        check(
            DataType::UsSsn,
            &[
                "My SSN is «123-45-6789».",
                "Applicant («123-45-6789») \\n«123-45-6789»\\n",
                "\"ssn\":\"«123456789»\"",
                "social security number: «123 45 6789»",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn numbers_that_nobody_has_and_other_numbers_are_left() {
        check(
            DataType::UsSsn,
            &[
                "000-45-6789 666-45-6789 900-45-6789 123-00-6789 123-45-0000",
                "123456789 123 45 6789",
                "ratio 123-45-678 vs 12-345-6789 1123-45-6789 123-45-67890",
                "123-45-6789-01 a-123-45-6789 x123-45-6789 123-45-6789x",
                "ssn of order 123456789",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn the_name_of_a_member_says_what_digits_are() {
        assert_eq!(judge(b"123 45 6789"), Some(0..11));
        assert_eq!(judge(b"6789"), Some(0..4));
        assert_eq!(judge(b"on file"), None);
    }
}
