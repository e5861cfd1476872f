//! Events: plain data that can be written, read back and compared.

#[cfg(test)]
pub(crate) mod arbitrary;
pub(crate) mod decode;
mod getters;
pub(crate) mod json;
pub(crate) mod kind;
pub(crate) mod record;
pub(crate) mod records;
mod set;
#[cfg(test)]
mod tests;
pub(crate) mod value;

use std::fmt;

use crate::catalog::Field;
use crate::error::Error;
use crate::facet::Facet;
use crate::id::{self, EventId, WriterId};
use crate::timestamp::Timestamp;

pub use kind::{Absence, Kind, Operation, Status};
pub(crate) use record::AnyRecord;
pub use record::{Column, Record};
pub use records::{
    Document, Evaluation, Guardrail, Link, MediaItem, Message, Part, RedactionCount,
    ToolDefinition, Truncation,
};
pub use value::{Value, ValueRef};

/// Version of the event schema that this library writes.
pub const SCHEMA_VERSION: u64 = 1;

/// One sealed event: what policy and redaction let through, as it stands in the log.
///
/// The envelope's five required fields are always there; every other field is present or absent.
/// What this version does not know is kept and written back as it stood.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Event, Kind};
///
/// let line = br#"{"schema_version":1,"event_id":"019b76da-a800-7000-8000-000000000001",
///     "kind":"interaction","writer_id":"019b76da-a800-7000-8000-000000000002",
///     "recorded_at":"2026-01-01T00:00:00.000000Z","request_model":"small","new_in_2030":7}"#;
/// let event = Event::from_json(line)?;
/// assert_eq!(*event.kind(), Kind::Interaction);
/// assert_eq!(event.model(), Some("small"));
/// assert!(event.to_json().ends_with(r#""new_in_2030":7}"#));
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Event {
    schema_version: u64,
    event_id: EventId,
    kind: Kind,
    writer_id: WriterId,
    recorded_at: Timestamp,
    /// Sorted by field, each at most once.
    fields: Vec<(Field, Value)>,
    unknown: Vec<(String, String)>,
}

