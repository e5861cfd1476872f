//! Marks in every channel of the public API.

use std::collections::HashMap;
use std::fmt;

use serde_json::{Value as Json, json};

use super::claim::Guard;
use super::marks::Marks;
use crate::catalog::{Field, FieldType, with_catalog};
use crate::event::{Message, Part, Record, Value};
use crate::facet::Facet;
use crate::fields::Fields;
use crate::id::EventId;
use crate::interaction::Interaction;
use crate::recorder::Recorder;
use crate::sync::{Mutex, lock};
use crate::timestamp::Timestamp;

/// Roles of messages, and the facet that their text belongs to besides its container's.
const ROLES: &[(&str, Option<Facet>)] = &[
    ("user", None),
    ("assistant", None),
    ("system", Some(Facet::SystemPrompt)),
    ("developer", Some(Facet::SystemPrompt)),
    ("tool", Some(Facet::ToolIo)),
];

/// Columns that hold words of a vocabulary, which decide what else the record is.
const WORDS: &[&str] = &["type", "role", "absent"];

/// Gives out marks and remembers what decides over each.
pub(super) struct Planter {
    pub(super) marks: Marks,
    guards: Mutex<HashMap<String, Guard>>,
    /// Values that the kit was told instead of marks.
    given: HashMap<Field, String>,
}

impl Planter {
    pub(super) fn new(given: HashMap<Field, String>) -> Self {
        Self {
            marks: Marks::new(),
            guards: Mutex::default(),
            given,
        }
    }

    /// Returns what decides over `channel`.
    pub(super) fn guard(&self, channel: &str) -> Guard {
        let guards = lock(&self.guards);
        guards.get(channel).cloned().unwrap_or(Guard::Never)
    }

    pub(super) fn behind(&self, channel: impl Into<String>, guard: Guard) -> String {
        let channel = channel.into();
        let text = self.marks.all(&channel);
        lock(&self.guards).insert(channel, guard);
        text
    }

    /// Returns a text of which nothing may ever be kept.
    pub(super) fn never(&self, channel: &str) -> String {
        self.behind(channel, Guard::Never)
    }

    pub(super) fn of(&self, channel: &str, facets: impl IntoIterator<Item = Facet>) -> String {
        self.behind(channel, Guard::Facets(facets.into_iter().collect()))
    }

    /// Returns what every event has, so that one scope holds for all.
    pub(super) fn scope(&self) -> Fields {
        Fields::new()
            .tenant_id(self.text(Field::TenantId))
            .classification_file(self.text(Field::ClassificationFile))
            .classification_repo(self.text(Field::ClassificationRepo))
            .classification_group(self.text(Field::ClassificationGroup))
    }

    fn text(&self, field: Field) -> String {
        if let Some(given) = self.given.get(&field) {
            return given.clone();
        }
        let guard = match field {
            Field::ErrorCode | Field::ErrorType => Guard::Words,
            // A text is no id, and nothing else is taken.
            Field::ParentSpanId | Field::SpanId | Field::TraceId => Guard::Never,
            _ => field
                .facet()
                .map_or(Guard::Envelope, |facet| Guard::Facets(vec![facet])),
        };
        self.behind(field.name(), guard)
    }

    /// Returns an object with marks in a key, a text, a text within a text, and a number.
    fn json(&self, text: String, channel: &str) -> Json {
        let number: u64 = self.marks.card(channel).parse().unwrap_or(0);
        let inner = json!({ "inner": text }).to_string();
        json!({ text.as_str(): [text, { "number": number, "nested": inner }] })
    }

    fn object(&self, field: Field) -> Json {
        self.json(self.text(field), field.name())
    }

    /// Returns a record with marks in every column of text.
    fn record<R: Record>(&self, field: Field) -> R {
        self.fill(R::default(), &self.text(field), field.name())
    }

    fn fill<R: Record>(&self, mut record: R, text: &str, channel: &str) -> R {
        for (number, column) in R::COLUMNS.iter().enumerate() {
            let value = match column.column_type {
                FieldType::Text => Value::Text(text.to_owned()),
                FieldType::Texts => Value::Texts(vec![text.to_owned()]),
                FieldType::Json => Value::Json(self.json(text.to_owned(), channel).to_string()),
                _ => continue,
            };
            if !WORDS.contains(&column.name) && record.get(number).is_none() {
                record.put(number, value);
            }
        }
        record
    }

    /// Returns messages of every role with parts of every type.
    fn messages(&self, field: Field, container: Facet) -> Vec<Message> {
        let message = |(role, facet): &(&str, Option<Facet>)| {
            let channel = format!("{field} of role {role}");
            let text = self.of(&channel, [container]);
            let parts = self.parts(&channel, container, *facet);
            let message = Message::default().role(*role).parts(parts);
            self.fill(message, &text, &channel)
        };
        ROLES.iter().map(message).collect()
    }

