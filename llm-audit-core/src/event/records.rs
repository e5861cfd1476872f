//! The records that fields hold: messages, documents, verdicts and others.
//!
//! Messages and parts have the shape of the OpenTelemetry GenAI message schemas.

use super::record::{Column, Record, column_name, record};
use super::value::{Value, ValueRef};
use crate::catalog::FieldType;

record! {
    /// A message: a role and ordered parts.
    Message {
        role: Text "Who speaks: system, user, assistant, tool.";
        name: Text "Name of the speaker.";
        parts: Parts "What is said, in order.";
        finish_reason: Text "Why the model stopped, on output messages.";
        extra: Json "Other keys, as JSON text.";
    }
}

record! {
    /// A part of a message.
    Part {
        r#type: Text "Type: text, reasoning, tool_call, tool_call_response, blob, uri, file.";
        content: Text "Text of a text or reasoning part.";
        id: Text "Id of a tool call.";
        name: Text "Name of a tool.";
        arguments: Json "Arguments of a tool call, as JSON text.";
        response: Json "Result of a tool call, as JSON text.";
        modality: Text "Kind of media: image, audio, video, document.";
        mime_type: Text "Media type.";
        uri: Text "Reference to media.";
        file_id: Text "The provider's id of a file.";
        bytes: Int "Size of media, in bytes.";
        digest: Text "Digest of media, or of a part that is kept at level digest.";
        signature: Text "Signature of a reasoning part.";
        absent: Text "Why the part's content is absent.";
        extra: Json "Other keys, as JSON text.";
    }
}

record! {
    /// A document that a retrieval found.
    Document {
        id: Text "Id of the document.";
        score: Float "Score of the document.";
        hash: Text "Hash of the document.";
        text: Text "Text of the document.";
    }
}

record! {
    /// A tool that was offered to the model.
    ToolDefinition {
        r#type: Text "Type of tool: function, extension, datastore.";
        name: Text "Name of the tool.";
        digest: Text "Digest of the tool's schema.";
    }
}

record! {
    /// A verdict of a guardrail.
    Guardrail {
        id: Text "Id of the guardrail.";
        name: Text "Name of the guardrail.";
        stage: Text "Where it ran: input, output, tool.";
        mode: Text "Whether it enforces or only observes.";
        verdict: Text "The guardrail's own verdict.";
        action: Text "What was done: allowed, blocked, modified, flagged.";
        categories: Texts "Categories that it found.";
        score: Float "Score that it gave.";
        severity: Text "Severity that it gave.";
        reached_model: Bool "Whether the model was reached.";
        duration_us: Int "Time that it took, in microseconds.";
        error: Text "Why it could not decide.";
    }
}

record! {
    /// A score of an evaluator.
    Evaluation {
        name: Text "What was scored: factual_accuracy, relevance, bias, fairness, hallucination, coherence, or the user's own.";
        score: Float "The score.";
        label: Text "The label.";
        passed: Bool "Whether it passed.";
        explanation: Text "Why.";
        evaluator: Text "Who scored it.";
        version: Text "Version of the evaluator.";
        annotator_kind: Text "Kind of evaluator: human, model, code.";
    }
}

record! {
    /// A link to another event or span.
    Link {
        event_id: Text "Event id.";
        trace_id: Text "W3C trace id.";
        span_id: Text "W3C span id.";
        relation: Text "How they belong together.";
    }
}

record! {
    /// An image, a piece of audio or video, or a file.
    MediaItem {
        modality: Text "Kind of media: image, audio, video, document.";
        mime_type: Text "Media type.";
        bytes: Int "Size, in bytes.";
        digest: Text "Digest of the bytes.";
        uri: Text "Where the bytes are kept.";
    }
}

record! {
    /// What the redactor hid in one field: a count by place, type, detector and operator, never a value.
    RedactionCount {
        field: Text "Name of the field.";
        data_type: Text "Type of data.";
        operator: Text "What was done with it: an operator, or withhold where the text could not be redacted.";
        count: Int "How often.";
        path: Text "Place in the field: columns by name, `[*]` for elements, `*` for members, whose names may be content.";
        detector: Text "What found it: a detector, known_value, path; of what was withheld, what failed: a detector, key, max_bytes, max_time.";
    }
}

record! {
    /// A field that was cut.
    Truncation {
        field: Text "The field.";
        bytes: Int "Original size, in bytes.";
        digest: Text "Keyed digest of the original, where the policy has a key.";
    }
}

impl Message {
    /// Returns a message of one text part.
    pub fn text(role: impl Into<String>, content: impl Into<String>) -> Self {
        Self::default().role(role).parts([Part::text(content)])
    }
}

impl Part {
    /// Returns a text part.
    pub fn text(content: impl Into<String>) -> Self {
        Self::default().r#type("text").content(content)
    }

    /// Returns a reasoning part.
    pub fn reasoning(content: impl Into<String>) -> Self {
        Self::default().r#type("reasoning").content(content)
    }

    /// Returns a call of tool `name`; `arguments` is any value that serialises.
    pub fn tool_call(
        id: impl Into<String>,
        name: impl Into<String>,
        arguments: &(impl serde::Serialize + ?Sized),
    ) -> Self {
        Self::default()
            .r#type("tool_call")
            .id(id)
            .name(name)
            .arguments(arguments)
    }

    /// Returns the response to the tool call `id`.
    pub fn tool_call_response(
        id: impl Into<String>,
        response: &(impl serde::Serialize + ?Sized),
    ) -> Self {
        Self::default()
            .r#type("tool_call_response")
            .id(id)
            .response(response)
    }

    pub(crate) fn is_type(&self, name: &str) -> bool {
        self.r#type.as_deref() == Some(name)
    }
}
