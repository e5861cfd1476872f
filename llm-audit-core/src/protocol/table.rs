//! The table of protocols, and what requests and answers of all of them say in the same way.

use super::headers::Headers;
use super::json::Json;
use super::tokens::{self, TokenPaths};
use super::turn::Turn;
use super::{anthropic, bedrock, chat, embeddings, gemini, hosts, ollama, responses};
use crate::catalog::{Field, FieldType};
use crate::event::{Operation, ToolDefinition, Value};
use crate::interaction::Interaction;

/// How calls of a provider look on the wire.
pub(crate) struct Protocol {
    /// The provider, where the host is none that is known.
    pub(crate) provider: &'static str,
    pub(crate) operation: Operation,
    /// How paths end; before a `*` stands what they have before that.
    paths: &'static [&'static str],
    /// Members of which a request to such a path has one.
    shape: &'static [&'static str],
    /// Members that a request has: where the path ends otherwise, all of them tell.
    members: &'static [&'static str],
    /// A header that tells the protocol from one with the same members.
    header: Option<&'static str>,
    pub(crate) tokens: &'static TokenPaths,
    pub(crate) request: fn(&mut Interaction, Json<'_>),
    pub(crate) answer: fn(&mut Turn<'_>, Json<'_>),
}

/// Every protocol; the first that fits is it.
pub(crate) static PROTOCOLS: &[Protocol] = &[
    Protocol {
        provider: "openai",
        operation: Operation::Chat,
        paths: &["/chat/completions"],
        shape: &[],
        members: &[],
        header: None,
        tokens: &tokens::OPENAI,
        request: chat::request,
        answer: chat::answer,
    },
    Protocol {
        provider: "openai",
        operation: Operation::TextCompletion,
        paths: &["/completions"],
        shape: &["prompt"],
        members: &[],
        header: None,
        tokens: &tokens::OPENAI,
        request: chat::request,
        answer: chat::answer,
    },
    Protocol {
        provider: "openai",
        operation: Operation::Chat,
        paths: &["/responses"],
        shape: &["model", "prompt"],
        members: &[],
        header: None,
        tokens: &tokens::OPENAI,
        request: responses::request,
        answer: responses::answer,
    },
    Protocol {
        provider: "anthropic",
        operation: Operation::Chat,
        paths: &["/v1/messages", ":rawPredict", ":streamRawPredict"],
        shape: &["messages"],
        members: &["messages", "max_tokens"],
        header: Some("anthropic-version"),
        tokens: &tokens::ANTHROPIC,
        request: anthropic::request,
        answer: anthropic::answer,
    },
    Protocol {
        provider: "aws.bedrock",
        operation: Operation::Chat,
        paths: &["/model/*/invoke", "/model/*/invoke-with-response-stream"],
        shape: &[],
        members: &["anthropic_version"],
        header: None,
        tokens: &tokens::ANTHROPIC,
        request: anthropic::request,
        answer: anthropic::answer,
    },
    Protocol {
        provider: "aws.bedrock",
        operation: Operation::Chat,
        paths: &["/model/*/converse", "/model/*/converse-stream"],
        shape: &["messages"],
        members: &[],
        header: None,
        tokens: &tokens::BEDROCK,
        request: bedrock::request,
        answer: bedrock::answer,
    },
    Protocol {
        provider: "gcp.gemini",
        operation: Operation::GenerateContent,
        paths: &[":generateContent", ":streamGenerateContent"],
        shape: &["contents"],
        members: &["contents[].parts"],
        header: None,
        tokens: &tokens::GEMINI,
        request: gemini::request,
        answer: gemini::answer,
    },
    Protocol {
        provider: "ollama",
        operation: Operation::Chat,
        paths: &["/api/chat"],
        shape: &["model"],
        members: &[],
        header: None,
        tokens: &tokens::OLLAMA,
        request: ollama::request,
        answer: ollama::answer,
    },
    Protocol {
        provider: "ollama",
        operation: Operation::TextCompletion,
        paths: &["/api/generate"],
        shape: &["model"],
        members: &[],
        header: None,
        tokens: &tokens::OLLAMA,
        request: ollama::request,
        answer: ollama::answer,
    },
    Protocol {
        provider: "ollama",
        operation: Operation::Embeddings,
        paths: &["/api/embed", "/api/embeddings"],
        shape: &["model"],
        members: &[],
        header: None,
        tokens: &tokens::OLLAMA,
        request: embeddings::request,
        answer: embeddings::answer,
    },
    Protocol {
        provider: "gcp.gemini",
        operation: Operation::Embeddings,
        paths: &[":embedContent"],
        shape: &["content"],
        members: &[],
        header: None,
        tokens: &tokens::GEMINI,
        request: embeddings::request,
        answer: embeddings::answer,
    },
    Protocol {
        provider: "openai",
        operation: Operation::Embeddings,
        paths: &["/embeddings"],
        shape: &["input"],
        members: &[],
        header: None,
        tokens: &tokens::OPENAI,
        request: embeddings::request,
        answer: embeddings::answer,
    },
    Protocol {
        provider: "openai",
        operation: Operation::Chat,
        paths: &[],
        shape: &[],
        members: &["messages", "model"],
        header: None,
        tokens: &tokens::OPENAI,
        request: chat::request,
        answer: chat::answer,
    },
];

