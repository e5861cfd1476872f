//! Values of fields, owned and borrowed.

use std::collections::BTreeMap;

use super::record::Record;
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

impl ValueRef<'_> {
    /// Returns whether JSON and signed integers of 64 bits can hold every number in the value.
    pub(crate) fn is_storable(self) -> bool {
        match self {
            Self::Counts(map) => map.values().all(|value| is_storable_int(*value)),
            Self::Documents(records) => are_storable(records),
            Self::Evaluations(records) => are_storable(records),
            Self::Float(value) => value.is_finite(),
            Self::Guardrails(records) => are_storable(records),
            Self::Int(value) => is_storable_int(value),
            Self::Links(records) => are_storable(records),
            Self::Media(records) => are_storable(records),
            Self::Messages(records) => are_storable(records),
            Self::Numbers(map) => map.values().all(|value| value.is_finite()),
            Self::Parts(records) => are_storable(records),
            Self::Redactions(records) => are_storable(records),
            Self::ToolDefinitions(records) => are_storable(records),
            Self::Truncations(records) => are_storable(records),
            Self::Bool(_)
            | Self::Id(_)
            | Self::Json(_)
            | Self::JsonMap(_)
            | Self::Text(_)
            | Self::TextMap(_)
            | Self::Texts(_)
            | Self::TextsMap(_)
            | Self::Time(_) => true,
        }
    }
}

impl Value {
    /// Returns whether the value is of the types that most are, and [storable](ValueRef::is_storable).
    #[inline]
    pub(crate) const fn is_plain(&self) -> bool {
        match self {
            Self::Bool(_) | Self::Id(_) | Self::Text(_) | Self::Time(_) => true,
            Self::Int(value) => is_storable_int(*value),
            _ => false,
        }
    }

    /// Returns the value without the numbers that are not [storable](ValueRef::is_storable), or
    /// `None` when it is such a number.
    pub(crate) fn into_storable(mut self) -> Option<Self> {
        match &mut self {
            Self::Bool(_)
            | Self::Id(_)
            | Self::Json(_)
            | Self::JsonMap(_)
            | Self::Text(_)
            | Self::TextMap(_)
            | Self::Texts(_)
            | Self::TextsMap(_)
            | Self::Time(_) => {}
            value if value.as_ref().is_storable() => {}
            Self::Counts(map) => map.retain(|_, value| is_storable_int(*value)),
            Self::Documents(records) => make_storable(records),
            Self::Evaluations(records) => make_storable(records),
            Self::Guardrails(records) => make_storable(records),
            Self::Links(records) => make_storable(records),
            Self::Media(records) => make_storable(records),
            Self::Messages(records) => make_storable(records),
            Self::Numbers(map) => map.retain(|_, value| value.is_finite()),
            Self::Parts(records) => make_storable(records),
            Self::Redactions(records) => make_storable(records),
            Self::ToolDefinitions(records) => make_storable(records),
            Self::Truncations(records) => make_storable(records),
            _ => return None,
        }
        Some(self)
    }
}

const fn is_storable_int(value: u64) -> bool {
    value <= i64::MAX.unsigned_abs()
}

fn are_storable<R: Record>(records: &[R]) -> bool {
    records.iter().all(|record| {
        let mut values = (0..R::COLUMNS.len()).filter_map(|column| record.get(column));
        values.all(ValueRef::is_storable)
    })
}

fn make_storable<R: Record>(records: &mut [R]) {
    for record in records {
        for column in 0..R::COLUMNS.len() {
            if let Some(value) = record.take(column).and_then(Value::into_storable) {
                record.put(column, value);
            }
        }
    }
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
