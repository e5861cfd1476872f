//! Numbers of patients and of those who treat them, as the United States give them, and numbers of
//! medical records.

use std::ops::Range;

use super::national_id::luhn;
use super::{Anchor, Beside, Confidence, Detector, Runs};
use crate::redact::bytes::{ByteSet, byte, in_word, run};
use crate::redact::context::Context;
use crate::redact::data_type::DataType;
use crate::redact::date::date;
use crate::redact::label::{in_label, label_end};
use crate::redact::layout::is_part;

pub(super) const MEDICARE: Detector = Detector::find(
    "us_medicare",
    DataType::HealthId,
    Confidence::Prefix,
    &[Anchor::Digits(
        &Runs::of(&[1]).beside(Beside::Other, Beside::Letter),
    )],
    medicare,
)
.named(
    &[
        "healthinsurancenumber",
        "insurancememberid",
        "mbi",
        "medicareid",
        "medicarenumber",
    ],
    judge,
);

pub(super) const PROVIDER: Detector = Detector::find(
    "us_npi",
    DataType::HealthId,
    Confidence::Valid,
    &[Anchor::Digits(&Runs::of(&[10]))],
    provider,
)
.named(&["npi", "npinumber", "nationalproviderid"], judge);

pub(super) const PRESCRIBER: Detector = Detector::find(
    "us_dea",
    DataType::HealthId,
    Confidence::Valid,
    &[Anchor::Digits(
        &Runs::of(&[7]).beside(Beside::Letter, Beside::Other),
    )],
    prescriber,
)
.named(&["dea", "deanumber"], judge);

pub(super) const RECORD: Detector = Detector::find(
    "medical_record",
    DataType::HealthId,
    Confidence::Context,
    &[
        Anchor::Between(&(ByteSet::BOUNDARY, "MRN", ByteSet::ANY)),
        Anchor::Between(&(ByteSet::BOUNDARY, "mrn", ByteSet::ANY)),
        Anchor::Literal("edical record"),
        Anchor::Literal("edical Record"),
        Anchor::Literal("edical_record"),
        Anchor::Literal("edicalRecord"),
        Anchor::Literal("atient ID"),
        Anchor::Literal("atient id"),
        Anchor::Literal("atient_id"),
        Anchor::Literal("atientId"),
        Anchor::Literal("atient no"),
        Anchor::Literal("atient number"),
        Anchor::Literal("atientennummer"),
        Anchor::Literal("ersichertennummer"),
        Anchor::Literal("dossier m"),
        Anchor::Literal("istoria cl"),
        Anchor::Literal("cartella clinica"),
        Anchor::Literal("prontu"),
        Anchor::Literal("カルテ番号"),
        Anchor::Literal("患者番号"),
    ],
    record,
)
.named(
    &[
        "medicalrecord",
        "medicalrecordnumber",
        "mrn",
        "patientid",
        "patientnumber",
        "patientennummer",
    ],
    judge,
);

const PROVIDER_WORDS: Context = Context::of(&["national provider", "npi", "provider number"]);
const PRESCRIBER_WORDS: Context = Context::of(&["dea"]);

/// Returns the Medicare beneficiary identifier at `at`: eleven signs, of which the second, fifth,
/// eighth and ninth are letters, with or without a dash behind the fourth and seventh.
fn medicare(text: &[u8], at: usize) -> Option<Range<usize>> {
    const LETTER: ByteSet = ByteSet::of(b"ACDEFGHJKMNPQRTUVWXY");
    const ANY: ByteSet = LETTER.and(b"0123456789");
    const SIGNS: [ByteSet; 11] = {
        let (digit, letter) = (ByteSet::DIGIT, LETTER);
        [
            ByteSet::of(b"123456789"),
            letter,
            ANY,
            digit,
            letter,
            ANY,
            digit,
            letter,
            letter,
            digit,
            digit,
        ]
    };
    let dashed = byte(text, at + 4) == Some(b'-');
    let mut end = at;
    for (position, set) in SIGNS.iter().enumerate() {
        if dashed && matches!(position, 4 | 7) {
            byte(text, end).filter(|b| *b == b'-')?;
            end += 1;
        }
        byte(text, end).filter(|b| set.contains(*b))?;
        end += 1;
    }
    (!is_part(text, at, end)).then_some(at..end)
}

