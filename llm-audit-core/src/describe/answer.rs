//! What an answer, or a chunk of one, says of itself.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::event::Message;
use crate::facet::Facet;
use crate::interaction::Interaction;
use crate::protocol::answer::Piece;
use crate::protocol::memory;
use crate::usage::Usage;

/// An answer of a model, or a chunk of one, that says what is to be recorded of it:
/// `#[audit(output)]` takes it, and of a stream its items.
///
/// Texts are text of the answer, a [`Message`] is a whole choice, and lists are what their elements
/// are. Implement it for the reply and chunk types of the program.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{AuditOutput, ResponseRecorder, Usage};
///
/// struct Chunk {
///     delta: String,
///     tokens: Option<(u64, u64)>,
/// }
///
/// impl AuditOutput for Chunk {
///     fn describe(&self, response: &mut ResponseRecorder<'_>) {
///         response.text(&self.delta);
///         if let Some((input, output)) = self.tokens {
///             response.usage(Usage::openai(input, output)).finish_reasons(["stop"]);
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`#[audit]` does not know what an answer of type `{Self}` says",
    label = "does not implement `AuditOutput`",
    note = "implement `llm_audit::AuditOutput` for it, write `%expr` for the text of its `Display`, \
            `?expr` for that of its `Debug`, or name the part of it that is wanted, such as \
            `output = out.text`"
)]
pub trait AuditOutput {
    /// Tells `response` what this says.
    fn describe(&self, response: &mut ResponseRecorder<'_>);
}

/// Takes what an answer says. Of a facet that is off nothing is built or copied.
///
/// What several chunks say is put together: texts are appended, of other values the last one counts.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{AuditOutput, Facet, ResponseRecorder};
///
/// struct Scores(Vec<f64>);
///
/// impl AuditOutput for Scores {
///     fn describe(&self, response: &mut ResponseRecorder<'_>) {
///         if response.allows(Facet::Response) {
///             response.text(format!("{:?}", self.0)).finish_reasons(["stop"]);
///         }
///     }
/// }
/// ```
pub struct ResponseRecorder<'i>(&'i mut Interaction);

impl<'i> ResponseRecorder<'i> {
    pub(crate) const fn new(interaction: &'i mut Interaction) -> Self {
        Self(interaction)
    }

    /// Returns whether the policy lets `facet` be captured: worth asking where a value is dear.
    pub fn allows(&mut self, facet: Facet) -> bool {
        self.0.allows(facet)
    }

    /// Adds text to the answer.
    pub fn text<'t>(&mut self, text: impl Into<Cow<'t, str>>) -> &mut Self {
        self.0.response(text);
        self
    }

    /// Adds text to choice number `choice` of the answer, counting from 0.
    pub fn text_of(&mut self, choice: usize, text: &str) -> &mut Self {
        if self.0.is_streamed() {
            self.0.append(choice, Piece::Text, text);
        } else if choice == 0 {
            self.0.response(text);
        } else if self.0.allows(Facet::Response) {
            self.0.choice(Message::text("assistant", text));
        }
        self
    }

    /// Adds text to the reasoning. It takes facets `response` and `reasoning`.
    pub fn reasoning<'t>(&mut self, text: impl Into<Cow<'t, str>>) -> &mut Self {
        self.0.reasoning(text);
        self
    }

    /// Adds a tool call to the answer. It takes facets `response` and `tool_io`.
    pub fn tool_call(
        &mut self,
        id: &str,
        name: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> &mut Self {
        self.0.tool_call(id, name, arguments);
        self
    }

    /// Adds a piece of a tool call to the answer: the `arguments` of all pieces with the same `slot`, put
    /// together, are its JSON. A piece may say what the call's identifier and tool are; an identifier that
    /// differs begins another call. It takes facets `response` and `tool_io`.
    pub fn tool_call_delta(
        &mut self,
        slot: u32,
        id: Option<&str>,
        name: Option<&str>,
        arguments: &str,
    ) -> &mut Self {
        let at = (0, u64::from(slot));
        self.0.streamed(|said, call| {
            if id.is_some() || name.is_some() {
                said.answer.name_tool(call, at, id, name);
            }
            said.answer.append(call, at, Piece::Arguments, arguments);
        });
        self
    }

    /// Adds a whole choice to the answer.
    pub fn choice(&mut self, message: Message) -> &mut Self {
        self.0.choice(message);
        self
    }

    /// Sets the tokens of the call so far.
    pub fn usage(&mut self, usage: Usage) -> &mut Self {
        self.0.usage(usage);
        self
    }

    /// Says why the model stopped, one reason for each choice. A stream that has said so is complete:
    /// dropped after that, its call is no cancelled one.
    pub fn finish_reasons<T: Into<String>>(
        &mut self,
        reasons: impl IntoIterator<Item = T>,
    ) -> &mut Self {
        self.0.told_why_it_ends();
        self.0.finish_reasons(reasons);
        self
    }

    /// Sets the model that answered.
    pub fn model(&mut self, model: &str) -> &mut Self {
        self.0.response_model(model);
        self
    }

    /// Sets the identifier that the provider gave the answer.
    pub fn id(&mut self, id: &str) -> &mut Self {
        self.0.response_id(id);
        self
    }

    /// Adds what `text`, which is JSON, says in the shape of a protocol.
    pub(super) fn json(&mut self, text: &str) {
        memory::answer(self.0, text);
    }
}

impl AuditOutput for Message {
    fn describe(&self, response: &mut ResponseRecorder<'_>) {
        if response.allows(Facet::Response) {
            response.choice(self.clone());
        }
    }
}

/// Shows the event's identifier, never what was captured.
impl fmt::Debug for ResponseRecorder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ResponseRecorder").field(&self.0).finish()
    }
}
