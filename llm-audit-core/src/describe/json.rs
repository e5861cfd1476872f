//! Values that are JSON, in the shapes that requests and answers have on the wire.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::{AuditInput, AuditOutput, RequestRecorder, ResponseRecorder};

/// A value that says as JSON what is to be recorded of it: `#[audit(input = Json(&request), output =
/// Json(out))]`, whatever client its type is of.
///
/// It is read as a body on the wire is: requests, answers and chunks of OpenAI, Anthropic, Gemini, Ollama and
/// Bedrock, messages and lists of them. A text is a text. What has none of these shapes is kept as the text of
/// its JSON, under facets `prompt` and `response`, and a value that cannot be serialised leaves nothing.
/// `serde_json::Value` needs no wrapper.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{AuditOutput, Json, ResponseRecorder};
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct Choice {
///     message: Message,
///     finish_reason: &'static str,
/// }
///
/// #[derive(Serialize)]
/// struct Message {
///     content: String,
/// }
///
/// #[derive(Serialize)]
/// struct Reply {
///     choices: Vec<Choice>,
/// }
///
/// impl AuditOutput for Reply {
///     fn describe(&self, response: &mut ResponseRecorder<'_>) {
///         Json(self).describe(response);
///     }
/// }
/// assert_eq!(format!("{:?}", Json("a secret")), "Json(..)");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is one value, for good")]
pub struct Json<T>(pub T);

impl<T: Serialize> AuditInput for Json<T> {
    fn describe(&self, request: &mut RequestRecorder<'_>) {
        self::request(&self.0, request);
    }
}

impl<T: Serialize> AuditOutput for Json<T> {
    fn describe(&self, response: &mut ResponseRecorder<'_>) {
        answer(&self.0, response);
    }
}

impl AuditInput for Value {
    fn describe(&self, request: &mut RequestRecorder<'_>) {
        self::request(self, request);
    }
}

impl AuditOutput for Value {
    fn describe(&self, response: &mut ResponseRecorder<'_>) {
        answer(self, response);
    }
}

/// Shows nothing of the value.
impl<T> fmt::Debug for Json<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Json(..)")
    }
}

pub(super) fn request(value: &impl Serialize, request: &mut RequestRecorder<'_>) {
    if let Ok(text) = serde_json::to_string(value) {
        request.json(&text);
    }
}

pub(super) fn answer(value: &impl Serialize, response: &mut ResponseRecorder<'_>) {
    if let Ok(text) = serde_json::to_string(value) {
        response.json(&text);
    }
}
