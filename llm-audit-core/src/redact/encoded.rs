//! Runs of base64 (RFC 4648) that decode to text.

use std::ops::Range;

use super::bytes::{ByteSet, decode_group, decode_into, run};

/// Shorter runs hold no value together with what makes it one.
const MIN_RUN: usize = 24;
/// Longer runs are files.
const MAX_RUN: usize = 64 << 10;
/// Characters that tell text from other bytes, before memory is taken for all.
const PROBE: usize = 16;

/// Calls `visit` with the run of base64 at `range`, and its padding, if it decodes to text; `bytes`
/// is where it is decoded.
pub(super) fn text(
    text: &[u8],
    range: Range<usize>,
    bytes: &mut Vec<u8>,
    visit: impl FnOnce(Range<usize>, &str),
) {
    let value = text.get(range.clone()).unwrap_or_default();
    if (MIN_RUN..=MAX_RUN).contains(&value.len())
        && begins_as_text(value)
        && decode_into(value, bytes)
        && is_text(bytes)
        && let Ok(decoded) = std::str::from_utf8(bytes)
    {
        let end = run(text, range.end, &ByteSet::of(b"="), 2);
        visit(range.start..end, decoded);
    }
}

/// Returns whether the first characters decode to text, or to text that is cut.
fn begins_as_text(value: &[u8]) -> bool {
    let mut probe = [0; PROBE / 4 * 3];
    let groups = value.as_chunks::<4>().0.iter();
    for (to, group) in probe.as_chunks_mut::<3>().0.iter_mut().zip(groups) {
        match decode_group(group) {
            Some(bytes) => *to = bytes,
            None => return false,
        }
    }
    let begins_well = match std::str::from_utf8(&probe) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    begins_well && is_text(&probe)
}

fn is_text(bytes: &[u8]) -> bool {
    !bytes
        .iter()
        .any(|b| b.is_ascii_control() && !b.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::base64url;
    use crate::redact::blocks::TOKEN;

    fn found(text: &str) -> Vec<(Range<usize>, String)> {
        let mut found = Vec::new();
        let mut start = 0;
        for run in text.split_inclusive(|c: char| !c.is_ascii() || !TOKEN.contains(c as u8)) {
            let length = run.bytes().take_while(|b| TOKEN.contains(*b)).count();
            let (text, range) = (text.as_bytes(), start..start + length);
            super::text(text, range, &mut Vec::new(), |range, decoded| {
                found.push((range, decoded.to_owned()));
            });
            start += run.len();
        }
        found
    }

    #[test]
    fn runs_that_decode_to_text_are_found_with_their_padding() {
        let run = base64url("write to ada@example.org, über".as_bytes());
        let text = format!("{}: {run}==\n{run}", "x".repeat(21));
        let (first, second) = (23..23 + run.len() + 2, 26 + run.len()..text.len());
        let decoded = "write to ada@example.org, über".to_owned();
        assert_eq!(found(&text), [(first, decoded.clone()), (second, decoded)]);
    }

    #[test]
    fn words_paths_and_other_bytes_are_left() {
        for text in [
            "a-very-long-name-made-of-several-words",
            "/usr/local/share/applications/example",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "aGVsbG8gd29ybGQ=",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }
}
