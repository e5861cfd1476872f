//! One call on the wire: what is known of it while its answer comes, and how it ends.

use std::fmt;

use super::connection::Connection;
use super::document::Document;
use super::event_stream::FAILURE;
use super::framing::{Form, Framing};
use super::headers;
use super::json::Json;
use super::said::{Came, Said};
use super::table::Protocol;
use super::turn::ProviderError;
use super::{Failure, Wire};
use crate::audit::Audit;
use crate::catalog::Field;
use crate::context::Context;
use crate::event::{Status, Value};
use crate::facet::Facet;
use crate::id::EventId;
use crate::interaction::Interaction;
use crate::put::PutField;

/// Bytes of the body of an error that are kept.
const MAX_ERROR_BYTES: usize = 16 * 1024;

/// A call of a model that is on the wire.
///
/// [`Wire::begin`] makes one. Tell it of the answer as it comes: [`response`](Self::response) with the
/// head, [`chunk`](Self::chunk) with each piece of the body, in any size, and
/// [`end`](Self::end) or [`fail`](Self::fail). Dropped before, the call is recorded as cancelled, or as
/// `ok` if its protocol says that the answer was complete.
///
/// It keeps nothing that the policy does not let it capture, and bounded memory of the rest.
///
/// # Examples
///
/// ```
/// use llm_audit_core::protocol::{Exchange, Failure, Request, Wire};
/// use llm_audit_core::testing::probe;
/// use llm_audit_core::{Kind, Policy, Preset, Status};
///
/// let (audit, probe) = probe(Policy::preset(Preset::Operations)?)?;
/// let request = Request::new("POST", "/v1/embeddings").body(br#"{"model":"small","input":"Why?"}"#);
/// let mut exchange: Exchange = Wire::new().begin(&audit, &request)?.expect("a call of a model");
/// let event_id = exchange.event_id();
/// assert_eq!(exchange.fail(Failure::Connect, &"refused"), event_id);
/// probe.one_of(Kind::Interaction).status(Status::Error).error_type("connect");
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[must_use = "an exchange that is dropped is recorded as cancelled"]
pub struct Exchange {
    /// `None` once it is recorded.
    call: Option<Interaction>,
    audit: Audit,
    wire: Wire,
    protocol: &'static Protocol,
    connection: Connection,
    event_id: Option<EventId>,
    context: Context,
    attempt: u64,
    status: Option<u16>,
    reading: Reading,
}

/// What has come of an answer.
#[derive(Default)]
struct Reading {
    /// `None` before the head has come, and while a chunk is read.
    framing: Option<Framing>,
    said: Said,
    fallback_id: Option<String>,
    is_first_chunk: bool,
    /// Whether the head said that the body is an error.
    is_refused: bool,
    error_body: Vec<u8>,
    /// Bytes of the body of an error, and of any body, that came.
    error_offered: usize,
    raw: Vec<u8>,
    raw_offered: usize,
    raw_limit: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Body,
    Dropped,
    Failed(Failure),
}

impl Exchange {
    pub(super) fn new(
        call: Interaction,
        audit: &Audit,
        wire: &Wire,
        protocol: &'static Protocol,
        connection: Connection,
    ) -> Self {
        Self {
            event_id: call.event_id(),
            context: call.context(),
            call: Some(call),
            audit: audit.clone(),
            wire: wire.clone(),
            protocol,
            connection,
            attempt: 1,
            status: None,
            reading: Reading::default(),
        }
    }

    /// Returns the identifier that the event will have, or `None` when nothing is recorded.
    pub const fn event_id(&self) -> Option<EventId> {
        self.event_id
    }

    /// Returns the context of what happens within the call.
    pub fn context(&self) -> Context {
        self.context.clone()
    }

