//! Calls of models on the wire: what a request asks and what an answer says, read from the bytes as they
//! come.
//!
//! Adapters of HTTP clients use this; so may whoever has a client that none is for. [`Wire::begin`] is
//! given the request before it leaves and knows by its path and by the members of its body whether a model
//! is called, and in which protocol: OpenAI's chat completions, completions and responses, Anthropic's
//! messages, Gemini, Ollama, Amazon Bedrock, embeddings. The host is only a hint of who the provider is, so
//! that compatible servers and gateways are read like the originals. What is no call of a model is
//! let by and not recorded. The [`Exchange`] is then told of the answer.
//!
//! # What is read
//!
//! Of a facet that is off nothing is decoded and nothing kept. A request is never changed. The body of an
//! answer may come in pieces of any size, as one document, server-sent events, lines of JSON, a JSON array or
//! AWS event stream. A text beyond the most that one event takes is cut, and what follows it, such as the
//! tokens, is read all the same; so it is with a request of more than 8 MiB. What has an unknown shape leaves
//! its metadata, and an answer with a `content-encoding` its head. Images, audio and files become a type, a
//! size and a digest, also within what tools give. Of a credential only its kind is read.
//!
//! # How a call ends
//!
//! | what happens | `status` |
//! |---|---|
//! | the protocol says that the answer is complete, or why each choice ends, however the body ends | `ok` |
//! | the body ends before | `partial` |
//! | a status from 400 on, or an error within a stream | `error`, with the provider's class |
//! | the connection fails | `error`, or `timeout` |
//! | it is dropped | `cancelled` |

pub(crate) mod answer;
mod anthropic;
mod bedrock;
mod chat;
mod connection;
mod document;
mod embeddings;
mod event_stream;
mod exchange;
mod finish;
mod framing;
mod gemini;
mod headers;
mod hosts;
mod json;
pub(crate) mod memory;
mod ollama;
mod parts;
mod request;
mod responses;
mod results;
pub(crate) mod said;
mod table;
#[cfg(test)]
mod tests;
mod tokens;
mod turn;

use std::borrow::Cow;
use std::fmt;
use std::future::Future;

use connection::{Connection, Known};
use document::Document;
pub use exchange::Exchange;
use json::Json;
pub use request::Request;
use table::Protocol;

use crate::audit::Audit;
use crate::catalog::Field;
use crate::error::Error;
use crate::facet::Facet;
use crate::interaction::Interaction;
use crate::put::PutField;
use crate::sync::Arc;

/// Bytes of a request that is read where it lies; of a larger one the head of each long text is.
const MAX_REQUEST_BYTES: usize = 8 * 1024 * 1024;

/// Bytes of a request to a path of no protocol of which it is looked whether it is a call all the same: the
/// longest conversations have some hundreds of thousands.
const MAX_UNKNOWN_BYTES: usize = 1024 * 1024;

/// Bytes of an answer's content that are kept, unless the program says otherwise: ten times what the longest
/// answers have.
const DEFAULT_MAX_BODY_BYTES: usize = 1024 * 1024;

/// Bytes of a name that a program or a provider gives: the longest of a model is an ARN of about 200.
const MAX_NAME: usize = 256;

/// Bytes of a word of a provider: of an error, of a reason.
const MAX_WORD: usize = 64;

/// Reads calls of models from the wire, and knows which connections have been used. Clones share that.
///
/// # Examples
///
/// ```
/// use llm_audit_core::protocol::{Request, Wire};
/// use llm_audit_core::testing::probe;
/// use llm_audit_core::{Policy, Preset};
///
/// let (audit, probe) = probe(Policy::preset(Preset::Operations)?)?;
/// let wire = Wire::new();
///
/// let request = Request::new("POST", "/v1/chat/completions")
///     .body(br#"{"model":"small","messages":[{"role":"user","content":"Why?"}]}"#);
/// let mut exchange = wire.begin(&audit, &request)?.expect("a chat");
/// exchange.response(200, &[("content-type", b"application/json")]);
/// exchange.chunk(br#"{"model":"small-1","choices":[{"message":{"content":"So."},"finish_"#);
/// exchange.chunk(br#"reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#);
/// exchange.end();
///
/// use llm_audit_core::{Facet, Field, Kind};
/// probe.one_of(Kind::Interaction).model("small-1").field(Field::TotalTokens, 7).absent(Facet::Prompt);
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Wire(Arc<Shared>);

