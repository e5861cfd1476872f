//! The audit log that a Rust program which calls language models carries inside itself.
//!
//! There is no proxy, no server and no account: the program says what happens, a policy says what
//! of it may be kept, and the log is a directory of JSON Lines on the program's own disk. Who asked
//! which model what, what came back, what it cost, what a guardrail said and what people thought of
//! it can be found there later, by anyone who may read the directory and with any tool that reads
//! JSON.
//!
//! # Ten lines
//!
//! ```
//! use std::time::Duration;
//!
//! use llm_audit::{Facet, Level, Operation, Policy, Retention, Usage};
//!
//! # let temp = tempfile::tempdir()?;
//! # let dir = temp.path().join("audit-log");
//! let policy = Policy::builder()
//!     .facet(Facet::Model, Level::Full)
//!     .facet(Facet::Prompt, Level::Redacted)
//!     .retention(Retention::Days90)
//!     .build()?;
//! let audit = llm_audit::builder().policy(policy).journal(&dir).spawn()?;
//!
//! let mut call = audit.begin(Operation::Chat);
//! call.provider("openai").request_model("small").prompt("Write to ada@example.org.");
//! call.usage(Usage::openai(6, 120)); // not captured: the policy does not name it
//! call.finish();
//!
//! let report = audit.shutdown(Duration::from_secs(5));
//! assert_eq!(report.to_string(), "admitted 1 = written 1 + lost 0 + pending 0");
//! # let mut events = llm_audit::journal::Reader::open(&dir)?.events();
//! # let event = events.find_map(|event| event.ok().filter(|e| e.prompt().is_some())).unwrap();
//! # assert_eq!(event.prompt().as_deref(), Some("Write to [EMAIL]."));
//! # assert_eq!(event.absence(Facet::Usage), Some(llm_audit::Absence::Withheld));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The log then holds one event for the call, in which the prompt reads `Write to [EMAIL].` and
//! `absent` says that the usage was withheld.
//!
//! # What is captured by default
//!
//! Nothing. The policy of a new log is [`Policy::none`]: no event of a call is written, no value is
//! copied, and code that is instrumented costs one load of an atomic number. The first call then
//! says once, through [`AuditBuilder::on_diagnostic`] or on standard error, that nothing is
//! recorded. No environment variable and no Cargo feature changes what is captured.
//!
//! # Pages
//!
//! [`guide`] has a page for each question: [facets and levels](guide::facets), [policies and their
//! layers](guide::policy), [capture](guide::capture) by hand and by the attribute,
//! [privacy](guide::privacy), [sinks](guide::sinks) and what is durable when, testing.
//!
//! [`Audit::begin`] and [`Interaction`] are where a call is told of, [`Policy::builder`] is where it
//! is decided what is kept of it, [`journal::Reader`] is where it is read back.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `async-openai` | no | `clients::async_openai_0_43`: a service for async-openai 0.43, with its retries; its types say of themselves what is recorded |
//! | `axum` | no | `clients::server` learns the matched route and the peer from axum 0.8; with `server` |
//! | `azure` | no | Azure Blob Storage in module `sinks::store`; with `store` and `http` |
//! | `gateway` | no | `clients::gateway`: a reverse proxy on loopback, for clients in any language |
//! | `gcs` | no | Google Cloud Storage in module `sinks::store`; with `store` and `http` |
//! | `http` | no | module `sinks::http`: a copy to a webhook, Splunk, Elasticsearch, Datadog; over TLS |
//! | `http-zstd` | no | bodies compressed with zstd, which builds a C library |
//! | `jsonl` | yes | [`sinks::jsonl`]: a copy of the log in a second directory or on standard output |
//! | `macros` | yes | the attribute [`audit`](macro@audit): a call of a function is an event |
//! | `otel` | no | module `otel`: audited calls are in the trace that the program's OpenTelemetry has |
//! | `otel-metrics` | no | module `sinks::otel_metrics`: the conventions' histograms and the log's counters, through a `MeterProvider` |
//! | `otlp` | no | module `sinks::otlp`: spans for Phoenix, MLflow, Langfuse or a collector; with `http` |
//! | `otlp-json` | no | `sinks::otlp::Encoding::Json`, for receivers that take no protobuf |
//! | `parquet` | no | [`sinks::parquet`]: the log as one table in Parquet files, for DuckDB, Spark and others |
//! | `regex` | no | [`redact`]: detectors and allowed values that are patterns |
//! | `reqwest-middleware` | no | `clients::Capture` is a middleware of reqwest-middleware 0.5, for reqwest 0.13 |
//! | `s3` | no | S3 and what speaks its protocol in module `sinks::store`; with `store` and `http` |
//! | `server` | no | `clients::server`: a layer that says of each request that a tower service answers who asks |
//! | `store` | no | module `sinks::store`: Parquet files go to an object store; a store in memory; with `parquet` |
//! | `testing` | no | module `testing`: a log in memory with checks, sinks that fail, a suite for sinks, a kit that finds leaks |
//! | `token` | no | [`redact`]: values that whoever holds a key can read again |
//! | `toml` | no | policy files in TOML; those in JSON need no feature |
//! | `tower` | no | `clients::Capture` is a layer for any service that takes requests of the crate `http` |
//! | `tracing` | no | `clients::tracing`: a layer of tracing-subscriber 0.3 for the `gen_ai.*` spans of rig, genai and others |
//!
//! # Where to go next
//!
//! - `examples/quickstart.rs` asks a model over HTTP and shows the event. Beside it, each shows one
//!   thing: `agent_tools` an agent with its tools and a guardrail as a tree, `multi_tenant` tenants
//!   with levels of their own, `feedback_loop` what is said of an answer later, `custom_sink` a
//!   destination of one's own, `streaming`, `policy_file`, `every_field` and `find_subject`.
//! - In `docs/` of the repository, `instrument.md` says what to add to a program by what it has; `capture.md` is the manual of capturing by hand, `policy.md` of the
//!   policy file, `keys.md` of keys, `journal.md` of the format on disk, `http.md` of HTTP, `otel.md` of OpenTelemetry; `fields.md` lists every
//!   field, `promises.md` says what is promised and which test holds it.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub use llm_audit_core::{
    Absence, Ack, Audit, AuditBuilder, AuditGuard, AuditInput, AuditOutput, Batch, BeginDurable,
    Breaker, Clock, Commit, Context, Counters, Diagnostic, DiagnosticKind, Document, Durable,
    Error, Escalation, Evaluation, Event, EventId, Expiry, Explained, Explanation, Facet,
    FacetGroup, FacetRule, FacetSet, Fate, Field, Fields, Filter, FirstEvent, Guardrail, Hold, Ids,
    InContext, Inspection, Inspector, InspectorCounters, Intent, Interaction, Json, Key, KeyRing,
    Kind, Layer, LayerBuilder, Level, Levels, Link, LossCounts, LossReason, MediaItem, Message,
    Narrowed, Operation, Overflow, Part, PlannedRewrite, Policy, PolicyBuilder, PolicyLoader,
    Preset, ProcessProbe, RandomIds, Receipt, Recorder, RedactionCount, Report, RequestRecorder,
    ResourceProbe, Resources, ResponseRecorder, Retention, RetentionPlan, Retentions, Scope,
    Scoped, Sink, SinkCounters, SinkError, SinkExt, SinkLimits, Status, SystemClock, Timestamp,
    ToolDefinition, TraceParent, Truncation, Usage, Warning, Watch, WriterId, begin, begin_durable,
    begin_durable_blocking, builder, installed, journal, propagate, propagate_fn, protocol, redact,
    schema,
};