/// Ends of paths that others have too, and how they end where a request whose body nobody can read is one of
/// a model.
const VAGUE: &[(&str, &[&str])] = &[
    ("/completions", &["/chat/completions", "/v1/completions"]),
    ("/responses", &["/v1/responses"]),
];

/// Fields whose values are words of a vocabulary, or a tool's name.
const WORDS: &[Field] = &[
    Field::ServiceTier,
    Field::SystemFingerprint,
    Field::OutputType,
    Field::ReasoningEffort,
    Field::ToolChoice,
];

/// Texts that end the generation which are kept; providers allow at most 16.
const MAX_STOPS: usize = 16;

/// Bytes of such a text that is kept as it is.
const MAX_STOP: usize = 32;

/// What stands before the model in a path.
const MODEL_AFTER: &[&str] = &["/models/", "/model/", "/deployments/"];

/// Settings of a request, and where the protocols have them.
const SETTINGS: &[(Field, &[&str])] = &[
    (Field::RequestModel, &["model"]),
    (
        Field::Temperature,
        &[
            "temperature",
            "generationConfig.temperature",
            "options.temperature",
            "inferenceConfig.temperature",
        ],
    ),
    (
        Field::TopP,
        &[
            "top_p",
            "generationConfig.topP",
            "options.top_p",
            "inferenceConfig.topP",
        ],
    ),
    (
        Field::TopK,
        &["top_k", "generationConfig.topK", "options.top_k"],
    ),
    (
        Field::MaxTokens,
        &[
            "max_completion_tokens",
            "max_tokens",
            "max_output_tokens",
            "generationConfig.maxOutputTokens",
            "options.num_predict",
            "inferenceConfig.maxTokens",
        ],
    ),
    (
        Field::StopSequences,
        &[
            "stop",
            "stop_sequences",
            "generationConfig.stopSequences",
            "options.stop",
            "inferenceConfig.stopSequences",
        ],
    ),
    (
        Field::Seed,
        &["seed", "generationConfig.seed", "options.seed"],
    ),
    (
        Field::FrequencyPenalty,
        &[
            "frequency_penalty",
            "generationConfig.frequencyPenalty",
            "options.frequency_penalty",
        ],
    ),
    (
        Field::PresencePenalty,
        &[
            "presence_penalty",
            "generationConfig.presencePenalty",
            "options.presence_penalty",
        ],
    ),
    (
        Field::ChoiceCount,
        &["n", "generationConfig.candidateCount"],
    ),
    (Field::Stream, &["stream"]),
    (
        Field::OutputType,
        &[
            "response_format.type",
            "text.format.type",
            "generationConfig.responseMimeType",
            "format.type",
        ],
    ),
    (
        Field::ReasoningEffort,
        &[
            "reasoning_effort",
            "reasoning.effort",
            "output_config.effort",
        ],
    ),
    (
        Field::ToolChoice,
        &[
            "tool_choice.function.name",
            "tool_choice.name",
            "tool_choice.type",
            "tool_choice",
            "toolConfig.functionCallingConfig.mode",
        ],
    ),
];

/// What an answer says of itself, and where the protocols have it.
pub(crate) const METADATA: [(Field, &[&str]); 4] = [
    (
        Field::ResponseId,
        &["id", "response.id", "message.id", "responseId"],
    ),
    (
        Field::ResponseModel,
        &["model", "response.model", "message.model", "modelVersion"],
    ),
    (Field::SystemFingerprint, &["system_fingerprint"]),
    (
        Field::ServiceTier,
        &["service_tier", "response.service_tier"],
    ),
];

/// Where lists of tools are, where a tool is in its element, and where it has its name.
const TOOLS: &[&str] = &["tools", "toolConfig.tools"];
const DECLARATIONS: &[&str] = &["functionDeclarations", "function_declarations"];
const DECLARATION: &[&str] = &["function", "toolSpec", "custom"];