impl Event {
    /// Returns an event of this version's schema that has the required fields alone.
    ///
    /// This is for readers of other formats and for tests, with [`Event::try_set`] for the rest;
    /// what a program captures goes through its log, never through here.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::schema::Value;
    /// use llm_audit_core::{Event, EventId, Field, Kind, Timestamp, WriterId};
    ///
    /// let (event_id, writer_id) = (EventId::from_bytes([1; 16]), WriterId::from_bytes([2; 16]));
    /// let mut event = Event::new(Kind::Interaction, event_id, writer_id, Timestamp::default());
    /// event.try_set(Field::InputTokens, Value::Int(12))?;
    /// assert_eq!(event.input_tokens(), Some(12));
    /// assert!(event.try_set(Field::Temperature, Value::Float(f64::NAN)).is_err());
    /// # Ok::<(), llm_audit_core::Error>(())
    /// ```
    pub fn new(kind: Kind, event_id: EventId, writer_id: WriterId, recorded_at: Timestamp) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            event_id,
            // A known word in `Other` would not be equal to what is read back.
            kind: Kind::from(kind.as_str()),
            writer_id,
            recorded_at,
            fields: Vec::new(),
            unknown: Vec::new(),
        }
    }

    /// Makes room for so many more fields.
    pub(crate) fn reserve(&mut self, fields: usize) {
        self.fields.reserve(fields);
    }

    /// Reads an event from the bytes of one JSON object.
    ///
    /// # Errors
    ///
    /// When the bytes are not a JSON object with the envelope's required fields, or have a field
    /// twice. A kind, field or word of a newer version is not an error.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        decode::decode(json)
    }

    /// Returns the event as one compact JSON object.
    pub fn to_json(&self) -> String {
        let mut out = Vec::new();
        self.encode(&mut out);
        // The encoder writes whole strings and ASCII, so the text is UTF-8.
        String::from_utf8(out).unwrap_or_default()
    }

    /// Appends the event to `out` as one compact JSON object, without a newline.
    pub fn encode(&self, out: &mut Vec<u8>) {
        json::encode(self, out);
    }

    /// Returns the value of `field`, or `None` when it is absent.
    ///
    /// The required fields of the envelope have their own methods and are not found here, save
    /// through [`Event::visit`].
    pub fn get(&self, field: Field) -> Option<ValueRef<'_>> {
        let position = self.position(field).ok()?;
        self.fields.get(position).map(|(_, value)| value.as_ref())
    }

    /// Calls `visit` with each present field, in the order of the catalogue.
    pub fn visit(&self, visit: &mut dyn FnMut(Field, ValueRef<'_>)) {
        self.visit_required(visit);
        for (field, value) in &self.fields {
            visit(*field, value.as_ref());
        }
    }

    fn visit_required(&self, visit: &mut dyn FnMut(Field, ValueRef<'_>)) {
        visit(Field::SchemaVersion, ValueRef::Int(self.schema_version));
        visit(Field::EventId, ValueRef::Id(self.event_id));
        visit(Field::Kind, ValueRef::Text(self.kind.as_str()));
        visit(
            Field::WriterId,
            ValueRef::Text(self.writer_id.encode(&mut [0; id::TEXT])),
        );
        visit(Field::RecordedAt, ValueRef::Time(self.recorded_at));
    }

    /// Returns members that this version does not know, each with its JSON text.
    pub fn unknown(&self) -> &[(String, String)] {
        &self.unknown
    }

    /// Returns the version of the schema that the event was written with.
    pub const fn schema_version(&self) -> u64 {
        self.schema_version
    }

    /// Returns the identifier of the event.
    pub const fn event_id(&self) -> EventId {
        self.event_id
    }

    /// Returns the kind of the event.
    pub const fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Returns the writer of the event.
    pub const fn writer_id(&self) -> WriterId {
        self.writer_id
    }

    /// Returns when the event was handed in.
    pub const fn recorded_at(&self) -> Timestamp {
        self.recorded_at
    }

    /// Returns how the interaction ended, or `None` for kinds without an end.
    pub fn status(&self) -> Option<Status> {
        self.text(Field::Status).map(Status::from)
    }

    /// Returns what the interaction did.
    pub fn operation(&self) -> Option<Operation> {
        self.text(Field::Operation).map(Operation::from)
    }

    /// Returns the model that answered, else the one that was asked for.
    pub fn model(&self) -> Option<&str> {
        self.response_model().or_else(|| self.request_model())
    }

    /// Returns the text of the last user message that has text, its text parts joined by newlines.
    pub fn prompt(&self) -> Option<String> {
        last_user_text(self.input_messages()?)
    }

    /// Returns the text of the first choice, its text parts joined by newlines.
    pub fn response(&self) -> Option<String> {
        response_text(self.output_messages()?)
    }

    /// Returns why the data of `facet` is absent or incomplete, or `None` when the event gives no
    /// reason: the facet is then present, or nothing was provided.
    pub fn absence(&self, facet: Facet) -> Option<Absence> {
        let reasons = self.absent()?.iter();
        let found = reasons.filter(|(_, facets)| facets.iter().any(|f| f == facet.name()));
        // Where there is more than one reason, that by which more is gone.
        found
            .map(|(reason, _)| Absence::from(reason.as_str()))
            .min()
    }

    /// The present fields outside the five required ones.
    pub(crate) fn present(&self) -> impl Iterator<Item = Field> {
        self.fields.iter().map(|(field, _)| *field)
    }

    /// The fields outside the five required ones, in the order of the catalogue.
    pub(crate) fn optional(&self) -> &[(Field, Value)] {
        &self.fields
    }

    /// Their values.
    pub(crate) fn into_values(self) -> impl Iterator<Item = Value> {
        self.fields.into_iter().map(|(_, value)| value)
    }

    pub(crate) fn text(&self, field: Field) -> Option<&str> {
        match self.get(field) {
            Some(ValueRef::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn position(&self, field: Field) -> Result<usize, usize> {
        // The sealer sets most fields in their order.
        if self.fields.last().is_none_or(|(last, _)| *last < field) {
            return Err(self.fields.len());
        }
        self.fields
            .binary_search_by_key(&field, |(field, _)| *field)
    }
}

impl Field {
    pub(crate) const fn is_required(self) -> bool {
        matches!(
            self,
            Self::SchemaVersion | Self::EventId | Self::Kind | Self::WriterId | Self::RecordedAt
        )
    }
}

/// Returns the text of the last user message that has text, its text parts joined by newlines.
pub(crate) fn last_user_text(messages: &[Message]) -> Option<String> {
    let newest_first = messages.iter().rev();
    newest_first
        .filter(|message| message.role.as_deref() == Some("user"))
        .find_map(text)
}

/// Returns the text of the first message, its text parts joined by newlines.
pub(crate) fn response_text(messages: &[Message]) -> Option<String> {
    messages.first().and_then(text)
}

fn text(message: &Message) -> Option<String> {
    let parts = message.parts.iter().flatten();
    let texts: Vec<_> = parts
        .filter(|part| part.is_type("text"))
        .filter_map(|part| part.content.as_deref())
        .collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// Shows the envelope and the names of the present fields, never their values.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.present().map(Field::name).collect();
        f.debug_struct("Event")
            .field("event_id", &self.event_id)
            .field("kind", &self.kind)
            .field("fields", &names)
            .finish_non_exhaustive()
    }
}
