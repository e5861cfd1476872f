//! Placeholders that stand for values already: `[PASSPORT]`, `[DATE_OF_BIRTH_2]`, `[PHONE:k1:…]`.
//!
//! The word in one announces nothing, and what stands behind one is not what the words before it
//! speak of: that has been replaced. So a text that was redacted stays as it is.

use memchr::memchr;

use super::bytes::byte;
use super::data_type::DataType;
use crate::key::is_id;

/// The longest word of a type.
const MAX_WORD: usize = 24;
/// The longest placeholder that is looked at; a token is as long as its value.
const MAX_LABEL: usize = 424;
/// Digits of a number in a placeholder; a longer one could be a value.
const MAX_DIGITS: usize = 5;

/// Returns where the placeholder ends whose bracket is at `at`. A label that introduces a value,
/// such as `[PASSPORT]: C01X00T47`, is none.
pub(super) fn label_end(text: &[u8], at: usize) -> Option<usize> {
    let [b'[', first, ..] = text.get(at..)? else {
        return None;
    };
    if !first.is_ascii_uppercase() {
        return None;
    }
    let inside = text.get(at + 1..)?;
    let inside = inside.get(..MAX_LABEL).unwrap_or(inside);
    let length = memchr(b']', inside)?;
    let inside = std::str::from_utf8(inside.get(..length)?).ok()?;
    let is_type = |word: &str| DataType::ALL.iter().any(|known| known.word() == word);
    let end = at + 1 + length + 1;
    let is_label = is_mark(inside, is_type, |_| true);
    (is_label && !matches!(byte(text, end), Some(b':' | b'='))).then_some(end)
}

/// Returns whether what stands in brackets has the form of what an operator writes: a type, alone
/// or with a number, with at most four last characters, or with what a key made of a value.
///
/// Anybody can write a type, so what follows one is held to that form: `[EMAIL:hunter2!]` is none.
/// `is_type` knows the words of types, `is_key` the ids of keys that may have made a token.
pub(super) fn is_mark(
    inside: &str,
    is_type: impl Fn(&str) -> bool,
    is_key: impl Fn(&str) -> bool,
) -> bool {
    let (word, detail) = inside.split_once(':').unwrap_or((inside, ""));
    let word = match word.rsplit_once('_') {
        Some((type_word, number)) if is_number(number) => type_word,
        _ => word,
    };
    let is_detail = match detail.split_once(':') {
        None => detail.chars().count() <= 4,
        Some((id, _)) if !is_id(id) => false,
        Some((id, tag)) => is_tag(tag) || is_token(tag) && is_key(id),
    };
    is_detail && is_type(word)
}

fn is_number(text: &str) -> bool {
    (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// Returns whether `text` has the form of a pseudonym's tag: 16 bytes in hex.
fn is_tag(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Returns whether `text` has the form of a token's body: blocks and a tag, of 16 bytes each.
fn is_token(text: &str) -> bool {
    let bytes = text.len() * 3 / 4;
    bytes >= 32
        && bytes.is_multiple_of(16)
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Returns whether the word at `at` stands in a placeholder.
pub(super) fn in_label(text: &[u8], at: usize) -> bool {
    let from = at.saturating_sub(MAX_WORD);
    let before = text.get(from..at).unwrap_or_default();
    let open = before.iter().rposition(|b| *b == b'[');
    open.is_some_and(|open| label_end(text, from + open).is_some_and(|end| at < end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_operators_write_is_a_label() {
        for label in [
            "[EMAIL]",
            "[DATE_OF_BIRTH]",
            "[DATE_OF_BIRTH_12]",
            "[CREDIT_CARD:1111]",
            "[PHONE:k1:00ff00ff00ff00ff00ff00ff00ff00ff]",
        ] {
            let text = format!("a {label} b");
            let end = 2 + label.len();
            assert_eq!(label_end(text.as_bytes(), 2), Some(end), "{label}");
            assert!(in_label(text.as_bytes(), 4), "{label}");
            assert!(!in_label(text.as_bytes(), end), "{label}");
        }
    }

    #[test]
    fn other_brackets_are_none() {
        for text in [
            "[PASSPORT]: C01X00T47",
            "[PASSPORT",
            "[INFO]",
            "[EMAIL1]",
            "[]",
            "[PASSPORT]=",
            "[EMAIL:hunter2!]",
            "[EMAIL:k1:hunter2!]",
            "[EMAIL:my key:00ff00ff00ff00ff00ff00ff00ff00ff]",
            "[EMAIL_123456]",
        ] {
            assert_eq!(label_end(text.as_bytes(), 0), None, "{text}");
        }
    }
}
