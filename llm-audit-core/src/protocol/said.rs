//! What the documents of one answer have said so far, whether they came on the wire or were in memory.

use super::answer::Answer;
use super::json::Json;
use super::table::{METADATA, Protocol, value};
use super::tokens::Tokens;
use super::turn::{ProviderError, Turn};
use crate::facet::Facet;
use crate::interaction::Interaction;

/// Documents of a stream in which an answer may say what it is.
const HEAD_DOCUMENTS: u32 = 4;

/// What has been said of an answer.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) answer: Answer,
    /// The protocol of values in memory, once it is known.
    pub(crate) protocol: Option<&'static Protocol>,
    tokens: Tokens,
    documents: u32,
    /// Which of the metadata has been found.
    found: [bool; METADATA.len()],
    /// Whether the protocol says that nothing more comes.
    pub(crate) has_ended: bool,
    pub(crate) error: Option<ProviderError>,
}

/// How a document came.
#[derive(Clone, Copy, Default)]
pub(crate) struct Came<'c> {
    /// The name of its event, where the framing has one.
    pub(crate) event: &'c str,
    /// The class of the failure that it is, where the framing says that it is one.
    pub(crate) failure: Option<&'c str>,
    /// Whether the head said that the body is an error.
    pub(crate) is_refused: bool,
}

impl Said {
    /// Takes a document, and returns whether it does more than keep the connection open.
    pub(crate) fn read(
        &mut self,
        call: &mut Interaction,
        protocol: &Protocol,
        came: Came<'_>,
        json: Json<'_>,
    ) -> bool {
        self.documents = self.documents.saturating_add(1);
        if self.documents <= HEAD_DOCUMENTS {
            for (found, (field, paths)) in self.found.iter_mut().zip(METADATA) {
                if !*found && let Some(at) = json.first(paths) {
                    let value = value(field, at);
                    *found = value.is_some();
                    call.put_with(field, || value);
                }
            }
        }
        if call.allows(Facet::Usage) {
            self.tokens.read(protocol.tokens, json);
        }
        let mut turn = Turn {
            call,
            answer: &mut self.answer,
            event: came.event,
            has_ended: self.has_ended,
            is_empty: false,
            error: None,
        };
        if let Some(class) = came.failure {
            turn.failed_as(class, json);
        } else if came.is_refused || json.get("error").is_some_and(says_something) {
            turn.failed(json);
        } else {
            (protocol.answer)(&mut turn, json);
        }
        let (has_ended, is_empty) = (turn.has_ended, turn.is_empty);
        if let Some(error) = turn.error.take() {
            let class = self.error.take().and_then(|known| known.class);
            let class = class.or(error.class);
            self.error = Some(ProviderError { class, ..error });
        }
        self.has_ended = has_ended;
        !is_empty
    }

    /// Returns whether nothing more is to come: the protocol says so, or why each choice ends.
    pub(crate) fn is_over(&self) -> bool {
        self.has_ended || self.answer.is_finished()
    }

    /// Returns whether the answer said what its identifier is.
    pub(crate) fn has_id(&self) -> bool {
        self.found.first().is_some_and(|found| *found)
    }

    /// Puts what has been said in `call`; `is_over` is whether that is all.
    pub(crate) fn put(
        &mut self,
        call: &mut Interaction,
        protocol: Option<&Protocol>,
        is_over: bool,
    ) {
        self.answer.put(call);
        if let Some(protocol) = protocol {
            self.tokens.put(protocol.tokens.arithmetic, is_over, call);
        }
    }
}

/// Returns whether a member that is named for an error has one.
fn says_something(error: Json<'_>) -> bool {
    !matches!(error.text(), "\"\"" | "false" | "{}" | "[]")
}
