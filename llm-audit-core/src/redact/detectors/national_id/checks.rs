//! Check digits and other rules of national numbers.
//!
//! Each function takes the digits and letters of a number in a layout of its country, so that their
//! count and kind are known.

/// United Kingdom, NHS: modulus 11.
pub(super) fn nhs(number: &[u8]) -> bool {
    !is_uniform(number) && weighted(number, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

/// United Kingdom, national insurance: prefixes that are given out, suffixes A to D.
pub(super) fn nino(number: &[u8]) -> bool {
    match number {
        [first, second, .., suffix] => {
            !b"DFIQUV".contains(first)
                && !b"DFIOQUV".contains(second)
                && !matches!(
                    &[*first, *second],
                    b"BG" | b"GB" | b"KN" | b"NK" | b"NT" | b"TN" | b"ZZ"
                )
                && (b'A'..=b'D').contains(suffix)
        }
        _ => false,
    }
}

/// France, NIR: sex, month, and a key modulo 97; the departments of Corsica count as 19 and 18.
pub(super) fn nir(number: &[u8]) -> bool {
    let Some((body, key)) = number.split_at_checked(13) else {
        return false;
    };
    let month = value(body.get(3..5).unwrap_or_default());
    let (department, less) = match body.get(6) {
        Some(b'A') => (Some(b'0'), 1_000_000),
        Some(b'B') => (Some(b'0'), 2_000_000),
        _ => (body.get(6).copied(), 0),
    };
    let mut digits = [0; 13];
    digits.copy_from_slice(body);
    if let (Some(slot), Some(department)) = (digits.get_mut(6), department) {
        *slot = department;
    }
    matches!(number.first(), Some(b'1'..=b'4' | b'7' | b'8'))
        && (1..=12).contains(&month)
        && digits.iter().all(u8::is_ascii_digit)
        && 97 - (value(&digits) - less) % 97 == value(key)
}

/// Netherlands, BSN: the eleven test.
pub(super) fn bsn(number: &[u8]) -> bool {
    let Some((last, body)) = number.split_last() else {
        return false;
    };
    !is_uniform(number) && weighted(body, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 == digit(*last)
}

/// Brazil, CPF: two digits modulo 11.
pub(super) fn cpf(number: &[u8]) -> bool {
    let check = |count: u32| {
        let sum: u32 = (0..count)
            .zip(number)
            .map(|(at, b)| digit(*b) * (count + 1 - at))
            .sum();
        number
            .get(count as usize)
            .is_some_and(|b| sum * 10 % 11 % 10 == digit(*b))
    };
    !is_uniform(number) && check(9) && check(10)
}

/// India, Aadhaar: the Verhoeff digit.
pub(super) fn verhoeff(number: &[u8]) -> bool {
    const PERMUTATION: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let permuted = |digit, times| {
        (0..times % 8).fold(digit, |digit: u32, _| {
            PERMUTATION.get(digit as usize).copied().unwrap_or(0)
        })
    };
    let check = (0_u32..)
        .zip(number.iter().rev())
        .fold(0, |check, (position, b)| {
            dihedral(check, permuted(digit(*b), position))
        });
    check == 0
}

/// Multiplies in the dihedral group of the pentagon: 0 to 4 turn it, 5 to 9 also flip it.
const fn dihedral(a: u32, b: u32) -> u32 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    }
}

/// India, PAN: the fourth letter says that the holder is a person.
pub(super) fn pan(number: &[u8]) -> bool {
    number.get(3) == Some(&b'P')
}

/// Poland, PESEL: modulus 10 and a date.
pub(super) fn pesel(number: &[u8]) -> bool {
    let month = value(number.get(2..4).unwrap_or_default()) % 20;
    let day = value(number.get(4..6).unwrap_or_default());
    is_day(day, month) && weighted(number, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

/// Germany, tax identification: ISO 7064 modulus 11, 10.
pub(super) fn steuer(number: &[u8]) -> bool {
    let Some((last, body)) = number.split_last() else {
        return false;
    };
    let product = body.iter().fold(10, |product, b| {
        let sum = (digit(*b) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == digit(*last)
}

/// Canada, SIN, and Israel: the Luhn digit.
pub(in super::super) fn luhn(number: &[u8]) -> bool {
    let sum: u32 = number
        .iter()
        .rev()
        .enumerate()
        .map(|(position, b)| {
            let digit = digit(*b) << (position % 2);
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    !is_uniform(number) && sum.is_multiple_of(10)
}

/// Sweden: a date and the Luhn digit of the last ten digits.
pub(super) fn personnummer(number: &[u8]) -> bool {
    let number = number
        .get(number.len().saturating_sub(10)..)
        .unwrap_or_default();
    let month = value(number.get(2..4).unwrap_or_default());
    // Coordination numbers add 60 to the day.
    let day = value(number.get(4..6).unwrap_or_default()) % 60;
    is_day(day, month) && luhn(number)
}

/// Belgium: a date and a key modulo 97, with 2 before it from the year 2000 on.
pub(super) fn belgium(number: &[u8]) -> bool {
    let Some((body, key)) = number.split_at_checked(9) else {
        return false;
    };
    let month = value(number.get(2..4).unwrap_or_default());
    let day = value(number.get(4..6).unwrap_or_default());
    let fits = |body: u64| 97 - body % 97 == value(key);
    is_day(day, month) && (fits(value(body)) || fits(2_000_000_000 + value(body)))
}

/// Switzerland, AHV: the check digit of EAN-13.
pub(super) fn ean(number: &[u8]) -> bool {
    weighted(number, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}

/// Denmark, CPR: a date; numbers since 2007 have no check digit.
pub(super) fn day_and_month(number: &[u8]) -> bool {
    let day = value(number.get(..2).unwrap_or_default());
    let month = value(number.get(2..4).unwrap_or_default());
    is_day(day, month)
}

/// Norway: a date and two digits modulo 11.
pub(super) fn fodselsnummer(number: &[u8]) -> bool {
    day_and_month(number)
        && weighted(number, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]).is_multiple_of(11)
        && weighted(number, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

/// Portugal, NIF of a person: modulus 11.
pub(super) fn nif(number: &[u8]) -> bool {
    let Some((last, body)) = number.split_last() else {
        return false;
    };
    let rest = weighted(body, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    matches!(number, [b'1'..=b'4', ..]) && digit(*last) == if rest < 2 { 0 } else { 11 - rest }
}

/// China: a date and ISO 7064 modulus 11, 2, where X is 10.
pub(super) fn china(number: &[u8]) -> bool {
    let Some((last, body)) = number.split_last() else {
        return false;
    };
    let month = value(number.get(10..12).unwrap_or_default());
    let day = value(number.get(12..14).unwrap_or_default());
    let century = number.get(6..8).unwrap_or_default();
    let check = body.iter().fold(0, |check, b| (check + digit(*b)) * 2 % 11);
    let last = if *last == b'X' { 10 } else { digit(*last) };
    matches!(century, b"18" | b"19" | b"20") && is_day(day, month) && (check + last) % 11 == 1
}

/// South Korea: a date, and the digit modulo 11 of numbers before October 2020.
pub(super) fn korea(number: &[u8]) -> bool {
    let Some((last, body)) = number.split_last() else {
        return false;
    };
    let month = value(number.get(2..4).unwrap_or_default());
    let day = value(number.get(4..6).unwrap_or_default());
    let sum = weighted(body, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
    is_day(day, month) && (11 - sum % 11) % 10 == digit(*last)
}

/// Japan, My Number: modulus 11.
pub(super) fn my_number(number: &[u8]) -> bool {
    let Some((last, body)) = number.split_last() else {
        return false;
    };
    let rest = weighted(body, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    !is_uniform(number) && digit(*last) == if rest <= 1 { 0 } else { 11 - rest }
}

/// Chile, RUT: modulus 11, where K is 10.
pub(super) fn rut(number: &[u8]) -> bool {
    let Some((last, body)) = number.split_last() else {
        return false;
    };
    let sum: u32 = body
        .iter()
        .rev()
        .zip((2..=7).cycle())
        .map(|(b, weight)| digit(*b) * weight)
        .sum();
    let last = if *last == b'K' { 10 } else { digit(*last) };
    !is_uniform(number) && (11 - sum % 11) % 11 == last
}

/// Argentina, CUIT of a person: modulus 11.
pub(super) fn cuit(number: &[u8]) -> bool {
    let Some((last, body)) = number.split_last() else {
        return false;
    };
    let sum = weighted(body, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
    matches!(number, [b'2', b'0' | b'3' | b'4' | b'7', ..]) && (11 - sum % 11) % 11 == digit(*last)
}

/// Australia, tax file number: modulus 11.
pub(super) fn tfn(number: &[u8]) -> bool {
    !is_uniform(number) && weighted(number, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
}

/// Türkiye: two digits modulo 10.
pub(super) fn turkey(number: &[u8]) -> bool {
    let Some((last, body)) = number.split_last() else {
        return false;
    };
    let sum: u32 = body.iter().map(|b| digit(*b)).sum();
    let odd = weighted(body, &[7, 0, 7, 0, 7, 0, 7, 0, 7, 0]);
    let even = weighted(body, &[0, 9, 0, 9, 0, 9, 0, 9, 0, 0]);
    let tenth = body.last().map_or(0, |b| digit(*b));
    number.first() != Some(&b'0') && (odd + even) % 10 == tenth && sum % 10 == digit(*last)
}

/// South Africa: a date and the Luhn digit.
pub(super) fn south_africa(number: &[u8]) -> bool {
    let month = value(number.get(2..4).unwrap_or_default());
    let day = value(number.get(4..6).unwrap_or_default());
    is_day(day, month) && luhn(number)
}

/// Spain, DNI: a letter modulo 23.
pub(super) fn dni(number: &[u8]) -> bool {
    let Some((last, body)) = number.split_last() else {
        return false;
    };
    const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let position = usize::try_from(value(body) % 23).unwrap_or(0);
    LETTERS.get(position) == Some(last)
}

/// Spain, NIE: X, Y and Z stand for 0, 1 and 2 before the digits.
pub(super) fn nie(number: &[u8]) -> bool {
    let mut digits = [0; 9];
    match number {
        [first @ b'X'..=b'Z', rest @ ..] if rest.len() == 8 => {
            let (head, tail) = digits.split_at_mut(1);
            head.fill(first - b'X' + b'0');
            tail.copy_from_slice(rest);
            dni(&digits)
        }
        _ => false,
    }
}

/// Italy, codice fiscale: a letter modulo 26.
pub(super) fn codice_fiscale(number: &[u8]) -> bool {
    /// What letters and digits at odd positions count.
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let Some((last, body)) = number.split_last() else {
        return false;
    };
    let sum: u32 = (0..)
        .zip(body)
        .map(|(position, b)| {
            let value = if b.is_ascii_digit() {
                digit(*b)
            } else {
                u32::from(b.wrapping_sub(b'A'))
            };
            match position % 2 {
                0 => ODD.get(value as usize).copied().unwrap_or(0),
                _ => value,
            }
        })
        .sum();
    u32::from(last.wrapping_sub(b'A')) == sum % 26
}

/// Finland: a date and a sign modulo 31.
pub(super) fn hetu(number: &[u8]) -> bool {
    const SIGNS: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";
    let Some((last, body)) = number.split_last() else {
        return false;
    };
    let digits = body.iter().filter(|b| b.is_ascii_digit());
    let value = digits.fold(0, |value, b| value * 10 + digit(*b) as usize);
    let century = body
        .get(6)
        .is_none_or(|b| b.is_ascii_digit() || b"ABCDEFUVWXY".contains(b));
    century && day_and_month(number) && SIGNS.get(value % 31) == Some(last)
}

/// Singapore, NRIC and FIN: a letter modulo 11 that depends on the first.
pub(super) fn nric(number: &[u8]) -> bool {
    let (more, letters) = match number.first() {
        Some(b'S') => (0, b"JZIHGFEDCBA"),
        Some(b'T') => (4, b"JZIHGFEDCBA"),
        Some(b'F') => (0, b"XWUTRQPNMLK"),
        Some(b'G') => (4, b"XWUTRQPNMLK"),
        Some(b'M') => (3, b"XWUTRQPNJLK"),
        _ => return false,
    };
    let sum = weighted(number, &[0, 2, 7, 6, 5, 4, 3, 2]) + more;
    letters.get(sum as usize % 11) == number.last()
}

/// Ireland, PPS: a letter modulo 23.
pub(super) fn pps(number: &[u8]) -> bool {
    let Some((body, letters)) = number.split_at_checked(7) else {
        return false;
    };
    let second = letters
        .get(1)
        .filter(|b| **b != b'W')
        .map_or(0, |b| u32::from(b - b'A' + 1));
    let sum = weighted(body, &[8, 7, 6, 5, 4, 3, 2]) + 9 * second;
    let letter = match sum % 23 {
        0 => b'W',
        rest => u8::try_from(rest).map_or(0, |rest| b'A' - 1 + rest),
    };
    letters.first() == Some(&letter)
}

fn digit(byte: u8) -> u32 {
    u32::from(byte.wrapping_sub(b'0') % 10)
}

fn value(digits: &[u8]) -> u64 {
    digits
        .iter()
        .fold(0, |value, b| value * 10 + u64::from(digit(*b)))
}

fn weighted(number: &[u8], weights: &[u32]) -> u32 {
    number
        .iter()
        .zip(weights)
        .map(|(b, weight)| digit(*b) * weight)
        .sum()
}

fn is_day(day: u64, month: u64) -> bool {
    (1..=31).contains(&day) && (1..=12).contains(&month)
}

/// Returns whether all digits are the same, which passes many checks and is nobody's number.
fn is_uniform(number: &[u8]) -> bool {
    number.iter().all(|b| number.first() == Some(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Check = fn(&[u8]) -> bool;

    const VALID: &[(Check, &str)] = &[
        (nhs, "9434765919"),
        (nino, "AB123456D"),
        (nir, "185057800608491"),
        (bsn, "111222333"),
        (cpf, "52998224725"),
        (verhoeff, "234567890124"),
        (pan, "ABCPE1234F"),
        (pesel, "44051401359"),
        (steuer, "86095742719"),
        (luhn, "046454286"),
        (personnummer, "198112189876"),
        (belgium, "85073003328"),
        (ean, "7569217076985"),
        (day_and_month, "3112901234"),
        (fodselsnummer, "01010750160"),
        (nif, "123456789"),
        (china, "11010519491231002X"),
        (korea, "8001011000008"),
        (my_number, "123456789018"),
        (rut, "123456785"),
        (cuit, "20123456786"),
        (tfn, "123456782"),
        (turkey, "10000000146"),
        (south_africa, "8001015009087"),
        (dni, "12345678Z"),
        (nie, "X1234567L"),
        (codice_fiscale, "RSSMRA85T10A562S"),
        (hetu, "131052308T"),
        (nric, "S1234567D"),
        (pps, "1234567T"),
        (pps, "1234567FA"),
    ];

    #[test]
    fn published_examples_pass_and_others_do_not() {
        for (check, number) in VALID {
            assert!(check(number.as_bytes()), "{number}");
        }
        for (check, number) in VALID {
            // One of the last two signs is part of every check.
            let mut wrong = 0;
            for position in 0..number.len() {
                let mut other = number.as_bytes().to_vec();
                other[position] = match other[position] {
                    b'9' => b'0',
                    b'Z' => b'A',
                    sign => sign + 1,
                };
                wrong += usize::from(!check(&other));
            }
            assert!(wrong >= 1, "{number}");
        }
    }

    #[test]
    fn no_check_panics_on_other_lengths() {
        for (check, number) in VALID {
            for length in 0..number.len() {
                let _ = check(&number.as_bytes()[..length]);
                let _ = check(&b"ZZZZZZZZZZZZZZZZZZ"[..length]);
            }
        }
    }
}
