//! A service for async-openai 0.43: `Client::new().with_http_service(openai(&capture, http_client))`.
//!
//! A client that is given a service loses its own retries. This one has them again, inside: a call is one
//! event however often it was tried, and `attempt` and `retries` say how often.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use async_openai::error::OpenAIError;
use async_openai::middleware::retry::{OpenAIRetry, OpenAIRetryLayer};
use async_openai::middleware::{HttpRequestFactory, ReqwestService};
use tower_layer::Layer;
use tower_service::Service;

use crate::{Capture, reqwest_0_13};

/// A service that records the calls that `inner` makes.
#[derive(Clone)]
pub struct OpenAiService<S> {
    capture: Capture,
    inner: S,
}

/// Returns a service that sends with `client`, tries again as async-openai does, and records.
///
/// # Examples
///
/// ```
/// use async_openai::Client;
/// use llm_audit_clients::Capture;
/// use llm_audit_clients::async_openai_0_43::openai;
/// use llm_audit_core::Audit;
///
/// fn client(audit: &Audit, http: reqwest::Client) -> Client<async_openai::config::OpenAIConfig> {
///     Client::new().with_http_service(openai(&Capture::new(audit), http))
/// }
/// # let _: fn(&Audit, reqwest::Client) -> _ = client;
/// # assert!(true);
/// ```
pub fn openai(
    capture: &Capture,
    client: reqwest::Client,
) -> OpenAiService<OpenAIRetry<ReqwestService>> {
    let inner = OpenAIRetryLayer::default().layer(ReqwestService::new(client));
    OpenAiService::new(capture, inner)
}

impl<S> OpenAiService<S> {
    /// Returns a service that records the calls that `inner` makes; retries belong into `inner`.
    pub fn new(capture: &Capture, inner: S) -> Self {
        Self {
            capture: capture.clone(),
            inner,
        }
    }
}

impl<S> Service<HttpRequestFactory> for OpenAiService<S>
where
    S: Service<HttpRequestFactory, Response = reqwest::Response> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<OpenAIError>,
{
    type Response = reqwest::Response;
    type Error = OpenAIError;
    type Future = Pin<Box<dyn Future<Output = Result<reqwest::Response, OpenAIError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, factory: HttpRequestFactory) -> Self::Future {
        // The one that is ready is used, and a fresh one is left.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let capture = self.capture.clone();
        Box::pin(async move {
            let request = factory.build().await?;
            let begun = reqwest_0_13::begin(&capture, &request).await;
            let mut exchange = begun.map_err(|error| OpenAIError::Boxed(Box::new(error)))?;
            let tries = Arc::new(AtomicU32::new(0));
            let sent = inner.call(counted(factory, request, &tries));
            let sent = match &exchange {
                Some(exchange) => exchange.context().scope(sent).await,
                None => sent.await,
            };
            if let Some(exchange) = &mut exchange {
                for _ in 1..tries.load(Ordering::Relaxed) {
                    exchange.retry();
                }
            }
            match sent.map_err(Into::into) {
                Ok(response) => Ok(reqwest_0_13::respond(exchange, response)),
                Err(error) => {
                    match (&error, exchange) {
                        (OpenAIError::Reqwest(error), exchange) => {
                            reqwest_0_13::fail(exchange, error)
                        }
                        (_, Some(mut exchange)) => {
                            let failure = llm_audit_core::protocol::Failure::Transport;
                            exchange.fail(failure, &"the client failed");
                        }
                        (_, None) => {}
                    }
                    Err(error)
                }
            }
        })
    }
}

/// Returns a factory that gives `first`, then what `factory` builds, and counts them.
fn counted(
    factory: HttpRequestFactory,
    first: reqwest::Request,
    tries: &Arc<AtomicU32>,
) -> HttpRequestFactory {
    let tries = Arc::clone(tries);
    let first = Arc::new(Mutex::new(Some(first)));
    HttpRequestFactory::new(move || {
        tries.fetch_add(1, Ordering::Relaxed);
        let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let factory = factory.clone();
        async move {
            match first {
                Some(request) => Ok(request),
                None => factory.build().await,
            }
        }
    })
}

impl<S> fmt::Debug for OpenAiService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiService")
            .field("capture", &self.capture)
            .finish_non_exhaustive()
    }
}
