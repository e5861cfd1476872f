//! From columns back to events.

use std::collections::BTreeMap;
use std::fmt;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, MapArray, RecordBatch,
    StringArray, StructArray, TimestampMicrosecondArray,
};
use llm_audit_core::schema::{CATALOG, FieldType, Record, Value};
use llm_audit_core::{Error, Event, EventId, Field, Kind, Timestamp, WriterId};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::schema::UNKNOWN;

/// Returns the rows as events.
///
/// # Errors
///
/// When a column that every event has is missing, or a column is not of its field's type.
pub(super) fn events(rows: &RecordBatch) -> Result<Vec<Event>, Error> {
    let mut events = envelopes(rows)?;
    for info in CATALOG {
        let Some(column) = rows.column_by_name(info.name) else {
            continue;
        };
        for (row, event) in events.iter_mut().enumerate() {
            if column.is_valid(row) && !is_in_envelope(info.field) {
                let value = value(info.field_type, column, row).ok_or_else(|| odd(info.name))?;
                event.try_set(info.field, value)?;
            }
        }
    }
    let schema_version = rows.column_by_name(Field::SchemaVersion.name());
    let unknown = rows.column_by_name(UNKNOWN);
    for (row, event) in events.iter_mut().enumerate() {
        if let Some(version) = schema_version.and_then(|column| int(column, row)) {
            event.try_set(Field::SchemaVersion, Value::Int(version))?;
        }
        if let Some(column) = unknown.filter(|column| column.is_valid(row)) {
            let members = text(column, row).and_then(members);
            for (name, json) in members.ok_or_else(|| odd(UNKNOWN))? {
                event.try_set_unknown(name, &json)?;
            }
        }
    }
    Ok(events)
}

fn is_in_envelope(field: Field) -> bool {
    matches!(
        field,
        Field::SchemaVersion | Field::EventId | Field::Kind | Field::WriterId | Field::RecordedAt
    )
}

fn envelopes(rows: &RecordBatch) -> Result<Vec<Event>, Error> {
    let column = |field: Field| {
        rows.column_by_name(field.name()).ok_or_else(|| {
            Error::damaged(format!(
                "the file has no column `{field}`: these are not events"
            ))
        })
    };
    let (ids, kinds) = (column(Field::EventId)?, column(Field::Kind)?);
    let (writers, times) = (column(Field::WriterId)?, column(Field::RecordedAt)?);
    let envelope = |row: usize| {
        let id = text(ids, row).and_then(|id| id.parse::<EventId>().ok());
        let id = id.ok_or_else(|| odd(Field::EventId.name()))?;
        let kind = text(kinds, row).ok_or_else(|| odd(Field::Kind.name()))?;
        let writer = text(writers, row).and_then(|id| id.parse::<WriterId>().ok());
        let writer = writer.ok_or_else(|| odd(Field::WriterId.name()))?;
        let at = time(times, row).ok_or_else(|| odd(Field::RecordedAt.name()))?;
        Ok(Event::new(Kind::from(kind), id, writer, at))
    };
    (0..rows.num_rows()).map(envelope).collect()
}

fn odd(name: &str) -> Error {
    Error::damaged(format!(
        "column `{name}` holds what is not of its field's type"
    ))
}