    fn parts(&self, channel: &str, container: Facet, of_role: Option<Facet>) -> Vec<Part> {
        let part = |part_type: &str, guard: Guard| {
            let channel = format!("{channel}, part {part_type}");
            let text = self.behind(&channel, guard);
            (Part::default().r#type(part_type), text, channel)
        };
        let within = |facet: Facet| Guard::Facets(vec![container, facet]);
        let plain = Guard::Facets([container].into_iter().chain(of_role).collect());
        let only_text = |(part, text, _): (Part, String, String)| part.content(text);

        let (call, text, channel_of_call) = part("tool_call", within(Facet::ToolIo));
        let arguments = self.json(text.clone(), &channel_of_call);
        let call = call.id(text.as_str()).name(text).arguments(&arguments);
        let (answer, text, channel_of_answer) = part("tool_call_response", within(Facet::ToolIo));
        let answer = answer.response(&self.json(text, &channel_of_answer));
        let (reasoning, text, _) = part("reasoning", within(Facet::Reasoning));
        let reasoning = reasoning.content(text.as_str()).signature(text);
        let (uri, text, _) = part("uri", within(Facet::Media));
        let uri = uri.uri(format!("https://example.org/{text}")).file_id(text);
        // Media are kept by reference: bytes within an event never are.
        let (blob, text, _) = part("blob", Guard::Never);
        let blob = blob.content(text);
        let (data, text, _) = part("image", Guard::Never);
        let data = data.uri(format!("data:image/png;base64,{text}"));
        let (newer, text, channel_of_newer) = part("of 2030", plain.clone());
        let newer = newer
            .content(text.as_str())
            .extra(&self.json(text, &channel_of_newer));
        let text = only_text(part("text", plain));
        vec![text, reasoning, call, answer, uri, blob, data, newer]
    }
}

/// The value that is planted in a field of a type.
macro_rules! planted {
    ($planter:ident Bool $field:expr) => {
        true
    };
    ($planter:ident Counts $field:expr) => {
        [($planter.text($field), 7)]
    };
    ($planter:ident Float $field:expr) => {
        0.5
    };
    ($planter:ident Id $field:expr) => {
        EventId::from_bytes([9; 16])
    };
    ($planter:ident Int $field:expr) => {
        7
    };
    ($planter:ident Json $field:expr) => {
        &$planter.object($field)
    };
    ($planter:ident JsonMap $field:expr) => {
        [($planter.text($field), $planter.object($field))]
    };
    ($planter:ident Messages $field:expr) => {
        $planter.messages($field, $field.facet().unwrap_or(Facet::Prompt))
    };
    ($planter:ident Numbers $field:expr) => {
        [($planter.text($field), 0.5)]
    };
    ($planter:ident Parts $field:expr) => {
        $planter.parts(
            $field.name(),
            $field.facet().unwrap_or(Facet::SystemPrompt),
            None,
        )
    };
    ($planter:ident Text $field:expr) => {
        $planter.text($field)
    };
    ($planter:ident TextMap $field:expr) => {
        [($planter.text($field), $planter.text($field))]
    };
    ($planter:ident Texts $field:expr) => {
        [$planter.text($field)]
    };
    ($planter:ident Time $field:expr) => {
        Timestamp::from_unix_micros(7)
    };
    // What is left are lists of records.
    ($planter:ident $records:ident $field:expr) => {
        [$planter.record($field)]
    };
}

/// Generates a function that calls every setter of a type.
macro_rules! planting {
    ([$name:ident $target:ty] $($who:ident $section:ident {
        $($variant:ident $field:ident: $type:ident $sensitivity:ident $otel:literal $doc:literal;)+
    })+) => {
        /// Plants a mark in every field that a host may set, through its setter.
        pub(super) fn $name(planter: &Planter, target: &mut $target) {
            $($(planting!(@$who planter target $field $type $variant);)+)+
        }
    };
    ([$name:ident] $($who:ident $section:ident {
        $($variant:ident $field:ident: $type:ident $sensitivity:ident $otel:literal $doc:literal;)+
    })+) => {
        /// Returns fields with a mark in every one that a host may set.
        pub(super) fn $name(planter: &Planter) -> Fields {
            let fields = Fields::new();
            $($(planting!(@value $who planter fields $field $type $variant);)+)+
            fields
        }
    };
    (@own $($rest:tt)*) => {};
    (@host $planter:ident $target:ident $field:ident $type:ident $variant:ident) => {
        $target.$field(planted!($planter $type Field::$variant));
    };
    (@value own $($rest:tt)*) => {};
    (@value host $planter:ident $fields:ident $field:ident $type:ident $variant:ident) => {
        let $fields = $fields.$field(planted!($planter $type Field::$variant));
    };
}

with_catalog!(planting plant_call Interaction);
with_catalog!(planting plant_recorder Recorder);
with_catalog!(planting planted_fields);

impl fmt::Debug for Planter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Planter")
            .field("channels", &lock(&self.guards).len())
            .finish_non_exhaustive()
    }
}
