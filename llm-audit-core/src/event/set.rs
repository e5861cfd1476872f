//! Putting values into events and taking them out.

use serde_json::value::RawValue;

use super::decode::{is_value, one_line};
use super::{Event, Kind, Value};
use crate::catalog::Field;
use crate::error::Error;

impl Event {
    /// Puts `value` in `field`, in place of what was there.
    ///
    /// Text is taken as it is: that a [`Value::Json`] is JSON is not checked.
    ///
    /// # Errors
    ///
    /// When the value is not of the field's type, or holds a number that the log cannot keep: NaN,
    /// an infinity, an integer above [`i64::MAX`].
    pub fn try_set(&mut self, field: Field, value: Value) -> Result<(), Error> {
        if field.field_type() != value.field_type() {
            return Err(Error::invalid(format!(
                "`{field}` of an event takes {:?}, not {:?}",
                field.field_type(),
                value.field_type()
            )));
        }
        if !value.as_ref().is_storable() {
            return Err(Error::invalid(format!(
                "`{field}` of an event has a number that is not finite or is above 2^63 - 1"
            )));
        }
        match (field, value) {
            (Field::SchemaVersion, Value::Int(version)) => self.schema_version = version,
            (Field::EventId, Value::Id(event_id)) => self.event_id = event_id,
            (Field::Kind, Value::Text(kind)) => self.kind = Kind::from(kind.as_str()),
            (Field::WriterId, Value::Text(writer_id)) => self.writer_id = writer_id.parse()?,
            (Field::RecordedAt, Value::Time(at)) => self.recorded_at = at,
            (field, value) => self.set(field, value),
        }
        Ok(())
    }

    /// Adds a member that this version does not know, or whose value is not of the field's type;
    /// `json` is its value.
    ///
    /// # Errors
    ///
    /// When `json` is not one JSON value, when `name` is a field that can hold it (use
    /// [`Event::try_set`]), or when the event has that field.
    pub fn try_set_unknown(&mut self, name: impl Into<String>, json: &str) -> Result<(), Error> {
        let name = name.into();
        let raw: &RawValue = serde_json::from_str(json).map_err(|_| {
            Error::invalid(format!(
                "the value of an unknown member is not JSON: {} bytes",
                json.len()
            ))
        })?;
        if let Some(field) = Field::from_name(&name)
            && (field.is_required() || self.has(field) || is_value(field.field_type(), raw))
        {
            return Err(Error::invalid(format!(
                "`{field}` of an event is not an unknown member"
            )));
        }
        self.unknown.push((name, one_line(raw)));
        Ok(())
    }

    /// Puts `value` in `field`, which is not one of the required ones, in place of what was there.
    ///
    /// Numbers that the log cannot keep are left out, as if they had not been provided.
    pub(crate) fn set(&mut self, field: Field, value: Value) {
        debug_assert_eq!(field.field_type(), value.field_type(), "{field}");
        debug_assert!(!field.is_required(), "{field}");
        // The sealer sets most fields in their order, and most hold nothing that cannot be kept.
        let is_next = self.fields.last().is_none_or(|(last, _)| *last < field);
        if is_next && value.is_plain() && self.unknown.is_empty() {
            return self.fields.push((field, value));
        }
        self.forget_unknown(field);
        let position = self.position(field);
        match (position, value.into_storable()) {
            (Ok(position), Some(value)) => {
                if let Some((_, present)) = self.fields.get_mut(position) {
                    *present = value;
                }
            }
            (Ok(position), None) => {
                self.fields.remove(position);
            }
            (Err(position), Some(value)) => self.fields.insert(position, (field, value)),
            (Err(_), None) => {}
        }
    }

    /// Takes `field` out, also a value under its name that was not of its type.
    pub(crate) fn remove(&mut self, field: Field) -> Option<Value> {
        self.forget_unknown(field);
        let position = self.position(field).ok()?;
        Some(self.fields.remove(position).1)
    }

    fn forget_unknown(&mut self, field: Field) {
        if !self.unknown.is_empty() {
            self.unknown.retain(|(name, _)| name != field.name());
        }
    }

    pub(crate) fn get_mut(&mut self, field: Field) -> Option<&mut Value> {
        let position = self.position(field).ok()?;
        self.fields.get_mut(position).map(|(_, value)| value)
    }

    /// Whether `field` is present, with a value of its type or of another.
    pub(super) fn has(&self, field: Field) -> bool {
        self.position(field).is_ok() || self.unknown.iter().any(|(name, _)| name == field.name())
    }
}