#[derive(Clone, Default)]
struct Shared {
    known: Arc<Known>,
    provider: Option<String>,
    credential_alias: Option<String>,
    max_body_bytes: Option<usize>,
}

/// Why there is no answer, or no more of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// No connection to the provider.
    Connect,
    /// No trust in the provider, or none of its in the client.
    Tls,
    /// The time was up.
    Timeout,
    /// Anything else, such as a body that broke off.
    Transport,
}

impl Failure {
    /// Returns the word that is the event's `error_type`.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(llm_audit_core::protocol::Failure::Tls.as_str(), "tls");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Transport => "transport",
        }
    }
}

impl Wire {
    /// Returns a reader that knows of no connection yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the provider of all calls, in place of what their hosts and protocols say.
    #[must_use]
    pub fn provider(self, provider: impl Into<String>) -> Self {
        self.changed(|shared| shared.provider = Some(provider.into()))
    }

    /// Sets the host's own name for the credential; never the secret.
    #[must_use]
    pub fn credential_alias(self, alias: impl Into<String>) -> Self {
        self.changed(|shared| shared.credential_alias = Some(alias.into()))
    }

    /// Sets the most bytes of an answer whose content is kept; 1 MiB unless set, and never more than an
    /// event takes. What comes later is read for its metadata.
    #[must_use]
    pub fn max_body_bytes(self, bytes: usize) -> Self {
        self.changed(|shared| shared.max_body_bytes = Some(bytes))
    }

    /// Begins to record the call that `request` is, before it is sent; `None` when it is no call of a model
    /// or nothing of it is captured.
    ///
    /// # Errors
    ///
    /// As [`Audit::try_begin`]: under [`Overflow::FailClosed`](crate::Overflow::FailClosed) without room. The
    /// request must not be sent then.
    pub fn begin(&self, audit: &Audit, request: &Request<'_>) -> Result<Option<Exchange>, Error> {
        if !audit.is_capturing() || !may_be_a_call(request) {
            return Ok(None);
        }
        let (text, cut) = self.body_text(audit, request);
        let body = text.as_deref().and_then(|text| Json::parse_cut(text, cut));
        let Some(protocol) = protocol(request, body) else {
            return Ok(None);
        };
        let mut call = audit.try_begin(protocol.operation.clone())?;
        let connection = self.connection(protocol, request);
        fill(&mut call, protocol, &connection, request, body);
        call.claim_call();
        note_cut(&mut call, request, cut);
        call.sent();
        Ok(Some(Exchange::new(call, audit, self, protocol, connection)))
    }

    /// Begins to record the call that `request` is, and gives the exchange when the intent survives a power
    /// cut: a call that is begun like this does not take place unrecorded. `None` when it is no call of a
    /// model.
    ///
    /// # Errors
    ///
    /// As [`Audit::begin_durable`]. The request must not be sent then.
    pub fn begin_durable(
        &self,
        audit: &Audit,
        request: &Request<'_>,
    ) -> impl Future<Output = Result<Option<Exchange>, Error>> + Send + use<> {
        let (text, cut) = match may_be_a_call(request) {
            true => self.body_text(audit, request),
            false => (None, false),
        };
        let body = text.as_deref().and_then(|text| Json::parse_cut(text, cut));
        let begun = protocol(request, body).map(|protocol| {
            let connection = self.connection(protocol, request);
            let begun = audit.begin_durable(protocol.operation.clone(), |call| {
                fill(call, protocol, &connection, request, body);
                note_cut(call, request, cut);
            });
            begun.claim_call();
            (begun, protocol, connection)
        });
        let (audit, wire) = (audit.clone(), self.clone());
        async move {
            let Some((begun, protocol, connection)) = begun else {
                return Ok(None);
            };
            let mut call = begun.await?;
            call.sent();
            Ok(Some(Exchange::new(
                call, &audit, &wire, protocol, connection,
            )))
        }
    }

    /// Notes that `connection` was used, and returns whether it is the first time that `audit` is told.
    fn known(&self, connection: &Connection, audit: &Audit) -> bool {
        self.0.known.is_first(connection, audit)
    }

