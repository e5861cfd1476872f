//! What a reader of a protocol is given with each document, and may say of it.

use std::borrow::Cow;

use super::answer::{Answer, Piece};
use super::json::Json;
use super::{parts, results, word};
use crate::facet::Facet;
use crate::interaction::Interaction;

/// Where an error says its class, its code and its text.
pub(super) const TYPES: &[&str] = &["type", "status", "code", "__type"];
pub(super) const MESSAGES: &[&str] = &["message", "Message"];

/// One document of an answer, and what becomes of it.
pub(crate) struct Turn<'t> {
    pub(crate) call: &'t mut Interaction,
    pub(crate) answer: &'t mut Answer,
    /// The name of the document's event, where the framing has one.
    pub(crate) event: &'t str,
    /// Whether the protocol says that nothing more comes.
    pub(crate) has_ended: bool,
    /// Whether the document only keeps the connection open.
    pub(crate) is_empty: bool,
    pub(crate) error: Option<ProviderError>,
}

/// What a provider says went wrong.
#[derive(Default)]
pub(crate) struct ProviderError {
    pub(crate) class: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
}

impl Turn<'_> {
    /// Appends a string to a part of the answer; arguments may be any JSON.
    pub(crate) fn text(&mut self, at: (u64, u64), piece: Piece, json: Option<Json<'_>>) {
        if json.is_some() {
            self.answer.begin(at.0);
        }
        if let Some(json) = json
            && self.call.allows(Facet::Response)
        {
            let text = match json.str() {
                None if piece == Piece::Arguments => {
                    Some(Cow::Owned(results::text(self.call, json)))
                }
                text => text,
            };
            if let Some(text) = text {
                self.answer.append(self.call, at, piece, &text);
            }
        }
    }

    /// Says which tool a call is of.
    pub(crate) fn name_tool(
        &mut self,
        at: (u64, u64),
        id: Option<Json<'_>>,
        name: Option<Json<'_>>,
    ) {
        self.answer.begin(at.0);
        if self.call.allows(Facet::Response) && self.call.allows(Facet::ToolIo) {
            let [id, name] = [id, name].map(|json| json.and_then(Json::str));
            self.answer
                .name_tool(self.call, at, id.as_deref(), name.as_deref());
        }
    }

    /// Adds a whole part to the answer.
    pub(crate) fn part(&mut self, choice: u64, json: Json<'_>) {
        self.answer.begin(choice);
        if self.call.allows(Facet::Response)
            && let Some(part) = parts::part(self.call, json)
        {
            self.answer.push(self.call, choice, part);
        }
    }

    /// Reads the error that `document` is or has.
    pub(crate) fn failed(&mut self, document: Json<'_>) {
        self.fail(None, document);
    }

    /// Reads the error of class `class` that `document` describes.
    pub(crate) fn failed_as(&mut self, class: &str, document: Json<'_>) {
        self.fail(Some(class), document);
    }

    fn fail(&mut self, class: Option<&str>, document: Json<'_>) {
        let error = document
            .first(&["error", "response.error"])
            .unwrap_or(document);
        let text = |json: Json<'_>| match json.str() {
            Some(text) => word(&text).map(str::to_owned),
            None => json.u64().map(|number| number.to_string()),
        };
        let of_error = || {
            let mut classes = TYPES.iter().filter_map(|path| text(error.get(path)?));
            classes.find(|class| class != "error")
        };
        let class = class.and_then(word).map(str::to_owned).or_else(of_error);
        let mut message = None;
        if self.call.allows(Facet::ErrorDetail) {
            message = error.str().map(Cow::into_owned);
            message = message.or_else(|| parts::string(error, MESSAGES));
        }
        let code = error.get("code").and_then(text);
        self.error = Some(ProviderError {
            class,
            code,
            message,
        });
    }
}
