//! A guardrail's own verdict, in the words of the conventions' draft of guardrails.

use llm_audit_core::schema::ValueRef;
use llm_audit_core::{Event, Field, Guardrail};
use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::attributes::{Carrier, one};
use super::occurrence::Occurrence;
use super::value::{int, pair, text};

/// Returns an event for each category that the guardrail found, or one where it named none.
pub(super) fn occurrences(
    event: &Event,
    guardrail: &Guardrail,
    has_content: bool,
) -> Vec<Occurrence> {
    let mut common = attributes(guardrail);
    let provider = event.provider();
    common.extend(provider.map(|name| pair(Field::Provider.info().otel_name, text(name))));
    // The text may quote what was judged, and is no class of errors.
    if let Some(error) = &guardrail.error {
        common.push(pair(Field::ErrorType.info().otel_name, text("_OTHER")));
        let error = has_content.then(|| pair("llm_audit.guardrail.error", text(error.as_str())));
        common.extend(error);
    }
    let score = guardrail.score.map(ValueRef::Float);
    common.extend(score.and_then(|v| one("gen_ai.guardrail.risk.score", v, Carrier::Span)));
    let named = guardrail.categories.as_deref().unwrap_or_default().iter();
    let mut found: Vec<Occurrence> = named
        .map(|category| {
            let category = pair("gen_ai.guardrail.risk.category", text(category.as_str()));
            let attributes = common.iter().cloned().chain([category]);
            result(guardrail, attributes.collect())
        })
        .collect();
    if found.is_empty() {
        found.push(result(guardrail, common));
    }
    found
}

/// Returns what is said of a guardrail on its span too. Its verdict is passed on as it is: none is made
/// of what was done, of a score or of a severity.
pub(super) fn attributes(guardrail: &Guardrail) -> Vec<KeyValue> {
    let (verdict, action) = (&guardrail.verdict, &guardrail.action);
    let result = match (verdict, action) {
        (Some(verdict), _) => Some(("verdict", verdict)),
        (None, Some(action)) => Some(("action", action)),
        (None, None) => None,
    };
    let mut attributes = Vec::new();
    if let Some((name, value)) = result {
        attributes.push(pair("gen_ai.guardrail.result.type", text(name)));
        attributes.push(pair("gen_ai.guardrail.result.value", text(value.as_str())));
    }
    for (name, value) in [
        ("gen_ai.guardrail.component.name", &guardrail.name),
        ("gen_ai.guardrail.policy.id", &guardrail.id),
        ("gen_ai.guardrail.source", &guardrail.stage),
        ("llm_audit.guardrail.action", action),
        ("llm_audit.guardrail.mode", &guardrail.mode),
        ("llm_audit.guardrail.severity", &guardrail.severity),
    ] {
        attributes.extend(value.as_ref().map(|value| pair(name, text(value.as_str()))));
    }
    let duration = guardrail.duration_us.map(int);
    attributes.extend(duration.map(|v| pair("llm_audit.guardrail.duration_us", v)));
    attributes
}

fn result(guardrail: &Guardrail, attributes: Vec<KeyValue>) -> Occurrence {
    Occurrence {
        name: "gen_ai.guardrail.result",
        attributes,
        is_warning: guardrail.action.as_deref() == Some("blocked"),
    }
}
