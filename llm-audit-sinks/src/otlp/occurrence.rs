//! What happened within an event and has a name of its own: exceptions, verdicts, scores.

use llm_audit_core::schema::ValueRef;
use llm_audit_core::{Evaluation, Event, Field};
use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::attributes::{Carrier, one};
use super::value::{pair, text};
use super::verdict;
use crate::error_type::error_type;

/// An event of a span, or a log record.
pub(super) struct Occurrence {
    pub(super) name: &'static str,
    pub(super) attributes: Vec<KeyValue>,
    pub(super) is_warning: bool,
}

/// Returns what happened within `event`; texts only where there is content.
pub(super) fn of(event: &Event, carrier: Carrier, has_content: bool) -> Vec<Occurrence> {
    let mut found = Vec::new();
    if let Some(error) = error_type(event) {
        found.push(exception(event, error, carrier, has_content));
    }
    let evaluations = event.evaluations().unwrap_or_default().iter();
    found.extend(evaluations.map(|one| evaluation(event, one, has_content)));
    let guardrails = event.guardrails().unwrap_or_default().iter();
    found.extend(guardrails.flat_map(|one| verdict::occurrences(event, one, has_content)));
    found
}

fn exception(event: &Event, error: &str, carrier: Carrier, has_content: bool) -> Occurrence {
    let mut attributes = vec![pair("exception.type", text(error))];
    for field in [Field::ErrorMessage, Field::ErrorStack] {
        if let (Some(value), true) = (event.get(field), has_content) {
            attributes.extend(one(field.info().otel_name, value, carrier));
        }
    }
    Occurrence {
        // On a span, the name that every backend of traces knows.
        name: match carrier {
            Carrier::Record => "gen_ai.client.operation.exception",
            Carrier::Span => "exception",
        },
        attributes,
        is_warning: true,
    }
}

fn evaluation(event: &Event, evaluation: &Evaluation, has_content: bool) -> Occurrence {
    let name = evaluation
        .name
        .as_deref()
        .unwrap_or(super::content::UNKNOWN);
    let mut attributes = vec![pair("gen_ai.evaluation.name", text(name))];
    let score = evaluation.score.map(ValueRef::Float);
    attributes.extend(score.and_then(|v| one("gen_ai.evaluation.score.value", v, Carrier::Span)));
    let label = evaluation.label.as_deref();
    let passed = evaluation
        .passed
        .map(|passed| if passed { "pass" } else { "fail" });
    let label = label.or(passed);
    attributes.extend(label.map(|label| pair("gen_ai.evaluation.score.label", text(label))));
    let explanation = evaluation.explanation.as_deref().filter(|_| has_content);
    attributes.extend(explanation.map(|why| pair("gen_ai.evaluation.explanation", text(why))));
    let response = event.target_response_id().or_else(|| event.response_id());
    attributes.extend(response.map(|id| pair("gen_ai.response.id", text(id))));
    Occurrence {
        name: "gen_ai.evaluation.result",
        attributes,
        is_warning: false,
    }
}
