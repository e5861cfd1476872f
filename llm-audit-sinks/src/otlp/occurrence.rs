//! What happened within an event and has a name of its own: exceptions, verdicts, scores.

use llm_audit_core::schema::ValueRef;
use llm_audit_core::{Evaluation, Event, Field, Guardrail};
use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::attributes::{Carrier, one};
use super::value::{int, pair, text};
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
    found.extend(guardrails.map(|one| guardrail(one, carrier, has_content)));
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

/// The guardrail's own verdict, in the words of the conventions' draft.
fn guardrail(guardrail: &Guardrail, carrier: Carrier, has_content: bool) -> Occurrence {
    let mut attributes = Vec::new();
    // It is free text, which may quote what was judged.
    let error = guardrail.error.as_deref();
    let error = error.map(|error| if has_content { error } else { "_OTHER" });
    attributes.extend(error.map(|error| pair("error.type", text(error))));
    for (name, value) in [
        ("gen_ai.guardrail.component.name", &guardrail.name),
        ("gen_ai.guardrail.policy.id", &guardrail.id),
        ("gen_ai.guardrail.source", &guardrail.stage),
        ("gen_ai.guardrail.result.value", &guardrail.verdict),
        ("gen_ai.guardrail.result.type", &guardrail.action),
        ("gen_ai.guardrail.risk.severity", &guardrail.severity),
    ] {
        attributes.extend(value.as_ref().map(|value| pair(name, text(value.as_str()))));
    }
    let score = guardrail.score.map(ValueRef::Float);
    attributes.extend(score.and_then(|v| one("gen_ai.guardrail.risk.score", v, carrier)));
    let categories = guardrail.categories.as_deref().map(ValueRef::Texts);
    attributes.extend(categories.and_then(|v| one("gen_ai.guardrail.risk.categories", v, carrier)));
    let duration = guardrail.duration_us.map(int);
    attributes.extend(duration.map(|v| pair("llm_audit.guardrail.duration_us", v)));
    Occurrence {
        name: "gen_ai.guardrail.result",
        attributes,
        is_warning: guardrail.action.as_deref() == Some("blocked"),
    }
}
