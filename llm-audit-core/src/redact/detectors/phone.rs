//! Telephone numbers: international ones (E.164) of a country that there is, national ones in the
//! layouts in which they are printed, and bare digits where the words before say what they are.

use std::ops::Range;

use super::{Anchor, Beside, Confidence, Detector, Runs};
use crate::redact::bytes::{ByteSet, before, byte, digits, has, in_word, run};
use crate::redact::context::Context;
use crate::redact::data_type::DataType;
use crate::redact::layout::{Layouts, is_part};

mod countries;

pub(super) const PHONE: Detector = Detector::find(
    "phone",
    DataType::Phone,
    Confidence::Shape,
    &[
        Anchor::Digits(&Layouts::new(PRINTED).runs()),
        Anchor::Digits(&Runs::from(1).beside(Beside::Abroad, Beside::Other)),
        Anchor::Digits(&BARE),
    ],
    find,
)
.named(
    &[
        "cell",
        "cellphone",
        "celular",
        "cellulare",
        "contactnumber",
        "contactphone",
        "fax",
        "faxnumber",
        "handy",
        "handynummer",
        "homephone",
        "landline",
        "mobile",
        "mobilenumber",
        "mobilephone",
        "mobil",
        "movil",
        "msisdn",
        "phone",
        "phoneno",
        "phonenumber",
        "portable",
        "rufnummer",
        "tel",
        "telefon",
        "telefone",
        "telefonnummer",
        "telefono",
        "telefoon",
        "telephone",
        "telephonenumber",
        "telno",
        "whatsapp",
        "workphone",
    ],
    judge,
);

const WORDS: Context = Context::of(&[
    "anrufen",
    "appeler",
    "appelez",
    "bellen",
    "call back",
    "call me",
    "call us",
    "cell",
    "cell phone",
    "cellphone",
    "cellulare",
    "celular",
    "chiamami",
    "chiamare",
    "contact number",
    "dial",
    "fax",
    "festnetz",
    "gsm",
    "handy",
    "handynummer",
    "hotline",
    "joindre",
    "landline",
    "ligar",
    "ligue",
    "llamame",
    "llamar",
    "llame",
    "mobiel",
    "mobil",
    "mobile",
    "mobilenumber",
    "mobilephone",
    "mobilnummer",
    "mobiltelefon",
    "movil",
    "msisdn",
    "phone",
    "phone number",
    "phonenumber",
    "phones",
    "portable",
    "reach me",
    "ring me",
    "ruckruf",
    "rufnummer",
    "sms",
    "tel",
    "telefon",
    "telefone",
    "telefonnummer",
    "telefono",
    "telefoon",
    "telefoonnummer",
    "telemovel",
    "telephone",
    "text me",
    "whatsapp",
    "手机",
    "携帯",
    "电话",
    "電話",
]);

/// The longest number of E.164.
const MAX: usize = 15;
/// Shorter ones stand in words and tables for other reasons.
const MIN: usize = 8;
/// Local numbers behind a word.
const MIN_BARE: usize = 7;

const BARE: Runs = Runs::of(&[7, 8, 9, 10, 11, 12, 13, 14, 15]);

/// What a layout needs besides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Nothing,
    Words,
    /// Words, where the first four digits in a row are a year.
    NoYear,
}

use Need::{NoYear, Nothing, Words};

/// National numbers. Those that other numbers are printed like need words.
static NATIONAL: Layouts<Need> = Layouts::new(PRINTED);

