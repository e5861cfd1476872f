//! The columns of the files, made from the catalogue of fields.

use std::sync::Arc;

use arrow_schema::{DataType, Field as ArrowField, Fields, Schema, SchemaRef, TimeUnit};
use llm_audit_core::schema::{CATALOG, Column, FieldInfo, RecordInfo, Scalar, Shape};
use llm_audit_core::{Event, FacetGroup};

/// Members that this version does not know, as the text of one JSON object: a column of the table
/// and of each record.
pub(super) const UNKNOWN: &str = "unknown";

/// Name of the zone that times are in.
pub(super) const UTC: &str = "UTC";

/// A column that follows from fields, so that the commonest questions need neither a join nor a
/// path into messages. Readers of events leave it out.
pub(super) struct Derived {
    pub(super) name: &'static str,
    pub(super) of: fn(&Event) -> Option<String>,
    /// Whether it may hold content.
    pub(super) content: bool,
}

pub(super) const DERIVED: &[Derived] = &[
    Derived {
        name: "model",
        of: |event| event.model().map(str::to_owned),
        content: false,
    },
    Derived {
        name: "prompt",
        of: Event::prompt,
        content: true,
    },
    Derived {
        name: "response",
        of: Event::response,
        content: true,
    },
];

/// Returns the schema: the fields of the catalogue in its order, the derived columns, and
/// [`UNKNOWN`].
pub(super) fn schema() -> SchemaRef {
    let fields = CATALOG.iter().map(|info| {
        let required = REQUIRED.contains(&info.name);
        ArrowField::new(info.name, data_type(info.field_type.shape()), !required)
    });
    let text = |name| ArrowField::new(name, DataType::Utf8, true);
    let derived = DERIVED.iter().map(|column| text(column.name));
    let all = fields.chain(derived).chain([text(UNKNOWN)]);
    Arc::new(Schema::new(all.collect::<Fields>()))
}

/// Every event has these.
pub(super) const REQUIRED: &[&str] = &[
    "schema_version",
    "event_id",
    "kind",
    "writer_id",
    "recorded_at",
];

pub(super) fn data_type(shape: Shape) -> DataType {
    match shape {
        Shape::One(scalar) => scalar_type(scalar),
        Shape::List(scalar) => list_of(scalar_type(scalar)),
        Shape::Map(scalar) => map_to(scalar_type(scalar)),
        Shape::MapOfLists(scalar) => map_to(list_of(scalar_type(scalar))),
        Shape::Records(record) => list_of(struct_of(record)),
        // A shape that this crate does not know is one that it does not write.
        _ => DataType::Utf8,
    }
}

fn scalar_type(scalar: Scalar) -> DataType {
    match scalar {
        Scalar::Bool => DataType::Boolean,
        Scalar::Float => DataType::Float64,
        // Not every engine has unsigned integers.
        Scalar::Int => DataType::Int64,
        Scalar::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        // Identifiers are text, so that they can be read in SQL.
        _ => DataType::Utf8,
    }
}

// The names of what is within lists and maps are those of the Parquet format.

fn list_of(element: DataType) -> DataType {
    DataType::List(Arc::new(ArrowField::new("element", element, true)))
}

fn map_to(value: DataType) -> DataType {
    let key = ArrowField::new("key", DataType::Utf8, false);
    let value = ArrowField::new("value", value, true);
    let entry = DataType::Struct(Fields::from(vec![key, value]));
    DataType::Map(Arc::new(ArrowField::new("key_value", entry, false)), false)
}

fn struct_of(record: RecordInfo) -> DataType {
    let known = record.columns.iter().map(|column: &Column| {
        ArrowField::new(column.name, data_type(column.column_type.shape()), true)
    });
    let unknown = ArrowField::new(UNKNOWN, DataType::Utf8, true);
    DataType::Struct(known.chain([unknown]).collect())
}

/// What a file may say of a column outside the column's own pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exposure {
    /// Whether smallest and largest values stand in the footer and the page index.
    pub(super) statistics: bool,
    /// Whether the values are long texts, which repeat too seldom for a dictionary.
    pub(super) long: bool,
}

impl Exposure {
    /// Returns what may be said of the top-level column `name`, and of all within it.
    pub(super) fn of(name: &str) -> Self {
        let field = CATALOG.iter().find(|info| info.name == name);
        match field {
            Some(info) => Self {
                statistics: is_harmless(info),
                long: is_long(info),
            },
            None => {
                let derived = DERIVED.iter().find(|column| column.name == name);
                let content = derived.is_none_or(|column| column.content);
                Self {
                    statistics: !content,
                    long: content,
                }
            }
        }
    }
}

/// Smallest and largest values are kept of single values that are neither content nor personal
/// data, and of which engines make use.
fn is_harmless(info: &FieldInfo) -> bool {
    let single = matches!(info.field_type.shape(), Shape::One(scalar) if scalar != Scalar::Json);
    single && !info.sensitive
}

fn is_long(info: &FieldInfo) -> bool {
    let content = info.facet.map(|facet| facet.group()) == Some(FacetGroup::Content);
    content || matches!(info.field_type.shape(), Shape::One(Scalar::Json))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use llm_audit_core::{Field, schema::FieldType};

    use super::*;

    #[test]
    fn every_field_is_a_column_under_its_name_and_no_name_is_taken_twice() {
        let schema = schema();
        let names: HashSet<_> = schema.fields().iter().map(|field| field.name()).collect();
        assert_eq!(names.len(), schema.fields().len());
        assert_eq!(names.len(), CATALOG.len() + DERIVED.len() + 1);
        for (position, info) in CATALOG.iter().enumerate() {
            assert_eq!(schema.field(position).name(), info.name);
        }
    }

    #[test]
    fn types_are_those_that_every_engine_reads() {
        fn check(data_type: &DataType) {
            match data_type {
                DataType::Boolean | DataType::Float64 | DataType::Int64 | DataType::Utf8 => {}
                DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) => assert_eq!(&**zone, UTC),
                DataType::List(element) => check(element.data_type()),
                DataType::Map(entry, _) => check(entry.data_type()),
                DataType::Struct(fields) => fields.iter().for_each(|f| check(f.data_type())),
                other => panic!("{other}"),
            }
        }
        schema()
            .fields()
            .iter()
            .for_each(|field| check(field.data_type()));
        let time = data_type(FieldType::Time.shape());
        assert!(time.to_string().contains(UTC));
    }

    #[test]
    fn what_an_event_must_have_is_not_null() {
        let schema = schema();
        let required = schema.fields().iter().filter(|field| !field.is_nullable());
        let required: Vec<_> = required.map(|field| field.name().as_str()).collect();
        assert_eq!(required, REQUIRED);
    }

    #[test]
    fn nothing_is_said_of_what_may_be_content_or_personal_data() {
        for info in CATALOG {
            let exposure = Exposure::of(info.name);
            assert!(!(info.sensitive && exposure.statistics), "{}", info.name);
        }
        for name in [
            "prompt",
            "response",
            "unknown",
            "metadata",
            "user_id",
            "folder_path",
        ] {
            assert!(!Exposure::of(name).statistics, "{name}");
        }
        for name in ["recorded_at", "kind", "model", "total_tokens", "latency_us"] {
            assert!(Exposure::of(name).statistics, "{name}");
        }
        assert!(Exposure::of(Field::InputMessages.name()).long);
        assert!(!Exposure::of(Field::UserId.name()).long);
    }
}
