//! Where the parts of JSON text begin and end, and what its strings stand for. The text is known to be
//! JSON.

use std::borrow::Cow;

use memchr::memchr2;

use super::bytes::steps;

/// Returns how much white space `text` begins with.
pub(super) fn spaces(text: &[u8]) -> usize {
    let is_space = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
    text.iter().take_while(|b| is_space(b)).count()
}

/// Returns where the value ends that begins at `at`.
pub(super) fn value_end(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut end = at;
    while let Some(byte) = bytes.get(end) {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                end += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                end += 1;
            }
            b'"' => end = string_end(text, end),
            b'-' | b'0'..=b'9' => end = number_end(text, end),
            b'a'..=b'z' => {
                let rest = bytes.get(end..).unwrap_or_default();
                end += rest.iter().take_while(|b| b.is_ascii_lowercase()).count();
            }
            _ => end += 1,
        }
        if depth == 0 && end > at {
            break;
        }
    }
    end
}

/// Returns where the string literal ends that begins at `at`, behind its closing quote.
pub(super) fn string_end(text: &str, at: usize) -> usize {
    let mut end = at + 1;
    while let Some(offset) = memchr2(b'"', b'\\', text.as_bytes().get(end..).unwrap_or_default()) {
        end += offset;
        if text.as_bytes().get(end) == Some(&b'"') {
            return end + 1;
        }
        end += 2;
    }
    text.len()
}

pub(super) fn number_end(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    let length = rest
        .iter()
        .position(|b| !matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
        .unwrap_or(rest.len());
    at + length.max(1)
}

/// Returns what a string literal stands for. A surrogate without its pair, which no text can hold,
/// becomes U+FFFD.
pub(super) fn decoded(literal: &str) -> Cow<'_, str> {
    steps::add(literal.len());
    let content = literal
        .get(1..literal.len().saturating_sub(1))
        .unwrap_or_default();
    if !content.contains('\\') {
        return Cow::Borrowed(content);
    }
    if let Ok(content) = serde_json::from_str(literal) {
        return Cow::Owned(content);
    }
    let mut mended = String::with_capacity(literal.len());
    let mut rest = literal;
    while let Some(at) = rest.find('\\') {
        let (head, escape) = rest.split_at(at);
        mended.push_str(head);
        let surrogate = matches!(
            escape.as_bytes(),
            [
                _,
                b'u',
                b'd' | b'D',
                b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F',
                ..,
            ]
        );
        let length = if surrogate { 6 } else { 2 };
        let (escape, tail) = escape.split_at_checked(length).unwrap_or((escape, ""));
        mended.push_str(if surrogate { "\\ufffd" } else { escape });
        rest = tail;
    }
    mended.push_str(rest);
    serde_json::from_str(&mended).map_or(Cow::Borrowed(content), Cow::Owned)
}
