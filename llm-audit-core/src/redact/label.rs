//! Placeholders that stand for values already: `[PASSPORT]`, `[DATE_OF_BIRTH_2]`, `[PHONE:k1:…]`.
//!
//! The word in one announces nothing, and what stands behind one is not what the words before it
//! speak of: that has been replaced. So a text that was redacted stays as it is.

use super::bytes::{ByteSet, byte, run};
use super::data_type::DataType;

/// The longest word of a type.
const MAX_WORD: usize = 24;
/// The longest tag that an operator puts behind the word; a token is as long as its value.
const MAX_TAG: usize = 400;

/// Returns where the placeholder ends whose bracket is at `at`. A label that introduces a value,
/// such as `[PASSPORT]: C01X00T47`, is none.
pub(super) fn label_end(text: &[u8], at: usize) -> Option<usize> {
    const LETTER: ByteSet = ByteSet::of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
    const TAG: ByteSet = ByteSet::ALNUM.and(b":-_.+/=@ ()");
    byte(text, at).filter(|b| *b == b'[')?;
    let end = run(text, at + 1, &LETTER, MAX_WORD);
    let digits = run(text, end, &ByteSet::DIGIT, MAX_WORD);
    let word = text.get(at + 1..end)?;
    let word = match digits > end {
        true => word.strip_suffix(b"_")?,
        false => word,
    };
    let is_type = |known: &DataType| known.word().as_bytes() == word;
    if word.is_empty() || !DataType::ALL.iter().any(is_type) {
        return None;
    }
    let close = match byte(text, digits)? {
        b':' => run(text, digits + 1, &TAG, MAX_TAG),
        _ => digits,
    };
    byte(text, close).filter(|b| *b == b']')?;
    (!matches!(byte(text, close + 1), Some(b':' | b'='))).then_some(close + 1)
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
        ] {
            assert_eq!(label_end(text.as_bytes(), 0), None, "{text}");
        }
    }
}
