//! llm-audit.

pub use llm_audit_core::{
    Absence, Audit, AuditBuilder, AuditGuard, Batch, CATALOG, Clock, Column, Context, Counters,
    DataType, Diagnostic, DiagnosticKind, Document, Durable, Error, Evaluation, Event, EventId,
    Explained, Explanation, Facet, FacetGroup, FacetRule, FacetSet, Family, Field, FieldInfo,
    FieldType, Fields, Guardrail, Ids, Intent, Interaction, Key, KeyRing, Kind, Layer,
    LayerBuilder, Level, Levels, Link, LossCounts, LossReason, MediaItem, Message, Narrowed,
    Operation, Operator, Overflow, Part, Policy, PolicyBuilder, PolicyLoader, Preset, RandomIds,
    Record, Recorder, RedactionCount, RedactionPreset, RedactionSettings, RedactionTarget,
    Redactor, RedactorBuilder, Report, Retention, SCHEMA_VERSION, Scope, Scoped, Sink,
    SinkCounters, SinkError, SinkExt, Span, Status, SystemClock, Timestamp, ToolDefinition,
    Truncation, Usage, Value, ValueRef, Warning, WriterId, begin, builder, installed, journal,
    propagate, pseudonym, schema,
};

#[cfg(feature = "macros")]
#[cfg_attr(docsrs, doc(cfg(feature = "macros")))]
pub use llm_audit_macros::audit;

#[doc(hidden)]
pub use llm_audit_core::__private;
