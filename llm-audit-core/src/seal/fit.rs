//! Makes an event fit in a line: large texts are cut, and marked as cut.

use crate::catalog::Field;
use crate::event::json::to_json_text;
use crate::event::{Absence, Event, Message, Part, Record, Truncation, Value, ValueRef};
use crate::interaction::in_flight::size_of_value;

use super::absence::Absences;

/// Longer than any secret that ends within it and that is not found by its beginning.
pub(crate) const TAIL: usize = 4 * 1024;

/// What a byte of text can become in JSON: `\u0000`.
const MAX_EXPANSION: usize = 6;

/// Room for everything that is not text.
const ENVELOPE_BYTES: usize = 64 * 1024;

/// Sizes to which texts are cut, one after the other, until the event fits.
const STEPS: &[usize] = &[1 << 20, 1 << 18, 1 << 16, 1 << 14, 1 << 12, 1 << 10, 256];

/// Cuts `event` until its JSON is at most `max_bytes` long. One large part never blanks the rest.
pub(super) fn fit(event: &mut Event, max_bytes: usize) {
    if surely_fits(event, max_bytes) {
        return;
    }
    let mut length = encoded_length(event);
    for step in STEPS {
        if length <= max_bytes {
            return;
        }
        cut_to(event, *step);
        length = encoded_length(event);
    }
    while length > max_bytes && remove_largest(event) {
        length = encoded_length(event);
    }
}

/// Cuts every text in `value` that is longer than `most` bytes, where a character ends, and returns
/// whether one was cut.
pub(super) fn cut_texts(value: &mut Value, most: usize) -> bool {
    match value {
        Value::Text(text) => cut_text(text, most),
        Value::Json(text) => cut_json(text, most),
        Value::Texts(texts) => any(texts, |text| cut_text(text, most)),
        Value::JsonMap(map) => map
            .values_mut()
            .fold(false, |cut, text| cut_json(text, most) | cut),
        Value::TextMap(map) => map
            .values_mut()
            .fold(false, |cut, text| cut_text(text, most) | cut),
        Value::Messages(messages) => any(messages, |message: &mut Message| {
            message
                .parts
                .as_mut()
                .is_some_and(|parts| any(parts, |part| cut_part(part, most)))
        }),
        Value::Parts(parts) => any(parts, |part| cut_part(part, most)),
        Value::Documents(list) => any(list, |item| cut_record(item, most)),
        Value::Evaluations(list) => any(list, |item| cut_record(item, most)),
        Value::Guardrails(list) => any(list, |item| cut_record(item, most)),
        _ => false,
    }
}

/// Returns the bytes of text in `value`.
pub(super) fn text_bytes(value: ValueRef<'_>) -> usize {
    fn records<R: Record>(records: &[R]) -> usize {
        let values = records
            .iter()
            .flat_map(|record| (0..R::COLUMNS.len()).filter_map(|column| record.get(column)));
        values.map(text_bytes).sum()
    }
    match value {
        ValueRef::Json(text) | ValueRef::Text(text) => text.len(),
        ValueRef::JsonMap(map) | ValueRef::TextMap(map) => {
            map.iter().map(|(key, text)| key.len() + text.len()).sum()
        }
        ValueRef::Texts(texts) => texts.iter().map(String::len).sum(),
        ValueRef::Documents(list) => records(list),
        ValueRef::Evaluations(list) => records(list),
        ValueRef::Guardrails(list) => records(list),
        ValueRef::Messages(list) => records(list),
        ValueRef::Parts(list) => records(list),
        value => size_of_value(value),
    }
}

