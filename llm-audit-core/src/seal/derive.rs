//! What the sealer computes from other fields.

use super::parts::facet_of;
use crate::catalog::Field;
use crate::event::{Message, Value};
use crate::facet::Facet;

/// Returns the classification labels of file, repository and group, as far as they are given.
pub(super) fn labels(given: &[(Field, Value)]) -> Vec<&str> {
    let fields = [
        Field::ClassificationFile,
        Field::ClassificationRepo,
        Field::ClassificationGroup,
    ];
    fields
        .iter()
        .filter_map(|field| super::text(given, *field))
        .collect()
}

/// Returns the messages in `field`.
pub(super) fn messages(given: &[(Field, Value)], field: Field) -> &[Message] {
    let found = given.iter().find_map(|(present, value)| match value {
        Value::Messages(messages) if *present == field => Some(messages.as_slice()),
        _ => None,
    });
    found.unwrap_or_default()
}

/// Returns the number of characters in the text parts of `messages` whose facets are `captured`.
pub(super) fn chars(
    messages: &[Message],
    container: Facet,
    captured: impl Fn(Facet) -> bool,
) -> u64 {
    let mut count = 0;
    for message in messages {
        for part in message.parts.iter().flatten() {
            let facet = facet_of(part, message.role.as_deref(), container);
            if part.is_type("text") && captured(facet) {
                let text = part.content.as_deref().unwrap_or_default();
                count += characters(text);
            }
        }
    }
    count
}

/// Returns the number of characters of `text`: of its bytes that do not go on with one.
fn characters(text: &str) -> u64 {
    // So many bytes are counted in one byte, in vector instructions.
    const MOST: usize = 192;
    let (blocks, rest) = text.as_bytes().as_chunks::<MOST>();
    let begin = |bytes: &[u8]| {
        let counted = bytes.iter().map(|byte| u8::from(byte.cast_signed() >= -64));
        u64::from(counted.sum::<u8>())
    };
    blocks.iter().map(|block| begin(block)).sum::<u64>() + begin(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_and_not_bytes() {
        for character in ["a", "é", "€", "😀", "\0"] {
            for count in [0, 1, 47, 64, 191, 192, 193, 1_000] {
                let text = character.repeat(count);
                assert_eq!(characters(&text), text.chars().count() as u64);
            }
        }
    }
}
