//! Values of fields, owned and borrowed.

use std::collections::BTreeMap;

use super::records::{
    Document, Evaluation, Guardrail, Link, MediaItem, Message, Part, RedactionCount,
    ToolDefinition, Truncation,
};
use crate::catalog::FieldType;
use crate::id::EventId;
use crate::timestamp::Timestamp;

macro_rules! values {
    ($($variant:ident($owned:ty) $borrowed:ty = |$value:ident| $borrow:expr;)+) => {
        /// The value of a field.
        #[derive(Clone, PartialEq)]
        #[non_exhaustive]
        #[allow(missing_docs, reason = "the variants are those of `FieldType`")]
        pub enum Value {
            $($variant($owned),)+
        }

        /// The value of a field, borrowed.
        #[derive(Clone, Copy, PartialEq)]
        #[non_exhaustive]
        #[allow(missing_docs, reason = "the variants are those of `FieldType`")]
        pub enum ValueRef<'a> {
            $($variant($borrowed),)+
        }

        impl Value {
            /// Returns the type of the value.
            pub const fn field_type(&self) -> FieldType {
                match self { $(Self::$variant(_) => FieldType::$variant,)+ }
            }

            /// Returns the value, borrowed.
            pub fn as_ref(&self) -> ValueRef<'_> {
                match self { $(Self::$variant($value) => ValueRef::$variant($borrow),)+ }
            }
        }

        impl ValueRef<'_> {
            /// Returns the type of the value.
            pub const fn field_type(&self) -> FieldType {
                match self { $(Self::$variant(_) => FieldType::$variant,)+ }
            }
        }
    };
}

values! {
    Bool(bool) bool = |v| *v;
    Counts(BTreeMap<String, u64>) &'a BTreeMap<String, u64> = |v| v;
    Documents(Vec<Document>) &'a [Document] = |v| v;
    Evaluations(Vec<Evaluation>) &'a [Evaluation] = |v| v;
    Float(f64) f64 = |v| *v;
    Guardrails(Vec<Guardrail>) &'a [Guardrail] = |v| v;
    Id(EventId) EventId = |v| *v;
    Int(u64) u64 = |v| *v;
    Json(String) &'a str = |v| v;
    JsonMap(BTreeMap<String, String>) &'a BTreeMap<String, String> = |v| v;
    Links(Vec<Link>) &'a [Link] = |v| v;
    Media(Vec<MediaItem>) &'a [MediaItem] = |v| v;
    Messages(Vec<Message>) &'a [Message] = |v| v;
    Numbers(BTreeMap<String, f64>) &'a BTreeMap<String, f64> = |v| v;
    Parts(Vec<Part>) &'a [Part] = |v| v;
    Redactions(Vec<RedactionCount>) &'a [RedactionCount] = |v| v;
    Text(String) &'a str = |v| v;
    TextMap(BTreeMap<String, String>) &'a BTreeMap<String, String> = |v| v;
    Texts(Vec<String>) &'a [String] = |v| v;
    TextsMap(BTreeMap<String, Vec<String>>) &'a BTreeMap<String, Vec<String>> = |v| v;
    Time(Timestamp) Timestamp = |v| *v;
    ToolDefinitions(Vec<ToolDefinition>) &'a [ToolDefinition] = |v| v;
    Truncations(Vec<Truncation>) &'a [Truncation] = |v| v;
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.as_ref(), f)
    }
}

/// Shows the type alone: a value may be content.
impl std::fmt::Debug for ValueRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.field_type())
    }
}
