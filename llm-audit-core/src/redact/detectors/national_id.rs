//! Numbers that a state gives to each person: the layout of its country, its check digits, and words
//! before it where these are weak.

use std::ops::Range;

use super::{Anchor, Beside, Confidence, Detector};
use crate::redact::bytes::{ByteSet, assigned, before, byte, run};
use crate::redact::context::Context;
use crate::redact::data_type::DataType;
use crate::redact::layout::{Layouts, is_part};

mod checks;

pub(super) use checks::luhn;
use checks::*;

pub(super) const NATIONAL_ID: Detector = Detector::find(
    "national_id",
    DataType::NationalId,
    Confidence::Valid,
    &[Anchor::Digits(&Layouts::new(PRINTED).runs())],
    number,
)
.named(
    &[
        "aadhaar",
        "aadhaarnumber",
        "aadhar",
        "bsn",
        "burgerservicenummer",
        "codicefiscale",
        "cpf",
        "curp",
        "dni",
        "fiscalcode",
        "idcardnumber",
        "idnr",
        "nationalid",
        "nationalidnumber",
        "nationalinsurancenumber",
        "nhs",
        "nhsno",
        "nhsnumber",
        "nie",
        "nif",
        "nin",
        "nino",
        "nir",
        "nric",
        "numerosecuritesociale",
        "pan",
        "pannumber",
        "personnummer",
        "pesel",
        "pps",
        "ppsn",
        "rut",
        "sin",
        "socialinsurancenumber",
        "steuerid",
        "taxfilenumber",
        "taxid",
        "tfn",
    ],
    judge,
);

pub(super) const NATIONAL_ID_WITH_LETTERS: Detector = Detector::find(
    "national_id_with_letters",
    DataType::NationalId,
    Confidence::Valid,
    &[
        Anchor::Digits(&Layouts::new(PRINTED_LETTERED).runs().behind(Beside::Letter)),
        Anchor::Digits(&Layouts::new(PRINTED_LETTERED).runs()),
    ],
    lettered,
);

const WORDS: Context = Context::of(&[
    "aadhaar",
    "aadhar",
    "ahv",
    "ausweisnummer",
    "avs",
    "bsn",
    "burgerservicenummer",
    "carta d identita",
    "carte d identite",
    "cedula",
    "citizen service number",
    "codice fiscale",
    "cpf",
    "cpr",
    "curp",
    "dni",
    "documento de identidad",
    "fiscal code",
    "fodselsnummer",
    "hetu",
    "id card",
    "id number",
    "identification number",
    "identifikationsnummer",
    "identity card",
    "identity number",
    "idnr",
    "insee",
    "my number",
    "nas",
    "national health",
    "national id",
    "national identification",
    "national identity",
    "national insurance",
    "national number",
    "nhs",
    "ni number",
    "nif",
    "nino",
    "nir",
    "nric",
    "numero d assurance sociale",
    "numero national",
    "numero secu",
    "pan card",
    "pan number",
    "personalausweis",
    "personnummer",
    "pesel",
    "pps",
    "ppsn",
    "rijksregisternummer",
    "securite sociale",
    "seguranca social",
    "seguridad social",
    "sin number",
    "social insurance",
    "sofinummer",
    "sozialversicherung",
    "sozialversicherungsnummer",
    "steuer id",
    "steuer idnr",
    "steueridentifikationsnummer",
    "steuernummer",
    "tax file",
    "tax file number",
    "tax id",
    "taxpayer",
    "tfn",
    "マイナンバー",
    "個人番号",
    "身份证",
    "身分證",
]);

/// Names of numbers that are words of languages too.
const ACRONYMS: Context = Context::of(&["pan", "sin"]);

/// How far back an acronym is looked for.
const MAX_ACRONYM: usize = 48;

/// What makes a number of a layout one of a person.
#[derive(Clone, Copy)]
struct Scheme {
    /// Judges the digits and letters.
    check: fn(&[u8]) -> bool,
    needs_words: bool,
    /// In capitals or with a sign behind it, this is its name.
    acronym: Option<&'static str>,
}

const fn strong(check: fn(&[u8]) -> bool) -> Scheme {
    Scheme {
        check,
        needs_words: false,
        acronym: None,
    }
}

/// A scheme whose numbers others have by chance.
const fn weak(check: fn(&[u8]) -> bool) -> Scheme {
    Scheme {
        check,
        needs_words: true,
        acronym: None,
    }
}

/// As [`weak`], of numbers that an acronym announces too.
const fn spelt(acronym: &'static str, check: fn(&[u8]) -> bool) -> Scheme {
    Scheme {
        check,
        needs_words: true,
        acronym: Some(acronym),
    }
}

/// Numbers of digits alone, by country.
static NUMBERS: Layouts<Scheme> = Layouts::new(PRINTED);

