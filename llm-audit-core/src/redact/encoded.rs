//! Runs of base64 (RFC 4648) that decode to text.

use std::ops::Range;

use super::bytes::{ByteSet, decode_all, run};

/// Shorter runs hold no value together with what makes it one.
const MIN_RUN: usize = 24;
/// Longer runs are files.
const MAX_RUN: usize = 64 << 10;
/// Characters that tell text from other bytes, before memory is taken for all.
const PROBE: usize = 16;

const BASE64: ByteSet = ByteSet::BASE64.and(b"-_");

/// Calls `visit` with each run of base64 that decodes to text, and the text.
pub(super) fn texts(text: &[u8], mut visit: impl FnMut(Range<usize>, &str)) {
    let mut start = 0;
    // A run of the least length that begins at `start` has only base64 up to its last byte: a byte
    // of another kind, looked for from the end, moves the beginning behind it.
    while let Some(window) = text.get(start..start + MIN_RUN) {
        if let Some(other) = window.iter().rposition(|byte| !BASE64.contains(*byte)) {
            start += other + 1;
            continue;
        }
        let end = run(text, start + MIN_RUN, &BASE64, usize::MAX);
        let value = text.get(start..end).unwrap_or_default();
        if value.len() <= MAX_RUN
            && let Some(decoded) = decoded(value)
        {
            visit(start..run(text, end, &ByteSet::of(b"="), 2), &decoded);
        }
        start = end;
    }
}

fn decoded(value: &[u8]) -> Option<String> {
    let probe = decode_all(value.get(..PROBE)?)?;
    let is_text = |bytes: &[u8]| {
        !bytes
            .iter()
            .any(|b| b.is_ascii_control() && !b.is_ascii_whitespace())
    };
    let begins_well = match std::str::from_utf8(&probe) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    if !begins_well || !is_text(&probe) {
        return None;
    }
    let text = String::from_utf8(decode_all(value)?).ok()?;
    is_text(text.as_bytes()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::base64url;

    fn found(text: &str) -> Vec<(Range<usize>, String)> {
        let mut found = Vec::new();
        texts(text.as_bytes(), |range, decoded| {
            found.push((range, decoded.to_owned()));
        });
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
