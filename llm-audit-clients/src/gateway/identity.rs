//! Who asks, as the headers of a request say.

use http::HeaderMap;
use llm_audit_core::{Context, Facet, Fields, Level, TraceParent};

use super::refusal::Refusal;

/// What headers for the gateway begin with; they are not sent on.
pub(super) const PREFIX: &str = "x-audit-";

/// The header that asks for levels.
const NARROW: &str = "x-audit-narrow";

type Set = fn(Fields, &str) -> Fields;

/// Headers, and the fields that they set.
const FIELDS: &[(&str, Set)] = &[
    ("x-audit-user", |fields, value| fields.user_id(value)),
    ("x-audit-session", |fields, value| fields.session_id(value)),
    ("x-audit-conversation", |fields, value| {
        fields.conversation_id(value)
    }),
    ("x-audit-project", |fields, value| fields.project_id(value)),
    ("x-audit-groups", |fields, value| {
        fields.user_groups(list(value))
    }),
    ("x-audit-tags", |fields, value| fields.tags(list(value))),
];

/// Returns the context of a request.
///
/// # Errors
///
/// A header asks for levels that are none: what was meant to be narrowed must not be captured.
pub(super) fn context(headers: &HeaderMap) -> Result<Context, Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let mut fields = Fields::new();
    for (name, set) in FIELDS {
        if let Some(value) = text(name) {
            fields = set(fields, value);
        }
    }
    let mut context = Context::default().with(fields);
    if let Some(parent) = text("traceparent").and_then(|parent| parent.parse::<TraceParent>().ok())
    {
        context = context.with_trace_parent(&parent);
    }
    for value in headers.get_all(NARROW) {
        let value = value.to_str().map_err(|_| not_narrowed())?;
        for rule in list(value) {
            let (facet, level) = narrowed(rule).ok_or_else(not_narrowed)?;
            context = context.narrow(facet, level);
        }
    }
    Ok(context)
}

fn narrowed(rule: &str) -> Option<(Facet, Level)> {
    let (facet, level) = rule.split_once('=')?;
    Some((facet.trim().parse().ok()?, level.trim().parse().ok()?))
}

fn not_narrowed() -> Refusal {
    Refusal::bad("x-audit-narrow is no list such as `prompt=digest, response=off`")
}

fn list(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}
