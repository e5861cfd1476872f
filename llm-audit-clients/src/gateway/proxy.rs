//! One request through the gateway.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use llm_audit_core::EventId;
use reqwest::{Body, Client, Url};

use super::identity::{self, PREFIX};
use super::late;
use super::refusal::Refusal;
use crate::{Capture, reqwest_0_13};

/// Bytes of a request's body: more than providers take.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// Where what is said of events later goes.
const LATE: &str = "/audit/v1/";

/// Headers of one connection, which end there.
const OF_CONNECTION: [HeaderName; 7] = [
    CONNECTION,
    CONTENT_LENGTH,
    HOST,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

pub(super) struct Proxy {
    pub(super) capture: Capture,
    pub(super) client: Client,
    pub(super) upstream: Url,
}

impl Proxy {
    pub(super) async fn handle(&self, request: Request<Incoming>) -> Response<Body> {
        let answer = self.answer(request).await;
        answer.unwrap_or_else(Response::from)
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
        let (parts, body) = request.into_parts();
        if !is_local(&parts.headers) {
            let reason =
                "the header host is not this machine's: use localhost or a loopback address";
            return Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, reason));
        }
        let context = identity::context(&parts.headers)?;
        let body = Limited::new(body, MAX_BODY_BYTES).collect().await;
        let body = body.map_err(|error| unread(&*error))?.to_bytes();
        if let Some(path) = parts.uri.path().strip_prefix(LATE) {
            // A page of another site can post a form, and nothing else, without being asked.
            let is_json = |kind: &HeaderValue| kind.as_bytes().starts_with(b"application/json");
            if parts.method != http::Method::POST
                || !parts.headers.get("content-type").is_some_and(is_json)
            {
                let reason = "what is said of an event is a POST of content-type application/json";
                return Err(Refusal::bad(reason));
            }
            context.enter(|| late::record(self.capture.audit(), path, &body))?;
            return Ok(empty(StatusCode::ACCEPTED));
        }
        let request = self.request(&parts, body)?;
        let begun = context.enter(|| reqwest_0_13::begin(&self.capture, &request));
        let exchange = begun.await.map_err(|_| {
            let reason = "the call cannot be recorded durably, and was not sent";
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason)
        })?;
        match self.client.execute(request).await {
            Ok(response) => Ok(passed_on(reqwest_0_13::respond(exchange, response))),
            Err(error) => {
                reqwest_0_13::fail(exchange, &error);
                let reason = "the provider cannot be reached; its event says how that failed";
                Err(Refusal::new(StatusCode::BAD_GATEWAY, reason))
            }
        }
    }

    fn request(
        &self,
        parts: &http::request::Parts,
        body: Bytes,
    ) -> Result<reqwest::Request, Refusal> {
        let mut url = self.upstream.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{}", parts.uri.path()));
        url.set_query(parts.uri.query());
        let mut request = reqwest::Request::new(parts.method.clone(), url);
        *request.headers_mut() = sent_on(&parts.headers);
        if !body.is_empty() {
            *request.body_mut() = Some(Body::from(body));
        }
        Ok(request)
    }
}

/// Returns whether a request is meant for this machine: not for a site whose name was made to lead here.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST) else {
        return true;
    };
    let authority = host
        .to_str()
        .ok()
        .and_then(|host| host.parse::<Authority>().ok());
    authority.is_some_and(|authority| {
        let host = authority.host().trim_matches(['[', ']']);
        host == "localhost"
            || host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    })
}

/// Returns why the body of a request is not there.
fn unread(error: &(dyn Error + Send + Sync + 'static)) -> Refusal {
    if error.is::<LengthLimitError>() {
        let reason = "the body is longer than 64 MiB";
        return Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, reason);
    }
    Refusal::bad("the body ended before its end")
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = status;
    response
}

/// Returns the headers of a request that are for the provider.
fn sent_on(headers: &HeaderMap) -> HeaderMap {
    let is_sent_on = |name: &HeaderName| {
        !name.as_str().starts_with(PREFIX)
            && !OF_CONNECTION.contains(name)
            && name != ACCEPT_ENCODING
    };
    let pairs = headers.iter().filter(|(name, _)| is_sent_on(name));
    pairs
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Returns an answer as the client gets it.
fn passed_on(response: reqwest::Response) -> Response<Body> {
    let event_id = response.extensions().get::<EventId>().copied();
    let mut response = Response::<Body>::from(response);
    let length = response.headers().get(CONTENT_LENGTH).cloned();
    for name in &OF_CONNECTION {
        response.headers_mut().remove(name);
    }
    if let Some(length) = length {
        response.headers_mut().insert(CONTENT_LENGTH, length);
    }
    let event_id = event_id.and_then(|id| HeaderValue::from_str(&id.to_string()).ok());
    if let Some(event_id) = event_id {
        response.headers_mut().insert("x-audit-event-id", event_id);
    }
    response
}

/// Shows where it goes, without credentials.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("capture", &self.capture)
            .field("host", &self.upstream.host_str())
            .finish_non_exhaustive()
    }
}
