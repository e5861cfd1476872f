//! A request, as whoever sends it has it.

use std::fmt;

use super::headers::Headers;

/// A request before it is sent: what of it is at hand, borrowed.
///
/// # Examples
///
/// ```
/// use llm_audit_core::protocol::Request;
///
/// let headers = [("content-type", &b"application/json"[..])];
/// let request = Request::new("POST", "/v1/chat/completions")
///     .host("api.example.org", Some(443))
///     .headers(&headers)
///     .body(br#"{"model":"small","messages":[]}"#);
/// assert_eq!(format!("{request:?}"), "Request(POST, 31 bytes)");
/// ```
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) host: Option<&'a str>,
    pub(super) port: Option<u16>,
    pub(super) headers: &'a Headers<'a>,
    pub(super) body: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    /// Returns a request of `method` to `path`, which may have a query.
    pub fn new(method: &'a str, path: &'a str) -> Self {
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path, None),
        };
        Self {
            method,
            path,
            query,
            host: None,
            port: None,
            headers: &[],
            body: None,
        }
    }

    /// Sets the host and the port that the request goes to.
    #[must_use]
    pub const fn host(mut self, host: &'a str, port: Option<u16>) -> Self {
        self.host = Some(host);
        self.port = port;
        self
    }

    /// Sets the headers; of credentials only the kind is read.
    #[must_use]
    pub const fn headers(mut self, headers: &'a [(&'a str, &'a [u8])]) -> Self {
        self.headers = headers;
        self
    }

    /// Sets the body, where it is in memory.
    #[must_use]
    pub const fn body(mut self, body: &'a [u8]) -> Self {
        self.body = Some(body);
        self
    }
}

/// Shows the method and the size.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.body.map_or(0, <[u8]>::len);
        write!(f, "Request({}, {bytes} bytes)", self.method)
    }
}
