//! Attributes of spans, and the fields that they are.

use llm_audit_core::Interaction;
use tracing_core::field::{Field, Visit};

use super::call::Counts;

/// Bytes of a name: the longest of a model is an ARN of about 200.
const MAX_NAME: usize = 256;

type Text = for<'c> fn(&'c mut Interaction, &str) -> &'c mut Interaction;
type Number = fn(&mut Counts, u64);

/// Attributes that are texts. Content is none of them.
const TEXTS: &[(&str, Text)] = &[
    ("gen_ai.provider.name", |call, text| call.provider(text)),
    ("gen_ai.system", |call, text| call.provider(text)),
    ("gen_ai.request.model", |call, text| {
        call.request_model(text)
    }),
    ("gen_ai.response.model", |call, text| {
        call.response_model(text)
    }),
    ("gen_ai.response.id", |call, text| call.response_id(text)),
    ("gen_ai.response.finish_reasons", |call, text| {
        let words = text.split(|byte: char| !byte.is_ascii_alphanumeric() && byte != '_');
        call.finish_reasons(words.filter(|word| !word.is_empty()))
    }),
    ("gen_ai.conversation.id", |call, text| {
        call.conversation_id(text)
    }),
    ("gen_ai.agent.id", |call, text| call.agent_id(text)),
    ("gen_ai.agent.name", |call, text| call.agent_name(text)),
    ("gen_ai.workflow.name", |call, text| {
        call.workflow_name(text)
    }),
    ("gen_ai.tool.name", |call, text| call.tool_name(text)),
    ("gen_ai.tool.call.id", |call, text| call.tool_call_id(text)),
    ("server.address", |call, text| call.server_address(text)),
    ("error.type", |call, text| call.error_type(text)),
];

/// Attributes that are counts.
const NUMBERS: &[(&str, Number)] = &[
    ("gen_ai.usage.input_tokens", |counts, number| {
        counts.input = Some(number)
    }),
    ("gen_ai.usage.output_tokens", |counts, number| {
        counts.output = Some(number)
    }),
    ("gen_ai.usage.cache_read.input_tokens", |counts, number| {
        counts.cached = Some(number)
    }),
];

/// Attributes of an answer: a span that has one has one.
const OF_ANSWERS: &[&str] = &[
    "gen_ai.response.finish_reasons",
    "gen_ai.response.id",
    "gen_ai.response.model",
    "gen_ai.usage.output_tokens",
];

/// Puts what a span says of a call.
pub(super) struct Attributes<'c> {
    pub(super) call: &'c mut Interaction,
    pub(super) counts: &'c mut Counts,
}

impl Attributes<'_> {
    fn text(&mut self, field: &Field, text: &str) {
        let is_name =
            !text.is_empty() && text.len() <= MAX_NAME && !text.chars().any(char::is_control);
        if !is_name {
            return;
        }
        self.note(field);
        match field.name() {
            "error.type" => self.counts.has_failed = true,
            "otel.status_code" => self.counts.has_failed |= text.eq_ignore_ascii_case("error"),
            _ => {}
        }
        if let Some((_, put)) = TEXTS.iter().find(|(name, _)| *name == field.name()) {
            put(self.call, text);
        }
    }

    fn note(&mut self, field: &Field) {
        self.counts.has_answer |= OF_ANSWERS.contains(&field.name());
    }
}

impl Visit for Attributes<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if let Some((_, put)) = NUMBERS.iter().find(|(name, _)| *name == field.name()) {
            self.note(field);
            put(self.counts, value);
        } else if field.name() == "gen_ai.request.max_tokens" {
            self.call.max_tokens(value);
        } else if field.name() == "server.port" {
            self.call.server_port(value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if let Ok(value) = u64::try_from(value) {
            self.record_u64(field, value);
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "gen_ai.request.temperature" {
            self.call.temperature(value);
        } else if field.name() == "gen_ai.request.top_p" {
            self.call.top_p(value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Only of what is captured a text is made.
        let is_known = TEXTS.iter().any(|(name, _)| *name == field.name())
            || NUMBERS.iter().any(|(name, _)| *name == field.name())
            || field.name() == "otel.status_code";
        if !is_known {
            return;
        }
        let Some(text) = llm_audit_core::contained(|| format!("{value:?}")) else {
            return;
        };
        let text = text.trim_matches('"');
        match text.parse() {
            Ok(number) => self.record_u64(field, number),
            Err(_) => self.text(field, text),
        }
    }
}