/// Returns the national provider identifier at `at`: the Luhn digit counts the prefix 80840.
fn provider(text: &[u8], at: usize) -> Option<Range<usize>> {
    let number = text.get(at..at + 10)?;
    let mut prefixed = *b"808400000000000";
    for (to, from) in prefixed.iter_mut().skip(5).zip(number) {
        *to = *from;
    }
    let is_npi =
        matches!(number, [b'1' | b'2', ..]) && luhn(&prefixed) && !is_part(text, at, at + 10);
    (is_npi && PROVIDER_WORDS.announces(text, at)).then_some(at..at + 10)
}

/// Returns the number of the drug enforcement administration whose digits begin at `at`.
fn prescriber(text: &[u8], at: usize) -> Option<Range<usize>> {
    let start = at.checked_sub(2)?;
    let [kind, name, a, b, c, d, e, f, check] = text.get(start..at + 7)?.try_into().ok()?;
    let digit = |b: u8| u32::from(b.wrapping_sub(b'0'));
    let sum = digit(a) + digit(c) + digit(e) + 2 * (digit(b) + digit(d) + digit(f));
    let is_dea =
        u8::is_ascii_uppercase(&kind) && u8::is_ascii_uppercase(&name) && sum % 10 == digit(check);
    (is_dea && !is_part(text, start, at + 7) && PRESCRIBER_WORDS.announces(text, start))
        .then_some(start..at + 7)
}

/// Returns the number behind the words at `at`.
fn record(text: &[u8], at: usize) -> Option<Range<usize>> {
    const SIGNS: ByteSet = ByteSet::ALNUM.and(b"-");
    const REACH: usize = 40;
    if (matches!(byte(text, at), Some(b'M' | b'm')) && in_word(text, at)) || in_label(text, at) {
        return None;
    }
    let last = at + REACH;
    let mut at = run(text, at, &ByteSet::ALPHA, REACH);
    while at < last {
        let end = run(text, at, &SIGNS, 20);
        if end == at {
            if label_end(text, at).is_some() {
                return None;
            }
            byte(text, at)?;
            at += 1;
            continue;
        }
        if !in_word(text, at) && is_record(text.get(at..end)?) && date(text, at).is_none() {
            return Some(at..end);
        }
        at = end;
    }
    None
}

/// Returns whether the word can be the number of a record: at least five digits, few letters.
fn is_record(word: &[u8]) -> bool {
    let digits = word.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = word.iter().filter(|b| b.is_ascii_alphabetic()).count();
    let ends = word.last().is_some_and(u8::is_ascii_alphanumeric);
    (5..=14).contains(&digits) && letters <= 4 && ends
}

fn judge(text: &[u8]) -> Option<Range<usize>> {
    is_record(text).then_some(0..text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::detectors::tests::check;

    #[test]
    fn numbers_of_patients_and_providers_are_found() {
        check(
            DataType::HealthId,
            &[
                "Medicare «1EG4-TE5-MK73», «1EG4TE5MK73».",
                "NPI: «1234567893»",
                "DEA number «AB1234563»",
                "MRN: «00123456», MRN «A1234567»",
                "medical record number «12-34567»",
                "\"patient_id\": \"«P0012345»\"",
                "Patientennummer «7654321»",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn other_numbers_are_left() {
        check(
            DataType::HealthId,
            &[
                "1234567893 1764028800 npi 1234567890",
                "AB1234563 DEA AB1234564",
                "1SG4-TE5-MK73 1EG4-TE5-MK7 1EG4TE5MK734 x1EG4TE5MK73",
                "the medical record of 2026-05-20 has 12 pages, MRN missing",
                "impatient notes of the 123rd",
            ]
            .map(str::to_owned),
        );
    }
}
