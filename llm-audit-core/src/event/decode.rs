//! From JSON back to events. What this version does not know is kept as it stands.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::record::Record;
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
        let member = members.iter().find(|(name, _)| name == field.name());
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
    let writer_id: WriterId = writer_id.parse()?;
    let mut event = Event::new(Kind::from(kind.as_str()), event_id, writer_id, recorded_at);
    event.schema_version = version;
    for (name, raw) in &members {
        match Field::from_name(name) {
            Some(field) if field.is_required() => {}
            Some(field) => match value(field.field_type(), raw) {
                Some(value) => {
                    if event.get(field).is_some() {
                        return Err(Error::damaged(format!("an event has `{field}` twice")));
                    }
                    event.set(field, value);
                }
                None => event.unknown.push((name.to_string(), one_line(raw))),
            },
            None => event.unknown.push((name.to_string(), one_line(raw))),
        }
    }
    Ok(event)
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
                let name: String =
                    serde_json::from_str(key.get()).map_err(serde::de::Error::custom)?;
                members.push((Cow::Owned(name), map.next_value()?));
            }
            Ok(members)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let members = deserializer.deserialize_map(Object)?;
    deserializer.end()?;
    Ok(members)
}

/// JSON text of one line: a newline in JSON outside a string is white space.
fn one_line(raw: &RawValue) -> String {
    raw.get().replace(['\n', '\r'], " ")
}

/// Reads a value of `field_type`, or `None` when `raw` does not hold exactly such a value.
fn value(field_type: FieldType, raw: &RawValue) -> Option<Value> {
    let text = raw.get();
    Some(match field_type {
        FieldType::Bool => Value::Bool(serde_json::from_str(text).ok()?),
        FieldType::Counts => Value::Counts(serde_json::from_str(text).ok()?),
        FieldType::Documents => Value::Documents(records(text)?),
        FieldType::Evaluations => Value::Evaluations(records(text)?),
        FieldType::Float => Value::Float(serde_json::from_str(text).ok()?),
        FieldType::Guardrails => Value::Guardrails(records(text)?),
        FieldType::Id => Value::Id(
            serde_json::from_str::<String>(text)
                .ok()?
                .parse::<EventId>()
                .ok()?,
        ),
        // Every engine has signed integers of 64 bits; not every one has unsigned ones.
        FieldType::Int => Value::Int(
            serde_json::from_str(text)
                .ok()
                .filter(|value| i64::try_from(*value).is_ok())?,
        ),
        FieldType::Json => Value::Json(serde_json::from_str(text).ok()?),
        FieldType::JsonMap => Value::JsonMap(serde_json::from_str(text).ok()?),
        FieldType::Links => Value::Links(records(text)?),
        FieldType::Media => Value::Media(records(text)?),
        FieldType::Messages => Value::Messages(records(text)?),
        FieldType::Numbers => Value::Numbers(serde_json::from_str(text).ok()?),
        FieldType::Parts => Value::Parts(records(text)?),
        FieldType::Redactions => Value::Redactions(records(text)?),
        FieldType::Text => Value::Text(serde_json::from_str(text).ok()?),
        FieldType::TextMap => Value::TextMap(serde_json::from_str(text).ok()?),
        FieldType::Texts => Value::Texts(serde_json::from_str(text).ok()?),
        FieldType::TextsMap => Value::TextsMap(serde_json::from_str(text).ok()?),
        FieldType::Time => Value::Time(exact_time(&serde_json::from_str::<String>(text).ok()?)?),
        FieldType::ToolDefinitions => Value::ToolDefinitions(records(text)?),
        FieldType::Truncations => Value::Truncations(records(text)?),
    })
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
    for (name, raw) in members(text.as_bytes()).ok()? {
        let column = R::COLUMNS.iter().position(|column| column.name == name);
        let known = column.and_then(|number| {
            let column_type = R::COLUMNS.get(number)?.column_type;
            (record.get(number).is_none() && record.put(number, value(column_type, raw)?))
                .then_some(())
        });
        if known.is_none() {
            record
                .unknown_mut()
                .push((name.into_owned(), one_line(raw)));
        }
    }
    Some(record)
}
