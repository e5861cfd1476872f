//! A service whose requests have a context each.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use llm_audit_core::__private::is_capturing;
use llm_audit_core::{Context, EventId, FirstEvent, InContext, Scoped};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{ServerLayer, least};

/// A service that answers each request within its context; made by [`ServerLayer`]. Its [`Answering`] are
/// futures of answers with a [`ScopedBody`].
///
/// # Examples
///
/// ```
/// use llm_audit_clients::server::{Answering, AuditService, ScopedBody, ServerLayer};
/// use tower_layer::Layer;
///
/// fn audited<S>(service: S) -> AuditService<S> {
///     ServerLayer::new().layer(service)
/// }
/// # let _: Option<(Answering<()>, ScopedBody<()>)> = None;
/// # assert!(format!("{:?}", audited("a service")).starts_with("AuditService"));
/// ```
#[derive(Clone, Debug)]
pub struct AuditService<S> {
    inner: S,
    layer: ServerLayer,
}

impl<S> AuditService<S> {
    pub(super) const fn new(inner: S, layer: ServerLayer) -> Self {
        Self { inner, layer }
    }
}

impl<S, B, R> Service<Request<B>> for AuditService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<ScopedBody<R>>;
    type Error = S::Error;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, task: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let context = match is_capturing() {
            true => self.layer.context(&parts),
            false if self.layer.fail_closed => {
                return Answering::refused(StatusCode::SERVICE_UNAVAILABLE);
            }
            // A log may begin to capture before the answer has ended.
            false => Ok(least(&Context::current())),
        };
        let context = match context {
            Err(_) if self.layer.fail_closed => {
                return Answering::refused(StatusCode::INTERNAL_SERVER_ERROR);
            }
            Ok(context) | Err(context) => context,
        };
        let first = FirstEvent::new();
        let context = context.noting(&first);
        parts.extensions.insert(context.clone());
        let request = Request::from_parts(parts, body);
        let answer = context.enter(|| self.inner.call(request));
        Answering {
            answer: Some(answer.in_context(&context)),
            request: Some(Asked {
                context,
                first,
                header: self.layer.event_id_header.clone(),
            }),
            refused: StatusCode::OK,
        }
    }
}

/// A request that is being answered.
struct Asked {
    context: Context,
    first: FirstEvent,
    header: Option<HeaderName>,
}

impl Asked {
    /// Names the event in the head of the answer; an identifier that the service passes on from elsewhere
    /// is none of ours.
    fn tell<R>(&self, response: &mut Response<R>) {
        if let Some(header) = &self.header {
            response.headers_mut().remove(header);
        }
        let Some(event_id) = self.first.event_id() else {
            response.extensions_mut().remove::<EventId>();
            return;
        };
        response.extensions_mut().insert(event_id);
        if let Some(header) = &self.header
            && let Ok(value) = HeaderValue::from_str(&event_id.to_string())
        {
            response.headers_mut().insert(header.clone(), value);
        }
    }
}

pin_project! {
    /// The future of an answer.
    pub struct Answering<F> {
        // `None` where the service does not see the request.
        #[pin]
        answer: Option<Scoped<F>>,
        // `None` where the service does not see the request.
        request: Option<Asked>,
        refused: StatusCode,
    }
}

impl<F> Answering<F> {
    const fn refused(status: StatusCode) -> Self {
        Self {
            answer: None,
            request: None,
            refused: status,
        }
    }
}

impl<F, R, E> Future for Answering<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<ScopedBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(answer) = this.answer.as_pin_mut() else {
            let mut response = Response::new(ScopedBody {
                inner: None,
                context: None,
            });
            *response.status_mut() = *this.refused;
            return Poll::Ready(Ok(response));
        };
        let Poll::Ready(answered) = answer.poll(task) else {
            return Poll::Pending;
        };
        let request = this.request.take();
        Poll::Ready(answered.map(|mut response| {
            if let Some(request) = &request {
                request.tell(&mut response);
            }
            let context = request.map(|request| request.context);
            response.map(|inner| ScopedBody {
                inner: Some(inner),
                context,
            })
        }))
    }
}

pin_project! {
    /// The body of an answer, read and dropped within the context of its request.
    pub struct ScopedBody<B> {
        // `None` while this is dropped, and where the service did not see the request.
        #[pin]
        inner: Option<B>,
        context: Option<Context>,
    }

    impl<B> PinnedDrop for ScopedBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(context) = this.context.take() {
                context.enter(|| this.inner.set(None));
            }
        }
    }
}

impl<B: Body> Body for ScopedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else {
            return Poll::Ready(None);
        };
        match this.context {
            Some(context) => context.enter(|| inner.poll_frame(task)),
            None => inner.poll_frame(task),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<F> fmt::Debug for Answering<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answering").finish_non_exhaustive()
    }
}

impl<B> fmt::Debug for ScopedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedBody").finish_non_exhaustive()
    }
}