const PRINTED: &[(&str, Need)] = &[
    // North America.
    ("(N##) N##-####", Nothing),
    ("(N##)N##-####", Nothing),
    ("(N##) N## ####", Nothing),
    ("(N##)-N##-####", Nothing),
    ("N##-N##-####", Nothing),
    ("N##.N##.####", Nothing),
    ("N## N##-####", Nothing),
    ("N## N## ####", Words),
    ("1_N##_N##_####", Nothing),
    ("1 (N##) N##-####", Nothing),
    ("1 N##-N##-####", Nothing),
    // Trunk prefix 0: Europe, Japan, Korea, Australia, South Africa.
    ("0Z_##_##_##_##", Nothing),
    ("0Z_####_####", NoYear),
    ("0Z_###_####", Nothing),
    ("0Z-########", Nothing),
    ("0Z ########", Nothing),
    ("0Z#_####_####", Nothing),
    ("0Z#_###_####", Nothing),
    ("0Z#_###_##_##", Nothing),
    ("0Z#-### ## ##", Nothing),
    ("0Z# ##### ###", Nothing),
    ("0Z#_######", Nothing),
    ("0Z#_#######", Nothing),
    ("0Z#_########", Nothing),
    ("0Z#/######", Nothing),
    ("0Z#/#######", Nothing),
    ("0Z#/########", Nothing),
    ("0Z##_##_##_##", Nothing),
    ("0Z##_##_####", Nothing),
    ("0Z##_###_###", Nothing),
    ("0Z##_###_####", Nothing),
    ("0Z##_###_##_##", Nothing),
    ("0Z##_######", Nothing),
    ("0Z##_#######", Nothing),
    ("0Z##_########", Nothing),
    ("0Z##/#######", Nothing),
    ("0Z##/########", Nothing),
    ("0Z###_######", Nothing),
    ("0Z###_###_###", Nothing),
    ("0Z###/######", Nothing),
    ("(0Z) #### ####", Nothing),
    ("(0Z#) #### ####", Nothing),
    ("(0Z#) ######", Nothing),
    ("(0Z#) #######", Nothing),
    ("(0Z##) ### ####", Nothing),
    ("(0Z###) ######", Nothing),
    // Brazil.
    ("(Z#) 9####-####", Nothing),
    ("(Z#) ####-####", NoYear),
    ("Z# 9####-####", Nothing),
    // Russia.
    ("8 (###) ###-##-##", Nothing),
    ("8 ### ###-##-##", Nothing),
    // China, India, Spain, Poland, Portugal, Italy, Denmark.
    ("1Z#-####-####", Nothing),
    ("1Z# #### ####", Words),
    ("Z#### #####", Words),
    ("Z## ### ###", Words),
    ("Z## ## ## ##", Words),
    ("3## #######", Words),
    ("3## ### ####", Words),
    ("Z# ## ## ##", Words),
];

fn find(text: &[u8], at: usize) -> Option<Range<usize>> {
    if before(text, at) == Some(b'+') {
        return international(text, at, at - 1);
    }
    if has(text, at, b"00") {
        return international(text, at + 2, at);
    }
    let layouts = NATIONAL.at(text, at);
    let longest = layouts
        .filter(|(start, end, _)| !is_part(text, *start, *end))
        .max_by_key(|(start, end, _)| end - start);
    if let Some((start, end, need)) = longest {
        let suffices = match need {
            Nothing => true,
            Words => false,
            NoYear => !has_year(text.get(start..end)?),
        };
        return (suffices || WORDS.announces(text, start)).then_some(start..end);
    }
    bare(text, at)
}

fn has_year(number: &[u8]) -> bool {
    let mut groups = number.split(|b| !b.is_ascii_digit());
    let four = groups.find(|group| group.len() == 4).unwrap_or_default();
    four.starts_with(b"19") || four.starts_with(b"20")
}

/// Returns the digits at `at` where words announce a telephone number.
fn bare(text: &[u8], at: usize) -> Option<Range<usize>> {
    let end = at + digits(text, at);
    if !(MIN_BARE..=MAX).contains(&(end - at)) {
        return None;
    }
    let fits = is_dialled(text.get(at..end)?) && !is_part(text, at, end);
    (fits && WORDS.announces(text, at)).then_some(at..end)
}

/// Returns whether the digits can be dialled: a local number, one with its trunk prefix, or one with
/// its country. Seconds and milliseconds of this century cannot.
fn is_dialled(digits: &[u8]) -> bool {
    match digits {
        [b'0', b'1'..=b'9', ..] => (9..=12).contains(&digits.len()),
        [b'2'..=b'9', ..] if (MIN_BARE..=10).contains(&digits.len()) => true,
        // Mobile numbers of China.
        [b'1', b'3'..=b'9', ..] if digits.len() == 11 => true,
        _ => (11..=MAX).contains(&digits.len()) && countries::is_number(digits),
    }
}

/// Returns the number whose country code begins at `at`, behind the `+` or `00` at `start`.
fn international(text: &[u8], at: usize, start: usize) -> Option<Range<usize>> {
    const SEPARATORS: ByteSet = ByteSet::of(b" -./()");
    if in_word(text, start)
        || before(text, start).is_some_and(|b| matches!(b, b'+' | b')' | b'_' | b'.'))
    {
        return None;
    }
    let mut digits = [0; MAX];
    let mut length = 0;
    let mut groups = 0;
    let mut position = at;
    let mut number = None;
    loop {
        // The trunk prefix, which is not dialled from abroad.
        let trunk = position + usize::from(byte(text, position) == Some(b' '));
        if has(text, trunk, b"(0)") {
            position = trunk + 3;
        }
        let first = run(text, position, &SEPARATORS, 3);
        // In a table or a dump, what follows a whole number or zeros is another column.
        let is_whole = number.is_some() || byte(text, start) == Some(b'0');
        if is_whole && has(text, position, b"  ") {
            break;
        }
        let end = run(text, first, &ByteSet::DIGIT, MAX + 1);
        let group = text.get(first..end).unwrap_or_default();
        let room = digits.get_mut(length..length + group.len());
        let Some(room) = room.filter(|room| !room.is_empty()) else {
            break;
        };
        room.copy_from_slice(group);
        length += group.len();
        groups += 1;
        if countries::is_number(digits.get(..length)?) {
            number = Some((groups, end));
        }
        position = end;
    }
    let (groups, end) = number?;
    let goes_on = match byte(text, end) {
        Some(b'x') => false,
        Some(b'.') => groups == 1 && byte(text, end + 1).is_some_and(|b| b.is_ascii_digit()),
        Some(b) => b.is_ascii_alphanumeric() || b == b'_',
        None => false,
    };
    let plain = groups == 1 && byte(text, start) == Some(b'0');
    (!goes_on && (!plain || WORDS.announces(text, start))).then_some(start..end)
}

