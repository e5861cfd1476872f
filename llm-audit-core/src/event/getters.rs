//! The getters of events, one for each field of the catalogue.

use std::collections::BTreeMap;

use super::{
    Document, Evaluation, Event, Guardrail, Link, MediaItem, Message, Part, RedactionCount,
    ToolDefinition, Truncation, ValueRef,
};
use crate::catalog::{Field, with_catalog};
use crate::id::EventId;
use crate::timestamp::Timestamp;

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
    ([] $($who:ident $section:ident {
        $($variant:ident $name:ident: $type:ident $sensitivity:ident $otel:literal $doc:literal;)+
    })+) => {
        /// One method for each field of the catalogue; `None` when the field is absent.
        impl Event {
            $($(getters!(@getter $variant $name $type $doc);)+)+
        }
    };
}

with_catalog!(getters);
