//! Sinks of `llm-audit`: where sealed events go besides the journal.
//!
//! Each sink is a feature and a module of the same name; a program reaches them as
//! `llm_audit::sinks`. The module's page says what is written, when it is durable and what happens
//! when it fails. To write a sink of your own, implement [`llm_audit_core::Sink`].
#![cfg_attr(
    all(
        feature = "cloud",
        not(any(feature = "azure", feature = "gcs", feature = "s3"))
    ),
    expect(
        dead_code,
        unused_imports,
        reason = "what three features share, none of them uses alone"
    )
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "otel-metrics", feature = "otlp"))]
mod error_type;
#[cfg(test)]
#[cfg(any(feature = "jsonl", feature = "parquet"))]
mod fixture;
#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub mod http;
#[cfg(feature = "jsonl")]
#[cfg_attr(docsrs, doc(cfg(feature = "jsonl")))]
pub mod jsonl;

#[cfg(feature = "http")]
#[doc(no_inline)]
pub use http::HttpSink;

#[cfg(feature = "jsonl")]
#[doc(no_inline)]
pub use jsonl::JsonlSink;

#[cfg(feature = "otel-metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "otel-metrics")))]
pub mod otel_metrics;

#[cfg(feature = "otel-metrics")]
#[doc(no_inline)]
pub use otel_metrics::MetricsSink;

#[cfg(feature = "otlp")]
#[cfg_attr(docsrs, doc(cfg(feature = "otlp")))]
pub mod otlp;

#[cfg(feature = "otlp")]
#[doc(no_inline)]
pub use otlp::OtlpSink;

#[cfg(feature = "parquet")]
#[cfg_attr(docsrs, doc(cfg(feature = "parquet")))]
pub mod parquet;

#[cfg(feature = "parquet")]
#[doc(no_inline)]
pub use parquet::ParquetSink;

#[cfg(feature = "store")]
#[cfg_attr(docsrs, doc(cfg(feature = "store")))]
pub mod store;

mod reader;
#[cfg(any(feature = "jsonl", feature = "parquet"))]
mod share;

pub use reader::EventReader;