    /// Takes the head of the answer.
    pub fn response(&mut self, status: u16, headers: &[(&str, &[u8])]) {
        let is_first = self.is_first();
        if is_first || matches!(status, 401 | 403) {
            let code = status.to_string();
            let error = (status >= 400).then_some(&*code);
            let record = || self.connection.record(&self.audit, Some(status), error);
            self.context.enter(record);
        }
        let Some(call) = &mut self.call else { return };
        call.http_status(status.into());
        headers::put(call, headers);
        self.status = Some(status);
        let reading = &mut self.reading;
        reading.is_refused = status >= 400;
        if let Some(class) = headers::first(headers, headers::ERROR_TYPE) {
            let class = class
                .split(':')
                .next()
                .and_then(super::word)
                .map(str::to_owned);
            reading.said.error = Some(ProviderError {
                class,
                ..ProviderError::default()
            });
        }
        let id = headers::first(headers, headers::RESPONSE_ID).and_then(super::name);
        reading.fallback_id = id.map(str::to_owned);
        if headers::header(headers, "content-encoding").is_some_and(|coding| !is_plain(coding)) {
            for field in [
                Field::OutputMessages,
                Field::OutputTokens,
                Field::RawResponse,
            ] {
                if call.accepts(field) {
                    call.put_failed(field);
                }
            }
            return;
        }
        let form = match headers::header(headers, "content-type") {
            Some(_) if status >= 400 => Form::Whole,
            Some(media_type) => Form::of(media_type),
            None => Form::Whole,
        };
        // Content that is not captured is not kept either.
        let limit = self.wire.limit(&self.audit);
        reading.said.answer.limit(limit);
        reading.raw_limit = limit;
        let limit = if call.allows(Facet::Response) {
            limit
        } else {
            0
        };
        reading.framing = Some(Framing::new(form, limit));
        reading.is_first_chunk = true;
    }

    /// Takes a piece of the body.
    pub fn chunk(&mut self, bytes: &[u8]) {
        let (Some(call), Some(mut framing)) = (&mut self.call, self.reading.framing.take()) else {
            return;
        };
        let reading = &mut self.reading;
        if reading.is_first_chunk
            && let Some(first) = bytes.iter().find(|byte| !byte.is_ascii_whitespace())
        {
            reading.is_first_chunk = false;
            if !reading.is_refused {
                framing.sniff(*first);
            }
        }
        if reading.is_refused {
            reading.keep_error(call, bytes);
        }
        reading.keep_raw(call, bytes);
        let protocol = self.protocol;
        framing.feed(bytes, &mut |event, document| {
            reading.document(call, protocol, true, event, document);
        });
        reading.framing = Some(framing);
    }

    /// Notes that the connection was used, and returns whether the log learns so for the first time.
    fn is_first(&self) -> bool {
        let is_captured = self
            .call
            .as_ref()
            .is_some_and(|call| call.captures(Facet::Model));
        is_captured && self.wire.known(&self.connection, &self.audit)
    }

    /// Says that the client tries again: what has come of the answer is not the answer.
    pub fn retry(&mut self) {
        self.attempt += 1;
        self.status = None;
        self.reading = Reading::default();
    }

    /// Says that the body has ended, records the call and returns the event's identifier.
    pub fn end(&mut self) -> Option<EventId> {
        self.conclude(Ending::Body, None)
    }

    /// Says that the connection failed, records the call and returns the event's identifier.
    ///
    /// The text of `error` is kept only as facet `error_detail` allows.
    pub fn fail(&mut self, failure: Failure, error: &dyn fmt::Display) -> Option<EventId> {
        if matches!(failure, Failure::Connect | Failure::Tls) && self.call.is_some() {
            self.is_first();
            let record = || {
                self.connection
                    .record(&self.audit, None, Some(failure.as_str()))
            };
            self.context.enter(record);
        }
        self.conclude(Ending::Failed(failure), Some(error))
    }

    fn conclude(&mut self, ending: Ending, error: Option<&dyn fmt::Display>) -> Option<EventId> {
        let mut call = self.call.take()?;
        let status = self.complete(&mut call, ending);
        // What failed after the last word of an answer took nothing from it.
        if let (Ending::Failed(failure), Some(error)) = (ending, error)
            && status != Some(Status::Ok)
        {
            call.error_type(failure.as_str());
            call.failed(error);
        }
        match status {
            Some(status) => call.end(status),
            None => {
                // A panic and a deadline have the last word.
                call.on_drop(Status::Cancelled);
                drop(call);
                self.event_id
            }
        }
    }

    /// Puts what has come in `call` and returns how it has ended, or `None` when it was dropped.
    fn complete(&mut self, call: &mut Interaction, ending: Ending) -> Option<Status> {
        let protocol = self.protocol;
        let reading = &mut self.reading;
        let mut is_whole = false;
        let mut is_damaged = false;
        if let Some(mut framing) = reading.framing.take() {
            is_damaged = framing.is_damaged();
            if ending == Ending::Body || framing.is_whole() {
                let is_stream = framing.form() != Form::Whole;
                framing.end(&mut |event, document| {
                    is_whole = !is_stream && document.is_whole();
                    reading.document(call, protocol, is_stream, event, document);
                });
            }
        }
        let is_over = reading.said.has_ended || is_whole || !is_damaged && reading.said.is_over();
        reading.put(call, protocol, is_over);
        if self.attempt > 1 {
            call.attempt(self.attempt).retries(self.attempt - 1);
        }
        let failed = self.status.filter(|status| *status >= 400);
        if reading.said.error.is_some() || failed.is_some() {
            reading.put_error(call, failed);
            return Some(Status::Error);
        }
        match ending {
            _ if is_over => Some(Status::Ok),
            Ending::Failed(Failure::Timeout) => Some(Status::Timeout),
            Ending::Failed(_) => Some(Status::Error),
            Ending::Body => Some(Status::Partial),
            Ending::Dropped => None,
        }
    }

