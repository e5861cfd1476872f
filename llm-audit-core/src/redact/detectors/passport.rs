//! Passports: six to nine letters and digits behind the word.

use std::ops::Range;

use super::{Anchor, Confidence, Detector};
use crate::redact::bytes::{ByteSet, Mix, byte, in_word, run};
use crate::redact::data_type::DataType;
use crate::redact::date::date;
use crate::redact::label::{in_label, label_end};

pub(super) const PASSPORT: Detector = Detector::find(
    "passport",
    DataType::Passport,
    Confidence::Context,
    &[
        Anchor::Literal("ssport"),
        Anchor::Literal("SSPORT"),
        Anchor::Literal("isepass"),
        Anchor::Literal("ISEPASS"),
        Anchor::Literal("sseport"),
        Anchor::Literal("SSEPORT"),
        Anchor::Literal("asaporte"),
        Anchor::Literal("ssaporte"),
        Anchor::Literal("ssaporto"),
        Anchor::Literal("aspoort"),
        Anchor::Literal("aszport"),
        Anchor::Literal("パスポート"),
        Anchor::Literal("旅券"),
        Anchor::Literal("护照"),
    ],
    find,
)
.named(
    &[
        "numeropassaporto",
        "paspoort",
        "paspoortnummer",
        "passaporto",
        "passaporte",
        "passeport",
        "passport",
        "passportid",
        "passportno",
        "passportnumber",
        "pasaporte",
        "reisepass",
        "reisepassnummer",
    ],
    judge,
);

/// How far behind the beginning of the word the number may begin.
const REACH: usize = 48;

fn find(text: &[u8], at: usize) -> Option<Range<usize>> {
    if in_label(text, at) {
        return None;
    }
    let mut at = run(text, at, &ByteSet::ALPHA, REACH);
    let last = at + REACH;
    while at < last {
        let end = run(text, at, &ByteSet::WORD, 10);
        if end == at {
            if label_end(text, at).is_some() {
                return None;
            }
            byte(text, at)?;
            at += 1;
            continue;
        }
        if !in_word(text, at) && is_number(text.get(at..end)?) && date(text, at).is_none() {
            return Some(at..end);
        }
        at = run(text, at, &ByteSet::WORD, REACH);
    }
    None
}

/// Returns whether the word can be the number of a passport: no country has shorter ones than six
/// characters or longer ones than nine, and where digits are few, vowels are left out (ICAO 9303
/// allows letters; Germany's have no vowels so that they form no words).
fn is_number(word: &[u8]) -> bool {
    let mix = Mix::of(word);
    mix.lower == 0
        && mix.digits + mix.upper == word.len()
        && match word.len() {
            6 | 7 => mix.digits >= 5,
            8 | 9 => mix.digits >= 1 || !word.iter().any(|b| b"AEIOU".contains(b)),
            _ => false,
        }
}

fn judge(text: &[u8]) -> Option<Range<usize>> {
    let mix = Mix::of(text);
    let fits = (5..=12).contains(&text.len()) && mix.digits >= 1;
    (fits && mix.digits + mix.upper + mix.lower == text.len()).then_some(0..text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::detectors::tests::check;

    #[test]
    fn numbers_behind_the_word_are_found() {
        check(
            DataType::Passport,
            &[
                "Passport number «123456789» expires in June.",
                "passport_no: «C01X00T47»",
                "Reisepass Nr. «C4VMJ7F8K», Passeport n° «12AB34567»",
                "My US passport is «A12345678».",
                "Reisepass «CFGHJKLMN»",
                "{\\\"passportNumber\\\": \\\"«X1234567»\\\"}",
                "número de pasaporte: «AAA123456» PASSPORT NO «123456»",
                "パスポート番号は«TK1234567»です",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn other_words_and_numbers_are_left() {
        check(
            DataType::Passport,
            &[
                "I need my passport to be ready by 20260312 or 2026",
                "passport.js 0.6.0, passport REQUIRED, passport-local@1.0.0",
                "passport a1b2c3d4e5f6 1234567890 123456789x",
                "number 123456789",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn the_name_of_a_member_makes_a_word_a_number() {
        assert_eq!(judge(b"c01x00t47"), Some(0..9));
        assert_eq!(judge(b"pending"), None);
    }
}