impl Protocol {
    /// Returns the protocol of a request to `path`.
    pub(crate) fn of(
        path: &str,
        headers: &Headers<'_>,
        body: Option<Json<'_>>,
    ) -> Option<&'static Self> {
        let path = path.trim_end_matches('/');
        let has_path = |protocol: &&Self| {
            let shape = protocol.shape;
            let has_shape = |body: Json<'_>| {
                shape.is_empty() || shape.iter().any(|name| body.get(name).is_some())
            };
            protocol
                .paths
                .iter()
                .any(|end| without_end(path, end).is_some())
                && match body {
                    Some(body) => has_shape(body),
                    None => VAGUE.iter().all(|(end, clear)| {
                        !path.ends_with(end) || clear.iter().any(|clear| path.ends_with(clear))
                    }),
                }
        };
        let has_members = |protocol: &&Self| {
            let header = protocol.header;
            let names = |name: &&str| body.is_some_and(|body| has_member(body, name));
            !protocol.members.is_empty()
                && protocol.members.iter().all(names)
                && header.is_none_or(|name| super::headers::header(headers, name).is_some())
        };
        PROTOCOLS
            .iter()
            .find(has_path)
            .or_else(|| PROTOCOLS.iter().find(has_members))
    }

    /// Returns whether requests to `path` may be those of a protocol.
    pub(crate) fn has_path(path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let is_it = |end: &str| without_end(path, end).is_some();
        PROTOCOLS
            .iter()
            .any(|protocol| protocol.paths.iter().any(|end| is_it(end)))
    }

    /// Returns the protocol of which `path` is one that requests go to.
    pub(crate) fn with_path(path: &str) -> Option<&'static Self> {
        let mut all = PROTOCOLS.iter();
        all.find(|protocol| protocol.paths.contains(&path))
    }

    /// Returns the provider of a call to `host`.
    pub(crate) fn provider_at(&self, host: &str) -> &'static str {
        hosts::provider(host).unwrap_or(self.provider)
    }

    /// Returns the model that `path` names.
    pub(crate) fn model_in(&self, path: &str) -> Option<String> {
        let path = path.trim_end_matches('/');
        let path = self
            .paths
            .iter()
            .find_map(|end| without_end(path, end))
            .unwrap_or(path);
        let mut after = MODEL_AFTER.iter().filter_map(|mark| path.split_once(mark));
        let (_, rest) = after.next()?;
        decoded(rest.split('/').next()?)
    }
}

/// Returns whether `body` has the member `name`; behind `[].` stands what an element of it has.
fn has_member(body: Json<'_>, name: &str) -> bool {
    let Some((name, of_element)) = name.split_once("[].") else {
        return body.get(name).is_some();
    };
    let mut has = false;
    if let Some(list) = body.get(name) {
        list.each(|element| has |= element.get(of_element).is_some());
    }
    has
}

/// Returns `path` without its end, if that is how it ends.
fn without_end<'p>(path: &'p str, end: &str) -> Option<&'p str> {
    match end.split_once('*') {
        Some((before, end)) => path.strip_suffix(end).filter(|path| path.contains(before)),
        None => path.strip_suffix(end),
    }
}

/// Puts the settings that a request has.
pub(crate) fn put_settings(call: &mut Interaction, body: Json<'_>) {
    let begins = |path: &&str, name: &str| path.split('.').next() == Some(name);
    let body = body.top(|name| {
        let mut settings = SETTINGS.iter().flat_map(|(_, paths)| *paths);
        settings.any(|path| begins(path, name)) || TOOLS.iter().any(|path| begins(path, name))
    });
    for (field, paths) in SETTINGS {
        call.put_with(*field, || value(*field, body.first(paths)?));
    }
    call.put_with(Field::ToolDefinitions, || {
        let mut tools = Vec::new();
        body.first(TOOLS)?
            .each(|tool| match tool.first(DECLARATIONS) {
                Some(declarations) => declarations.each(|tool| tools.push(definition(tool))),
                None => tools.push(definition(tool)),
            });
        Some(Value::ToolDefinitions(tools))
    });
}

/// Returns what `json` is as a value of `field`; long texts are no values of fields that are plain.
pub(crate) fn value(field: Field, json: Json<'_>) -> Option<Value> {
    match field.info().field_type {
        FieldType::Bool => json.bool().map(Value::Bool),
        FieldType::Float => json.f64().map(Value::Float),
        FieldType::Int => json.u64().map(|number| Value::Int(crate::put::int(number))),
        FieldType::Texts => {
            let mut texts = Vec::new();
            json.each(|text| {
                if texts.len() < MAX_STOPS {
                    texts.extend(text.str().map(|text| stop(&text)));
                }
            });
            Some(Value::Texts(texts))
        }
        _ => {
            let text = json.str();
            let text = match &text {
                Some(text) if field == Field::OutputType && text.contains("json") => "json",
                Some(text) if WORDS.contains(&field) => super::word(text)?,
                Some(text) => super::name(text)?,
                None if json.is_object() || json.is_array() => return None,
                None => super::name(json.text())?,
            };
            Some(Value::Text(text.to_owned()))
        }
    }
}

