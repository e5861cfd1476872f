//! Why a request is not answered as it was asked for.

use std::borrow::Cow;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use reqwest::Body;

/// A status, and what is wrong and what helps. Nothing of a body is in it.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    reason: Cow<'static, str>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            reason: reason.into(),
        }
    }

    pub(super) fn bad(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }
}

impl From<Refusal> for Response<Body> {
    fn from(refusal: Refusal) -> Self {
        let mut response = Self::new(Body::from(format!(
            "llm-audit gateway: {}\n",
            refusal.reason
        )));
        *response.status_mut() = refusal.status;
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, plain);
        response
    }
}
