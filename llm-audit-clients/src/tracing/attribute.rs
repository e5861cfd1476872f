//! Attributes of spans, and the fields that they are.

use llm_audit_core::{Interaction, Operation};
use tracing_core::field::{Field, Visit};

use super::call::Counts;

/// Bytes of a name: the longest of a model is an ARN of about 200.
const MAX_NAME: usize = 256;

/// Bytes of a word or a label.
const MAX_WORD: usize = 64;

/// What the conventions say for an error without a type.
const OTHER: &str = "_OTHER";

const STATUS: &str = "otel.status_code";
const ERROR_TYPE: &str = "error.type";

type Text = for<'c> fn(&'c mut Interaction, &str) -> &'c mut Interaction;
type Number = fn(&mut Counts, u64);

/// What a text must look like to get into a plain field: others write into spans what they like.
#[derive(Clone, Copy)]
enum Form {
    /// A name for people, such as an agent's: letters, digits, space and a few marks.
    Label,
    /// No space and no mark of a sentence.
    Name,
    /// Words of a vocabulary: letters, digits and a few marks.
    Word,
}

/// Attributes that are texts. Content is none of them.
const TEXTS: &[(&str, Form, Text)] = &[
    ("gen_ai.provider.name", Form::Name, |call, text| {
        call.provider(text)
    }),
    ("gen_ai.system", Form::Name, |call, text| {
        call.provider(text)
    }),
    ("gen_ai.request.model", Form::Name, |call, text| {
        call.request_model(text)
    }),
    ("gen_ai.response.model", Form::Name, |call, text| {
        call.response_model(text)
    }),
    ("gen_ai.response.id", Form::Name, |call, text| {
        call.response_id(text)
    }),
    ("gen_ai.conversation.id", Form::Name, |call, text| {
        call.conversation_id(text)
    }),
    ("gen_ai.agent.id", Form::Name, |call, text| {
        call.agent_id(text)
    }),
    ("gen_ai.agent.name", Form::Label, |call, text| {
        call.agent_name(text)
    }),
    ("gen_ai.workflow.name", Form::Label, |call, text| {
        call.workflow_name(text)
    }),
    ("gen_ai.tool.name", Form::Word, |call, text| {
        call.tool_name(text)
    }),
    ("gen_ai.tool.call.id", Form::Name, |call, text| {
        call.tool_call_id(text)
    }),
    ("server.address", Form::Name, |call, text| {
        call.server_address(text)
    }),
];

/// The attribute that is a list of words, which most crates write as the text of a list.
const FINISH_REASONS: &str = "gen_ai.response.finish_reasons";

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

/// Attributes that only numbers are put for, beside counts.
const SETTINGS: &[&str] = &[
    "gen_ai.request.max_tokens",
    "gen_ai.request.temperature",
    "gen_ai.request.top_p",
    "server.port",
];

/// Attributes of an answer: a span that has one has one.
const OF_ANSWERS: &[&str] = &[
    FINISH_REASONS,
    "gen_ai.response.id",
    "gen_ai.response.model",
    "gen_ai.usage.output_tokens",
];

