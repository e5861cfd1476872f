//! Which events a reader is to give.

use std::fmt;

use crate::catalog::Field;
use crate::event::{Event, Kind, Value, ValueRef};
use crate::timestamp::Timestamp;

/// Which events a reader gives: those for which all that it says holds.
///
/// Readers pass over what cannot hold such events as far as their format lets them: files by their
/// date, parts of a Parquet file by its statistics and bloom filters. What they give is the same as
/// if they had read everything.
///
/// # Examples
///
/// ```
/// use llm_audit_core::schema::Value;
/// use llm_audit_core::{Event, Field, Filter, Kind, Timestamp, WriterId, EventId};
///
/// let noon: Timestamp = "2026-11-22T12:00:00Z".parse()?;
/// let filter = Filter::new()
///     .since(noon)
///     .kind(Kind::Interaction)
///     .field(Field::SessionId, Value::Text("s-1".into()));
///
/// let (id, writer) = (EventId::from_bytes([1; 16]), WriterId::from_bytes([2; 16]));
/// let mut event = Event::new(Kind::Interaction, id, writer, noon);
/// assert!(!filter.matches(&event));
/// event.try_set(Field::SessionId, Value::Text("s-1".into()))?;
/// assert!(filter.matches(&event));
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct Filter {
    since: Option<Timestamp>,
    before: Option<Timestamp>,
    kinds: Vec<Kind>,
    fields: Vec<(Field, Value)>,
}

impl Filter {
    /// Returns a filter that every event passes.
    pub const fn new() -> Self {
        Self {
            since: None,
            before: None,
            kinds: Vec::new(),
            fields: Vec::new(),
        }
    }

    /// Returns the filter for events recorded at `at` or later.
    #[must_use]
    pub const fn since(mut self, at: Timestamp) -> Self {
        self.since = Some(at);
        self
    }

    /// Returns the filter for events recorded before `at`.
    #[must_use]
    pub const fn before(mut self, at: Timestamp) -> Self {
        self.before = Some(at);
        self
    }

    /// Returns the filter for events of this kind, or of another that was named.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        // A known word in `Other` would not be equal to what is read.
        self.kinds.push(Kind::from(kind.as_str()));
        self
    }

    /// Returns the filter for events in which `field` has exactly this value.
    #[must_use]
    pub fn field(mut self, field: Field, value: Value) -> Self {
        self.fields.push((field, value));
        self
    }

    /// Returns whether the event passes.
    pub fn matches(&self, event: &Event) -> bool {
        self.may_hold(event.recorded_at(), event.recorded_at())
            && (self.kinds.is_empty() || self.kinds.contains(event.kind()))
            && self
                .fields
                .iter()
                .all(|(field, value)| is(event, *field, value.as_ref()))
    }

    /// Returns whether an event recorded between `first` and `last`, both included, may pass.
    ///
    /// This and what follows is for readers of other formats.
    pub fn may_hold(&self, first: Timestamp, last: Timestamp) -> bool {
        self.since.is_none_or(|since| last >= since)
            && self.before.is_none_or(|before| first < before)
    }

    /// Returns the kinds that pass; where there are none, all do.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// Returns the fields that must have a value, and the value.
    pub fn fields(&self) -> impl Iterator<Item = (Field, ValueRef<'_>)> {
        self.fields
            .iter()
            .map(|(field, value)| (*field, value.as_ref()))
    }
}

/// The envelope's own fields are not among those that `get` finds.
fn is(event: &Event, field: Field, value: ValueRef<'_>) -> bool {
    match (field, value) {
        (Field::EventId, ValueRef::Id(id)) => event.event_id() == id,
        (Field::Kind, ValueRef::Text(kind)) => event.kind().as_str() == kind,
        (Field::RecordedAt, ValueRef::Time(at)) => event.recorded_at() == at,
        (Field::SchemaVersion, ValueRef::Int(version)) => event.schema_version() == version,
        (Field::WriterId, ValueRef::Text(writer)) => event.writer_id().to_string() == writer,
        _ => event.get(field) == Some(value),
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<_> = self.fields.iter().map(|(field, _)| field.name()).collect();
        f.debug_struct("Filter")
            .field("since", &self.since)
            .field("before", &self.before)
            .field("kinds", &self.kinds)
            .field("fields", &fields)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{EventId, WriterId};

    fn event(kind: Kind, micros: i64) -> Event {
        let (id, writer) = (EventId::from_bytes([1; 16]), WriterId::from_bytes([2; 16]));
        let mut event = Event::new(kind, id, writer, Timestamp::from_unix_micros(micros));
        let session = Value::Text("s-1".to_owned());
        event.try_set(Field::SessionId, session).unwrap();
        event.try_set(Field::InputTokens, Value::Int(7)).unwrap();
        event
    }

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_unix_micros(micros)
    }

    #[test]
    fn an_event_passes_when_all_that_is_said_holds() {
        let event = event(Kind::Interaction, 100);
        let text = |text: &str| Value::Text(text.to_owned());
        let passing = [
            Filter::new(),
            Filter::new().since(at(100)).before(at(101)),
            Filter::new().kind(Kind::Loss).kind(Kind::Interaction),
            Filter::new().kind(Kind::Other("interaction".into())),
            Filter::new().field(Field::SessionId, text("s-1")),
            Filter::new()
                .field(Field::InputTokens, Value::Int(7))
                .field(Field::Kind, text("interaction"))
                .field(Field::EventId, Value::Id(event.event_id()))
                .field(Field::RecordedAt, Value::Time(at(100)))
                .field(Field::WriterId, text(&event.writer_id().to_string()))
                .field(Field::SchemaVersion, Value::Int(event.schema_version())),
        ];
        for filter in passing {
            assert!(filter.matches(&event), "{filter:?}");
        }
        let failing = [
            Filter::new().since(at(101)),
            Filter::new().before(at(100)),
            Filter::new().kind(Kind::Loss),
            Filter::new().field(Field::SessionId, text("s-2")),
            Filter::new().field(Field::InputTokens, Value::Float(7.0)),
            Filter::new().field(Field::UserId, text("s-1")),
            Filter::new()
                .field(Field::SessionId, text("s-1"))
                .field(Field::InputTokens, Value::Int(8)),
            Filter::new().field(Field::EventId, Value::Id(EventId::from_bytes([3; 16]))),
        ];
        for filter in failing {
            assert!(!filter.matches(&event), "{filter:?}");
        }
    }

    #[test]
    fn what_is_looked_for_is_not_shown() {
        let filter = Filter::new().field(Field::UserId, Value::Text("ada".to_owned()));
        let shown = format!("{filter:?}");
        assert!(
            shown.contains("user_id") && !shown.contains("ada"),
            "{shown}"
        );
    }
}
