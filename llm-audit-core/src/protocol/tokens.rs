//! Token counts: where each protocol has them, and what they mean there.

use super::json::Json;
use crate::catalog::Field;
use crate::event::Value;
use crate::interaction::Interaction;
use crate::usage::Usage;

/// How a protocol counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    /// Cached tokens are within the input, reasoning within the output.
    Within,
    /// Cached tokens stand beside the input.
    CacheBeside,
    /// Reasoning stands beside the output, tokens of tools beside the input.
    ReasoningBeside,
}

/// Where a protocol has its counts: the object, and paths within it.
#[derive(Debug)]
pub(crate) struct TokenPaths {
    pub(crate) arithmetic: Arithmetic,
    /// Paths of the object; empty for the document itself.
    pub(crate) object: &'static [&'static str],
    pub(crate) input: &'static [&'static str],
    pub(crate) output: &'static [&'static str],
    pub(crate) cache_read: &'static [&'static str],
    pub(crate) cache_write: &'static [&'static str],
    pub(crate) reasoning: &'static [&'static str],
    /// Tokens that are of the input and are not in its count.
    pub(crate) more_input: &'static [&'static str],
    /// Tokens of one modality and direction.
    pub(crate) modalities: &'static [(&'static str, &'static str)],
}

pub(crate) const OPENAI: TokenPaths = TokenPaths {
    arithmetic: Arithmetic::Within,
    object: &["usage", "response.usage"],
    input: &["prompt_tokens", "input_tokens"],
    output: &["completion_tokens", "output_tokens"],
    cache_read: &[
        "prompt_tokens_details.cached_tokens",
        "input_tokens_details.cached_tokens",
        "prompt_cache_hit_tokens",
    ],
    cache_write: &["prompt_tokens_details.cache_write_tokens"],
    reasoning: &[
        "completion_tokens_details.reasoning_tokens",
        "output_tokens_details.reasoning_tokens",
    ],
    more_input: &[],
    modalities: &[
        ("prompt_tokens_details.audio_tokens", "audio.input"),
        ("completion_tokens_details.audio_tokens", "audio.output"),
    ],
};

pub(crate) const ANTHROPIC: TokenPaths = TokenPaths {
    arithmetic: Arithmetic::CacheBeside,
    object: &["usage", "message.usage"],
    input: &["input_tokens"],
    output: &["output_tokens"],
    cache_read: &["cache_read_input_tokens"],
    cache_write: &["cache_creation_input_tokens"],
    reasoning: &[],
    more_input: &[],
    modalities: &[],
};

pub(crate) const GEMINI: TokenPaths = TokenPaths {
    arithmetic: Arithmetic::ReasoningBeside,
    object: &["usageMetadata"],
    input: &["promptTokenCount"],
    output: &["candidatesTokenCount"],
    cache_read: &["cachedContentTokenCount"],
    cache_write: &[],
    reasoning: &["thoughtsTokenCount"],
    more_input: &["toolUsePromptTokenCount"],
    modalities: &[],
};

pub(crate) const OLLAMA: TokenPaths = TokenPaths {
    arithmetic: Arithmetic::Within,
    object: &[],
    input: &["prompt_eval_count"],
    output: &["eval_count"],
    cache_read: &[],
    cache_write: &[],
    reasoning: &[],
    more_input: &[],
    modalities: &[],
};

pub(crate) const BEDROCK: TokenPaths = TokenPaths {
    arithmetic: Arithmetic::CacheBeside,
    object: &["usage"],
    input: &["inputTokens"],
    output: &["outputTokens"],
    cache_read: &["cacheReadInputTokens"],
    cache_write: &["cacheWriteInputTokens"],
    reasoning: &[],
    more_input: &[],
    modalities: &[],
};

/// Bytes of a provider's object that is kept; the longest has some hundreds.
const MAX_RAW: usize = 4096;

/// Levels of nesting in it; the deepest has three.
const MAX_RAW_DEPTH: usize = 4;

