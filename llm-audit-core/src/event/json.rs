//! The one JSON encoder of events, walking the catalogue.

use std::collections::BTreeMap;
use std::io::Write as _;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Event;
use super::record::Record;
use super::value::{Value, ValueRef};
use crate::id;
use crate::put::contained;

/// Returns `value` as compact JSON text; `null` when it cannot be written as JSON.
pub(crate) fn to_json_text(value: &(impl Serialize + ?Sized)) -> String {
    try_json_text(value).unwrap_or_else(|| "null".to_owned())
}

/// Returns `value` as compact JSON text, or `None` when it cannot be written as JSON, also because
/// its `Serialize` panics.
pub(crate) fn try_json_text(value: &(impl Serialize + ?Sized)) -> Option<String> {
    contained(|| serde_json::to_string(value).ok()).flatten()
}

/// Appends `event` to `out` as one compact JSON object, without a newline.
pub(crate) fn encode(event: &Event, out: &mut Vec<u8>) {
    out.push(b'{');
    let mut is_first = true;
    event.visit_required(&mut |field, value| {
        let key = field.info().json_key.as_bytes();
        let comma = usize::from(std::mem::take(&mut is_first));
        out.extend_from_slice(key.get(comma..).unwrap_or_default());
        write_value(out, value);
    });
    // The required fields are always there, so something is before every other member.
    for (field, value) in event.optional() {
        out.extend_from_slice(field.info().json_key.as_bytes());
        // Nearly all are of these types.
        match value {
            Value::Text(text) => write_text(out, text),
            Value::Int(value) => write_int(out, *value),
            value => write_value(out, value.as_ref()),
        }
    }
    for (name, raw) in event.unknown() {
        out.push(b',');
        write_text(out, name);
        out.push(b':');
        out.extend_from_slice(raw.as_bytes());
    }
    out.push(b'}');
}

#[derive(Default)]
struct Separator {
    needed: bool,
}

impl Separator {
    fn write(&mut self, out: &mut Vec<u8>) {
        if self.needed {
            out.push(b',');
        }
        self.needed = true;
    }
}

/// Writes a name of the catalogue, which needs no escape.
fn write_key(out: &mut Vec<u8>, name: &str) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Appends `value` to `out` as compact JSON.
pub(crate) fn write_value(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        ValueRef::Counts(map) => write_map(out, map, |out, value| write_int(out, *value)),
        ValueRef::Documents(records) => write_records(out, records),
        ValueRef::Evaluations(records) => write_records(out, records),
        ValueRef::Float(value) => write_float(out, value),
        ValueRef::Guardrails(records) => write_records(out, records),
        ValueRef::Id(event_id) => write_plain(out, event_id.encode(&mut [0; id::TEXT]).as_bytes()),
        ValueRef::Int(value) => write_int(out, value),
        ValueRef::Json(text) | ValueRef::Text(text) => write_text(out, text),
        ValueRef::JsonMap(map) | ValueRef::TextMap(map) => {
            write_map(out, map, |out, value| write_text(out, value));
        }
        ValueRef::Links(records) => write_records(out, records),
        ValueRef::Media(records) => write_records(out, records),
        ValueRef::Messages(records) => write_records(out, records),
        ValueRef::Numbers(map) => write_map(out, map, |out, value| write_float(out, *value)),
        ValueRef::Parts(records) => write_records(out, records),
        ValueRef::Redactions(records) => write_records(out, records),
        ValueRef::Texts(texts) => write_texts(out, texts),
        ValueRef::TextsMap(map) => write_map(out, map, |out, texts| write_texts(out, texts)),
        ValueRef::Time(at) => write_plain(out, &at.to_ascii()),
        ValueRef::ToolDefinitions(records) => write_records(out, records),
        ValueRef::Truncations(records) => write_records(out, records),
    }
}

fn write_map<V>(out: &mut Vec<u8>, map: &BTreeMap<String, V>, write: impl Fn(&mut Vec<u8>, &V)) {
    out.push(b'{');
    let mut separator = Separator::default();
    for (key, value) in map {
        separator.write(out);
        write_text(out, key);
        out.push(b':');
        write(out, value);
    }
    out.push(b'}');
}

fn write_texts(out: &mut Vec<u8>, texts: &[String]) {
    out.push(b'[');
    let mut separator = Separator::default();
    for text in texts {
        separator.write(out);
        write_text(out, text);
    }
    out.push(b']');
}

fn write_records<R: Record>(out: &mut Vec<u8>, records: &[R]) {
    out.push(b'[');
    let mut separator = Separator::default();
    for record in records {
        separator.write(out);
        write_record(out, record);
    }
    out.push(b']');
}