    /// Ends the exchange and returns what would be recorded, unsealed.
    #[cfg(test)]
    pub(super) fn into_fields(mut self) -> (Option<Status>, Vec<(Field, Value)>) {
        let mut call = self.call.take().expect("an exchange that is not over");
        let status = self.complete(&mut call, Ending::Body);
        (status, call.take_fields())
    }
}

impl Reading {
    fn document(
        &mut self,
        call: &mut Interaction,
        protocol: &Protocol,
        is_stream: bool,
        event: &str,
        document: &Document,
    ) {
        let text = String::from_utf8_lossy(document.bytes());
        self.said.has_ended |= text == "[DONE]";
        let json = Json::parse_cut(&text, document.cut() > 0);
        let failure = event.strip_prefix(FAILURE);
        // A failure may have no payload.
        let json = json.filter(|json| json.is_object());
        let json = json.or_else(|| failure.and(Json::parse("{}")));
        let Some(json) = json else {
            return;
        };
        self.said.answer.note_cut(document.cut());
        let came = Came {
            event,
            failure,
            is_refused: self.is_refused,
        };
        let says_something = self.said.read(call, protocol, came, json);
        if is_stream && says_something {
            call.empty_chunk();
        }
    }

    fn keep_error(&mut self, call: &mut Interaction, bytes: &[u8]) {
        let room = MAX_ERROR_BYTES.saturating_sub(self.error_body.len());
        if call.allows(Facet::ErrorDetail) {
            self.error_offered = self.error_offered.saturating_add(bytes.len());
            let head = bytes.get(..room).unwrap_or(bytes);
            self.error_body.extend_from_slice(head);
        }
    }

    fn keep_raw(&mut self, call: &mut Interaction, bytes: &[u8]) {
        if !call.allows(Facet::Raw) {
            return;
        }
        // After a piece for which there was no room nothing is kept: a hole would not be seen.
        let is_cut = self.raw_offered > self.raw.len();
        let room = self.raw_limit.saturating_sub(self.raw.len());
        self.raw_offered = self.raw_offered.saturating_add(bytes.len());
        let head = bytes.get(..room).unwrap_or(bytes);
        if !is_cut && !head.is_empty() && call.make_room(Field::RawResponse, head.len()) {
            self.raw.extend_from_slice(head);
        }
    }

    /// Puts what has come in `call`.
    fn put(&mut self, call: &mut Interaction, protocol: &Protocol, is_over: bool) {
        self.said.put(call, Some(protocol), is_over);
        if !self.said.has_id()
            && let Some(id) = &self.fallback_id
        {
            call.response_id(id);
        }
        if self.raw_offered > self.raw.len() {
            call.note_cut(Field::RawResponse, self.raw_offered);
        }
        if !self.raw.is_empty() {
            let raw = std::mem::take(&mut self.raw);
            let text = String::from_utf8_lossy(&raw).into_owned();
            call.put_in_room(Field::RawResponse, Value::Text(text));
        }
    }

    /// Puts what the provider says went wrong.
    fn put_error(&mut self, call: &mut Interaction, status: Option<u16>) {
        let ProviderError {
            class,
            code,
            message,
        } = self.said.error.take().unwrap_or_default();
        let class = class.or_else(|| status.map(|status| status.to_string()));
        call.error_type(class.as_deref().unwrap_or("provider"));
        if let Some(code) = code {
            call.error_code(code);
        }
        if let Some(message) = message {
            call.error_message(message);
        }
        if !self.error_body.is_empty() && call.accepts(Field::ErrorBody) {
            if self.error_offered > self.error_body.len() {
                call.note_cut(Field::ErrorBody, self.error_offered);
            }
            call.error_body(String::from_utf8_lossy(&self.error_body));
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.conclude(Ending::Dropped, None);
    }
}

/// Shows the identifier, never what was captured.
impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("event_id", &self.event_id)
            .finish_non_exhaustive()
    }
}

/// Returns whether a body of that coding can be read as it is.
fn is_plain(coding: &str) -> bool {
    coding.trim().is_empty() || coding.trim().eq_ignore_ascii_case("identity")
}