/// Writes the numbers in `json` under their names: a text may be content, which no plain field holds.
fn numbers(json: Json<'_>, depth: usize, raw: &mut String) {
    let is_list = json.is_array();
    let mut before = if is_list { '[' } else { '{' };
    let mut write = |name: Option<&str>, value: Json<'_>| {
        let is_inner = (value.is_array() || value.is_object()) && depth < MAX_RAW_DEPTH;
        let is_named = is_list || name.is_some();
        if raw.len() > MAX_RAW || !is_named || !is_inner && value.f64().is_none() {
            return;
        }
        raw.push(std::mem::replace(&mut before, ','));
        if let Some(name) = name {
            raw.push_str(&format!("\"{name}\":"));
        }
        match is_inner {
            true => numbers(value, depth + 1, raw),
            false => raw.push_str(value.text()),
        }
    };
    if is_list {
        json.each(|value| write(None, value));
    } else {
        json.members(|name, value| {
            if let Some(name) = super::word(name) {
                write(Some(name), value);
            }
        });
    }
    match (before, is_list) {
        ('[', _) => raw.push_str("[]"),
        ('{', _) => raw.push_str("{}"),
        (_, true) => raw.push(']'),
        (_, false) => raw.push('}'),
    }
}

/// What has been counted so far: each count as it was said last.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    input: Option<u64>,
    output: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    reasoning: Option<u64>,
    more_input: Option<u64>,
    modalities: Vec<(&'static str, u64)>,
    raw: Option<String>,
}

impl Tokens {
    /// Takes the counts that `document` has.
    pub(crate) fn read(&mut self, paths: &TokenPaths, document: Json<'_>) {
        let object = if paths.object.is_empty() {
            Some(document)
        } else {
            document.first(paths.object)
        };
        let Some(object) = object.filter(|object| object.is_object()) else {
            return;
        };
        let counts = [
            (&mut self.input, paths.input),
            (&mut self.output, paths.output),
            (&mut self.cache_read, paths.cache_read),
            (&mut self.cache_write, paths.cache_write),
            (&mut self.reasoning, paths.reasoning),
            (&mut self.more_input, paths.more_input),
        ];
        for (count, paths) in counts {
            let said = object.first(paths).and_then(Json::u64);
            *count = said.or(*count);
        }
        for (path, name) in paths.modalities {
            let count = object
                .at(path)
                .and_then(Json::u64)
                .filter(|count| *count > 0);
            if let Some(count) = count {
                self.modalities.retain(|(known, _)| known != name);
                self.modalities.push((name, count));
            }
        }
        if !paths.object.is_empty() {
            let mut raw = String::new();
            numbers(object, 0, &mut raw);
            self.raw = (raw.len() <= MAX_RAW).then_some(raw);
        }
    }

    /// Puts the counts in `call`; `is_whole` is whether the provider has said its last word.
    pub(crate) fn put(&mut self, arithmetic: Arithmetic, is_whole: bool, call: &mut Interaction) {
        let input = self.input.unwrap_or_default();
        let input = input.saturating_add(self.more_input.unwrap_or_default());
        let output = self.output.unwrap_or_default();
        let mut usage = match arithmetic {
            Arithmetic::Within => Usage::openai(input, output),
            Arithmetic::CacheBeside => Usage::anthropic(input, output),
            Arithmetic::ReasoningBeside => Usage::openai(
                input,
                output.saturating_add(self.reasoning.unwrap_or_default()),
            ),
        };
        if let Some(tokens) = self.cache_read {
            usage = usage.cache_read(tokens);
        }
        if let Some(tokens) = self.cache_write {
            usage = usage.cache_write(tokens);
        }
        if let Some(tokens) = self.reasoning {
            usage = usage.reasoning(tokens);
        }
        if !is_whole {
            usage = usage.partial();
        }
        call.usage_of(usage, self.input.is_some(), self.output.is_some());
        if !self.modalities.is_empty() {
            call.modality_tokens(self.modalities.iter().copied());
        }
        let raw = self.raw.take().filter(|raw| !raw.is_empty());
        call.put_with(Field::UsageRaw, || raw.map(Value::Json));
    }
}
