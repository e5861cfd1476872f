//! Event schema, facet policy, redaction, pipeline and journal of `llm-audit`.
//!
//! Programs use the crate `llm-audit`, which re-exports what they need; authors of sinks depend on
//! this one.

mod batch;
mod catalog;
mod clock;
mod diagnostics;
mod encode;
mod error;
mod event;
mod facet;
mod id;
pub mod journal;
mod key;
mod level;
mod pipeline;
mod policy;
mod redact;
mod retention;
mod sink;
mod sync;
mod timestamp;
#[doc(hidden)]
pub mod vfs;

pub use batch::Batch;
pub use catalog::{CATALOG, Field, FieldInfo, FieldType};
pub use clock::{Clock, SystemClock};
pub use diagnostics::{Diagnostic, DiagnosticKind};
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
pub use pipeline::{Counters, LossCounts, LossReason, Overflow, Report, SinkCounters};
pub use policy::{
    Explained, Explanation, FacetRule, Intent, Layer, LayerBuilder, Policy, PolicyBuilder,
    PolicyLoader, Preset, Scope, Warning,
};
pub use redact::{
    DataType, Family, Operator, RedactionPreset, RedactionSettings, RedactionTarget, Redactor,
    RedactorBuilder, Span,
};
pub use retention::Retention;
pub use sink::{Durable, Sink, SinkError};
pub use timestamp::Timestamp;

/// Documents that are generated from the catalogue of fields.
pub mod schema {
    pub use crate::catalog::{duckdb_sql, fields_markdown, json_schema};
}