/// What a span says at once. It is made before anything of the call is looked at: making a text of a value is code
/// of others, which may look at the span.
#[derive(Default)]
pub(super) struct Said(Vec<(&'static str, Value)>);

enum Value {
    Float(f64),
    Int(u64),
    Text(String),
}

impl Said {
    /// Puts what was said in `call`.
    pub(super) fn put(self, call: &mut Interaction, counts: &mut Counts) {
        for (name, value) in self.0 {
            match value {
                Value::Float(value) if name == "gen_ai.request.temperature" => {
                    call.temperature(value);
                }
                Value::Float(value) if name == "gen_ai.request.top_p" => {
                    call.top_p(value);
                }
                Value::Float(_) => {}
                Value::Int(value) => put_number(name, value, call, counts),
                Value::Text(text) => put_text(name, &text, call, counts),
            }
        }
    }
}

fn put_number(name: &str, value: u64, call: &mut Interaction, counts: &mut Counts) {
    if let Some((_, put)) = NUMBERS.iter().find(|(known, _)| *known == name) {
        counts.has_answer |= OF_ANSWERS.contains(&name);
        put(counts, value);
    } else if name == "gen_ai.request.max_tokens" {
        call.max_tokens(value);
    } else if name == "server.port" {
        call.server_port(value);
    }
}

fn put_text(name: &str, text: &str, call: &mut Interaction, counts: &mut Counts) {
    if text.is_empty() {
        return;
    }
    if name == STATUS {
        counts.has_failed |= text.eq_ignore_ascii_case("error");
    } else if name == ERROR_TYPE {
        counts.has_failed = true;
        call.error_type(if Form::Word.is_of(text) { text } else { OTHER });
    } else if name == FINISH_REASONS {
        counts.has_answer = true;
        let words = words_of(text);
        if !words.is_empty() {
            call.finish_reasons(words);
        }
    } else if let Some((_, form, put)) = TEXTS.iter().find(|(known, ..)| *known == name)
        && form.is_of(text)
    {
        counts.has_answer |= OF_ANSWERS.contains(&name);
        put(call, text);
    }
}

/// Returns the words of a list, or the one word that `text` is.
fn words_of(text: &str) -> Vec<&str> {
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let words = inner.unwrap_or(text).split(',');
    let words = words.map(|word| word.trim().trim_matches('"'));
    words.filter(|word| Form::Word.is_of(word)).collect()
}

impl Form {
    fn is_of(self, text: &str) -> bool {
        let (most, is_of): (usize, fn(char) -> bool) = match self {
            Self::Label => (MAX_WORD, |sign| {
                sign.is_alphanumeric() || " _-./:()&+".contains(sign)
            }),
            Self::Name => (MAX_NAME, |sign| {
                !sign.is_whitespace() && !sign.is_control() && !"'\"<>(){}".contains(sign)
            }),
            Self::Word => (MAX_WORD, |sign| {
                sign.is_ascii_alphanumeric() || "_-./:".contains(sign)
            }),
        };
        !text.is_empty() && text.len() <= most && text.chars().all(is_of)
    }
}

/// Returns whether anything is recorded of the attribute `name`.
fn is_known(name: &str) -> bool {
    is_number(name)
        || [STATUS, ERROR_TYPE, FINISH_REASONS].contains(&name)
        || TEXTS.iter().any(|(known, ..)| *known == name)
}

fn is_number(name: &str) -> bool {
    SETTINGS.contains(&name) || NUMBERS.iter().any(|(known, _)| *known == name)
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        if is_known(field.name()) {
            // What is longer than any name is none, and need not be copied whole.
            let text = value.chars().take(MAX_NAME + 1).collect();
            self.0.push((field.name(), Value::Text(text)));
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if is_known(field.name()) {
            self.0.push((field.name(), Value::Int(value)));
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        if let Ok(value) = u64::try_from(value) {
            self.record_u64(field, value);
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if is_known(field.name()) {
            self.0.push((field.name(), Value::Float(value)));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Only of what is captured a text is made.
        if !is_known(field.name()) {
            return;
        }
        let Some(text) = llm_audit_core::contained(|| format!("{value:?}")) else {
            return;
        };
        let text = text.trim_matches('"');
        match text.parse() {
            Ok(number) if is_number(field.name()) => self.record_u64(field, number),
            _ => self.record_str(field, text),
        }
    }
}

/// Finds the operation that a span is of.
#[derive(Default)]
pub(super) struct OfOperation(pub(super) Option<Operation>);

impl Visit for OfOperation {
    fn record_str(&mut self, field: &Field, value: &str) {
        let is_word = !value.is_empty()
            && value.len() <= MAX_WORD
            && value
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if field.name() == super::OPERATION && is_word {
            // rig's name for a chat whose answer is a stream.
            let name = value.strip_suffix("_streaming").unwrap_or(value);
            self.0 = Some(Operation::from(name));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == super::OPERATION {
            let text = llm_audit_core::contained(|| format!("{value:?}"));
            self.record_str(field, text.unwrap_or_default().trim_matches('"'));
        }
    }
}
