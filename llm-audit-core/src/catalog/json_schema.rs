//! A JSON Schema of events.

use serde::{Serialize, Serializer};

use super::field_type::{Scalar, Shape, all_records};
use super::{CATALOG, Field, FieldType};
use crate::event::{Kind, Operation, SCHEMA_VERSION, Status};

/// Returns the JSON Schema (draft 2020-12) of events of this version, as indented JSON text.
///
/// It requires the envelope's five fields and the type of every known field. Members and words of
/// newer versions are valid: what is an enumeration today is given as examples. It is
/// `docs/event.schema.json`.
pub fn json_schema() -> String {
    let schema = Schema {
        schema: "https://json-schema.org/draft/2020-12/schema",
        id: format!("urn:llm-audit:event:{SCHEMA_VERSION}"),
        title: "llm-audit event",
        description: "One line of the log. Readers ignore members that they do not know; \
                      `crc` is the checksum of a line in a journal.",
        property_type: "object",
        required: CATALOG
            .iter()
            .filter(|info| info.field.is_required())
            .map(|info| info.name)
            .collect(),
        properties: Members(
            CATALOG
                .iter()
                .map(|info| {
                    let property = Property {
                        description: Some(info.doc),
                        facet: info.facet.map(|facet| facet.name()),
                        examples: words(info.field),
                        ..Property::of(info.field_type)
                    };
                    (info.name, property)
                })
                .collect(),
        ),
        additional_properties: true,
        definitions: Members(
            all_records()
                .iter()
                .map(|record| {
                    let columns = record.columns.iter().map(|column| {
                        let property = Property {
                            description: Some(column.doc),
                            ..Property::of(column.column_type)
                        };
                        (column.name, property)
                    });
                    let definition = Property {
                        description: Some(record.doc),
                        properties: Some(Members(columns.collect())),
                        additional_properties: Some(Additional::Any(true)),
                        ..Property::typed("object")
                    };
                    (record.name, definition)
                })
                .collect(),
        ),
    };
    // Strings and lists of strings always serialise, so the default is never used.
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Schema {
    #[serde(rename = "$schema")]
    schema: &'static str,
    #[serde(rename = "$id")]
    id: String,
    title: &'static str,
    description: &'static str,
    #[serde(rename = "type")]
    property_type: &'static str,
    required: Vec<&'static str>,
    properties: Members,
    #[serde(rename = "additionalProperties")]
    additional_properties: bool,
    #[serde(rename = "$defs")]
    definitions: Members,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Property {
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'static str>,
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    property_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_media_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Box<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<Members>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_properties: Option<Additional>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    examples: Vec<&'static str>,
    /// An annotation of ours: the facet that the field belongs to.
    #[serde(rename = "x-facet", skip_serializing_if = "Option::is_none")]
    facet: Option<&'static str>,
}

/// What other members of an object may be.
#[derive(Serialize)]
#[serde(untagged)]
enum Additional {
    Any(bool),
    Values(Box<Property>),
}

impl Property {
    fn of(field_type: FieldType) -> Self {
        match field_type.shape() {
            Shape::One(scalar) => Self::scalar(scalar),
            Shape::List(scalar) => Self::list(Self::scalar(scalar)),
            Shape::Map(scalar) => Self::map(Self::scalar(scalar)),
            Shape::MapOfLists(scalar) => Self::map(Self::list(Self::scalar(scalar))),
            Shape::Records(record) => Self::list(Self {
                reference: Some(format!("#/$defs/{}", record.name)),
                ..Self::default()
            }),
        }
    }

    fn scalar(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Bool => Self::typed("boolean"),
            Scalar::Float => Self::typed("number"),
            Scalar::Id => Self {
                format: Some("uuid"),
                pattern: Some("^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"),
                ..Self::typed("string")
            },
            Scalar::Int => Self {
                minimum: Some(0),
                maximum: Some(i64::MAX.unsigned_abs()),
                ..Self::typed("integer")
            },
            Scalar::Json => Self {
                content_media_type: Some("application/json"),
                ..Self::typed("string")
            },
            Scalar::Text => Self::typed("string"),
            Scalar::Time => Self {
                format: Some("date-time"),
                pattern: Some(
                    "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z$",
                ),
                ..Self::typed("string")
            },
        }
    }

    fn list(items: Self) -> Self {
        Self {
            items: Some(Box::new(items)),
            ..Self::typed("array")
        }
    }

    fn map(values: Self) -> Self {
        Self {
            additional_properties: Some(Additional::Values(Box::new(values))),
            ..Self::typed("object")
        }
    }

    fn typed(property_type: &'static str) -> Self {
        Self {
            property_type: Some(property_type),
            ..Self::default()
        }
    }
}

/// Members of an object, in this order.
struct Members(Vec<(&'static str, Property)>);

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, property)| (name, property)))
    }
}

fn words(field: Field) -> Vec<&'static str> {
    let words = match field {
        Field::Kind => Kind::WORDS,
        Field::Operation => Operation::WORDS,
        Field::Status => Status::WORDS,
        _ => &[],
    };
    words.iter().map(|(word, _)| *word).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_field_and_record_is_in_the_schema() {
        let schema: Value = serde_json::from_str(&json_schema()).unwrap();
        for info in CATALOG {
            assert_eq!(schema["properties"][info.name]["description"], info.doc);
        }
        for record in all_records() {
            let columns = &schema["$defs"][record.name]["properties"];
            assert_eq!(columns.as_object().unwrap().len(), record.columns.len());
        }
    }

    #[test]
    fn nothing_of_a_newer_version_is_invalid() {
        let schema: Value = serde_json::from_str(&json_schema()).unwrap();
        assert_eq!(schema["additionalProperties"], true);
        assert!(!json_schema().contains("\"enum\""));
        for record in all_records() {
            assert_eq!(schema["$defs"][record.name]["additionalProperties"], true);
        }
    }
}