/// Drops the end of every long text in `value`. Where a text was cut before it was redacted, a
/// secret may have been cut in two, and half of it is no secret that a detector knows.
pub(super) fn drop_tails(field: Field, value: &mut Value) {
    if field == Field::OutputMessages
        && let Value::Messages(choices) = value
    {
        // Any choice of a stream may have been in the middle of a text.
        for choice in choices {
            let mut parts = choice.parts.iter_mut().flatten().rev();
            if let Some(content) = parts.find_map(|part| part.content.as_mut()) {
                cut_text(content, content.len().saturating_sub(TAIL));
            }
        }
        return;
    }
    let longest = match &*value {
        Value::Messages(messages) => {
            let parts = messages
                .iter()
                .flat_map(|message| message.parts.iter().flatten());
            parts
                .filter_map(|part| part.content.as_ref())
                .map(String::len)
                .max()
        }
        value => Some(size_of_value(value.as_ref())),
    };
    if let Some(length) = longest.filter(|length| *length > 2 * TAIL) {
        cut_texts(value, length - TAIL);
    }
}

fn surely_fits(event: &Event, max_bytes: usize) -> bool {
    let sizes = event.optional().iter().map(|(_, value)| match value {
        Value::Text(text) => text.len(),
        Value::Int(_) => 0,
        value => size_of_value(value.as_ref()),
    });
    ENVELOPE_BYTES + MAX_EXPANSION * sizes.sum::<usize>() <= max_bytes
}

fn encoded_length(event: &Event) -> usize {
    let mut json = Vec::new();
    event.encode(&mut json);
    json.len()
}

fn cut_to(event: &mut Event, most: usize) {
    for field in event
        .present()
        .filter(|field| field.info().host)
        .collect::<Vec<_>>()
    {
        let Some(value) = event.get_mut(field) else {
            continue;
        };
        let bytes = text_bytes(value.as_ref());
        if bytes > most && cut_texts(value, most) {
            note(event, field, bytes);
        }
    }
}

fn remove_largest(event: &mut Event) -> bool {
    let size = |field: &Field| event.get(*field).map_or(0, size_of_value);
    let largest = event
        .present()
        .filter(|field| field.info().host)
        .max_by_key(size);
    let Some(field) = largest else { return false };
    let bytes = event.get(field).map_or(0, text_bytes);
    event.remove(field);
    note(event, field, bytes);
    true
}

fn note(event: &mut Event, field: Field, bytes: usize) {
    if let Some(facet) = field.facet() {
        let mut absences = Absences::default();
        absences.add(Absence::Truncated, facet);
        absences.write_to(event);
    }
    let mut truncations = match event.remove(Field::Truncations) {
        Some(Value::Truncations(truncations)) => truncations,
        _ => Vec::new(),
    };
    // The first mark has the original size.
    if !truncations
        .iter()
        .any(|known| known.field.as_deref() == Some(field.name()))
    {
        truncations.push(
            Truncation::default()
                .field(field.name())
                .bytes(bytes as u64),
        );
    }
    event.set(Field::Truncations, Value::Truncations(truncations));
}

/// Returns the beginning of `text`, at most `most` bytes, cut where a character ends.
pub(crate) fn head(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn cut_text(text: &mut String, most: usize) -> bool {
    let cut = text.len() > most;
    if cut {
        text.truncate(head(text, most).len());
        text.shrink_to_fit();
    }
    cut
}

/// A cut JSON text is no JSON any more, so its beginning is kept as a JSON string.
fn cut_json(text: &mut String, most: usize) -> bool {
    let cut = text.len() > most;
    if cut {
        cut_text(text, most);
        *text = to_json_text(text.as_str());
    }
    cut
}

fn cut_part(part: &mut Part, most: usize) -> bool {
    cut_record(part, most)
}

fn cut_record<R: Record>(record: &mut R, most: usize) -> bool {
    let mut cut = false;
    for number in 0..R::COLUMNS.len() {
        let mut value = match record.get(number) {
            Some(ValueRef::Text(text)) if text.len() > most => Value::Text(text.to_owned()),
            Some(ValueRef::Json(text)) if text.len() > most => Value::Json(text.to_owned()),
            _ => continue,
        };
        cut_texts(&mut value, most);
        record.put(number, value);
        cut = true;
    }
    cut
}

fn any<T>(items: &mut [T], mut cut: impl FnMut(&mut T) -> bool) -> bool {
    items.iter_mut().fold(false, |any, item| cut(item) | any)
}
