//! The `gen_ai.*` spans that other crates make, such as rig and genai, as events.
//!
//! [`SpanLayer`] is a layer of tracing-subscriber. A span that is made with the attribute `gen_ai.operation.name` is one event;
//! which crate made it does not matter. What happens within a span, also what `#[audit]` and the adapters
//! record, is its child.
//!
//! ```
//! use llm_audit_clients::tracing::SpanLayer;
//! use llm_audit_core::Audit;
//! use tracing_subscriber::layer::{Layered, SubscriberExt};
//! use tracing_subscriber::Registry;
//!
//! fn subscriber(audit: &Audit) -> Layered<SpanLayer, Registry> {
//!     Registry::default().with(SpanLayer::new(audit)) // and `tracing::subscriber::set_global_default`
//! }
//! # let sink = llm_audit_core::testing::MemorySink::new();
//! # let policy = llm_audit_core::Policy::preset(llm_audit_core::Preset::Operations)?;
//! # let audit = llm_audit_core::builder().policy(policy).sink(sink).spawn()?;
//! # drop(subscriber(&audit));
//! # Ok::<(), llm_audit_core::Error>(())
//! ```
//!
//! # What is read
//!
//! Operation, provider, models, the answer's identifier, finish reasons, tokens, temperature, `top_p` and `max_tokens`, conversation,
//! agent, workflow, tool, server, `error.type`, each as far as the policy says. Content is not: messages in spans are
//! texts of unknown shape, and most crates write none. Where a name is expected a sentence is left out, as others write into spans what they
//! like; an `error.type` that is no word is recorded as `_OTHER`. Tokens are those of calls of models: of an agent they are said again.
//!
//! # One call is one event
//!
//! A call that an adapter of the same log sees on the wire is recorded there, with its content and its tokens, and the
//! spans around it add nothing. It is told apart by the context: while the span is entered, a call of a model on
//! the wire is it, for embeddings of a span of embeddings, else of any other, unless it is that of a tool or an agent within. Of spans within each
//! other it is the inmost; an interaction within that says what tokens it took is it too. A call of another request model, as far as both are
//! known, is another call.
//!
//! Each log has a layer of its own. What happens within a span of an agent or a tool has as its parent the event of the layer that was added last.
//!
//! # How a call ends
//!
//! As an `error` where the span has `error.type` or `otel.status_code = "ERROR"`. A span of a model's call that says nothing of an
//! answer is `abandoned`: rig's, for one, does not tell a refused connection from a reader who stopped.

mod attribute;
mod call;
mod entered;

use std::fmt;

use llm_audit_core::{Audit, Context};
use tracing_core::Subscriber;
use tracing_core::span::{Attributes, Id, Record};
use tracing_subscriber::Layer;
use tracing_subscriber::layer;
use tracing_subscriber::registry::LookupSpan;

use attribute::{OfOperation, Said};
use call::SpanCalls;

/// The attribute that every span of the conventions has.
const OPERATION: &str = "gen_ai.operation.name";

/// A layer that records the `gen_ai.*` spans of other crates.
///
/// # Examples
///
/// ```
/// use llm_audit_clients::tracing::SpanLayer;
///
/// # let sink = llm_audit_core::testing::MemorySink::new();
/// # let policy = llm_audit_core::Policy::preset(llm_audit_core::Preset::Operations)?;
/// # let audit = llm_audit_core::builder().policy(policy).sink(sink).spawn()?;
/// let layer = SpanLayer::new(&audit);
/// assert!(format!("{layer:?}").starts_with("SpanLayer"));
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone)]
pub struct SpanLayer {
    audit: Audit,
}

impl SpanLayer {
    /// Returns a layer that records in `audit`.
    pub fn new(audit: &Audit) -> Self {
        Self {
            audit: audit.clone(),
        }
    }
}

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for SpanLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: layer::Context<'_, S>) {
        if attributes.fields().field(OPERATION).is_none() {
            return;
        }
        let (mut operation, mut said) = (OfOperation::default(), Said::default());
        attributes.record(&mut operation);
        let (Some(span), Some(operation)) = (context.span(id), operation.0) else {
            return;
        };
        attributes.record(&mut said);
        // A parent that was named need not have been entered.
        let current = Context::current();
        let named = attributes.parent().and_then(|parent| {
            let parent = context.span(parent)?;
            let extensions = parent.extensions();
            let calls = extensions.get::<SpanCalls>()?;
            Some(calls.within(&current))
        });
        let around = named.unwrap_or(current);
        // The layer of another log may have been first.
        let known = span.extensions_mut().remove::<SpanCalls>();
        let mut calls = known.unwrap_or_else(|| SpanCalls::new(around.clone()));
        calls.begin(&self.audit, &around, operation, said);
        span.extensions_mut().replace(calls);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: layer::Context<'_, S>) {
        let Some(span) = context.span(id) else {
            return;
        };
        let is_recorded = |calls: &SpanCalls| calls.are_of(&self.audit);
        if !span.extensions().get().is_some_and(is_recorded) {
            return;
        }
        let mut said = Said::default();
        values.record(&mut said);
        if let Some(calls) = span.extensions_mut().get_mut::<SpanCalls>() {
            calls.put(&self.audit, said);
        }
    }

    fn on_enter(&self, id: &Id, context: layer::Context<'_, S>) {
        let within = context.span(id).and_then(|span| {
            let extensions = span.extensions();
            let calls = extensions.get::<SpanCalls>()?;
            calls
                .are_of(&self.audit)
                .then(|| calls.within(&Context::current()))
        });
        if let Some(within) = within {
            entered::enter(id, within);
        }
    }

    fn on_exit(&self, id: &Id, context: layer::Context<'_, S>) {
        let is_recorded = context.span(id).is_none_or(|span| {
            let extensions = span.extensions();
            extensions
                .get::<SpanCalls>()
                .is_none_or(|calls| calls.are_of(&self.audit))
        });
        if is_recorded {
            entered::exit(id);
        }
    }

    fn on_close(&self, id: Id, context: layer::Context<'_, S>) {
        let Some(span) = context.span(&id) else {
            return;
        };
        let calls = span.extensions_mut().remove::<SpanCalls>();
        if let Some(mut calls) = calls {
            calls.close(&self.audit);
            span.extensions_mut().replace(calls);
        }
    }
}

impl fmt::Debug for SpanLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanLayer").finish_non_exhaustive()
    }
}