#[cfg(any(feature = "http", feature = "jsonl", feature = "parquet"))]
#[cfg_attr(
    docsrs,
    doc(cfg(any(feature = "http", feature = "jsonl", feature = "parquet")))
)]
pub use llm_audit_sinks::EventReader;

#[cfg(feature = "token")]
#[cfg_attr(docsrs, doc(cfg(feature = "token")))]
pub use llm_audit_core::TokenKey;

#[cfg(feature = "macros")]
#[cfg_attr(docsrs, doc(cfg(feature = "macros")))]
pub use llm_audit_macros::audit;

#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub use llm_audit_core::testing;

#[doc(hidden)]
pub use llm_audit_core::__private;

pub mod guide;

#[cfg(feature = "otel")]
#[cfg_attr(docsrs, doc(cfg(feature = "otel")))]
pub mod otel;

/// Adapters of clients of language models and of services that answer requests, one feature each.
#[cfg(any(
    feature = "async-openai",
    feature = "gateway",
    feature = "reqwest-middleware",
    feature = "server",
    feature = "tower",
    feature = "tracing"
))]
#[cfg_attr(
    docsrs,
    doc(cfg(any(
        feature = "async-openai",
        feature = "gateway",
        feature = "reqwest-middleware",
        feature = "server",
        feature = "tower",
        feature = "tracing"
    )))
)]
pub mod clients {
    pub use llm_audit_clients::Capture;
    #[cfg(feature = "async-openai")]
    #[cfg_attr(docsrs, doc(cfg(feature = "async-openai")))]
    pub use llm_audit_clients::async_openai_0_43;
    #[cfg(feature = "gateway")]
    #[cfg_attr(docsrs, doc(cfg(feature = "gateway")))]
    pub use llm_audit_clients::gateway;
    #[cfg(feature = "server")]
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    pub use llm_audit_clients::server;
    #[cfg(feature = "tower")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
    pub use llm_audit_clients::tower;
    #[cfg(feature = "tracing")]
    #[cfg_attr(docsrs, doc(cfg(feature = "tracing")))]
    pub use llm_audit_clients::tracing;
}

