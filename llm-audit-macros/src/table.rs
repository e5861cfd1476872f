//! The names that `#[audit]` knows: operations, arguments, fields.

/// What the first word selects.
pub(crate) struct Operation {
    /// The word.
    pub(crate) word: &'static str,
    /// The variant of `Operation`, or of `Author` where there is a verdict, in the crate
    /// `llm-audit`.
    pub(crate) variant: &'static str,
    /// The field that holds what the operation is called: the function's name unless it is set.
    pub(crate) name: Option<&'static str>,
    /// What `output` sets.
    pub(crate) output: &'static str,
    /// What `args` sets.
    pub(crate) args: Option<&'static str>,
    /// The record that the call gives, when it is of the kind that gives one.
    pub(crate) verdict: &'static [Column],
}

/// A part of a verdict.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) slot: &'static str,
    /// Whether it is known before the body has run.
    pub(crate) is_known_before: bool,
}

const fn operation(word: &'static str, variant: &'static str) -> Operation {
    Operation {
        word,
        variant,
        name: None,
        output: "response",
        args: None,
        verdict: &[],
    }
}

/// An operation of a model that is told something.
const fn generation(word: &'static str, variant: &'static str) -> Operation {
    Operation {
        args: Some("prompt_template_variables"),
        ..operation(word, variant)
    }
}

const fn before(name: &'static str, slot: &'static str) -> Column {
    Column {
        name,
        slot,
        is_known_before: true,
    }
}

const fn after(name: &'static str, slot: &'static str) -> Column {
    Column {
        name,
        slot,
        is_known_before: false,
    }
}

/// The operation without a word for it.
pub(crate) const CHAT: Operation = generation("chat", "Chat");

/// Every operation.
pub(crate) const OPERATIONS: &[Operation] = &[
    CHAT,
    generation("text_completion", "TextCompletion"),
    generation("generate_content", "GenerateContent"),
    operation("embeddings", "Embeddings"),
    Operation {
        output: "documents",
        ..operation("retrieval", "Retrieval")
    },
    Operation {
        output: "documents",
        ..operation("rerank", "Rerank")
    },
    Operation {
        name: Some("tool_name"),
        output: "tool_result",
        args: Some("tool_arguments"),
        ..operation("tool", "ExecuteTool")
    },
    Operation {
        name: Some("agent_name"),
        args: Some("metadata"),
        ..operation("agent", "InvokeAgent")
    },
    Operation {
        name: Some("workflow_name"),
        args: Some("metadata"),
        ..operation("workflow", "InvokeWorkflow")
    },
    Operation {
        name: Some("step_name"),
        args: Some("metadata"),
        ..operation("step", "Step")
    },
    Operation {
        name: Some("guardrail_name"),
        output: "guardrail",
        verdict: &[
            before("id", "guardrail_id"),
            before("mode", "guardrail_mode"),
            before("reached_model", "guardrail_reached_model"),
            before("stage", "guardrail_stage"),
            after("action", "guardrail_action"),
            after("categories", "guardrail_categories"),
            after("error", "guardrail_error"),
            after("score", "guardrail_score"),
            after("severity", "guardrail_severity"),
            after("verdict", "guardrail_verdict"),
        ],
        ..operation("guardrail", "Guardrail")
    },
    Operation {
        name: Some("evaluation_name"),
        output: "evaluation",
        verdict: &[
            before("annotator_kind", "evaluation_annotator_kind"),
            before("evaluator", "evaluation_evaluator"),
            before("version", "evaluation_version"),
            after("explanation", "evaluation_explanation"),
            after("label", "evaluation_label"),
            after("passed", "evaluation_passed"),
            after("score", "evaluation_score"),
        ],
        ..operation("evaluation", "Evaluation")
    },
];

impl Operation {
    /// Returns whether the call gives a verdict, and is no interaction.
    pub(crate) const fn is_verdict(&self) -> bool {
        !self.verdict.is_empty()
    }

    /// Returns the part of the verdict that is called `name`.
    pub(crate) fn column(&self, name: &str) -> Option<&'static Column> {
        self.verdict.iter().find(|column| column.name == name)
    }
}

/// An argument that is no field of the catalogue, or another word for one.
pub(crate) struct Role {
    pub(crate) name: &'static str,
    /// What it sets.
    pub(crate) slot: &'static str,
    /// When it is known, if not whenever it is written.
    pub(crate) known: Option<Known>,
}

/// When a value is known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Before the body runs, and only then.
    Before,
    /// After the body has run.
    After,
}

const fn role(name: &'static str, slot: &'static str, known: Option<Known>) -> Role {
    Role { name, slot, known }
}

