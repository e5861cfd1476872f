//! The lines of a segment: one event, with a checksum that ties it to its place.
//!
//! ```text
//! line = body ",\"crc\":\"" 8HEXDIG "\"}" LF     ; body is a JSON object without its last brace
//! crc  = CRC-32C( writer's 16 bytes, segment number as u64 little-endian, body )
//! ```
//!
//! CRC-32C is the Castagnoli polynomial of RFC 3720. Writer and number are in the sum so that a line
//! that a file system brings back from another file, or from an older life of the same blocks, is
//! not taken for one of this segment. The line is a JSON object itself, so any JSON tool reads it.

use crate::error::Error;
use crate::id::WriterId;

const KEY: &[u8] = b",\"crc\":\"";
const DIGITS: usize = 8;
const CLOSE: &[u8] = b"\"}";
/// What is behind the body of a line, without the newline.
const TRAILER: usize = KEY.len() + DIGITS + CLOSE.len();
/// How many bytes a line, with its newline, is longer than the JSON object that it holds: the
/// object's brace and the newline weigh the same.
pub(crate) const OVERHEAD: usize = TRAILER;

/// The longest line that is ever written or read, with its newline: 16 MiB. Engines that read the
/// files as JSON refuse longer ones, and readers hold one line in memory.
pub(crate) const MAX_LINE: usize = 16 << 20;

/// Where a line belongs: the checksum of writer and segment number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u32);

impl Place {
    pub(crate) fn new(writer: WriterId, segment: u64) -> Self {
        let crc = crc32c::crc32c(writer.as_bytes());
        Self(crc32c::crc32c_append(crc, &segment.to_le_bytes()))
    }

    fn crc(self, body: &[u8]) -> [u8; DIGITS] {
        let crc = crc32c::crc32c_append(self.0, body).to_be_bytes();
        let mut digits = [0; DIGITS];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(crc) {
            for (digit, nibble) in pair.iter_mut().zip([byte >> 4, byte & 0xf]) {
                *digit = if nibble < 10 {
                    b'0' + nibble
                } else {
                    b'a' + nibble - 10
                };
            }
        }
        digits
    }
}

/// Appends the line of the JSON object `json` to `out`.
///
/// # Errors
///
/// When `json` is not one object with a member on one line, as far as its first and last bytes tell.
pub(crate) fn seal(place: Place, json: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    let body = json
        .strip_suffix(b"}")
        .filter(|body| body.len() > 1 && body.starts_with(b"{"))
        .filter(|body| memchr::memchr(b'\n', body).is_none())
        .ok_or_else(|| Error::refused("an event is not a JSON object on one line"))?;
    out.reserve(body.len() + TRAILER + 1);
    out.extend_from_slice(body);
    out.extend_from_slice(KEY);
    out.extend_from_slice(&place.crc(body));
    out.extend_from_slice(CLOSE);
    out.push(b'\n');
    Ok(())
}

/// Gives a whole line, with its newline, the checksum of another place.
pub(crate) fn move_to(place: Place, line: &mut [u8]) {
    let end = line.len().saturating_sub(TRAILER + 1);
    let (body, trailer) = line.split_at_mut(end);
    if let Some(digits) = trailer.get_mut(KEY.len()..KEY.len() + DIGITS) {
        digits.copy_from_slice(&place.crc(body));
    }
}

/// Returns the body of a line without its newline, when its checksum is that of `place`.
pub(crate) fn check(place: Place, line: &[u8]) -> Option<&[u8]> {
    let (body, digits) = split(line)?;
    (place.crc(body) == *digits).then_some(body)
}

/// Returns the JSON object in a line without its newline, when its checksum is that of `place`. The
/// object's last brace is put into the line.
pub(crate) fn open(place: Place, line: &mut [u8]) -> Option<&[u8]> {
    let end = check(place, line)?.len();
    close(line, end)
}

/// As [`open`], without the check; a line that carries no checksum is the object itself.
pub(crate) fn open_unchecked(line: &mut [u8]) -> &[u8] {
    match split(line).map(|(body, _)| body.len()) {
        Some(end) => close(line, end).unwrap_or_default(),
        None => line,
    }
}

fn close(line: &mut [u8], end: usize) -> Option<&[u8]> {
    *line.get_mut(end)? = b'}';
    line.get(..=end)
}

/// Returns where the good line in a line without its newline begins: at its start, or behind damage.
pub(crate) fn find(place: Place, line: &[u8]) -> Option<usize> {
    match check(place, line) {
        Some(_) => Some(0),
        None => resume(place, line),
    }
}