/// Returns the text as a whole if it can be a number.
fn judge(text: &[u8]) -> Option<Range<usize>> {
    const PRINTED: ByteSet = ByteSet::DIGIT.and(b"+ -./()");
    let digits = text.iter().filter(|b| b.is_ascii_digit()).count();
    let printed = text.iter().all(|b| PRINTED.contains(*b));
    (printed && (MIN_BARE..=MAX).contains(&digits)).then_some(0..text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::detectors::tests::check;

    #[test]
    fn international_numbers_are_found() {
        check(
            DataType::Phone,
            &[
                "Call «+1 415 555 0123» after 5pm",
                "«+1 (415) 555-0123», «+1-800-555-0123», «+1.415.555.0123»",
                "tel:«+14155550123»;ext=12",
                "«+44 20 7946 0123» «+447700900123»",
                "(«+49 30 23125 123»), «+49 (0)30 23125-123» «+49 (0) 30/23125123»",
                "«+33 1 99 00 12 34»です",
                "«0049 30 23125123» phone 0044 number «00442079460123»",
                "«+81 90 1790 1234»\\n",
                "«+49  170  1234567», Tel: «+49  30  901820», «+1  415 555 2671», «+49 170  1234567»",
                "«+44  20 7946 0958», «+33  6 12 34 56 78»  2026",
                "«+14155550123» 5 times, «+1 415 555 0123» 2026",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn national_numbers_are_found_in_their_layouts() {
        check(
            DataType::Phone,
            &[
                "«(415) 555-0123», ext. 12; («415-555-0123») «415.555.0123» «1-800-555-0123»",
                "«07700 900123», «020 7946 0123», «(020) 7946 0123», «01632 960123»",
                "«01 99 00 12 34», «01.99.00.12.34».",
                "«030 1234567», «0151/12345678» «070-123 45 67», «044 668 18 00»",
                "電話番号は«090-1790-1234»です «03-1234-5678»",
                "«(11) 91234-5678», «06-12345678», «0412 345 678», «8 (495) 123-45-67»",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn digits_alone_are_found_behind_words() {
        check(
            DataType::Phone,
            &[
                "phone: «4155550123»",
                "\"mobile_number\": \"«9876543210»\"",
                "Telefonnummer lautet «03012345678»",
                "téléphone : «0199001234»",
                "my cell is «415 555 0123» or so",
                "móvil «612 345 678»",
                "携帯は«09017901234»です",
                "call me on «442079460123»",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn other_numbers_are_left() {
        check(
            DataType::Phone,
            &[
                "created_at=1764028800 updated_at=1764028800123 seq=4155550123",
                "Order number 4155550123 shipped, phone case order 4155550123",
                "8d0f7c1e-5a44-4f0e-9a63-0b8b3f5f7a11 550e8400-e29b-41d4-a716-446655440000",
                "part no. 123-456-78 ratio 123-45-678 vs 12-345-6789",
                "978-3-16-148410-0 0-306-40615-2 01234-5678",
                "Invoice 03-2026-0117, Report (12) 2019-2020",
                "2026-05-20 08:00:00 2026-05-20T08:00:00Z 20.05.2026 01.02.2024 10:11",
                "3.14159265358979 0.4155550123 415.555.01234",
                "v2.10.0 1.2.3 192.0.2.1 10.0.0.255",
                "01 02 03 04 05 06 07 08",
                "512 768 1024 415 555 0123",
                "+1764028800 +5 1e+1415555012 @@ -12,7 +12,9 @@ a+14155550123",
                "SKU-415-555-0123 415-555-01234 1415-555-0123 415-555-0123-9",
                "4155550123 07700900123",
                "phone since 1764028800, cell 1764028800123, fax 123456",
                "$415.555.0123 #415-555-0123 12/415-555-0123",
            ]
            .map(str::to_owned),
        );
    }

    #[test]
    fn the_name_of_a_member_makes_digits_a_number() {
        assert_eq!(judge(b"555-0123"), Some(0..8));
        for text in ["", "unknown", "12345", "1234567890123456", "415 call"] {
            assert_eq!(judge(text.as_bytes()), None, "{text}");
        }
    }
}
