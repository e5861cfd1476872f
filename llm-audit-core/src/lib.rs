//! Event schema, facet policy, redaction, pipeline and journal of `llm-audit`.
//!
//! Programs use the crate `llm-audit`, which re-exports what they need; authors of sinks depend on
//! this one.

mod catalog;
mod clock;
mod encode;
mod error;
mod event;
mod facet;
mod id;
mod key;
mod level;
mod retention;
mod sync;
mod timestamp;

pub use catalog::{CATALOG, Field, FieldInfo, FieldType};
pub use clock::{Clock, SystemClock};
pub use error::Error;
pub use event::{
    Column, Document, Evaluation, Event, Guardrail, Kind, Link, MediaItem, Message, Operation,
    Part, Record, RedactionCount, SCHEMA_VERSION, Status, ToolDefinition, Truncation, Value,
    ValueRef,
};
pub use facet::{Facet, FacetGroup, FacetSet};
pub use id::{EventId, Ids, RandomIds, WriterId};
pub use key::{Key, KeyRing, pseudonym};
pub use level::{Level, Levels};
pub use retention::Retention;
pub use timestamp::Timestamp;

/// Documents that are generated from the catalogue of fields.
pub mod schema {
    pub use crate::catalog::{duckdb_sql, fields_markdown, json_schema};
}
