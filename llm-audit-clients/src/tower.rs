//! A layer for tower services that send requests of the crate `http`.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use llm_audit_core::protocol::{Exchange, Failure, Request};
use tower_layer::Layer;
use tower_service::Service;

use crate::Capture;
pub use crate::body::CapturedBody;
use crate::body::headers;

/// Bytes of a request that is read before it is sent; a larger one is recorded by its path.
const MAX_REQUEST_BYTES: u64 = 8 * 1024 * 1024;

/// What goes wrong: the service's own error, or that a call could not be recorded.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A service that records the calls of models that `S` sends; its answers have a [`CapturedBody`].
///
/// # Examples
///
/// ```
/// use llm_audit_clients::Capture;
/// use llm_audit_clients::tower::{Captured, CapturedBody};
/// use llm_audit_core::{Policy, Preset};
/// use tower_layer::Layer;
///
/// fn client<S>(capture: &Capture, service: S) -> Captured<S> {
///     capture.layer(service)
/// }
/// # let sink = llm_audit_core::testing::MemorySink::new();
/// # let audit = llm_audit_core::builder().policy(Policy::preset(Preset::Operations)?).sink(sink).spawn()?;
/// # let service = client(&Capture::new(&audit), "a service");
/// # let _: Option<CapturedBody<()>> = None;
/// # assert!(format!("{service:?}").starts_with("Captured"));
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Captured<S> {
    capture: Capture,
    inner: S,
}

/// Records calls of models: `ServiceBuilder::new().layer(capture).service(client)`. Outside a layer that
/// tries again, a call is one event; inside, each try is.
impl<S> Layer<S> for Capture {
    type Service = Captured<S>;

    fn layer(&self, inner: S) -> Captured<S> {
        Captured {
            capture: self.clone(),
            inner,
        }
    }
}

impl<S, B, R> Service<http::Request<B>> for Captured<S>
where
    S: Service<http::Request<B>, Response = http::Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + From<Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    R: Body<Data = Bytes>,
{
    type Response = http::Response<CapturedBody<R>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        // The one that is ready is used, and a fresh one is left.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let capture = self.capture.clone();
        Box::pin(async move {
            let (request, exchange) = begin(&capture, request).await?;
            let sent = inner.call(request);
            let sent = match &exchange {
                Some(exchange) => exchange.context().scope(sent).await,
                None => sent.await,
            };
            match (sent, exchange) {
                (Ok(response), None) => Ok(response.map(|body| CapturedBody::new(body, None))),
                (Ok(mut response), Some(mut exchange)) => {
                    exchange.response(response.status().as_u16(), &headers(response.headers()));
                    if let Some(event_id) = exchange.event_id() {
                        response.extensions_mut().insert(event_id);
                    }
                    Ok(response.map(|body| CapturedBody::new(body, Some(exchange))))
                }
                (Err(error), exchange) => {
                    let error = error.into();
                    if let Some(mut exchange) = exchange {
                        exchange.fail(Failure::Transport, &error);
                    }
                    Err(error)
                }
            }
        })
    }
}

/// Begins to record the call that `request` is, and returns it as it was.
async fn begin<B>(
    capture: &Capture,
    request: http::Request<B>,
) -> Result<(http::Request<B>, Option<Exchange>), BoxError>
where
    B: Body<Data = Bytes> + From<Bytes> + Send,
    B::Error: Into<BoxError>,
{
    let (parts, body) = request.into_parts();
    let is_small = body
        .size_hint()
        .upper()
        .is_some_and(|upper| upper <= MAX_REQUEST_BYTES);
    let (body, bytes) = if is_small {
        let bytes = body.collect().await.map_err(Into::into)?.to_bytes();
        (B::from(bytes.clone()), Some(bytes))
    } else {
        (body, None)
    };
    let path = parts
        .uri
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str);
    let begun = {
        let headers = headers(&parts.headers);
        let mut told = Request::new(parts.method.as_str(), path).headers(&headers);
        if let Some(host) = parts.uri.host() {
            told = told.host(host, parts.uri.port_u16());
        }
        if let Some(bytes) = &bytes {
            told = told.body(bytes);
        }
        capture.begin(&told)
    };
    let exchange = begun.await?;
    Ok((http::Request::from_parts(parts, body), exchange))
}

impl<S> fmt::Debug for Captured<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Captured")
            .field("capture", &self.capture)
            .finish_non_exhaustive()
    }
}