    fn connection(&self, protocol: &Protocol, request: &Request<'_>) -> Connection {
        let at_host = protocol.provider_at(request.host.unwrap_or_default());
        Connection {
            provider: self
                .0
                .provider
                .clone()
                .unwrap_or_else(|| at_host.to_owned()),
            host: request.host.and_then(name).map(str::to_owned),
            port: request.port,
            method: headers::connection_method(request.headers, request.query),
            alias: self.0.credential_alias.clone(),
        }
    }

    /// The most bytes of a body whose content is kept.
    fn limit(&self, audit: &Audit) -> usize {
        let limit = self.0.max_body_bytes.unwrap_or(DEFAULT_MAX_BODY_BYTES);
        limit.min(audit.max_event_bytes())
    }

    /// The text of a request's body, with long texts cut if it is very large, and whether something is.
    fn body_text<'a>(&self, audit: &Audit, request: &Request<'a>) -> (Option<Cow<'a, str>>, bool) {
        let Some(body) = request.body else {
            return (None, false);
        };
        if body.len() <= MAX_REQUEST_BYTES {
            return (Some(String::from_utf8_lossy(body)), false);
        }
        let mut document = Document::new(self.limit(audit));
        document.feed(body);
        let text = String::from_utf8_lossy(document.bytes());
        let is_cut = document.cut() > 0 || text.is_empty();
        (Some(Cow::Owned(text.into_owned())), is_cut)
    }

    fn changed(self, change: impl FnOnce(&mut Shared)) -> Self {
        let mut shared = Arc::unwrap_or_clone(self.0);
        change(&mut shared);
        Self(Arc::new(shared))
    }
}

/// Shows what it was told, and no connection.
impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("provider", &self.0.provider)
            .field("credential_alias", &self.0.credential_alias)
            .finish_non_exhaustive()
    }
}

/// Returns whether it is worth looking at the body of a request: it goes where calls of models go, or is
/// small enough to be looked at.
fn may_be_a_call(request: &Request<'_>) -> bool {
    request.method.eq_ignore_ascii_case("POST")
        && (Protocol::has_path(request.path)
            || request
                .body
                .is_some_and(|body| body.len() <= MAX_UNKNOWN_BYTES))
}

fn protocol(request: &Request<'_>, body: Option<Json<'_>>) -> Option<&'static Protocol> {
    if !request.method.eq_ignore_ascii_case("POST") {
        return None;
    }
    Protocol::of(
        request.path,
        request.headers,
        body.filter(|body| body.is_object()),
    )
}

/// Puts what a request says.
fn fill(
    call: &mut Interaction,
    protocol: &Protocol,
    connection: &Connection,
    request: &Request<'_>,
    body: Option<Json<'_>>,
) {
    call.provider(&connection.provider);
    if let Some(host) = &connection.host {
        call.server_address(host);
    }
    if let Some(port) = connection.port {
        call.server_port(port.into());
    }
    if let Some(method) = connection.method {
        call.connection_method(method);
    }
    if let Some(alias) = &connection.alias {
        call.credential_alias(alias);
    }
    if call.accepts(Field::RequestModel)
        && let Some(model) = protocol.model_in(request.path)
    {
        call.request_model(model);
    }
    if let Some(body) = body {
        table::put_settings(call, body);
        (protocol.request)(call, body);
    }
    if call.allows(Facet::Raw)
        && let Some(raw) = request.body
    {
        call.raw_request(String::from_utf8_lossy(raw));
    }
}

/// Notes which fields lack something of a request that was cut.
fn note_cut(call: &mut Interaction, request: &Request<'_>, is_cut: bool) {
    let bytes = request.body.map_or(0, <[u8]>::len);
    for field in [
        Field::InputMessages,
        Field::SystemInstructions,
        Field::ToolDefinitions,
    ] {
        if is_cut && call.accepts(field) {
            call.note_trimmed(field, bytes);
        }
    }
}

/// Returns `text` if it can be a name: not empty, short, and without control characters.
fn name(text: &str) -> Option<&str> {
    let is_name = !text.is_empty() && text.len() <= MAX_NAME && !text.chars().any(char::is_control);
    is_name.then_some(text)
}

/// Returns `text` if it can be a word of a vocabulary: no content gets into plain fields as one.
fn word(text: &str) -> Option<&str> {
    let is_of_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let is_word = !text.is_empty() && text.len() <= MAX_WORD && text.bytes().all(is_of_word);
    is_word.then_some(text)
}
