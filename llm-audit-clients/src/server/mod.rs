//! Who asks: the context of each request that a service answers.
//!
//! [`ServerLayer`] is a layer for axum and any other service of `tower`. A function of the program says of
//! a request who and what it is; whatever is recorded while it is answered has that: calls by `#[audit]`,
//! by an adapter, by hand, also those in the body of an answer that is streamed.
//!
//! ```
//! use http::request::Parts;
//! use llm_audit_clients::server::ServerLayer;
//! use llm_audit_core::Fields;
//!
//! /// What a layer around this one has verified and left behind: never a header as it came, for the tenant
//! /// chooses what is kept.
//! #[derive(Clone)]
//! struct Claims {
//!     tenant: String,
//!     user: String,
//! }
//!
//! fn who(request: &Parts) -> Fields {
//!     let fields = Fields::new().source("support chat").training_allowed(false);
//!     match request.extensions.get::<Claims>() {
//!         Some(claims) => fields.tenant_id(claims.tenant.as_str()).user_id(claims.user.as_str()),
//!         None => fields.tenant_id("unknown"),
//!     }
//! }
//!
//! let layer = ServerLayer::new().identify(who).event_id_header("x-audit-event-id".parse()?);
//! // Router::new().route("/chat", post(chat)).layer(layer)
//! # drop(layer);
//! # Ok::<(), http::Error>(())
//! ```
//!
//! # What it sets by itself
//!
//! | field | from |
//! |---|---|
//! | `user_agent` | the header of that name |
//! | `endpoint` | with feature `axum`: method and matched route, such as `POST /users/{id}`, never the path itself |
//! | `client_address` | with feature `axum`: the peer, where the server is made with `into_make_service_with_connect_info` |
//! | `trace_id`, `parent_span_id` | the header `traceparent`, unless [`own_traces`](ServerLayer::own_traces) is called |
//!
//! All of it is captured only as the policy says; while no log captures anything nobody is asked who a request
//! is, and what begins to be captured before its answer has ended is neither identity nor content. Tenant and classification choose the policy's layer. Of a proxy's headers nothing is taken: whoever is in
//! front of the service must be known before what he says of others is believed.
//!
//! # When it cannot be said who asks
//!
//! A function that panics has said nothing, so the levels of the request's tenant are not known. The request
//! goes on; what is recorded of it is nothing that can hold identity or content, and whose it is is absent. On
//! stderr stands where the function panicked. With
//! [`fail_closed`](ServerLayer::fail_closed) such a request is answered with 500, and while no log captures anything
//! each with 503: the service does not see them. To let no call of a model leave that is not recorded is for
//! the adapter or the attribute that records it: `Capture::fail_closed`, `#[audit(fail_closed)]`.
//!
//! # What the program learns
//!
//! The answer has an [`EventId`](llm_audit_core::EventId) in its extensions: that of the first interaction
//! that began while the request was answered and that no other one is around. With
//! [`event_id_header`](ServerLayer::event_id_header) the client gets it too, for its feedback. The body may
//! go on longer; an interaction that only begins in it comes too late for the head.

#[cfg(feature = "axum")]
mod json;
mod known;
mod service;

use std::fmt;
use std::sync::Arc;

use http::HeaderName;
use http::request::Parts;
use llm_audit_core::schema::CATALOG;
use llm_audit_core::{Context, Facet, FacetGroup, Fields, Level, contained};

#[cfg(feature = "axum")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
pub use json::Json;
pub use service::{Answering, AuditService, ScopedBody};

type Identify = dyn Fn(&Parts) -> Fields + Send + Sync;
type Within = dyn Fn(&Parts, Context) -> Context + Send + Sync;

/// A layer that puts each request in a context of its own.
///
/// # Examples
///
/// ```
/// use llm_audit_clients::server::ServerLayer;
/// use llm_audit_core::{Facet, Fields, Level};
///
/// // Nobody learns what devices people use.
/// let layer = ServerLayer::new()
///     .identify(|_| Fields::new().source("public site"))
///     .own_traces()
///     .within(|_, context| context.narrow(Facet::Device, Level::Off))
///     .fail_closed();
/// assert!(format!("{layer:?}").contains("fail_closed: true"));
/// ```
#[derive(Clone, Default)]
pub struct ServerLayer {
    identify: Option<Arc<Identify>>,
    within: Option<Arc<Within>>,
    event_id_header: Option<HeaderName>,
    has_own_traces: bool,
    fail_closed: bool,
}

