//! One request and its answer.
//!
//! There is one try for each call: to try again, and when, is the log's business.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use llm_audit_core::{Clock, Error, SinkError, Timestamp};
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue,
    RETRY_AFTER,
};
use reqwest::{Client, ClientBuilder, Response, Url, redirect, retry};

use super::address;
use super::answer::Answer;
use super::compression::Compression;
use super::endpoint::{Endpoint, Proxy};
use super::failure;
use super::outcome::Outcome;
use super::retry_after;
use super::signature::Signer;
use super::tls::{self, Trust};

/// So much of an answer is read: some hundred bytes for each event of a batch.
pub(super) const MAX_ANSWER_BYTES: usize = 1 << 20;
/// Shorter than servers and what is between keep an idle connection.
const IDLE_CONNECTION: Duration = Duration::from_secs(20);

/// What says of the same request that it comes again.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Headers that are not the user's to set, beside those above.
const RESERVED: &[&str] = &[
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Sends bodies to one endpoint.
pub(crate) struct Transport {
    client: Client,
    url: Url,
    origin: String,
    headers: HeaderMap,
    signer: Option<Signer>,
    compression: Compression,
    outcomes: BTreeMap<u16, Outcome>,
    clock: Arc<dyn Clock>,
}

impl Transport {
    /// Opens no connection yet, and needs no runtime.
    ///
    /// # Errors
    ///
    /// When the endpoint cannot be used as it is.
    pub(crate) fn new(endpoint: &Endpoint, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let url = address::parse(endpoint.url.reveal(), endpoint.plaintext)?;
        for (status, outcome) in &endpoint.outcomes {
            if *outcome == Outcome::Delivered && !(200..300).contains(status) {
                let message = format!("a status of {status} cannot mean that events are delivered");
                return Err(Error::configuration(message));
            }
        }
        let signer = endpoint.signing_key.as_deref().map(Signer::new);
        Ok(Self {
            client: client(endpoint, &url)?,
            origin: url.origin().ascii_serialization(),
            headers: headers(endpoint)?,
            url,
            signer: signer.transpose()?,
            compression: endpoint.compression,
            outcomes: endpoint.outcomes.clone(),
            clock,
        })
    }

    /// Sends `body`, which is `key` however often it is sent.
    ///
    /// # Errors
    ///
    /// When there was no answer, or only a part of one.
    pub(crate) async fn post(
        &self,
        content_type: &str,
        key: &str,
        body: Vec<u8>,
    ) -> Result<Answer, SinkError> {
        let unfit = |_| SinkError::misconfigured("a header of the request is no text");
        let failed = |error: reqwest::Error| failure::sink_error(&self.origin, &error);
        let body = self
            .compression
            .apply(body)
            .map_err(|error| SinkError::retry(format!("the body is not compressed: {error}")))?;
        let mut headers = self.headers.clone();
        headers.insert(CONTENT_TYPE, content_type.parse().map_err(unfit)?);
        headers.insert(IDEMPOTENCY_KEY, key.parse().map_err(unfit)?);
        if let Some(signer) = &self.signer {
            let signed = signer.sign(key, self.clock.now(), &body);
            headers.insert(WEBHOOK_ID, key.parse().map_err(unfit)?);
            headers.insert(WEBHOOK_TIMESTAMP, signed.timestamp.parse().map_err(unfit)?);
            headers.insert(WEBHOOK_SIGNATURE, signed.signature.parse().map_err(unfit)?);
        }
        let request = self.client.post(self.url.clone()).headers(headers);
        let response = request.body(body).send().await.map_err(failed)?;
        self.answer(response).await.map_err(failed)
    }

    async fn answer(&self, mut response: Response) -> Result<Answer, reqwest::Error> {
        let status = response.status().as_u16();
        let text = |name: &HeaderName| response.headers().get(name)?.to_str().ok();
        let retry_after = pause_of(response.headers(), self.clock.now());
        let content_type = text(&CONTENT_TYPE).map(str::to_owned);
        let mut body = Vec::new();
        let mut is_whole = true;
        while let Some(chunk) = response.chunk().await? {
            let room = MAX_ANSWER_BYTES - body.len();
            body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            if chunk.len() > room {
                is_whole = false;
                break;
            }
        }
        let outcome = self.outcomes.get(&status).copied();
        Ok(Answer {
            origin: self.origin.clone(),
            status,
            outcome: outcome.unwrap_or_else(|| Outcome::of(status)),
            content_type,
            body,
            is_whole,
            retry_after,
        })
    }
}

/// Returns a client for an object store: what its requests carry is the store's own.
///
/// # Errors
///
/// When the address or a certificate cannot be used, or the endpoint has what would not be sent.
#[cfg(feature = "cloud")]
pub(crate) fn client_of_store(endpoint: &Endpoint) -> Result<Client, Error> {
    let url = address::parse(endpoint.url.reveal(), endpoint.plaintext)?;
    if url.query().is_some() {
        return Err(Error::configuration(
            "the address of a store has a query, which is not sent",
        ));
    }
    if endpoint.authorization.is_some()
        || endpoint.signing_key.is_some()
        || !endpoint.headers.is_empty()
    {
        return Err(Error::configuration(
            "the endpoint of a store has headers or a key, which are not sent",
        ));
    }
    client(endpoint, &url)
}

/// Returns how long an answer asks to be left alone.
pub(crate) fn pause_of(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok();
    retry_after::parse(text(&RETRY_AFTER)?, text(&DATE), now)
}

/// Returns the value of a variable that the caller asked for by name.
#[cfg(feature = "cloud")]
#[expect(
    clippy::disallowed_methods,
    reason = "it holds credentials of a store, and was asked for"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Other crates may switch on any feature of the client's: what it would do then is switched off by
/// name.
fn client(endpoint: &Endpoint, url: &Url) -> Result<Client, Error> {
    let proxy = match &endpoint.proxy {
        Proxy::At(proxy) => Some(proxy.reveal()),
        Proxy::None | Proxy::Environment => None,
    };
    let is_direct = matches!(endpoint.proxy, Proxy::None);
    if url.scheme() == "http" && !is_direct && !endpoint.plaintext {
        return Err(Error::configuration(
            "a proxy would be sent events in the clear: say https, or `danger_plaintext`",
        ));
    }
    let has_tls = url.scheme() == "https" || !is_direct;
    let trust = match &endpoint.ca_pem {
        _ if !has_tls => Trust::Nobody,
        Some(pem) => Trust::Only(pem),
        None => Trust::System,
    };
    let mut builder = ClientBuilder::new()
        .tls_backend_preconfigured(tls::config(&trust, endpoint.identity.as_ref())?)
        .user_agent(concat!("llm-audit/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .no_hickory_dns()
        .http1_only()
        .connect_timeout(endpoint.connect_timeout)
        .timeout(endpoint.request_timeout)
        .pool_idle_timeout(IDLE_CONNECTION)
        .pool_max_idle_per_host(1);
    if url.host_str() == Some("localhost") && url.scheme() == "http" && !endpoint.plaintext {
        builder = builder.resolve_to_addrs("localhost", &address::LOOPBACK);
    }
    if !matches!(endpoint.proxy, Proxy::Environment) {
        builder = builder.no_proxy();
    }
    if let Some(proxy) = proxy {
        // What the parser says could quote the proxy's password.
        let proxy = reqwest::Proxy::all(proxy)
            .map_err(|_| Error::configuration("the address of the proxy is none"))?;
        builder = builder.proxy(proxy);
    }
    builder
        .build()
        .map_err(|_| Error::configuration("the client of HTTP cannot be made of these settings"))
}

fn headers(endpoint: &Endpoint) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    let mut insert = |name: HeaderName, value: &str| {
        let mut value = HeaderValue::from_str(value).map_err(|_| {
            Error::configuration(format!("the value of header `{name}` cannot be sent"))
        })?;
        value.set_sensitive(true);
        headers.append(name, value);
        Ok(())
    };
    for (name, value) in &endpoint.headers {
        let parsed = HeaderName::try_from(name.as_str())
            .map_err(|_| Error::configuration("a header has a name that is none"))?;
        let own = [
            IDEMPOTENCY_KEY,
            WEBHOOK_ID,
            WEBHOOK_TIMESTAMP,
            WEBHOOK_SIGNATURE,
        ];
        if own.contains(&parsed) || RESERVED.contains(&parsed.as_str()) {
            let message = format!("header `{parsed}` is the sink's own to send");
            return Err(Error::configuration(message));
        }
        insert(parsed, value.reveal())?;
    }
    if let Some(authorization) = &endpoint.authorization {
        insert(AUTHORIZATION, authorization.reveal())?;
    }
    if let Some(encoding) = endpoint.compression.content_encoding() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Ok(headers)
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("origin", &self.origin)
            .field("compression", &self.compression)
            .field("is_signed", &self.signer.is_some())
            .finish_non_exhaustive()
    }
}
