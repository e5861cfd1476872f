//! Runs of base64 (RFC 4648) that decode to text.

use std::ops::Range;

use super::base64::{decode_group, decode_onto};
use super::blocks::TOKEN;
use super::bytes::{ByteSet, after_escape, run};

/// Shorter runs hold no value together with what makes it one.
const MIN_RUN: usize = 24;
/// Longer runs are files.
const MAX_RUN: usize = 64 << 10;
/// Characters that tell text from other bytes, before memory is taken for all.
const PROBE: usize = 16;
/// Places in a run behind a sign of base64 where the encoding may begin: `path/aGVsbG8…`.
const MAX_BEGINNINGS: usize = 4;
/// A shorter first line is not one of base64 that was broken into lines.
const MIN_LINE: usize = 40;
/// Characters of lines that are decoded again behind a border of [`MAX_RUN`].
const OVERLAP: usize = 2 << 10;
/// White space at the beginning of such a line.
const MAX_INDENT: usize = 32;

/// Calls `visit` with the base64 that begins in the run of its characters at `range`, with the lines
/// that it goes on in and its padding, if it decodes to text; `bytes` is where it is decoded.
/// `has_signs` says whether the run has others than letters and digits.
/// Bytes that are no UTF-8, as texts in Latin-1 have them, hide nothing of the rest.
/// Returns where to go on: no line is decoded for each one before it.
pub(super) fn text(
    text: &[u8],
    range: Range<usize>,
    has_signs: bool,
    bytes: &mut Vec<u8>,
    visit: impl FnOnce(Range<usize>, &str),
) -> usize {
    let Some(start) = beginning(text, range.clone(), has_signs, bytes) else {
        return range.end;
    };
    bytes.clear();
    if !decode_onto(text.get(start..range.end).unwrap_or_default(), bytes) {
        return range.end;
    }
    let (last, next) = lines(text, start..range.end, bytes);
    mend(bytes);
    if let Ok(decoded) = std::str::from_utf8(bytes) {
        let end = run(text, last, &ByteSet::of(b"="), 2);
        visit(start..end, decoded);
        return next.unwrap_or(end);
    }
    range.end
}

/// Returns where the base64 begins in the run at `range`: where it decodes to UTF-8, or else to
/// other text.
fn beginning(
    text: &[u8],
    range: Range<usize>,
    has_signs: bool,
    bytes: &mut Vec<u8>,
) -> Option<usize> {
    let value = text.get(range.clone()).filter(|_| has_signs);
    let signs = value
        .unwrap_or_default()
        .iter()
        .enumerate()
        .filter(|(_, b)| !b.is_ascii_alphanumeric())
        .map(|(offset, _)| range.start + offset + 1)
        .take(MAX_BEGINNINGS);
    let behind = Some(after_escape(text, range.start)).filter(|behind| *behind > range.start);
    let beginnings = [Some(range.start), behind].into_iter().flatten();
    let mut other = None;
    for start in beginnings.chain(signs) {
        let first = text.get(start..range.end)?;
        if !(MIN_RUN..=MAX_RUN).contains(&first.len()) || !begins_as_text(first) {
            continue;
        }
        bytes.clear();
        if !decode_onto(first, bytes) || !is_text(bytes) {
            continue;
        }
        match std::str::from_utf8(bytes) {
            Err(error) if error.error_len().is_some() => other = other.or(Some(start)),
            // The end of a line may cut a character.
            _ => return Some(start),
        }
    }
    other
}

/// Writes a letter or a space for each byte that is no UTF-8, and so makes `bytes` UTF-8.
fn mend(bytes: &mut [u8]) {
    let mut from = 0;
    while let Some(rest) = bytes.get_mut(from..)
        && let Err(error) = std::str::from_utf8(rest)
    {
        let bad = error.valid_up_to();
        let is_letter = |at: Option<usize>| {
            at.and_then(|at| rest.get(at))
                .is_some_and(u8::is_ascii_alphabetic)
        };
        let in_word = is_letter(bad.checked_sub(1)) && is_letter(Some(bad + 1));
        if let Some(byte) = rest.get_mut(bad) {
            *byte = match byte {
                // Letters of Latin-1; the last two are what UTF-16 begins with.
                0xc0..=0xfd if in_word => b'e',
                _ => b' ',
            };
        }
        from += bad + 1;
    }
}

/// Decodes the lines that base64 goes on in whose first line is at `range`, all as long as that one
/// but the last. Returns where the last one ends, and, where it is only the last that there is room
/// for, where to go on, so that a value over that border is whole in what follows.
fn lines(text: &[u8], range: Range<usize>, bytes: &mut Vec<u8>) -> (usize, Option<usize>) {
    let length = range.len();
    let mut end = range.end;
    if length < MIN_LINE || !length.is_multiple_of(4) {
        return (end, None);
    }
    let limit = range.start + MAX_RUN;
    let mut decoded = bytes.len();
    let mut back = None;
    while let Some(start) = next_line(text, end) {
        let line_end = run(text, start, &TOKEN, length + 1);
        let line = text.get(start..line_end).unwrap_or_default();
        if line.is_empty() || line.len() > length {
            break;
        }
        if line_end > limit {
            return (end, back);
        }
        if !decode_onto(line, bytes) || !bytes.get(decoded..).is_some_and(is_text) {
            break;
        }
        if line_end + OVERLAP > limit {
            back = back.or(Some(end));
        }
        decoded = bytes.len();
        end = line_end;
        if line.len() < length {
            break;
        }
    }
    bytes.truncate(decoded);
    (end, None)
}

