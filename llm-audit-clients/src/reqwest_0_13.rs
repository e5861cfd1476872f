//! What adapters of clients on reqwest 0.13 have in common.

use std::error::Error as _;
use std::fmt;

use llm_audit_core::Error;
use llm_audit_core::protocol::{Exchange, Failure, Request};
use reqwest::ResponseBuilderExt;

use crate::Capture;
use crate::body::{CapturedBody, headers};

/// Words of errors of TLS libraries, which have no type of their own in reqwest's.
const TLS_WORDS: [&str; 4] = ["certificate", "tls", "handshake", "ssl"];

/// Begins to record the call that `request` is.
pub(crate) fn begin(
    capture: &Capture,
    request: &reqwest::Request,
) -> impl Future<Output = Result<Option<Exchange>, Error>> + Send + use<> {
    let url = request.url();
    let headers = headers(request.headers());
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let mut told = Request::new(request.method().as_str(), &path).headers(&headers);
    if let Some(host) = url.host_str() {
        told = told.host(host, url.port_or_known_default());
    }
    if let Some(body) = request.body().and_then(reqwest::Body::as_bytes) {
        told = told.body(body);
    }
    capture.begin(&told)
}

/// Returns `response` with a body that is recorded as it is read, and with the event's identifier.
pub(crate) fn respond(
    exchange: Option<Exchange>,
    response: reqwest::Response,
) -> reqwest::Response {
    let Some(mut exchange) = exchange else {
        return response;
    };
    exchange.response(response.status().as_u16(), &headers(response.headers()));
    let event_id = exchange.event_id();
    // On the way through the crate `http` the URL is lost, unless it is among the extensions.
    let url = http::Response::builder()
        .url(response.url().clone())
        .body(());
    let mut response = http::Response::<reqwest::Body>::from(response);
    if let Ok(url) = url {
        response
            .extensions_mut()
            .extend(url.into_parts().0.extensions);
    }
    if let Some(event_id) = event_id {
        response.extensions_mut().insert(event_id);
    }
    let body = |body| reqwest::Body::wrap(CapturedBody::new(body, Some(exchange)));
    response.map(body).into()
}

/// Says that the call failed.
pub(crate) fn fail(exchange: Option<Exchange>, error: &reqwest::Error) {
    if let Some(mut exchange) = exchange {
        let causes = Causes(error).to_string();
        let lower = causes.to_ascii_lowercase();
        let failure = match () {
            () if error.is_timeout() => Failure::Timeout,
            () if error.is_connect() && TLS_WORDS.iter().any(|word| lower.contains(word)) => {
                Failure::Tls
            }
            () if error.is_connect() => Failure::Connect,
            () => Failure::Transport,
        };
        exchange.fail(failure, &causes);
    }
}

/// What lies behind an error: its own text has the URL, which may have a key in it.
struct Causes<'a>(&'a reqwest::Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut source = self.0.source();
        let mut separator = "";
        while let Some(error) = source {
            write!(f, "{separator}{error}")?;
            separator = ": ";
            source = error.source();
        }
        Ok(())
    }
}
