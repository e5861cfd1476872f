//! From JSON back to events. What this version does not know is kept as it stands.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::record::{AnyRecord, Record};
use super::value::Value;
use super::{Event, Kind};
use crate::catalog::{Field, FieldType};
use crate::error::Error;
use crate::id::{EventId, WriterId};
use crate::timestamp::Timestamp;

/// Reads one event from the bytes of a JSON object.
pub(crate) fn decode(json: &[u8]) -> Result<Event, Error> {
    let members = members(json).map_err(|problem| {
        // The parser's own text may quote content; its position cannot.
        Error::damaged(format!(
            "an event is not a JSON object (line {}, column {})",
            problem.line(),
            problem.column()
        ))
    })?;
    let required = |field: Field| {
        let mut found = members.iter().filter(|(name, _)| name == field.name());
        let member = found.next();
        if found.next().is_some() {
            return Err(twice(field));
        }
        member
            .and_then(|(_, raw)| value(field.field_type(), raw))
            .ok_or_else(|| Error::damaged(format!("an event has no `{field}`, or not of its type")))
    };
    let (Value::Int(version), Value::Id(event_id), Value::Text(kind)) = (
        required(Field::SchemaVersion)?,
        required(Field::EventId)?,
        required(Field::Kind)?,
    ) else {
        return Err(Error::damaged("an event's envelope is not of its types"));
    };
    let (Value::Text(writer_id), Value::Time(recorded_at)) =
        (required(Field::WriterId)?, required(Field::RecordedAt)?)
    else {
        return Err(Error::damaged("an event's envelope is not of its types"));
    };
    let writer_id: WriterId = writer_id
        .parse()
        .map_err(|_| Error::damaged("an event's writer is not a UUID"))?;
    let mut event = Event::new(Kind::from(kind.as_str()), event_id, writer_id, recorded_at);
    event.schema_version = version;
    for (name, raw) in members {
        let known = match Field::from_name(&name) {
            Some(field) if field.is_required() => continue,
            Some(field) if event.has(field) => return Err(twice(field)),
            Some(field) => value(field.field_type(), raw).map(|value| (field, value)),
            None => None,
        };
        match known {
            Some((field, value)) => event.set(field, value),
            None => event.unknown.push((name.into_owned(), one_line(raw))),
        }
    }
    Ok(event)
}

/// Readers differ in which of two values they take, so neither is the one that was written.
fn twice(field: Field) -> Error {
    Error::damaged(format!("an event has `{field}` twice"))
}

type Members<'a> = Vec<(Cow<'a, str>, &'a RawValue)>;

fn members(json: &[u8]) -> serde_json::Result<Members<'_>> {
    struct Object;

    impl<'de> Visitor<'de> for Object {
        type Value = Members<'de>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(key) = map.next_key::<&RawValue>()? {
                let name = text(key).map_err(serde::de::Error::custom)?;
                members.push((name, map.next_value()?));
            }
            Ok(members)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let members = deserializer.deserialize_map(Object)?;
    deserializer.end()?;
    Ok(members)
}

/// Reads a JSON string; one without an escape is borrowed.
fn text(raw: &RawValue) -> serde_json::Result<Cow<'_, str>> {
    let quoted = raw.get().strip_prefix('"');
    match quoted.and_then(|text| text.strip_suffix('"')) {
        Some(text) if !text.contains('\\') => Ok(Cow::Borrowed(text)),
        _ => serde_json::from_str(raw.get()).map(Cow::Owned),
    }
}

/// Returns whether `raw` holds a value of `field_type`.
pub(super) fn is_value(field_type: FieldType, raw: &RawValue) -> bool {
    value(field_type, raw).is_some()
}

/// JSON text of one line: a newline in JSON outside a string is white space.
pub(super) fn one_line(raw: &RawValue) -> String {
    raw.get().replace(['\n', '\r'], " ")
}

/// Reads a value of `field_type`, or `None` when `raw` does not hold exactly such a value.
fn value(field_type: FieldType, raw: &RawValue) -> Option<Value> {
    let text = raw.get();
    Some(match field_type {
        FieldType::Bool => Value::Bool(parse(text)?),
        FieldType::Counts => Value::Counts(map(text, int)?),
        FieldType::Documents => Value::Documents(records(text)?),
        FieldType::Evaluations => Value::Evaluations(records(text)?),
        FieldType::Float => Value::Float(parse(text)?),
        FieldType::Guardrails => Value::Guardrails(records(text)?),
        FieldType::Id => Value::Id(parse::<String>(text)?.parse::<EventId>().ok()?),
        FieldType::Int => Value::Int(int(text)?),
        FieldType::Json => Value::Json(parse(text)?),
        FieldType::JsonMap => Value::JsonMap(map(text, parse)?),
        FieldType::Links => Value::Links(records(text)?),
        FieldType::Media => Value::Media(records(text)?),
        FieldType::Messages => Value::Messages(records(text)?),
        FieldType::Numbers => Value::Numbers(map(text, parse)?),
        FieldType::Parts => Value::Parts(records(text)?),
        FieldType::Redactions => Value::Redactions(records(text)?),
        FieldType::Text => Value::Text(parse(text)?),
        FieldType::TextMap => Value::TextMap(map(text, parse)?),
        FieldType::Texts => Value::Texts(parse(text)?),
        FieldType::TextsMap => Value::TextsMap(map(text, parse)?),
        FieldType::Time => Value::Time(exact_time(&parse::<String>(text)?)?),
        FieldType::ToolDefinitions => Value::ToolDefinitions(records(text)?),
        FieldType::Truncations => Value::Truncations(records(text)?),
    })
}

fn parse<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// Every engine has signed integers of 64 bits; not every one has unsigned ones.
fn int(text: &str) -> Option<u64> {
    parse(text).filter(|value| i64::try_from(*value).is_ok())
}

/// Reads a map; one that has a name twice could not be written as it was read.
fn map<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<BTreeMap<String, T>> {
    let mut map = BTreeMap::new();
    for (name, raw) in members(text.as_bytes()).ok()? {
        if map.insert(name.into_owned(), read(raw.get())?).is_some() {
            return None;
        }
    }
    Some(map)
}

/// A moment in another form would be written differently from how it was read.
fn exact_time(text: &str) -> Option<Timestamp> {
    text.parse::<Timestamp>()
        .ok()
        .filter(|at| at.to_string() == text)
}

fn records<R: Record>(text: &str) -> Option<Vec<R>> {
    let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    items.into_iter().map(|item| record(item.get())).collect()
}

fn record<R: Record>(text: &str) -> Option<R> {
    let mut record = R::default();
    fill(&mut record, text).map(|()| record)
}

fn fill(record: &mut dyn AnyRecord, text: &str) -> Option<()> {
    let columns = record.columns();
    for (name, raw) in members(text.as_bytes()).ok()? {
        let column = columns.iter().position(|column| column.name == name);
        let known = column.and_then(|number| {
            let column_type = columns.get(number)?.column_type;
            (record.column(number).is_none() && record.put_column(number, value(column_type, raw)?))
                .then_some(())
        });
        if known.is_none() {
            record.others_mut().push((name.into_owned(), one_line(raw)));
        }
    }
    Some(())
}
