//! The catalogue of fields: what exists, where it belongs, what it is called.

mod duckdb;
mod field_type;
mod fields_md;
mod json_schema;
mod table;

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::facet::Facet;

pub use duckdb::duckdb_sql;
pub use field_type::{FieldType, RecordInfo, Scalar, Shape};
pub use fields_md::fields_markdown;
pub use json_schema::json_schema;
pub(crate) use table::with_catalog;

/// What the catalogue says of one field.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FieldInfo {
    /// The field.
    pub field: Field,
    /// Name in JSONL, Parquet and queries.
    pub name: &'static str,
    /// Type of the value.
    pub field_type: FieldType,
    /// Facet, or `None` for the envelope.
    pub facet: Option<Facet>,
    /// Whether the value may hold content or personal data: no statistics, no file names.
    pub sensitive: bool,
    /// Whether the host sets the field; the log itself sets the others.
    pub host: bool,
    /// Name in OpenTelemetry.
    pub otel_name: &'static str,
    /// What the field means.
    pub doc: &'static str,
    /// The name as it stands between two members of a JSON object, with comma and colon.
    pub(crate) json_key: &'static str,
}

macro_rules! define_fields {
    (@facet envelope) => { None };
    (@facet $facet:ident) => { Some(Facet::$facet) };
    (@sensitive plain) => { false };
    (@sensitive sensitive) => { true };
    (@host own) => { false };
    (@host host) => { true };
    ([] $($who:ident $section:ident {
        $($variant:ident $name:ident: $type:ident $sensitivity:ident $otel:literal $doc:literal;)+
    })+) => {
        /// A field of an event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        #[non_exhaustive]
        pub enum Field {
            $($(#[doc = $doc] $variant,)+)+
        }

        /// Every field, in the order in which events are written.
        pub const CATALOG: &[FieldInfo] = &TABLE;

        // A static is in a program once, what a constant names in each unit of code that has a use
        // for it.
        static TABLE: [FieldInfo; [$($(Field::$variant,)+)+].len()] = [$($(FieldInfo {
            field: Field::$variant,
            name: stringify!($name),
            field_type: FieldType::$type,
            facet: define_fields!(@facet $section),
            sensitive: define_fields!(@sensitive $sensitivity),
            host: define_fields!(@host $who),
            otel_name: $otel,
            doc: $doc,
            json_key: concat!(",\"", stringify!($name), "\":"),
        },)+)+];

        impl Field {
            pub(crate) fn from_name(name: &str) -> Option<Self> {
                match name { $($(stringify!($name) => Some(Self::$variant),)+)+ _ => None }
            }
        }
    };
}

with_catalog!(define_fields);

/// The facet of each field. Every setter asks for it, and all of this is in a few cache lines.
#[expect(clippy::indexing_slicing, reason = "both tables have one length")]
static FACETS: [Option<Facet>; CATALOG.len()] = {
    let mut facets = [None; CATALOG.len()];
    let mut number = 0;
    while number < CATALOG.len() {
        facets[number] = CATALOG[number].facet;
        number += 1;
    }
    facets
};

impl Field {
    /// Returns what the catalogue says of the field.
    #[expect(
        clippy::indexing_slicing,
        reason = "a field's number is its place in the table"
    )]
    pub const fn info(self) -> &'static FieldInfo {
        &CATALOG[self as usize]
    }

    /// Returns the field's name in JSONL, Parquet and queries.
    pub const fn name(self) -> &'static str {
        self.info().name
    }

    /// Returns the facet that the field belongs to, or `None` for the envelope.
    #[expect(
        clippy::indexing_slicing,
        reason = "a field's number is its place in the table"
    )]
    pub const fn facet(self) -> Option<Facet> {
        FACETS[self as usize]
    }

    /// Returns the type of the field's value.
    pub const fn field_type(self) -> FieldType {
        self.info().field_type
    }

    /// Returns the fields of `facet`, in the order of the catalogue.
    pub fn of(facet: Facet) -> impl Iterator<Item = Self> {
        CATALOG
            .iter()
            .filter(move |info| info.facet == Some(facet))
            .map(|info| info.field)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Field {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::from_name(name).ok_or_else(|| {
            Error::invalid(format!(
                "unknown field `{name}`; docs/fields.md lists the fields"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_parse_to_their_field() {
        let names: HashSet<_> = CATALOG.iter().map(|info| info.name).collect();
        assert_eq!(names.len(), CATALOG.len());
        for (position, info) in CATALOG.iter().enumerate() {
            assert_eq!(info.name.parse::<Field>().unwrap(), info.field);
            assert_eq!(info.field as usize, position);
            assert_eq!(info.field.info().name, info.name);
        }
    }

    #[test]
    fn every_facet_has_a_field_or_lives_in_message_parts() {
        for facet in Facet::ALL {
            let has_field = Field::of(*facet).next().is_some();
            assert!(has_field || *facet == Facet::Reasoning, "{facet}");
        }
    }
}