impl ServerLayer {
    /// Returns a layer that knows of a request what any service does.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has `identify` say who and what a request is: user, groups, project, session, tenant, source, device,
    /// classification, consent. What it sets wins over what the layer sets by itself.
    #[must_use]
    pub fn identify(mut self, identify: impl Fn(&Parts) -> Fields + Send + Sync + 'static) -> Self {
        self.identify = Some(Arc::new(identify));
        self
    }

    /// Has `within` change the context of a request: narrow a facet, hide a name.
    #[must_use]
    pub fn within(
        mut self,
        within: impl Fn(&Parts, Context) -> Context + Send + Sync + 'static,
    ) -> Self {
        self.within = Some(Arc::new(within));
        self
    }

    /// Has each answer name its event in the header `name`; none does unless this is called.
    #[must_use]
    pub fn event_id_header(mut self, name: HeaderName) -> Self {
        self.event_id_header = Some(name);
        self
    }

    /// Takes no trace from a request: for a service that anybody may call, and for one whose own tracer has
    /// begun a span for it, which is then the parent where
    /// [`AuditBuilder::parent_from`](llm_audit_core::AuditBuilder::parent_from) names it.
    #[must_use]
    pub const fn own_traces(mut self) -> Self {
        self.has_own_traces = true;
        self
    }

    /// Answers a request itself, with a status of 500 and no body, when it cannot be said who asks, and with
    /// 503 while no log captures anything.
    #[must_use]
    pub const fn fail_closed(mut self) -> Self {
        self.fail_closed = true;
        self
    }

    /// Returns the context of the request that `parts` begins, or as an error what is left of it when a
    /// function of the program fails.
    fn context(&self, parts: &Parts) -> Result<Context, Context> {
        let header = |name: &str| match self.has_own_traces {
            true => None,
            false => parts.headers.get(name),
        };
        let known = Context::current()
            .extract(header)
            .with(known::fields(parts));
        let said = contained(|| {
            let mut context = known.clone();
            if let Some(identify) = &self.identify {
                context = context.with(identify(parts));
            }
            match &self.within {
                Some(within) => within(parts, context),
                None => context,
            }
        });
        said.ok_or_else(|| least(&known))
    }
}

/// Returns `context` with what is kept of a request when nobody knows which levels hold for it.
fn least(context: &Context) -> Context {
    let facets = Facet::ALL.iter().filter(|facet| may_tell(**facet));
    facets.fold(context.clone(), |context, facet| {
        context.narrow(*facet, Level::Off)
    })
}

/// Whether a facet can hold identity or content: also where it has parts of messages and no field of its own,
/// and verdicts of guardrails quote.
fn may_tell(facet: Facet) -> bool {
    let groups = [FacetGroup::Identity, FacetGroup::Content];
    let mut fields = CATALOG.iter().filter(|info| info.facet == Some(facet));
    groups.contains(&facet.group())
        || facet == Facet::Guardrails
        || fields.any(|info| info.sensitive)
}

impl<S> tower_layer::Layer<S> for ServerLayer {
    type Service = AuditService<S>;

    fn layer(&self, inner: S) -> AuditService<S> {
        AuditService::new(inner, self.clone())
    }
}

impl fmt::Debug for ServerLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerLayer")
            .field("identify", &self.identify.is_some())
            .field("within", &self.within.is_some())
            .field("event_id_header", &self.event_id_header)
            .field("has_own_traces", &self.has_own_traces)
            .field("fail_closed", &self.fail_closed)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_request_of_nobody_can_tell_neither_who_nor_what() {
        let kept = Facet::ALL.iter().filter(|facet| !may_tell(**facet));
        let kept: Vec<_> = kept.map(|facet| facet.name()).collect();
        let expected = [
            "model",
            "request_config",
            "tools",
            "usage",
            "timing",
            "routing",
            "resources",
            "metrics",
            "classification",
            "detections",
            "training",
        ];
        assert_eq!(kept, expected);
    }
}
