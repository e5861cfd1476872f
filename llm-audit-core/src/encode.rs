//! Bytes as text: base64url without padding (RFC 4648, section 5) and lower-case hex.
//!
//! Decoding is strict: exactly one text stands for given bytes, so texts compare as bytes do.

const BASE64URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const HEX: &[u8; 16] = b"0123456789abcdef";

pub(crate) fn base64url(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .chain(&[0, 0])
            .take(3)
            .fold(0_u32, |group, byte| group << 8 | u32::from(*byte));
        // One byte takes two characters, two take three, three take four.
        for position in 0..=chunk.len() {
            text.push(digit(BASE64URL, group >> (18 - 6 * position) & 63));
        }
    }
    text
}

pub(crate) fn from_base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    for chunk in text.as_bytes().chunks(4) {
        let mut group = 0_u32;
        for character in chunk {
            let digit = DIGITS.get(usize::from(*character)).copied();
            group = group << 6 | digit.filter(|digit| *digit < 64).map(u32::from)?;
        }
        let (bits, whole) = match chunk.len() {
            4 => (0, 3),
            3 => (2, 2),
            2 => (4, 1),
            _ => return None,
        };
        if group & ((1 << bits) - 1) != 0 {
            return None;
        }
        let group = (group >> bits).to_be_bytes();
        bytes.extend(group.iter().skip(4 - whole));
    }
    Some(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| digit(HEX, u32::from(nibble)))
        .collect()
}

pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes()
        .chunks(2)
        .map(|pair| {
            let byte = pair
                .iter()
                .try_fold(0, |byte, nibble| Some(byte << 4 | value(HEX, *nibble)?))?;
            u8::try_from(byte).ok()
        })
        .collect()
}

/// What each character of base64url stands for; 64 for others.
#[expect(
    clippy::indexing_slicing,
    reason = "a constant: an index out of bounds would not compile"
)]
const DIGITS: [u8; 256] = {
    let mut digits = [64; 256];
    let mut digit = 0;
    while digit < 64 {
        digits[BASE64URL[digit as usize] as usize] = digit;
        digit += 1;
    }
    digits
};

fn digit(alphabet: &[u8], value: u32) -> char {
    // Callers mask `value` to the size of the alphabet.
    let index = usize::try_from(value).unwrap_or(usize::MAX);
    char::from(alphabet.get(index).copied().unwrap_or(b'?'))
}

fn value(alphabet: &[u8], character: u8) -> Option<u32> {
    let index = alphabet.iter().position(|byte| *byte == character)?;
    u32::try_from(index).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_vectors_of_rfc_4648_hold() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64url(bytes.as_bytes()), text);
        }
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
        assert_eq!(hex(b"\x00\xff"), "00ff");
    }

    #[test]
    fn a_text_that_no_bytes_are_written_as_is_refused() {
        for text in ["Z", "Zh", "Zm9", "Zg==", "+/8", "Zg\n", "é"] {
            assert_eq!(from_base64url(text), None, "{text}");
        }
        for text in ["0", "0G", "FF", "é"] {
            assert_eq!(from_hex(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(bytes: Vec<u8>) {
            prop_assert_eq!(from_base64url(&base64url(&bytes)), Some(bytes.clone()));
            prop_assert_eq!(from_hex(&hex(&bytes)), Some(bytes));
        }

        #[test]
        fn what_is_read_is_written_back(text in "[A-Za-z0-9_-]{0,12}") {
            if let Some(bytes) = from_base64url(&text) {
                prop_assert_eq!(base64url(&bytes), text);
            }
        }
    }
}
