//! Base64 and base64url (RFC 4648), as texts have them.

use super::bytes::steps;

/// Decodes base64 or base64url, with or without padding, up to 4 KiB of output.
pub(super) fn decode(value: &[u8]) -> Option<Vec<u8>> {
    let end = value.iter().rposition(|byte| *byte != b'=')? + 1;
    let mut bytes = Vec::new();
    decode_onto(value.get(..end.min(4096 / 3 * 4))?, &mut bytes).then_some(bytes)
}

/// Appends what base64 or base64url without padding decodes to, and returns whether it is that.
pub(super) fn decode_onto(value: &[u8], bytes: &mut Vec<u8>) -> bool {
    steps::add(value.len());
    bytes.reserve(value.len() * 3 / 4 + 3);
    let (groups, last) = value.as_chunks::<4>();
    for group in groups {
        match decode_group(group) {
            Some(decoded) => bytes.extend_from_slice(&decoded),
            None => return false,
        }
    }
    let count = match last.len() {
        0 => return true,
        1 => return false,
        length => length - 1,
    };
    let mut group = *b"AAAA";
    for (to, from) in group.iter_mut().zip(last) {
        *to = *from;
    }
    let decoded = decode_group(&group);
    bytes.extend(decoded.iter().flatten().take(count));
    decoded.is_some()
}

/// Returns whether `byte` may be among what `value` decodes to.
pub(super) fn may_decode_to(value: &[u8], byte: u8) -> bool {
    value.chunks(4).any(|chunk| {
        let mut group = *b"AAAA";
        for (to, from) in group.iter_mut().zip(chunk) {
            *to = *from;
        }
        decode_group(&group).is_some_and(|decoded| decoded.contains(&byte))
    })
}

/// Decodes four characters of base64 or base64url.
#[inline]
pub(super) fn decode_group(group: &[u8; 4]) -> Option<[u8; 3]> {
    let [a, b, c, d] = group.map(|byte| u32::from(sextet(byte)));
    let bits = a << 18 | b << 12 | c << 6 | d;
    let [_, bytes @ ..] = bits.to_be_bytes();
    ((a | b | c | d) < NO_SEXTET.into()).then_some(bytes)
}

const NO_SEXTET: u8 = 64;

#[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
const fn sextet(byte: u8) -> u8 {
    const SEXTETS: [u8; 256] = {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut sextets = [NO_SEXTET; 256];
        let mut value = 0;
        while value < NO_SEXTET {
            sextets[alphabet[value as usize] as usize] = value;
            value += 1;
        }
        sextets[b'-' as usize] = 62;
        sextets[b'_' as usize] = 63;
        sextets
    };
    SEXTETS[byte as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_with_and_without_padding() {
        for (text, expected) in [
            ("YWI=", "ab"),
            ("YWI", "ab"),
            ("YWJj", "abc"),
            ("Pz8_", "???"),
        ] {
            assert_eq!(decode(text.as_bytes()).unwrap(), expected.as_bytes());
        }
        assert_eq!(decode(b"Y"), None);
        assert_eq!(decode(b"Y WI"), None);
        assert_eq!(decode(b"===="), None);
    }
}