/// Returns the value in a row that is not null, or `None` when it is of another type.
fn value(field_type: FieldType, column: &ArrayRef, row: usize) -> Option<Value> {
    Some(match field_type {
        FieldType::Bool => Value::Bool(of_type::<BooleanArray>(column)?.value(row)),
        FieldType::Counts => Value::Counts(map(column, row, int)?),
        FieldType::Documents => Value::Documents(records(column, row)?),
        FieldType::Evaluations => Value::Evaluations(records(column, row)?),
        FieldType::Float => Value::Float(float(column, row)?),
        FieldType::Guardrails => Value::Guardrails(records(column, row)?),
        FieldType::Id => Value::Id(text(column, row)?.parse().ok()?),
        FieldType::Int => Value::Int(int(column, row)?),
        FieldType::Json => Value::Json(text(column, row)?.to_owned()),
        FieldType::JsonMap => Value::JsonMap(map(column, row, owned)?),
        FieldType::Links => Value::Links(records(column, row)?),
        FieldType::Media => Value::Media(records(column, row)?),
        FieldType::Messages => Value::Messages(records(column, row)?),
        FieldType::Numbers => Value::Numbers(map(column, row, float)?),
        FieldType::Parts => Value::Parts(records(column, row)?),
        FieldType::Redactions => Value::Redactions(records(column, row)?),
        FieldType::Text => Value::Text(owned(column, row)?),
        FieldType::TextMap => Value::TextMap(map(column, row, owned)?),
        FieldType::Texts => Value::Texts(texts(column, row)?),
        FieldType::TextsMap => Value::TextsMap(map(column, row, texts)?),
        FieldType::Time => Value::Time(time(column, row)?),
        FieldType::ToolDefinitions => Value::ToolDefinitions(records(column, row)?),
        FieldType::Truncations => Value::Truncations(records(column, row)?),
        _ => return None,
    })
}

fn of_type<A: 'static>(column: &ArrayRef) -> Option<&A> {
    column.as_any().downcast_ref()
}

fn text(column: &ArrayRef, row: usize) -> Option<&str> {
    let column = of_type::<StringArray>(column)?;
    column.is_valid(row).then(|| column.value(row))
}

fn owned(column: &ArrayRef, row: usize) -> Option<String> {
    text(column, row).map(str::to_owned)
}

fn int(column: &ArrayRef, row: usize) -> Option<u64> {
    let column = of_type::<Int64Array>(column)?;
    u64::try_from(column.is_valid(row).then(|| column.value(row))?).ok()
}

fn float(column: &ArrayRef, row: usize) -> Option<f64> {
    let column = of_type::<Float64Array>(column)?;
    column.is_valid(row).then(|| column.value(row))
}

fn time(column: &ArrayRef, row: usize) -> Option<Timestamp> {
    let column = of_type::<TimestampMicrosecondArray>(column)?;
    let micros = column.is_valid(row).then(|| column.value(row))?;
    Some(Timestamp::from_unix_micros(micros))
}

fn texts(column: &ArrayRef, row: usize) -> Option<Vec<String>> {
    let values = of_type::<ListArray>(column)?.value(row);
    (0..values.len()).map(|row| owned(&values, row)).collect()
}

fn map<V>(
    column: &ArrayRef,
    row: usize,
    value: impl Fn(&ArrayRef, usize) -> Option<V>,
) -> Option<BTreeMap<String, V>> {
    let entries = of_type::<MapArray>(column)?.value(row);
    let (keys, values) = (entries.columns().first()?, entries.columns().get(1)?);
    (0..entries.len())
        .map(|row| Some((owned(keys, row)?, value(values, row)?)))
        .collect()
}

fn records<R: Record>(column: &ArrayRef, row: usize) -> Option<Vec<R>> {
    let values = of_type::<ListArray>(column)?.value(row);
    let values = of_type::<StructArray>(&values)?;
    let mut records: Vec<R> = Vec::new();
    records.resize_with(values.len(), R::default);
    for (number, column) in R::COLUMNS.iter().enumerate() {
        let Some(array) = values.column_by_name(column.name) else {
            continue;
        };
        for (row, record) in records.iter_mut().enumerate() {
            if array.is_valid(row) {
                record.put(number, value(column.column_type, array, row)?);
            }
        }
    }
    if let Some(unknown) = values.column_by_name(UNKNOWN) {
        for (row, record) in records.iter_mut().enumerate() {
            if unknown.is_valid(row) {
                *record.unknown_mut() = members(text(unknown, row)?)?;
            }
        }
    }
    Some(records)
}

/// Returns the members of a JSON object, each with its text, also those of one name.
fn members(json: &str) -> Option<Vec<(String, String)>> {
    struct Object;

    impl<'de> Visitor<'de> for Object {
        type Value = Vec<(String, String)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some((name, json)) = map.next_entry::<String, &RawValue>()? {
                members.push((name, json.get().to_owned()));
            }
            Ok(members)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(json);
    let members = deserializer.deserialize_map(Object).ok()?;
    deserializer.end().ok()?;
    Some(members)
}