/// Destinations of events besides the journal, one feature each.
pub mod sinks {
    #[cfg(feature = "http")]
    #[cfg_attr(docsrs, doc(cfg(feature = "http")))]
    pub use llm_audit_sinks::{HttpSink, http};
    #[cfg(feature = "jsonl")]
    #[cfg_attr(docsrs, doc(cfg(feature = "jsonl")))]
    pub use llm_audit_sinks::{JsonlSink, jsonl};

    #[cfg(feature = "otel-metrics")]
    #[cfg_attr(docsrs, doc(cfg(feature = "otel-metrics")))]
    pub use llm_audit_sinks::{MetricsSink, otel_metrics};

    #[cfg(feature = "otlp")]
    #[cfg_attr(docsrs, doc(cfg(feature = "otlp")))]
    pub use llm_audit_sinks::{OtlpSink, otlp};

    #[cfg(feature = "parquet")]
    #[cfg_attr(docsrs, doc(cfg(feature = "parquet")))]
    pub use llm_audit_sinks::{ParquetSink, parquet};

    #[cfg(feature = "store")]
    #[cfg_attr(docsrs, doc(cfg(feature = "store")))]
    pub use llm_audit_sinks::store;
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(all(doctest, feature = "http"))]
#[doc = include_str!("../docs/http.md")]
struct Http;

#[cfg(all(doctest, feature = "otlp"))]
#[doc = include_str!("../docs/otel.md")]
struct Otel;

#[cfg(doctest)]
#[doc = include_str!("../docs/capture.md")]
struct Capture;

#[cfg(doctest)]
#[doc = include_str!("../docs/deploy.md")]
struct Deploy;

#[cfg(all(doctest, feature = "macros"))]
#[doc = include_str!("../docs/instrument.md")]
struct Instrument;

#[cfg(doctest)]
#[doc = include_str!("../docs/policy.md")]
struct PolicyManual;

#[cfg(doctest)]
#[doc = include_str!("../docs/keys.md")]
struct Keys;

#[cfg(all(doctest, feature = "s3"))]
#[doc = include_str!("../docs/parquet.md")]
struct Parquet;