const PRINTED: &[(&str, Scheme)] = &[
    ("###_###_####", weak(nhs)), // United Kingdom
    ("##########", weak(nhs)),
    ("# ## ## ## ### ### ##", strong(nir)), // France
    ("###############", strong(nir)),
    ("#########", weak(bsn)), // Netherlands
    ("####.##.###", weak(bsn)),
    ("###.###.###-##", strong(cpf)), // Brazil
    ("#########-##", weak(cpf)),
    ("###########", weak(cpf)),
    ("N### #### ####", weak(verhoeff)), // India
    ("N###-####-####", weak(verhoeff)),
    ("N###########", weak(verhoeff)),
    ("###########", weak(pesel)),  // Poland
    ("Z##########", weak(steuer)), // Germany
    ("Z# ### ### ###", weak(steuer)),
    ("###_###_###", spelt("SIN", luhn)), // Canada
    ("#########", spelt("SIN", luhn)),
    ("######-####", weak(personnummer)), // Sweden
    ("########-####", weak(personnummer)),
    ("##########", weak(personnummer)),
    ("##.##.##-###.##", strong(belgium)), // Belgium
    ("###########", weak(belgium)),
    ("756.####.####.##", strong(ean)), // Switzerland
    ("756##########", strong(ean)),
    ("######-####", weak(day_and_month)), // Denmark
    ("##########", weak(day_and_month)),
    ("###### #####", strong(fodselsnummer)), // Norway
    ("###########", weak(fodselsnummer)),
    ("#########", weak(nif)), // Portugal
    ("### ### ###", weak(nif)),
    ("##################", strong(china)), // China
    ("######-#######", strong(korea)),     // South Korea
    ("#### #### ####", weak(my_number)),   // Japan
    ("############", weak(my_number)),
    ("##.###.###-#", strong(rut)), // Chile
    ("########-#", weak(rut)),
    ("##-########-#", strong(cuit)), // Argentina
    ("### ### ###", weak(tfn)),      // Australia
    ("#########", weak(tfn)),
    ("###########", weak(turkey)),         // Türkiye
    ("#############", weak(south_africa)), // South Africa
];

/// Numbers with letters.
static LETTERED: Layouts<Scheme> = Layouts::new(PRINTED_LETTERED);

const PRINTED_LETTERED: &[(&str, Scheme)] = &[
    ("AA######A", weak(nino)), // United Kingdom
    ("AA ## ## ## A", strong(nino)),
    ("########A", strong(dni)), // Spain
    ("########-A", strong(dni)),
    ("A#######A", strong(nie)),
    ("A-#######-A", strong(nie)),
    ("AAAAAA##A##A###A", strong(codice_fiscale)), // Italy
    ("# ## ## #A ### ### ##", strong(nir)),       // France, Corsica
    ("######A########", strong(nir)),
    ("######-###A", strong(hetu)), // Finland
    ("######A###A", strong(hetu)),
    ("AAAAA####A", spelt("PAN", pan)), // India
    ("A#######A", weak(nric)),         // Singapore
    ("#######A", weak(pps)),           // Ireland
    ("#######AA", weak(pps)),
    ("#################A", strong(china)), // China
    ("##.###.###-A", strong(rut)),         // Chile
];

fn number(text: &[u8], at: usize) -> Option<Range<usize>> {
    find(&NUMBERS, text, at)
}

fn lettered(text: &[u8], at: usize) -> Option<Range<usize>> {
    find(&LETTERED, text, at)
}

fn find(layouts: &'static Layouts<Scheme>, text: &[u8], at: usize) -> Option<Range<usize>> {
    let mut announced = None;
    // Several layouts have the same place and differ in the check alone.
    let mut last: Option<Number> = None;
    layouts.at(text, at).find_map(|(start, end, scheme)| {
        if last.as_ref().is_none_or(|last| last.range != (start..end)) {
            last = Some(Number::of(text, start..end)?);
        }
        let number = last.as_ref().filter(|number| !number.is_part)?;
        let is_valid = (scheme.check)(number.signs.get(..number.length)?);
        let mut announced = || *announced.get_or_insert_with(|| WORDS.announces(text, start));
        let spelt = || {
            scheme
                .acronym
                .is_some_and(|name| is_spelt(text, start, name))
        };
        (is_valid && (!scheme.needs_words || announced() || spelt())).then_some(start..end)
    })
}

/// What is printed in a layout.
struct Number {
    range: Range<usize>,
    is_part: bool,
    /// Its digits and letters.
    signs: [u8; MAX],
    length: usize,
}