fn write_record<R: Record>(out: &mut Vec<u8>, record: &R) {
    out.push(b'{');
    let mut separator = Separator::default();
    for (number, column) in R::COLUMNS.iter().enumerate() {
        if let Some(value) = record.get(number) {
            separator.write(out);
            write_key(out, column.name);
            write_value(out, value);
        }
    }
    for (name, raw) in record.unknown() {
        separator.write(out);
        write_text(out, name);
        out.push(b':');
        out.extend_from_slice(raw.as_bytes());
    }
    out.push(b'}');
}

fn write_int(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    // u64::MAX has 20 digits, so the buffer is never too short.
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        start -= 1;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

/// Writes the shortest text that reads back as `value`; JSON has no infinity and no NaN.
fn write_float(out: &mut Vec<u8>, value: f64) {
    let written = serde_json::Number::from_f64(value).map(|number| write!(out, "{number}"));
    if !matches!(written, Some(Ok(()))) {
        out.extend_from_slice(b"null");
    }
}

fn write_plain(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

/// Bytes that are looked at together; the compiler turns the test of a block into vector code.
const BLOCK: usize = 32;

/// Bytes of a block that are escaped together.
const WORD: usize = 8;

/// Writes `text` as a JSON string (RFC 8259 §7), escaping what must be escaped and no more.
fn write_text(out: &mut Vec<u8>, text: &str) {
    let text = text.as_bytes();
    out.reserve(text.len() + 2);
    out.push(b'"');
    let (blocks, rest) = text.as_chunks::<BLOCK>();
    // What needs no escape is copied at once, up to the next block that does.
    let mut copied = 0;
    for (block, start) in blocks.iter().zip((0..).step_by(BLOCK)) {
        if must_escape(block) {
            out.extend_from_slice(text.get(copied..start).unwrap_or_default());
            write_words(out, block);
            copied = start + BLOCK;
        }
    }
    if must_escape_rest(rest) {
        let end = text.len() - rest.len();
        out.extend_from_slice(text.get(copied..end).unwrap_or_default());
        write_words(out, rest);
    } else {
        out.extend_from_slice(text.get(copied..).unwrap_or_default());
    }
    out.push(b'"');
}

/// Does what [`must_escape`] does for less than a block: halves that overlap have a constant size,
/// and a loop over bytes would be most of the work of a short text.
fn must_escape_rest(rest: &[u8]) -> bool {
    fn halves<const HALF: usize>(rest: &[u8]) -> Option<bool> {
        let (first, last) = (rest.first_chunk::<HALF>()?, rest.last_chunk::<HALF>()?);
        Some(must_escape(first) | must_escape(last))
    }
    halves::<16>(rest)
        .or_else(|| halves::<8>(rest))
        .or_else(|| halves::<4>(rest))
        .unwrap_or_else(|| must_escape(rest))
}

fn must_escape(bytes: &[u8]) -> bool {
    bytes.iter().fold(false, |found, byte| {
        found | (*byte < 0x20 || *byte == b'"' || *byte == b'\\')
    })
}

fn write_words(out: &mut Vec<u8>, bytes: &[u8]) {
    let (words, rest) = bytes.as_chunks::<WORD>();
    for word in words {
        if must_escape(word) {
            write_escaped(out, word);
        } else {
            out.extend_from_slice(word);
        }
    }
    rest.iter().for_each(|byte| write_byte(out, *byte));
}

/// Writes a word in which something must be escaped.
///
/// Where a byte goes is arithmetic and not a branch: in JSON or code within text, quotes and
/// newlines come too often and too irregularly to be foreseen.
#[expect(
    clippy::indexing_slicing,
    reason = "places are taken modulo the size of the buffer, which they never reach"
)]
fn write_escaped(out: &mut Vec<u8>, word: &[u8; WORD]) {
    const ROOM: usize = 2 * WORD;
    let letters = word.map(escape_letter);
    if letters.contains(&b'u') {
        return word.iter().for_each(|byte| write_byte(out, *byte));
    }
    let mut buffer = [0; ROOM];
    let mut length = 0;
    for (byte, letter) in word.iter().zip(letters) {
        buffer[length % ROOM] = if letter == 0 { *byte } else { b'\\' };
        buffer[(length + 1) % ROOM] = letter;
        length += 1 + usize::from(letter != 0);
    }
    // A copy of constant size costs less than one of the right size.
    let end = out.len() + length;
    out.extend_from_slice(&buffer);
    out.truncate(end);
}

fn write_byte(out: &mut Vec<u8>, byte: u8) {
    match escape_letter(byte) {
        0 => out.push(byte),
        b'u' => {
            let digits = [hex(byte >> 4), hex(byte & 0xf)];
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&digits);
        }
        letter => out.extend_from_slice(&[b'\\', letter]),
    }
}

