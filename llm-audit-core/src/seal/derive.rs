//! What the sealer computes from other fields.

use crate::catalog::Field;
use crate::event::{Message, Value};

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

/// Returns the number of characters in the text parts of `messages`.
pub(super) fn chars(messages: &[Message]) -> u64 {
    let parts = messages
        .iter()
        .flat_map(|message| message.parts.iter().flatten());
    let texts = parts
        .filter(|part| part.is_type("text"))
        .filter_map(|p| p.content.as_deref());
    texts.map(|text| text.chars().count() as u64).sum()
}