/// Returns what is kept of a text that ends the generation: all of a sign or a token of a model's template,
/// of others the length, since a plain field holds no content.
fn stop(text: &str) -> String {
    let inner = text
        .strip_prefix("<|")
        .and_then(|text| text.strip_suffix("|>"));
    let is_token = text == "</s>" || inner.is_some_and(|inner| super::word(inner).is_some());
    let is_sign = text.len() <= MAX_STOP && !text.chars().any(char::is_alphanumeric);
    if is_sign || is_token {
        return text.to_owned();
    }
    format!("[{} bytes]", text.len())
}

fn definition(tool: Json<'_>) -> ToolDefinition {
    use sha2::{Digest as _, Sha256};

    let inner = tool.first(DECLARATION).unwrap_or(tool);
    let mut definition = ToolDefinition::default();
    if !inner.is_cut() {
        let digest = Sha256::digest(inner.compact().as_bytes());
        definition = definition.digest(format!("sha256:{}", crate::encode::hex(&digest)));
    }
    if let Some(name) = inner.get("name").or(tool.get("type")).and_then(Json::str) {
        definition = definition.name(super::name(&name).unwrap_or_default());
    }
    let kind = tool.get("type").and_then(Json::str);
    definition.r#type(kind.as_deref().and_then(super::word).unwrap_or("function"))
}

/// Decodes what is escaped with `%`.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            let digits = std::str::from_utf8(&digits).ok()?.to_ascii_lowercase();
            bytes.extend(crate::encode::from_hex(&digits)?);
        } else {
            bytes.push(byte);
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    super::name(&text)
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_then_members_tell_the_protocol() {
        let of = |path: &str, body: &str| {
            let protocol = Protocol::of(path, &[], Json::parse(body))?;
            Some((protocol.provider, protocol.operation.as_str()))
        };
        assert_eq!(
            of("/v1/chat/completions/", r#"{"messages":[]}"#),
            Some(("openai", "chat"))
        );
        assert_eq!(
            of("/v1/completions", r#"{"prompt":"a"}"#),
            Some(("openai", "text_completion"))
        );
        assert_eq!(
            of("/odd", r#"{"model":"a","messages":[]}"#),
            Some(("openai", "chat"))
        );
        assert_eq!(
            of("/odd", r#"{"contents":[{"parts":[]}]}"#),
            Some(("gcp.gemini", "generate_content"))
        );
        assert_eq!(of("/library", r#"{"contents":["a chapter"]}"#), None);
        assert_eq!(
            of("/v1/chat/completions", r#"{"model":"a"}"#),
            Some(("openai", "chat"))
        );
        let unread = |path: &str| Protocol::of(path, &[], None).is_some();
        assert!(unread("/v1/responses") && unread("/openai/chat/completions"));
        assert!(!unread("/surveys/7/responses") && !unread("/completions"));
        assert_eq!(of("/v1/messages/count_tokens", "{}"), None);
        assert_eq!(of("/v1/models", "{}"), None);
        assert_eq!(of("/surveys/7/responses", r#"{"stars":5}"#), None);
    }

    #[test]
    fn hosts_and_paths_tell_provider_and_model() {
        let chat = Protocol::of("/chat/completions", &[], None).unwrap();
        assert_eq!(chat.provider_at("api.OpenAI.com"), "openai");
        assert_eq!(chat.provider_at("notopenai.com.evil"), "openai");
        assert_eq!(chat.provider_at("api.groq.com"), "groq");
        assert_eq!(chat.provider_at("vax.ai"), "openai");
        assert_eq!(
            chat.provider_at("Bedrock-runtime.eu-west-1.amazonaws.com"),
            "aws.bedrock"
        );
        assert_eq!(
            chat.provider_at("vpce-0a1b-2c.bedrock-runtime.eu-west-1.vpce.amazonaws.com"),
            "aws.bedrock"
        );
        assert_eq!(chat.provider_at("lb-7.elb.amazonaws.com"), "openai");
        assert_eq!(
            chat.provider_at("x.cognitiveservices.azure.com"),
            "azure.ai.openai"
        );
        let path = "/openai/deployments/small/chat/completions";
        assert_eq!(chat.model_in(path).as_deref(), Some("small"));
        let path = "/model/arn%3Aaws%3Abedrock%2Fx/converse-stream";
        let bedrock = Protocol::of(path, &[], None).unwrap();
        assert_eq!(bedrock.model_in(path).as_deref(), Some("arn:aws:bedrock/x"));
        let path = "/v1beta/models/gemini-2.5:generateContent";
        let gemini = Protocol::of(path, &[], None).unwrap();
        assert_eq!(gemini.model_in(path).as_deref(), Some("gemini-2.5"));
    }
}
