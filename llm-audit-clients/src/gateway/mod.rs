//! A reverse proxy on loopback that records the calls of models that go through it: a client in any language
//! is audited when its base URL is that of the gateway.
//!
//! Answers are passed on piece by piece as they come. Headers that begin with `x-audit-` are for the gateway
//! and are not sent on:
//!
//! | header of a request | is |
//! |---|---|
//! | `x-audit-user`, `x-audit-session`, `x-audit-conversation`, `x-audit-project`, `x-audit-groups`, `x-audit-tags` | the fields of these names; lists have commas |
//! | `x-audit-narrow` | levels that this call captures at most: `prompt=digest, response=off` |
//! | `traceparent` | the span within which the call happens; it is sent on |
//!
//! None of them widens what is captured. There is none for the tenant and the classification, by which a
//! policy chooses its layers: start a gateway for each. An answer has the event's identifier in
//! `x-audit-event-id`. What is said of it later is posted as JSON:
//!
//! | path | members |
//! |---|---|
//! | `/audit/v1/events/{id}/feedback` | `thumb`, `rating`, `comment`, `accepted`, `edited`, `copied`, `regenerated` |
//! | `/audit/v1/events/{id}/evaluation` | `name`, `score`, `label`, `passed`, `explanation`, `evaluator` |
//! | `/audit/v1/events/{id}/correction` | `text` |
//! | `/audit/v1/events/{id}/consent` | `training_allowed` |
//!
//! A member of another name or kind is refused with 400, and nothing of that body is recorded. The body of a refusal says what
//! is wrong.
//!
//! Requests are sent on without `accept-encoding`, so that answers can be read. A body of more than 64 MiB is
//! refused with 413, a provider that cannot be reached is 502, and a call that cannot be recorded, where the
//! [`Capture`] fails closed, 503.

mod identity;
mod late;
mod proxy;
mod refusal;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;

use crate::Capture;
use proxy::Proxy;

/// A reverse proxy that records.
///
/// # Examples
///
/// ```no_run
/// use llm_audit_clients::{Capture, gateway::Gateway};
///
/// async fn serve(capture: Capture, client: reqwest::Client) -> std::io::Result<()> {
///     let gateway = Gateway::new(capture, client, "https://api.example.org")?;
///     let listener = std::net::TcpListener::bind("127.0.0.1:8080")?;
///     assert!(listener.local_addr()?.ip().is_loopback());
///     gateway.serve(listener, std::future::pending()).await
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Gateway(Arc<Proxy>);

impl Gateway {
    /// Returns a gateway to `upstream`, which is the base of the URLs that `client` sends to.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `upstream` is no URL of HTTP.
    pub fn new(capture: Capture, client: reqwest::Client, upstream: &str) -> io::Result<Self> {
        let invalid = || {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                "the upstream is no URL of HTTP",
            )
        };
        let upstream = reqwest::Url::parse(upstream).map_err(|_| invalid())?;
        if !matches!(upstream.scheme(), "http" | "https") {
            return Err(invalid());
        }
        Ok(Self(Arc::new(Proxy {
            capture,
            client,
            upstream,
        })))
    }

    /// Serves connections to `listener` until `end` is ready. Calls that are open then are recorded as
    /// cancelled. It runs on a runtime of tokio.
    ///
    /// # Errors
    ///
    /// `InvalidInput` when `listener` is not on loopback: the gateway asks nobody who they are. Else those of
    /// the socket.
    pub async fn serve(
        &self,
        listener: TcpListener,
        end: impl Future<Output = ()>,
    ) -> io::Result<()> {
        if !listener.local_addr()?.ip().is_loopback() {
            let error = "the gateway asks nobody who they are, so it listens on loopback only";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
        }
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let mut connections = JoinSet::new();
        let mut end = std::pin::pin!(end);
        loop {
            let accepted = std::future::poll_fn(|context| {
                if end.as_mut().poll(context).is_ready() {
                    return std::task::Poll::Ready(None);
                }
                listener.poll_accept(context).map(Some)
            });
            match accepted.await {
                None => {
                    // Their calls are in the log before this returns.
                    connections.shutdown().await;
                    return Ok(());
                }
                // A client that has gone before it was accepted, or no descriptors: others still come.
                Some(Err(_)) => tokio::task::yield_now().await,
                Some(Ok((stream, _))) => {
                    let proxy = Arc::clone(&self.0);
                    stream.set_nodelay(true).ok();
                    connections.spawn(async move {
                        let service = service_fn(move |request| {
                            let proxy = Arc::clone(&proxy);
                            async move { Ok::<_, std::convert::Infallible>(proxy.handle(request).await) }
                        });
                        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                        // A connection that breaks off has dropped its call, which is recorded.
                        connection.await.ok();
                    });
                    while connections.try_join_next().is_some() {}
                }
            }
        }
    }
}
