//! Who asks, as the headers of a request say.

use http::HeaderMap;
use llm_audit_core::{Context, Facet, Fields, Level, TraceParent};

/// What headers for the gateway begin with; they are not sent on.
pub(super) const PREFIX: &str = "x-audit-";

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

/// Returns the context of a request, or `None` when a header asks for levels that are none: what was meant
/// to be narrowed must not be captured.
pub(super) fn context(headers: &HeaderMap) -> Option<Context> {
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
    for value in headers.get_all("x-audit-narrow") {
        for rule in list(value.to_str().ok()?) {
            let (facet, level) = rule.split_once('=')?;
            let facet: Facet = facet.trim().parse().ok()?;
            let level: Level = level.trim().parse().ok()?;
            context = context.narrow(facet, level);
        }
    }
    Some(context)
}

fn list(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}
