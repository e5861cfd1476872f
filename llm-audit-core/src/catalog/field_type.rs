//! Types of fields, and the few shapes that they come down to.

use crate::event::{
    Column, Document, Evaluation, Guardrail, Link, MediaItem, Message, Part, Record,
    RedactionCount, ToolDefinition, Truncation,
};

/// The type of a field's value; the same for every event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldType {
    /// `true` or `false`.
    Bool,
    /// Non-negative integers by name.
    Counts,
    /// Records of type [`Document`](crate::Document).
    Documents,
    /// Records of type [`Evaluation`](crate::Evaluation).
    Evaluations,
    /// A number with a fraction.
    Float,
    /// Records of type [`Guardrail`](crate::Guardrail).
    Guardrails,
    /// The identifier of an event: a UUID in text.
    Id,
    /// A non-negative integer.
    Int,
    /// Compact JSON, kept as text.
    Json,
    /// Compact JSON texts by key.
    JsonMap,
    /// Records of type [`Link`](crate::Link).
    Links,
    /// Records of type [`MediaItem`](crate::MediaItem).
    Media,
    /// Records of type [`Message`](crate::Message).
    Messages,
    /// Numbers by name.
    Numbers,
    /// Records of type [`Part`](crate::Part).
    Parts,
    /// Records of type [`RedactionCount`](crate::RedactionCount).
    Redactions,
    /// Text.
    Text,
    /// Texts by key.
    TextMap,
    /// A list of texts.
    Texts,
    /// Lists of texts by key.
    TextsMap,
    /// A moment, RFC 3339 in UTC with six digits of fraction.
    Time,
    /// Records of type [`ToolDefinition`](crate::ToolDefinition).
    ToolDefinitions,
    /// Records of type [`Truncation`](crate::Truncation).
    Truncations,
}

/// How values of a type are built; whoever translates types to another system matches on this.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Shape {
    /// One value.
    One(Scalar),
    /// A list of values.
    List(Scalar),
    /// Values by name.
    Map(Scalar),
    /// Lists of values by name.
    MapOfLists(Scalar),
    /// A list of records.
    Records(RecordInfo),
}

/// The types that are built of no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scalar {
    /// `true` or `false`.
    Bool,
    /// A finite number of 64 bits with a fraction.
    Float,
    /// The identifier of an event.
    Id,
    /// A non-negative integer that a signed one of 64 bits can hold.
    Int,
    /// JSON, kept as text.
    Json,
    /// Text.
    Text,
    /// A moment, in microseconds.
    Time,
}

/// What there is to say of a record.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RecordInfo {
    /// Name in documents and schemas.
    pub name: &'static str,
    /// What the record is.
    pub doc: &'static str,
    /// The columns, in the order in which they are written.
    pub columns: &'static [Column],
}

impl FieldType {
    /// Returns how values of the type are built.
    pub const fn shape(self) -> Shape {
        match self {
            Self::Bool => Shape::One(Scalar::Bool),
            Self::Counts => Shape::Map(Scalar::Int),
            Self::Documents => records::<Document>(),
            Self::Evaluations => records::<Evaluation>(),
            Self::Float => Shape::One(Scalar::Float),
            Self::Guardrails => records::<Guardrail>(),
            Self::Id => Shape::One(Scalar::Id),
            Self::Int => Shape::One(Scalar::Int),
            Self::Json => Shape::One(Scalar::Json),
            Self::JsonMap => Shape::Map(Scalar::Json),
            Self::Links => records::<Link>(),
            Self::Media => records::<MediaItem>(),
            Self::Messages => records::<Message>(),
            Self::Numbers => Shape::Map(Scalar::Float),
            Self::Parts => records::<Part>(),
            Self::Redactions => records::<RedactionCount>(),
            Self::Text => Shape::One(Scalar::Text),
            Self::TextMap => Shape::Map(Scalar::Text),
            Self::Texts => Shape::List(Scalar::Text),
            Self::TextsMap => Shape::MapOfLists(Scalar::Text),
            Self::Time => Shape::One(Scalar::Time),
            Self::ToolDefinitions => records::<ToolDefinition>(),
            Self::Truncations => records::<Truncation>(),
        }
    }
}

const fn records<R: Record>() -> Shape {
    Shape::Records(RecordInfo {
        name: R::NAME,
        doc: R::DOC,
        columns: R::COLUMNS,
    })
}

/// Returns every record that fields hold, each once, in the order of the catalogue; a record that
/// is part of another follows it.
pub(crate) fn all_records() -> Vec<RecordInfo> {
    fn visit(field_type: FieldType, found: &mut Vec<RecordInfo>) {
        let Shape::Records(record) = field_type.shape() else {
            return;
        };
        if found.iter().all(|known| known.name != record.name) {
            found.push(record);
            for column in record.columns {
                visit(column.column_type, found);
            }
        }
    }
    let mut found = Vec::new();
    for info in super::CATALOG {
        visit(info.field_type, &mut found);
    }
    found
}
