//! OpenTelemetry in the host: audited calls join the traces that the program has.
//!
//! ```
//! use llm_audit::{Policy, Preset};
//!
//! let audit = llm_audit::builder()
//!     .policy(Policy::preset(Preset::Operations)?)
//!     .parent_from(llm_audit::otel::current_span)
//! #   .sink(llm_audit::sinks::JsonlSink::stdout())
//!     .spawn()?;
//! # drop(audit);
//! # Ok::<(), llm_audit::Error>(())
//! ```
//!
//! Without OpenTelemetry's crate, `TraceParent` reads and writes the header `traceparent`.

use llm_audit_core::TraceParent;
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;

/// Returns the span of OpenTelemetry that is current on this thread, if there is one: a hook for
/// [`AuditBuilder::parent_from`](crate::AuditBuilder::parent_from).
///
/// With crate `tracing-opentelemetry`, whose spans are current only where it is told so, switch that
/// on with its layer's `with_context_activation(true)`.
///
/// # Examples
///
/// ```
/// assert_eq!(llm_audit::otel::current_span(), None);
/// ```
pub fn current_span() -> Option<TraceParent> {
    Context::map_current(|context| {
        let span = context.span().span_context().clone();
        TraceParent::new(span.trace_id().to_bytes(), span.span_id().to_bytes())
    })
}
