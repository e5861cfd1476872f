//! The one JSON encoder of events, walking the catalogue.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Event;
use super::record::Record;
use super::value::ValueRef;

/// Returns `value` as compact JSON text; `null` when it cannot be written as JSON.
pub(crate) fn to_json_text(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// Appends `event` to `out` as one compact JSON object, without a newline.
pub(crate) fn encode(event: &Event, out: &mut Vec<u8>) {
    out.push(b'{');
    let mut separator = Separator::default();
    event.visit(&mut |field, value| {
        separator.write(out);
        write_key(out, field.name());
        write_value(out, value);
    });
    for (name, raw) in event.unknown() {
        separator.write(out);
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

fn write_value(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        ValueRef::Counts(map) => write_map(out, map, |out, value| write_int(out, *value)),
        ValueRef::Documents(records) => write_records(out, records),
        ValueRef::Evaluations(records) => write_records(out, records),
        ValueRef::Float(value) => write_float(out, value),
        ValueRef::Guardrails(records) => write_records(out, records),
        ValueRef::Id(id) => write_plain(out, &id.to_string()),
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
        ValueRef::Time(at) => write_plain(out, &at.to_string()),
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
    let text = serde_json::Number::from_f64(value).map(|number| number.to_string());
    out.extend_from_slice(text.as_deref().unwrap_or("null").as_bytes());
}

fn write_plain(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Bytes that are looked at together; the compiler turns the test of a block into vector code.
const BLOCK: usize = 32;

/// Writes `text` as a JSON string (RFC 8259 §7), escaping what must be escaped and no more.
fn write_text(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut blocks = bytes.chunks_exact(BLOCK);
    for block in &mut blocks {
        if block
            .iter()
            .fold(false, |found, byte| found | must_escape(*byte))
        {
            write_escaped(out, block);
        } else {
            out.extend_from_slice(block);
        }
    }
    write_escaped(out, blocks.remainder());
    out.push(b'"');
}

const fn must_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn write_escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                let digits = [byte >> 4, byte & 0xf];
                out.extend(
                    digits
                        .iter()
                        .filter_map(|digit| HEX.get(usize::from(*digit))),
                );
            }
            _ => out.push(*byte),
        }
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