/// Returns what follows the backslash when `byte` is escaped, or 0 when it is not.
#[expect(
    clippy::indexing_slicing,
    reason = "a table of 256 entries has one for every byte"
)]
const fn escape_letter(byte: u8) -> u8 {
    const LETTERS: [u8; 256] = {
        let mut letters = [0; 256];
        let mut byte = 0;
        while byte < 0x20 {
            letters[byte] = b'u';
            byte += 1;
        }
        letters[0x08] = b'b';
        letters[0x0c] = b'f';
        letters[b'\n' as usize] = b'n';
        letters[b'\r' as usize] = b'r';
        letters[b'\t' as usize] = b't';
        letters[b'"' as usize] = b'"';
        letters[b'\\' as usize] = b'\\';
        letters
    };
    LETTERS[byte as usize]
}

const fn hex(digit: u8) -> u8 {
    if digit < 10 {
        b'0' + digit
    } else {
        b'a' - 10 + digit
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut result = Ok(());
        self.visit(&mut |field, value| {
            if result.is_ok() {
                result = map.serialize_entry(field.name(), &value);
            }
        });
        result?;
        serialize_unknown(&mut map, self.unknown())?;
        map.end()
    }
}

impl Serialize for ValueRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Bool(value) => serializer.serialize_bool(value),
            Self::Counts(map) => map.serialize(serializer),
            Self::Documents(records) => serialize_records(records, serializer),
            Self::Evaluations(records) => serialize_records(records, serializer),
            Self::Float(value) => serializer.serialize_f64(value),
            Self::Guardrails(records) => serialize_records(records, serializer),
            Self::Id(id) => serializer.collect_str(&id),
            Self::Int(value) => serializer.serialize_u64(value),
            Self::Json(text) | Self::Text(text) => serializer.serialize_str(text),
            Self::JsonMap(map) | Self::TextMap(map) => map.serialize(serializer),
            Self::Links(records) => serialize_records(records, serializer),
            Self::Media(records) => serialize_records(records, serializer),
            Self::Messages(records) => serialize_records(records, serializer),
            Self::Numbers(map) => map.serialize(serializer),
            Self::Parts(records) => serialize_records(records, serializer),
            Self::Redactions(records) => serialize_records(records, serializer),
            Self::Texts(texts) => texts.serialize(serializer),
            Self::TextsMap(map) => map.serialize(serializer),
            Self::Time(at) => serializer.collect_str(&at),
            Self::ToolDefinitions(records) => serialize_records(records, serializer),
            Self::Truncations(records) => serialize_records(records, serializer),
        }
    }
}

struct AsMap<'a, R>(&'a R);

impl<R: Record> Serialize for AsMap<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (number, column) in R::COLUMNS.iter().enumerate() {
            if let Some(value) = self.0.get(number) {
                map.serialize_entry(column.name, &value)?;
            }
        }
        serialize_unknown(&mut map, self.0.unknown())?;
        map.end()
    }
}

fn serialize_records<R: Record, S: Serializer>(
    records: &[R],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(records.iter().map(AsMap))
}

fn serialize_unknown<M: SerializeMap>(
    map: &mut M,
    unknown: &[(String, String)],
) -> Result<(), M::Error> {
    for (name, raw) in unknown {
        let raw: &serde_json::value::RawValue =
            serde_json::from_str(raw).map_err(serde::ser::Error::custom)?;
        map.serialize_entry(name, raw)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_escaped_at_each_place_as_serde_escapes_it() {
        for character in '\0'..='\u{ff}' {
            for place in 0..2 * BLOCK + WORD {
                let mut text = "x".repeat(2 * BLOCK + WORD - 1);
                text.insert(place, character);
                let mut out = Vec::new();
                write_text(&mut out, &text);
                assert_eq!(
                    out,
                    serde_json::to_vec(&text).unwrap(),
                    "{character:?} at {place}"
                );
            }
        }
    }

    #[test]
    fn text_of_escapes_alone_is_written() {
        for character in ["\"", "\u{1}", "\n"] {
            for length in 0..2 * BLOCK {
                let text = character.repeat(length);
                let mut out = Vec::new();
                write_text(&mut out, &text);
                assert_eq!(out, serde_json::to_vec(&text).unwrap());
            }
        }
    }

    #[test]
    fn integers_are_written_to_the_last_digit() {
        for value in [0, 9, 10, 99, 100, i64::MAX.unsigned_abs(), u64::MAX] {
            let mut out = Vec::new();
            write_int(&mut out, value);
            assert_eq!(out, value.to_string().into_bytes());
        }
    }
}