/// Returns where the line begins that follows the one that ends at `at`; the break may be escaped.
fn next_line(text: &[u8], at: usize) -> Option<usize> {
    let start = match text.get(at..)? {
        [b'\n', ..] => at + 1,
        [b'\r', b'\n', ..] | [b'\\', b'n', ..] => at + 2,
        [b'\\', b'r', b'\\', b'n', ..] => at + 4,
        _ => return None,
    };
    Some(run(text, start, &ByteSet::of(b" \t"), MAX_INDENT))
}

/// Returns whether the first characters decode to text, or to text that is cut.
fn begins_as_text(value: &[u8]) -> bool {
    // Of what is no text, most shows that in its first bytes.
    let first = value.first_chunk().and_then(decode_group);
    if first.is_none_or(|bytes| matches!(bytes, [0x80..=0xc1, ..]) || !is_text(&bytes)) {
        return false;
    }
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
    use crate::redact::Redactor;

    fn found(text: &str) -> Vec<(Range<usize>, String)> {
        let mut found = Vec::new();
        let mut start = 0;
        for run in text.split_inclusive(|c: char| !c.is_ascii() || !TOKEN.contains(c as u8)) {
            let length = run.bytes().take_while(|b| TOKEN.contains(*b)).count();
            let (text, range) = (text.as_bytes(), start..start + length);
            super::text(text, range, true, &mut Vec::new(), |range, decoded| {
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
    fn lines_and_beginnings_inside_a_run_are_seen_through() {
        let plain = "the note says: write to ada@example.org, and not to anybody else, über alles";
        let encoded = base64url(plain.repeat(2).as_bytes());
        let wrapped = |columns: usize, between: &str| {
            let lines = encoded.as_bytes().chunks(columns);
            let lines = lines.map(|line| std::str::from_utf8(line).unwrap());
            lines.collect::<Vec<_>>().join(between)
        };
        for (columns, between) in [
            (64, "\n"),
            (76, "\r\n"),
            (60, "\n    "),
            (76, "\\n"),
            (76, "\\r\\n"),
        ] {
            let block = wrapped(columns, between);
            let text = format!("key: {block}\nThanks");
            let all = first_of(&text, 5..5 + columns).unwrap();
            assert_eq!(all, (5..5 + block.len(), plain.repeat(2)), "{between:?}");
        }
        for head in ["path/", "a_b-", "part+of/"] {
            let text = format!("{head}{encoded}");
            let all = first_of(&text, 0..text.len()).unwrap();
            assert_eq!(all, (head.len()..text.len(), plain.repeat(2)), "{head}");
        }
        let text = format!("\\n{encoded}");
        assert_eq!(first_of(&text, 1..text.len()).unwrap().0, 2..text.len());
    }

    fn first_of(text: &str, range: Range<usize>) -> Option<(Range<usize>, String)> {
        let mut found = None;
        super::text(
            text.as_bytes(),
            range,
            true,
            &mut Vec::new(),
            |range, decoded| {
                found = Some((range, decoded.to_owned()));
            },
        );
        found
    }

    #[test]
    fn bytes_that_are_no_utf8_hide_nothing_of_the_rest() {
        let block = |plain: &[u8], columns: usize| {
            let encoded = base64url(plain);
            let lines = encoded.as_bytes().chunks(columns);
            let lines = lines.map(|line| std::str::from_utf8(line).unwrap());
            lines.collect::<Vec<_>>().join("\n")
        };
        let latin = b"Kunde: ada.lovelace@example.org, seit dem Mai 2019 in K\xf6ln, und gr\xfc\xdft alle. ";
        let other =
            b"password: hunter2!xQ9, and then what is no text of any kind: \xff\xfe, so it is ";
        for (plain, expected) in [
            (latin.repeat(3), "in Keln, und gr  t"),
            (other.repeat(3), "kind:   , so"),
        ] {
            for columns in [64, 76, 4096] {
                let text = block(&plain, columns);
                let first = text.find('\n').unwrap_or(text.len());
                let (range, decoded) = first_of(&text, 0..first).unwrap();
                assert_eq!(range, 0..text.len());
                assert_eq!(decoded.len(), plain.len());
                assert!(decoded.contains(expected), "{decoded}");
            }
            let text = format!("mail:\n{}\n", block(&plain, 76));
            assert!(!Redactor::default().find(&text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_value_at_any_place_of_long_base64_is_found() {
        let per_line = 48;
        let border = MAX_RUN / 65 * per_line;
        for at in (border - 2100..border + 200).step_by(331) {
            let mut plain = "lorem ipsum ".repeat(6_000).into_bytes();
            plain.splice(at..at, *b" AKIAIOSFODNN7EXAMPLE ");
            let encoded = base64url(&plain);
            let lines = encoded.as_bytes().chunks(64);
            let lines = lines.map(|line| std::str::from_utf8(line).unwrap());
            let text = lines.collect::<Vec<_>>().join("\n");
            assert!(!Redactor::default().find(&text).is_empty(), "{at}");
        }
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
