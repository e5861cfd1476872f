//! What the conventions say of each operation: its span's name and kind.

use llm_audit_core::{Event, Field, Kind};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

/// A row of the conventions' table of spans.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub(super) name: &'static str,
    /// What stands behind the operation in the span's name, if it is known.
    pub(super) target: Option<Field>,
    pub(super) kind: SpanKind,
    /// Whether its details are `gen_ai.client.inference.operation.details`.
    pub(super) is_inference: bool,
    pub(super) openinference: &'static str,
}

const fn row(
    name: &'static str,
    target: Option<Field>,
    kind: SpanKind,
    openinference: &'static str,
) -> Operation {
    Operation {
        name,
        target,
        kind,
        is_inference: false,
        openinference,
    }
}

const fn inference(name: &'static str) -> Operation {
    Operation {
        is_inference: true,
        ..row(name, Some(Field::RequestModel), Client, "LLM")
    }
}

use SpanKind::{Client, Internal};

#[rustfmt::skip]
const OPERATIONS: &[Operation] = &[
    inference("chat"),
    inference("text_completion"),
    inference("generate_content"),
    row("embeddings", Some(Field::RequestModel), Client, "EMBEDDING"),
    row("retrieval", Some(Field::DataSourceId), Client, "RETRIEVER"),
    row("rerank", Some(Field::RequestModel), Client, "RERANKER"),
    row("execute_tool", Some(Field::ToolName), Internal, "TOOL"),
    row("invoke_agent", Some(Field::AgentName), Internal, "AGENT"),
    row("invoke_workflow", Some(Field::WorkflowName), Internal, "CHAIN"),
    row("step", Some(Field::StepName), Internal, "CHAIN"),
];

/// Events that are no interaction.
const GUARDRAIL: Operation = row("apply_guardrail", None, Internal, "GUARDRAIL");
const EVALUATION: Operation = row("evaluation", None, Internal, "EVALUATOR");
const OTHER: Operation = row("", None, Internal, "CHAIN");

impl Operation {
    /// Returns what the conventions say of the operation of `event`.
    pub(super) fn of(event: &Event) -> Self {
        let name = event.operation();
        let name = name.as_ref().map_or("", |operation| operation.as_str());
        let found = OPERATIONS.iter().find(|row| row.name == name);
        let mut operation = match event.kind() {
            Kind::Guardrail => GUARDRAIL,
            Kind::Evaluation => EVALUATION,
            Kind::Interaction => found.copied().unwrap_or(OTHER),
            _ => OTHER,
        };
        // An agent and a guardrail that are somewhere else are a client's.
        let may_be_remote = ["invoke_agent", GUARDRAIL.name].contains(&operation.name);
        if may_be_remote && event.server_address().is_some() {
            operation.kind = Client;
        }
        operation
    }

    /// Returns the name of the event's span.
    pub(super) fn span_name(self, event: &Event, has_content: bool) -> String {
        let own = event.operation();
        let name = match (self.name, event.kind()) {
            ("", Kind::Interaction) => own.as_ref().map_or("interaction", |name| name.as_str()),
            ("", kind) => kind.as_str(),
            (name, _) => name,
        };
        let guardrail = event.guardrails().and_then(<[_]>::first);
        let evaluation = event.evaluations().and_then(<[_]>::first);
        let target = match event.kind() {
            Kind::Guardrail => guardrail.and_then(|one| one.name.as_deref()),
            Kind::Evaluation => evaluation.and_then(|one| one.name.as_deref()),
            _ => self
                .target
                .filter(|field| has_content || !super::profile::row(*field).is_content)
                .and_then(|field| match event.get(field) {
                    Some(llm_audit_core::schema::ValueRef::Text(text)) => Some(text),
                    _ => None,
                }),
        };
        match target {
            Some(target) => format!("{name} {target}"),
            None => name.to_owned(),
        }
    }
}