/// As [`open`], of the good line that [`find`] finds.
pub(crate) fn open_found(place: Place, line: &mut [u8]) -> Option<&[u8]> {
    let start = find(place, line)?;
    open(place, line.get_mut(start..)?)
}

/// Returns where a good line begins within a damaged one, past its start.
///
/// When zeros or another byte took the place of a newline, the line after it is whole.
pub(crate) fn resume(place: Place, line: &[u8]) -> Option<usize> {
    let after_zeros = memchr::memrchr(0, line).map(|zero| zero + 1);
    let after_trailers = memchr::memmem::find_iter(line, KEY).map(|key| key + TRAILER + 1);
    after_zeros
        .into_iter()
        .chain(after_trailers)
        .take(MAX_CANDIDATES)
        .find(|at| {
            line.get(*at..)
                .is_some_and(|rest| check(place, rest).is_some())
        })
}

/// Damaged bytes must not make recovery quadratic.
const MAX_CANDIDATES: usize = 8;

fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, trailer) = line.split_at_checked(line.len().checked_sub(TRAILER)?)?;
    let digits = trailer.strip_prefix(KEY)?.strip_suffix(CLOSE)?;
    (body.len() > 1 && body.starts_with(b"{")).then_some((body, digits))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(segment: u64) -> Place {
        Place::new(WriterId::from_bytes([7; 16]), segment)
    }

    fn sealed(segment: u64, json: &[u8]) -> Vec<u8> {
        let mut line = Vec::new();
        seal(place(segment), json, &mut line).unwrap();
        line
    }

    #[test]
    fn a_line_is_the_object_with_a_last_member_crc() {
        let line = sealed(1, br#"{"a":1}"#);
        let mut sum = vec![7; 16];
        sum.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0]);
        sum.extend_from_slice(br#"{"a":1"#);
        let expected = format!("{{\"a\":1,\"crc\":\"{:08x}\"}}\n", crc32c::crc32c(&sum));
        assert_eq!(line, expected.as_bytes());
    }

    #[test]
    fn a_line_of_another_segment_or_writer_is_not_good() {
        let line = sealed(1, br#"{"a":1}"#);
        let line = line.strip_suffix(b"\n").unwrap();
        assert!(check(place(1), line).is_some());
        assert!(check(place(2), line).is_none());
        assert!(check(Place::new(WriterId::from_bytes([8; 16]), 1), line).is_none());
    }

    #[test]
    fn what_is_no_object_on_one_line_is_refused() {
        for json in [&b""[..], b"{}", b"[1]", b"{\"a\":\n1}", b"{\"a\":1"] {
            assert!(
                seal(place(1), json, &mut Vec::new())
                    .unwrap_err()
                    .is_refused()
            );
        }
    }

    #[test]
    fn a_good_line_is_found_behind_a_lost_newline_and_behind_zeros() {
        let mut joined = sealed(1, br#"{"a":1}"#);
        let first = joined.len();
        *joined.last_mut().unwrap() = b'x';
        joined.extend_from_slice(sealed(1, br#"{"b":2}"#).trim_ascii_end());
        assert_eq!(resume(place(1), &joined), Some(first));
        let zeroed = [
            &b"half a li\0\0\0"[..],
            sealed(1, br#"{"b":2}"#).trim_ascii_end(),
        ]
        .concat();
        assert_eq!(resume(place(1), &zeroed), Some(12));
    }

    proptest! {
        #[test]
        fn what_is_sealed_is_read_back(text in "[^\\n]*", segment in any::<u64>(), other in any::<u64>()) {
            let json = format!("{{\"a\":{}}}", serde_json::to_string(&text).unwrap());
            let mut line = sealed(segment, json.as_bytes());
            move_to(place(other), &mut line);
            prop_assert_eq!(&line, &sealed(other, json.as_bytes()));
            line.pop();
            let mut copy = line.clone();
            prop_assert_eq!(open_unchecked(&mut copy), json.as_bytes());
            prop_assert_eq!(open(place(other), &mut line).unwrap(), json.as_bytes());
        }

        #[test]
        fn a_flipped_bit_is_always_seen(text in "[a-z]{0,64}", at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let mut line = sealed(3, format!("{{\"a\":\"{text}\"}}").as_bytes());
            line.pop();
            let at = at.index(line.len());
            line[at] ^= 1_u8 << bit;
            prop_assert!(check(place(3), &line).is_none());
        }

        #[test]
        fn garbage_never_panics(mut bytes in any::<Vec<u8>>()) {
            let _ = (open(place(1), &mut bytes.clone()), resume(place(1), &bytes));
            open_unchecked(&mut bytes);
            move_to(place(1), &mut bytes);
        }
    }
}
