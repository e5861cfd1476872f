//! What a request says of itself.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::event::{Message, ToolDefinition};
use crate::facet::Facet;
use crate::interaction::Interaction;
use crate::protocol::memory;

/// A request to a model that says what is to be recorded of it: `#[audit(input = request)]` takes it.
///
/// Texts are prompts of the user, a [`Message`] is a message, and lists are what their elements are.
/// Implement it for the request types of the program, so that each function that takes one needs a
/// word instead of a list.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{AuditInput, RequestRecorder};
///
/// struct Question {
///     rules: &'static str,
///     text: String,
/// }
///
/// impl AuditInput for Question {
///     fn describe(&self, request: &mut RequestRecorder<'_>) {
///         request.system(self.rules).user(&self.text).model("small");
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`#[audit]` does not know what a request of type `{Self}` says",
    label = "does not implement `AuditInput`",
    note = "implement `llm_audit::AuditInput` for it, write `%expr` for the text of its `Display`, \
            `?expr` for that of its `Debug`, or name its parts: `prompt = request.text`"
)]
pub trait AuditInput {
    /// Tells `request` what this says.
    fn describe(&self, request: &mut RequestRecorder<'_>);
}

/// Takes what a request says. Of a facet that is off nothing is built or copied.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{AuditInput, Facet, RequestRecorder};
///
/// struct Rows(Vec<u64>);
///
/// impl AuditInput for Rows {
///     fn describe(&self, request: &mut RequestRecorder<'_>) {
///         if request.allows(Facet::Prompt) {
///             request.user(format!("Sum up {:?}.", self.0));
///         }
///     }
/// }
/// ```
pub struct RequestRecorder<'i>(&'i mut Interaction);

impl<'i> RequestRecorder<'i> {
    pub(crate) const fn new(interaction: &'i mut Interaction) -> Self {
        Self(interaction)
    }

    /// Returns whether the policy lets `facet` be captured: worth asking where a value is dear.
    pub fn allows(&mut self, facet: Facet) -> bool {
        self.0.allows(facet)
    }

    /// Adds a system message. It takes facets `prompt` and `system_prompt`.
    pub fn system<'t>(&mut self, text: impl Into<Cow<'t, str>>) -> &mut Self {
        self.0.system(text);
        self
    }

    /// Adds a message of the user.
    pub fn user<'t>(&mut self, text: impl Into<Cow<'t, str>>) -> &mut Self {
        self.0.prompt(text);
        self
    }

    /// Adds a message of the model, from an earlier turn.
    pub fn assistant<'t>(&mut self, text: impl Into<Cow<'t, str>>) -> &mut Self {
        self.0.assistant(text);
        self
    }

    /// Adds the response to the tool call `id`. It takes facets `prompt` and `tool_io`.
    pub fn tool_response(&mut self, id: &str, response: &(impl Serialize + ?Sized)) -> &mut Self {
        self.0.tool_response(id, response);
        self
    }

    /// Adds a message of any role and parts.
    pub fn message(&mut self, message: Message) -> &mut Self {
        self.0.message(message);
        self
    }

    /// Sets the model that is asked.
    pub fn model(&mut self, model: &str) -> &mut Self {
        self.0.request_model(model);
        self
    }

    /// Sets the provider that is asked.
    pub fn provider(&mut self, provider: &str) -> &mut Self {
        self.0.provider(provider);
        self
    }

    /// Sets the temperature.
    pub fn temperature(&mut self, temperature: f64) -> &mut Self {
        self.0.temperature(temperature);
        self
    }

    /// Sets the most probability mass that is sampled from.
    pub fn top_p(&mut self, top_p: f64) -> &mut Self {
        self.0.top_p(top_p);
        self
    }

    /// Sets the most tokens of the answer.
    pub fn max_tokens(&mut self, tokens: u64) -> &mut Self {
        self.0.max_tokens(tokens);
        self
    }

    /// Sets whether the answer is asked for in chunks.
    pub fn stream(&mut self, is_streamed: bool) -> &mut Self {
        self.0.stream(is_streamed);
        self
    }

    /// Adds tools that the model may call.
    pub fn tools(&mut self, tools: impl IntoIterator<Item = ToolDefinition>) -> &mut Self {
        self.0.tool_definitions(tools);
        self
    }
}

impl RequestRecorder<'_> {
    /// Adds what `text`, which is JSON, says in the shape of a protocol.
    pub(super) fn json(&mut self, text: &str) {
        memory::request(self.0, text);
    }
}

impl AuditInput for Message {
    fn describe(&self, request: &mut RequestRecorder<'_>) {
        if request.allows(Facet::Prompt) {
            request.message(self.clone());
        }
    }
}

/// Shows the event's identifier, never what was captured.
impl fmt::Debug for RequestRecorder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestRecorder").field(&self.0).finish()
    }
}
