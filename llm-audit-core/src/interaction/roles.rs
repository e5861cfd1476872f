//! What is said in an interaction, in the words of the conversation.

use std::borrow::Cow;

use serde::Serialize;

use super::Interaction;
use super::in_flight::InFlight;
use crate::catalog::Field;
use crate::event::{Guardrail, Message, Part, Status, Value};
use crate::facet::Facet;
use crate::id::EventId;
use crate::protocol::answer::Piece;
use crate::put::PutField;
use crate::raw::{MOVE_FROM, Role};
use crate::usage::Usage;

impl Interaction {
    /// Adds a system message to the input. It takes facets `prompt` and `system_prompt`.
    #[inline]
    pub fn system<'t>(&mut self, text: impl Into<Cow<'t, str>>) -> &mut Self {
        match self.is_recorded() {
            true => self.input(Facet::SystemPrompt, Role::System, text.into()),
            false => self,
        }
    }

    /// Adds a prompt to the input: a message of role `user`.
    ///
    /// Who the user is goes elsewhere, to [`user_id`](Self::user_id).
    #[inline]
    pub fn prompt<'t>(&mut self, text: impl Into<Cow<'t, str>>) -> &mut Self {
        match self.is_recorded() {
            true => self.input(Facet::Prompt, Role::User, text.into()),
            false => self,
        }
    }

    /// Adds an assistant message to the input: what the model said in an earlier turn.
    #[inline]
    pub fn assistant<'t>(&mut self, text: impl Into<Cow<'t, str>>) -> &mut Self {
        match self.is_recorded() {
            true => self.input(Facet::Prompt, Role::Assistant, text.into()),
            false => self,
        }
    }

    /// Adds the response to the tool call `id` to the input. It takes facets `prompt` and
    /// `tool_io`.
    pub fn tool_response(&mut self, id: &str, response: &(impl Serialize + ?Sized)) -> &mut Self {
        if self.allows(Facet::Prompt) && self.allows(Facet::ToolIo) {
            let parts = [Part::tool_call_response(id, response)];
            self.message(Message::default().role("tool").parts(parts));
        }
        self
    }

    /// Adds a message to the input.
    ///
    /// A part has its own facet, and the lower level of that and of `prompt` holds: `reasoning`
    /// for reasoning parts, `tool_io` for tool calls and their responses, `media` for blobs, URIs
    /// and files, `system_prompt` for text with role system or developer.
    pub fn message(&mut self, message: Message) -> &mut Self {
        if self.accepts(Field::InputMessages) {
            self.put(Field::InputMessages, Value::Messages(vec![message]));
        }
        self
    }

    /// Adds text to the answer.
    #[inline]
    pub fn response<'t>(&mut self, text: impl Into<Cow<'t, str>>) -> &mut Self {
        match self.is_recorded() {
            true => self.answer(Piece::Text, text.into()),
            false => self,
        }
    }

    /// Adds reasoning to the answer. It takes facets `response` and `reasoning`.
    #[inline]
    pub fn reasoning<'t>(&mut self, text: impl Into<Cow<'t, str>>) -> &mut Self {
        match self.is_recorded() {
            true => self.answer(Piece::Reasoning, text.into()),
            false => self,
        }
    }

    /// Adds a tool call to the answer. It takes facets `response` and `tool_io`.
    pub fn tool_call(
        &mut self,
        id: &str,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> &mut Self {
        if self.is_streamed() {
            if self.allows(Facet::Response) && self.allows(Facet::ToolIo) {
                let part = Part::tool_call(id, name, arguments);
                self.streamed(|said, call| said.answer.push(call, 0, part));
            }
        } else if let Some(active) = &mut self.inner {
            active
                .flight
                .put_output_part(Facet::ToolIo, || Part::tool_call(id, name, arguments));
        }
        self
    }

    /// Adds a whole choice to the answer.
    pub fn choice(&mut self, message: Message) -> &mut Self {
        if self.accepts(Field::OutputMessages) {
            self.put(Field::OutputMessages, Value::Messages(vec![message]));
        }
        self
    }

    /// Sets the tokens of the call, in the arithmetic of the log.
    pub fn usage(&mut self, usage: Usage) -> &mut Self {
        self.usage_of(usage, true, true)
    }

    /// Sets the tokens of a call that may not have said its input or its output, which are nothing in `usage` then. What
    /// was not said is not nothing, and no sum is made without it.
    pub(crate) fn usage_of(
        &mut self,
        usage: Usage,
        has_input: bool,
        has_output: bool,
    ) -> &mut Self {
        self.claim_call();
        self.put_usage(usage, has_input, has_output)
    }

    /// Puts the tokens of a call that need not be recorded here.
    pub(crate) fn put_usage(
        &mut self,
        usage: Usage,
        has_input: bool,
        has_output: bool,
    ) -> &mut Self {
        if self.accepts(Field::InputTokens) {
            // Embeddings have no output; of a call that said no usage that is not said either.
            let has_output = has_output || has_input && self.is_of_embeddings();
            let is_whole = has_input && has_output;
            let counts = [
                (Field::InputTokens, has_input.then(|| usage.input_tokens())),
                (Field::CacheReadInputTokens, usage.cache_read_tokens()),
                (Field::CacheWriteInputTokens, usage.cache_write_tokens()),
                (
                    Field::OutputTokens,
                    has_output.then(|| usage.output_tokens()),
                ),
                (Field::ReasoningOutputTokens, usage.reasoning_tokens()),
                (
                    Field::TotalTokens,
                    usage.total_tokens().filter(|_| is_whole),
                ),
            ];
            for (field, count) in counts {
                if let Some(count) = count {
                    self.put(field, Value::Int(crate::put::int(count)));
                }
            }
            let source = match is_whole {
                true => Some(usage.source()),
                // Of a half it is known that it was not the last word, not that it was.
                false => usage.is_partial().then_some("partial"),
            };
            if let Some(source) = source.filter(|_| has_input || has_output) {
                self.put_text(Field::UsageSource, source);
            }
        }
        self
    }

    /// Adds a verdict of a guardrail.
    pub fn guardrail(&mut self, guardrail: Guardrail) -> &mut Self {
        self.guardrails([guardrail])
    }

    /// Records that a guardrail stopped the operation, and returns the event's identifier.
    ///
    /// A verdict that does not say whether the model was reached is taken as one from before the
    /// model.
    pub fn block(mut self, mut guardrail: Guardrail) -> Option<EventId> {
        guardrail.reached_model.get_or_insert(false);
        self.guardrail(guardrail);
        self.end(Status::Blocked)
    }

    fn input(&mut self, facet: Facet, role: Role, text: Cow<'_, str>) -> &mut Self {
        let Some(active) = &mut self.inner else {
            return self;
        };
        let flight = &mut active.flight;
        if flight.allows(Facet::Prompt) && flight.allows(facet) {
            match text {
                Cow::Owned(text) if text.len() >= MOVE_FROM => {
                    if flight.reserve_value(Field::InputMessages, text.capacity()) {
                        let message = Message::text(role.as_str(), text);
                        flight
                            .raw
                            .buffers
                            .push(Field::InputMessages, vec![message].into());
                    }
                }
                text => {
                    if let Some(text) = copy(flight, Field::InputMessages, &text) {
                        flight.raw.buffers.push_input(role, text);
                    }
                }
            }
        }
        self
    }

    fn answer(&mut self, piece: Piece, text: Cow<'_, str>) -> &mut Self {
        if self.is_streamed() {
            return self.append(0, piece, &text);
        }
        let facet = piece.facet();
        let Some(active) = &mut self.inner else {
            return self;
        };
        let flight = &mut active.flight;
        if flight.allows(Facet::Response) && flight.allows(facet) {
            match text {
                Cow::Owned(text) if text.len() >= MOVE_FROM => {
                    let part_type = piece.part_type();
                    flight
                        .put_output_part(facet, || Part::default().r#type(part_type).content(text));
                }
                text => {
                    if let Some(text) = copy(flight, Field::OutputMessages, &text) {
                        flight.raw.buffers.push_output(piece, text);
                    }
                }
            }
        }
        self
    }
}

/// Makes room for a copy of `text` and returns as much of it as one event takes.
fn copy<'t>(flight: &mut InFlight, field: Field, text: &'t str) -> Option<&'t str> {
    let text = flight.cap(field, text);
    flight.reserve_text(field, text.len()).then_some(text)
}

impl From<Vec<Message>> for Value {
    fn from(messages: Vec<Message>) -> Self {
        Self::Messages(messages)
    }
}
