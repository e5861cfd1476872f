//! Dates of birth: a date behind words that say so.

use std::ops::Range;

use super::{Anchor, Confidence, Detector};
use crate::redact::bytes::{follows, in_word};
use crate::redact::data_type::DataType;
use crate::redact::date::date;
use crate::redact::label::{in_label, label_end};

pub(super) const BIRTH: Detector = Detector::find(
    "date_of_birth",
    DataType::DateOfBirth,
    Confidence::Context,
    &[
        Anchor::Literal("dob"),
        Anchor::Literal("DOB"),
        Anchor::Literal("Dob"),
        Anchor::Literal("D.O.B"),
        Anchor::Literal("birth"),
        Anchor::Literal("Birth"),
        Anchor::Literal("BIRTH"),
        Anchor::Literal("born "),
        Anchor::Literal("Born "),
        Anchor::Literal("BDAY"),
        Anchor::Literal("geb. "),
        Anchor::Literal("geb.: "),
        Anchor::Literal("geboren"),
        Anchor::Literal("Geboren"),
        Anchor::Literal("eburtsdatum"),
        Anchor::Literal("eburtstag"),
        Anchor::Literal("GEBURTSDATUM"),
        Anchor::Literal("eboortedatum"),
        Anchor::Literal("naissance"),
        Anchor::Literal("Naissance"),
        Anchor::Literal("NAISSANCE"),
        Anchor::Literal("né le "),
        Anchor::Literal("née le "),
        Anchor::Literal("acimiento"),
        Anchor::Literal("ACIMIENTO"),
        Anchor::Literal("nacido"),
        Anchor::Literal("nacida"),
        Anchor::Literal("ascimento"),
        Anchor::Literal("ASCIMENTO"),
        Anchor::Literal("nascido"),
        Anchor::Literal("nascida"),
        Anchor::Literal("di nascita"),
        Anchor::Literal("nato il"),
        Anchor::Literal("nata il"),
        Anchor::Literal("生年月日"),
        Anchor::Literal("出生日期"),
    ],
    find,
)
.named(
    &[
        "bday",
        "birth",
        "birthdate",
        "birthday",
        "datadenascimento",
        "datadinascita",
        "datanascimento",
        "datanascita",
        "datebirth",
        "datedenaissance",
        "datenaissance",
        "dateofbirth",
        "dob",
        "fechadenacimiento",
        "fechanacimiento",
        "geboortedatum",
        "geburtsdatum",
        "geburtstag",
        "userdob",
    ],
    judge,
);

/// How far behind the word a date may begin.
const REACH: usize = 56;
/// A member's value that is longer is a text.
const MAX_VALUE: usize = 40;

fn find(text: &[u8], at: usize) -> Option<Range<usize>> {
    // `stubborn` and `adobe` are no such words; `dateofbirth` and stems without their first letter are.
    let stem = matches!(text.get(at), Some(b'a' | b'e'));
    let lower = text.get(at).is_some_and(u8::is_ascii_lowercase);
    let joined = in_word(text, at) && !follows(text, at, b"of") && !follows(text, at, b"de");
    if (lower && joined && !stem) || in_label(text, at) {
        return None;
    }
    search(text, at, REACH)
}

/// Returns the first date that begins within `reach` bytes.
fn search(text: &[u8], at: usize, reach: usize) -> Option<Range<usize>> {
    (at..text.len().min(at + reach))
        .take_while(|start| label_end(text, *start).is_none())
        .find_map(|start| Some(start..date(text, start)?))
}

/// Returns the date in the text, or the text as a whole where it is one that is cut or short.
fn judge(text: &[u8]) -> Option<Range<usize>> {
    let digits = text.iter().filter(|b| b.is_ascii_digit()).count();
    let short = digits >= 3
        && text
            .iter()
            .all(|b| b.is_ascii_digit() || b"-./ ".contains(b));
    let short = short.then_some(0..text.len());
    (text.len() <= MAX_VALUE).then(|| search(text, 0, MAX_VALUE).or(short))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::detectors::tests::check;

    #[test]
    fn dates_behind_words_are_found() {
        check(
            DataType::DateOfBirth,
            &[
                "Patient DOB: «03/04/1980».",
                "I was born on «March 3, 1980» in Austin.",
                "She was born in Austin on «12th of March 1980»",
                "date_of_birth=«1980-03-04», dateOfBirth: '«1980-03-04»'",
                "Geburtsdatum: «04.03.1980» geboren am «4. März 1980»",
                "Date de naissance : «4 mars 1980» née le «04/03/1980»",
                "{\\\"dob\\\": \\\"«1980-03-04»\\\"} nacido el «4 de marzo de 1980»",
                "生年月日は«1980年3月4日»です",
                "birthdate «19800304» Birthday: «Mar 4 1980»",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn other_dates_and_words_are_left() {
        check(
            DataType::DateOfBirth,
            &[
                "created 1980-03-04, a stubborn bug of 03/04/2020, Adobe 2020-01-02",
                "the idea was born while they were building a website",
                "born in version 1.2.3 of 99/99/2020",
                "birth certificates are issued at the office in the old town, open until 2026-05-20",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn the_name_of_a_member_makes_a_date_one_of_birth() {
        assert_eq!(judge(b"12.1.1990"), Some(0..9));
        assert_eq!(judge(b"12.1.90"), Some(0..7));
        assert_eq!(judge(b"12.1"), Some(0..4));
        assert_eq!(judge(b"unknown"), None);
    }
}