/// Every role.
pub(crate) const ROLES: &[Role] = &[
    role("assistant", "assistant", Some(Known::Before)),
    role("conversation", "conversation_id", None),
    role("input", "input", Some(Known::Before)),
    role("messages", "input_messages", Some(Known::Before)),
    role("model", "request_model", None),
    role("project", "project_id", None),
    role("prompt", "prompt", Some(Known::Before)),
    role("reasoning", "reasoning", Some(Known::After)),
    role("session", "session_id", None),
    role("system", "system", Some(Known::Before)),
    role("tenant", "tenant_id", None),
    role("tools", "tool_definitions", None),
    role("turn", "turn_index", None),
    role("usage", "usage", Some(Known::After)),
    role("user", "user_id", None),
];

/// Arguments that say how to audit rather than what.
pub(crate) const SETTINGS: &[&str] = &[
    "args",
    "auditor",
    "crate",
    "err",
    "fail_closed",
    "fields",
    "name",
    "out",
    "output",
    "skip",
    STREAM,
];

/// The setting that is also a field: alone it says that the answer is a stream.
pub(crate) const STREAM: &str = "stream";

/// What is not there, and what to do instead.
pub(crate) const REFUSED: &[(&str, &str)] = &[
    (
        "kind",
        "the operation is the first word, such as `#[audit(agent)]`",
    ),
    (
        "operation",
        "the operation is the first word, such as `#[audit(agent)]`",
    ),
    (
        "ret",
        "the answer is captured with `output` or `output = expr`, where `expr` is over `out`",
    ),
    (
        "skip_all",
        "nothing is captured that is not named; `args` captures all arguments, and `skip(a, b)` leaves \
         some of them out",
    ),
];

/// The fields of the catalogue that a host may set, sorted.
pub(crate) const FIELDS: &[&str] = &[
    "accessed_resources",
    "agent_id",
    "agent_name",
    "agent_version",
    "annotator_kind",
    "anomaly_score",
    "attempt",
    "automation_name",
    "automation_type",
    "base_model",
    "budget_remaining",
    "cache_hit",
    "cache_read_input_tokens",
    "cache_write_input_tokens",
    "choice_count",
    "chunk_count",
    "classification_file",
    "classification_group",
    "classification_repo",
    "client_address",
    "code_file",
    "code_function",
    "code_line",
    "code_owners",
    "connection_method",
    "connection_type",
    "conversation_id",
    "correction",
    "cpu_us",
    "credential_alias",
    "currency",
    "data_source_id",
    "dataset_ids",
    "dataset_split",
    "device_id",
    "device_name",
    "distress_score",
    "documents",
    "end_user_id",
    "endpoint",
    "energy_joules",
    "environment",
    "error_body",
    "error_code",
    "error_message",
    "error_stack",
    "error_type",
    "evaluations",
    "feedback_accepted",
    "feedback_comment",
    "feedback_copied",
    "feedback_edited",
    "feedback_rating",
    "feedback_regenerated",
    "feedback_thumb",
    "fine_tune_id",
    "finish_reasons",
    "first_chunk_at",
    "folder_path",
    "frequency_penalty",
    "gpu_utilization",
    "guardrails",
    "guardrails_assigned",
    "hardware",
    "http_status",
    "injection_score",
    "input_cost",
    "input_messages",
    "input_tokens",
    "inter_chunk_p50_us",
    "inter_chunk_p95_us",
    "jailbreak_score",
    "language",
    "last_chunk_at",
    "latency_us",
    "links",
    "max_tokens",
    "mcp_method",
    "mcp_protocol_version",
    "mcp_server",
    "mcp_session_id",
    "media",
    "memory_bytes",
    "metadata",
    "metrics",
    "modality_tokens",
    "model_size",
    "model_version",
    "network_origin",
    "output_cost",
    "output_messages",
    "output_tokens",
    "output_type",
    "oversight_decision",
    "oversight_latency_us",
    "oversight_reason",
    "parent_event_id",
    "parent_span_id",
    "presence_penalty",
    "price_table_id",
    "project_ancestors",
    "project_id",
    "project_path",
    "prompt_at",
    "prompt_pii_counts",
    "prompt_pii_detected",
    "prompt_template_digest",
    "prompt_template_id",
    "prompt_template_variables",
    "prompt_template_version",
    "prompt_toxicity",
    "prompt_type",
    "provider",
    "quantization",
    "query",
    "queue_us",
    "quota_limit",
    "quota_remaining",
    "raw_headers",
    "raw_request",
    "raw_response",
    "reasoning_effort",
    "reasoning_output_tokens",
    "region",
    "request_extra",
    "request_model",
    "response_at",
    "response_format_digest",
    "response_id",
    "response_model",
    "response_pii_counts",
    "response_pii_detected",
    "response_toxicity",
    "retries",
    "routing_candidates",
    "routing_choice",
    "routing_mode",
    "routing_reason",
    "routing_variant",
    "seed",
    "sensitivity_labels",
    "sent_at",
    "server_address",
    "server_port",
    "service_name",
    "service_tier",
    "service_version",
    "serving_engine",
    "session_id",
    "skill_input",
    "skill_name",
    "skill_test",
    "source",
    "span_id",
    "step_name",
    "stop_sequences",
    "stream",
    "system_fingerprint",
    "system_instructions",
    "tags",
    "target_event_id",
    "target_response_id",
    "team",
    "temperature",
    "tenant_id",
    "time_to_first_chunk_us",
    "tokens_per_second",
    "tool_arguments",
    "tool_call_id",
    "tool_choice",
    "tool_definitions",
    "tool_error",
    "tool_name",
    "tool_result",
    "tool_type",
    "top_k",
    "top_p",
    "total_cost",
    "total_tokens",
    "trace_id",
    "training_allowed",
    "training_basis",
    "turn_index",
    "usage_raw",
    "usage_source",
    "user_agent",
    "user_groups",
    "user_id",
    "user_roles",
    "workflow_name",
    "zero_shot_label",
    "zero_shot_model",
    "zero_shot_score",
];

