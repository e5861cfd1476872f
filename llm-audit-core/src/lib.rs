//! Event schema, facet policy, redaction, pipeline and journal of `llm-audit`.
//!
//! Programs use the crate `llm-audit`, which re-exports what they need; authors of sinks depend on
//! this one.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[doc(hidden)]
pub mod __private;
mod audit;
mod batch;
mod catalog;
mod clock;
mod commit;
mod context;
mod describe;
mod diagnostics;
mod encode;
mod error;
mod event;
mod expiry;
mod facet;
mod fields;
mod filter;
mod first_event;
mod foreign;
mod hidden;
mod hold;
mod id;
mod inspect;
mod interaction;
pub mod journal;
mod key;
mod level;
mod narrow;
mod pipeline;
mod policy;
mod process;
mod propagation;
pub mod protocol;
mod put;
mod raw;
mod recorder;
pub mod redact;
mod resources;
mod retention;
mod seal;
mod sink;
mod sorted;
mod sync;
#[cfg(any(test, feature = "testing"))]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;
mod timestamp;
mod trace_parent;
#[doc(hidden)]
pub mod upkeep {
    #[cfg(any(test, feature = "testing"))]
    pub use crate::journal::Trial;
    pub use crate::journal::{Copies, Found, Round, Upkeep};
}
mod usage;
#[doc(hidden)]
pub mod vfs;
mod withhold;

pub use audit::{
    Audit, AuditBuilder, AuditGuard, Watch, begin, begin_durable, begin_durable_blocking, builder,
    installed,
};
pub use batch::Batch;
pub use catalog::Field;
pub use clock::{Clock, SystemClock};
pub use commit::{Ack, Commit, Receipt};
pub use context::{Context, Scoped};
pub use describe::{AuditInput, AuditOutput, Json, RequestRecorder, ResponseRecorder};
pub use diagnostics::{Diagnostic, DiagnosticKind};
pub use error::Error;
pub use event::{
    Absence, Document, Evaluation, Event, Guardrail, Kind, Link, MediaItem, Message, Operation,
    Part, RedactionCount, Status, ToolDefinition, Truncation,
};
pub use expiry::{Expiry, Fate, PlannedRewrite, RetentionPlan};
pub use facet::{Facet, FacetGroup, FacetSet};
pub use fields::Fields;
pub use filter::Filter;
pub use first_event::FirstEvent;
#[doc(hidden)]
pub use foreign::contained;
pub use hold::Hold;
pub use id::{EventId, Ids, RandomIds, WriterId};
pub use inspect::{Escalation, Inspection, Inspector, InspectorCounters};
pub use interaction::{BeginDurable, Interaction};
#[cfg(feature = "token")]
#[cfg_attr(docsrs, doc(cfg(feature = "token")))]
pub use key::TokenKey;
pub use key::{Key, KeyRing};
pub use level::{Level, Levels};
pub use narrow::{Narrowed, SinkExt};
pub use pipeline::{Breaker, Counters, LossCounts, LossReason, Overflow, Report, SinkCounters};
pub use policy::{
    Explained, Explanation, FacetRule, Intent, Layer, LayerBuilder, Policy, PolicyBuilder,
    PolicyLoader, Preset, Scope, Warning,
};
pub use propagation::{InContext, propagate, propagate_fn};
pub use recorder::Recorder;
pub use resources::{ProcessProbe, ResourceProbe, Resources};
pub use retention::{Retention, Retentions};
pub use sink::{Durable, Sink, SinkError, SinkLimits};
pub use timestamp::Timestamp;
pub use trace_parent::TraceParent;
pub use usage::Usage;

/// What events are made of, for readers, writers of other formats and generators: the catalogue of
/// fields, values and their types, and documents that are generated from it.
/// # Examples
///
/// ```
/// use llm_audit_core::schema::{
///     self, CATALOG, Column, FieldInfo, FieldType, Record, RecordInfo, Scalar, Shape, ValueRef,
/// };
/// use llm_audit_core::{Event, Field, Part};
///
/// // A reader of another format walks the catalogue …
/// let tokens: &FieldInfo = Field::InputTokens.info();
/// assert_eq!((tokens.name, tokens.field_type), ("input_tokens", FieldType::Int));
/// assert!(CATALOG.iter().any(|info| info.field == Field::InputTokens));
/// let columns: &[Column] = Part::COLUMNS;
/// assert_eq!(columns[0].name, "type");
///
/// // … or, to translate the types to another system, the few shapes that they come down to, …
/// let translated = match FieldType::Messages.shape() {
///     Shape::One(Scalar::Int) => "BIGINT".to_owned(),
///     Shape::Records(RecordInfo { name, .. }) => format!("{name}[]"),
///     _ => "VARCHAR".to_owned(),
/// };
/// assert_eq!(translated, "Message[]");
///
/// // … and the fields that an event has.
/// let line = br#"{"schema_version":1,"event_id":"019b76da-a800-7000-8000-000000000001",
///     "kind":"interaction","writer_id":"019b76da-a800-7000-8000-000000000002",
///     "recorded_at":"2026-01-01T00:00:00.000000Z","input_tokens":7}"#;
/// let event = Event::from_json(line)?;
/// assert!(event.get(Field::InputTokens) == Some(ValueRef::Int(7)));
///
/// // What generators make is in `docs/` of the repository.
/// assert!(schema::json_schema().contains("input_tokens"));
/// assert!(schema::duckdb_sql().contains("input_tokens"));
/// assert!(schema::fields_markdown().contains("input_tokens"));
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
pub mod schema {
    pub use crate::catalog::{
        CATALOG, FieldInfo, FieldType, RecordInfo, Scalar, Shape, duckdb_sql, fields_markdown,
        json_schema,
    };
    pub use crate::event::{Column, Record, SCHEMA_VERSION as VERSION, Value, ValueRef};
}
