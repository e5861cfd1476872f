//! Events: plain data that can be written, read back and compared.

pub(crate) mod decode;
pub(crate) mod json;
pub(crate) mod kind;
pub(crate) mod record;
pub(crate) mod records;
pub(crate) mod value;

use std::collections::BTreeMap;
use std::fmt;

use crate::catalog::{Field, with_catalog};
use crate::error::Error;
use crate::facet::Facet;
use crate::id::{EventId, WriterId};
use crate::timestamp::Timestamp;

pub use kind::{Kind, Operation, Status};
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
    pub(crate) fn new(
        kind: Kind,
        event_id: EventId,
        writer_id: WriterId,
        recorded_at: Timestamp,
    ) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            event_id,
            kind,
            writer_id,
            recorded_at,
            fields: Vec::new(),
            unknown: Vec::new(),
        }
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
        visit(Field::SchemaVersion, ValueRef::Int(self.schema_version));
        visit(Field::EventId, ValueRef::Id(self.event_id));
        visit(Field::Kind, ValueRef::Text(self.kind.as_str()));
        visit(Field::WriterId, ValueRef::Text(&self.writer_id.to_string()));
        visit(Field::RecordedAt, ValueRef::Time(self.recorded_at));
        for (field, value) in &self.fields {
            visit(*field, value.as_ref());
        }
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

    /// Returns the text of the last user message, its text parts joined by newlines.
    pub fn prompt(&self) -> Option<String> {
        let messages = self.input_messages()?.iter().rev();
        last_text(messages, |message| message.role.as_deref() == Some("user"))
    }

    /// Returns the text of the first choice, its text parts joined by newlines.
    pub fn response(&self) -> Option<String> {
        last_text(self.output_messages()?.iter(), |_| true)
    }

    /// Returns why the data of `facet` is absent or incomplete, or `None` when the event gives no
    /// reason: the facet is then present, or nothing was provided.
    pub fn absence(&self, facet: Facet) -> Option<&str> {
        let reasons = self.absent()?.iter();
        let mut found = reasons.filter(|(_, facets)| facets.iter().any(|f| f == facet.name()));
        found.next().map(|(reason, _)| reason.as_str())
    }

    pub(crate) fn set(&mut self, field: Field, value: Value) {
        debug_assert_eq!(field.field_type(), value.field_type(), "{field}");
        match self.position(field) {
            Ok(position) => {
                if let Some(slot) = self.fields.get_mut(position) {
                    slot.1 = value;
                }
            }
            Err(position) => self.fields.insert(position, (field, value)),
        }
    }

    pub(crate) fn remove(&mut self, field: Field) -> Option<Value> {
        self.position(field)
            .ok()
            .map(|position| self.fields.remove(position).1)
    }

    pub(crate) fn get_mut(&mut self, field: Field) -> Option<&mut Value> {
        let position = self.position(field).ok()?;
        self.fields.get_mut(position).map(|(_, value)| value)
    }

    /// The present fields outside the five required ones.
    pub(crate) fn present(&self) -> impl Iterator<Item = Field> {
        self.fields.iter().map(|(field, _)| *field)
    }

    pub(crate) fn text(&self, field: Field) -> Option<&str> {
        match self.get(field) {
            Some(ValueRef::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn position(&self, field: Field) -> Result<usize, usize> {
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

fn last_text<'a>(
    mut messages: impl Iterator<Item = &'a Message>,
    accept: impl Fn(&Message) -> bool,
) -> Option<String> {
    let message = messages.find(|message| accept(message))?;
    let parts = message
        .parts
        .iter()
        .flatten()
        .filter(|part| part.is_type("text"));
    let texts: Vec<_> = parts.filter_map(|part| part.content.as_deref()).collect();
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

macro_rules! getters {
    (@type Bool) => { bool };
    (@type Counts) => { &BTreeMap<String, u64> };
    (@type Documents) => { &[Document] };
    (@type Evaluations) => { &[Evaluation] };
    (@type Float) => { f64 };
    (@type Guardrails) => { &[Guardrail] };
    (@type Id) => { EventId };
    (@type Int) => { u64 };
    (@type Json) => { &str };
    (@type JsonMap) => { &BTreeMap<String, String> };
    (@type Links) => { &[Link] };
    (@type Media) => { &[MediaItem] };
    (@type Messages) => { &[Message] };
    (@type Numbers) => { &BTreeMap<String, f64> };
    (@type Parts) => { &[Part] };
    (@type Redactions) => { &[RedactionCount] };
    (@type Text) => { &str };
    (@type TextMap) => { &BTreeMap<String, String> };
    (@type Texts) => { &[String] };
    (@type TextsMap) => { &BTreeMap<String, Vec<String>> };
    (@type Time) => { Timestamp };
    (@type ToolDefinitions) => { &[ToolDefinition] };
    (@type Truncations) => { &[Truncation] };
    // These have methods of their own, above.
    (@getter SchemaVersion $($rest:tt)*) => {};
    (@getter EventId $($rest:tt)*) => {};
    (@getter Kind $($rest:tt)*) => {};
    (@getter WriterId $($rest:tt)*) => {};
    (@getter RecordedAt $($rest:tt)*) => {};
    (@getter Status $($rest:tt)*) => {};
    (@getter Operation $($rest:tt)*) => {};
    (@getter $variant:ident $name:ident $type:ident $doc:literal) => {
        #[doc = concat!("Returns `", stringify!($name), "`: ", $doc)]
        pub fn $name(&self) -> Option<getters!(@type $type)> {
            match self.get(Field::$variant) {
                Some(ValueRef::$type(value)) => Some(value),
                _ => None,
            }
        }
    };
    ($($who:ident $section:ident {
        $($variant:ident $name:ident: $type:ident $sensitivity:ident $otel:literal $doc:literal;)+
    })+) => {
        /// One method for each field of the catalogue; `None` when the field is absent.
        impl Event {
            $($(getters!(@getter $variant $name $type $doc);)+)+
        }
    };
}

with_catalog!(getters);