/// Returns what the argument `name` sets: a role's field, or the field of that name.
pub(crate) fn slot(name: &str) -> Option<&'static str> {
    role_of(name).map(|role| role.slot).or_else(|| {
        let position = FIELDS.binary_search(&name).ok()?;
        FIELDS.get(position).copied()
    })
}

/// Returns the role `name`.
pub(crate) fn role_of(name: &str) -> Option<&'static Role> {
    ROLES.iter().find(|role| role.name == name)
}

/// Returns the operation that `word` selects.
pub(crate) fn operation_of(word: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.word == word)
}

/// Returns why `name` is refused, for names that people may expect.
pub(crate) fn refusal(name: &str) -> Option<&'static str> {
    REFUSED
        .iter()
        .find(|(refused, _)| *refused == name)
        .map(|(_, why)| *why)
}

/// Returns every name of an argument.
pub(crate) fn arguments() -> impl Iterator<Item = &'static str> {
    let roles = ROLES.iter().map(|role| role.name);
    let settings = SETTINGS.iter().copied().filter(|name| *name != STREAM);
    roles.chain(settings).chain(FIELDS.iter().copied())
}

/// Returns the candidates that look most like `name`, the nearest first, at most three.
pub(crate) fn nearest<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Vec<&'c str> {
    let most = (name.len() / 3).clamp(1, 3);
    let mut near: Vec<_> = candidates
        .filter_map(|candidate| {
            let whole_word = candidate.split('_').any(|word| word == name);
            let distance = if whole_word {
                1
            } else {
                distance(name, candidate)
            };
            (distance <= most).then_some((distance, candidate))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.truncate(3);
    near.into_iter().map(|(_, candidate)| candidate).collect()
}

/// The fewest insertions, deletions and substitutions of bytes that make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (slot, y) in row
            .iter_mut()
            .zip(std::iter::once(None).chain(b.bytes().map(Some)))
        {
            let Some(y) = y else {
                *slot = left;
                continue;
            };
            let best = (*slot + 1)
                .min(left + 1)
                .min(diagonal + usize::from(x != y));
            diagonal = *slot;
            *slot = best;
            left = best;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_sorted_and_no_name_has_two_meanings() {
        assert!(FIELDS.is_sorted_by(|a, b| a < b));
        let mut names: Vec<_> = arguments().collect();
        names.sort_unstable();
        assert!(names.is_sorted_by(|a, b| a < b), "a name is there twice");
    }

    #[test]
    fn the_distance_of_words_is_that_of_the_fewest_edits() {
        for (a, b, edits) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("", "ab", 2),
            ("kitten", "sitting", 3),
            ("abc", "", 3),
        ] {
            assert_eq!(distance(a, b), edits, "{a} {b}");
            assert_eq!(distance(b, a), edits, "{b} {a}");
        }
    }

    #[test]
    fn a_typing_error_finds_its_name() {
        assert_eq!(nearest("promt", arguments()), ["prompt"]);
        assert_eq!(nearest("temprature", arguments()), ["temperature"]);
        assert_eq!(
            nearest("agent", arguments()),
            ["agent_id", "agent_name", "agent_version"]
        );
        assert!(nearest("xyzzy", arguments()).is_empty());
    }
}