impl Number {
    fn of(text: &[u8], range: Range<usize>) -> Option<Self> {
        let mut signs = [0; MAX];
        let printed = text.get(range.clone())?.iter();
        let length = signs
            .iter_mut()
            .zip(printed.filter(|b| b.is_ascii_alphanumeric()))
            .map(|(to, from)| *to = *from)
            .count();
        Some(Self {
            is_part: is_part(text, range.start, range.end),
            range,
            signs,
            length,
        })
    }
}

/// Returns whether `acronym` announces the number at `at`: in capitals, and not all around it, or with a
/// sign behind it. In small letters it is another word.
fn is_spelt(text: &[u8], at: usize, acronym: &str) -> bool {
    if !ACRONYMS.announces(text, at) {
        return false;
    }
    let from = at.saturating_sub(MAX_ACRONYM);
    let acronym = acronym.as_bytes();
    (from..at).rev().any(|start| {
        let end = start + acronym.len();
        let Some(word) = text.get(start..end).filter(|_| end <= at) else {
            return false;
        };
        let is_letter = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphabetic());
        if !word.eq_ignore_ascii_case(acronym) || is_letter(byte(text, end)) {
            return false;
        }
        let shouts = || {
            let next = run(text, end, &ByteSet::of(b" -"), 4);
            let word = text.get(next..next + 2).filter(|_| next < at);
            word.is_some_and(|word| word.iter().all(u8::is_ascii_uppercase))
        };
        let is_capital = word == acronym && !is_letter(before(text, start)) && !shouts();
        is_capital || assigned(text, end).is_some()
    })
}

/// The most digits and letters that a number has.
const MAX: usize = 18;

/// Returns the text as a whole if it can be a number.
fn judge(text: &[u8]) -> Option<Range<usize>> {
    let digits = text.iter().filter(|b| b.is_ascii_digit()).count();
    let printed = text
        .iter()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-' | b'.' | b'/'));
    (printed && digits >= 5 && text.len() <= 24).then_some(0..text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::detectors::tests::check;

    #[test]
    fn numbers_of_weak_layouts_are_found_behind_words() {
        check(
            DataType::NationalId,
            &[
                "NHS number «943 476 5919» on file.",
                "\"nhs_number\": \"«9434765919»\"",
                "BSN: «111222333»",
                "CPF «52998224725»",
                "Aadhaar «2345 6789 0124»",
                "PESEL: «44051401359»",
                "Steuer-ID: «86095742719», Steueridentifikationsnummer «86 095 742 719»",
                "social insurance number «046 454 286»",
                "SIN «046454286», SIN: «046 454 286», the SIN of Ada is «046-454-286», sin: «046454286»",
                "employeeSin=«046454286», \"sin\": \"«046 454 286»\", EMPLOYEE_SIN «046454286»",
                "PAN «ABCPE1234F», pan: «ABCPE1234F»",
                "tax file number «123 456 782»",
                "national insurance: «AB123456C», PAN card «ABCPE1234F», PPS «1234567T»",
                "national id «111222333» verified",
                "personnummer «811218-9876», personnummer: «19811218-9876»",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn numbers_of_strong_layouts_are_found_anywhere() {
        check(
            DataType::NationalId,
            &[
                "Numéro de sécurité sociale : «1 85 05 78 006 084 91»",
                "«185057800608491»; «1 85 05 2A 006 084 35»",
                "cliente «529.982.247-25».",
                "«12345678Z», «X1234567L» y «12345678-Z»",
                "«RSSMRA85T10A562S»",
                "«AB 12 34 56 C»",
                "«85.07.30-033.28», «756.9217.0769.85»",
                "«131052-308T» «11010519491231002X» «12.345.678-5» «20-12345678-6»",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn wrong_check_digits_and_other_numbers_are_left() {
        check(
            DataType::NationalId,
            &[
                "NHS number 943 476 5918",
                "943 476 5919 111222333 52998224725 046 454 286 44051401359",
                "529.982.247-26 12345678A X1234567A RSSMRA85T10A562T",
                "order of national id 111222333x, build 185057800608492",
                "0x12345678Z a12345678Z 12345678Z9 9812345678Z",
                "1764028800 1764028800123 2026-05-20T08:00:00.123456Z",
                "978-3-16-148410-0 9783161484100",
                "AB123456C ABCPE1234F 1234567T",
                "sin 100000009 euros, sin IVA 193456787, Sin embargo 046454286, SIN IVA 193456787",
                "pan de 123456782 PAN 123456782 math.sin 123456782 y = sin 123456782 SIN 85073003328",
                "nightly build 20251122-1000 passed, 811218-9876",
                "512 768 1024 2010 2015 2020",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn the_name_of_a_member_makes_a_number_one_of_a_person() {
        assert_eq!(judge(b"943 476 5918"), Some(0..12));
        assert_eq!(judge(b"none on file"), None);
    }
}
