//! The attributes of an event, by the table of names.

use llm_audit_core::schema::{Record, Value, ValueRef};
use llm_audit_core::{Event, Field, Kind};
use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::config::Mapping;
use super::operation::Operation;
use super::profile::{Form, Place, Profile, row};
use super::value::{Shape, pair, push, text};
use super::verdict;
use crate::error_type::error_type;

/// Members that this version does not know stand under this prefix, as JSON text.
pub(super) const OTHERS: &str = "llm_audit.other.";

/// What carries the attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    Record,
    Span,
}

impl Carrier {
    const fn shape(self) -> Shape {
        match self {
            Self::Record => Shape::Structured,
            Self::Span => Shape::Text,
        }
    }

    pub(super) const fn has_content(self, mapping: Mapping) -> bool {
        match self {
            Self::Record => mapping.content.is_on_records(),
            Self::Span => mapping.content.is_on_spans(),
        }
    }
}

/// Returns the attributes of `event` on a carrier.
pub(super) fn attributes(event: &Event, mapping: Mapping, carrier: Carrier) -> Vec<KeyValue> {
    let mut out = Vec::with_capacity(32);
    let has_content = carrier.has_content(mapping);
    event.visit(&mut |field, value| {
        let row = row(field);
        let is_here = match row.place {
            Place::Attribute => true,
            Place::Resource => false,
            Place::Id => carrier == Carrier::Record,
        };
        if !is_here || row.is_content && !has_content {
            return;
        }
        let reasons = match field {
            Field::OutputMessages => Some(event.finish_reasons().unwrap_or_default()),
            _ => None,
        };
        let bare = (!has_content).then(|| bare(value)).flatten();
        let value = bare.as_ref().map_or(value, Value::as_ref);
        let shape = carrier.shape();
        push(
            &mut out,
            row.info.otel_name,
            value,
            row.form,
            shape,
            reasons,
        );
        let has = |profile: Option<Profile>| profile.is_none_or(|of| of == mapping.profile);
        for alias in row.aliases.iter().filter(|alias| has(alias.profile)) {
            push(&mut out, alias.name, value, alias.form, shape, None);
        }
    });
    // Its content or not, nobody can say.
    if has_content {
        for (name, json) in event.unknown() {
            out.push(pair(format!("{OTHERS}{name}"), text(json.as_str())));
        }
    }
    stated(event, &mut out);
    if mapping.profile == Profile::OpenInference {
        openinference(event, has_content, &mut out);
    }
    out
}

/// Returns records without what may quote what was said: their free texts, and members that this
/// version does not know. `None` for what is no records.
fn bare(value: ValueRef<'_>) -> Option<Value> {
    Some(match value {
        ValueRef::Evaluations(list) => Value::Evaluations(each(list, |one| one.explanation = None)),
        ValueRef::Guardrails(list) => Value::Guardrails(each(list, |one| one.error = None)),
        ValueRef::Links(list) => Value::Links(each(list, |_| {})),
        ValueRef::Redactions(list) => Value::Redactions(each(list, |_| {})),
        ValueRef::ToolDefinitions(list) => Value::ToolDefinitions(each(list, |_| {})),
        ValueRef::Truncations(list) => Value::Truncations(each(list, |_| {})),
        _ => return None,
    })
}

fn each<R: Record + Clone>(records: &[R], strip: impl Fn(&mut R)) -> Vec<R> {
    let mut records = records.to_vec();
    for record in &mut records {
        strip(record);
        record.unknown_mut().clear();
    }
    records
}

/// What the conventions want said and an event says in another way.
fn stated(event: &Event, out: &mut Vec<KeyValue>) {
    // An application that names its conversations alone means them by its sessions.
    if let (None, Some(conversation)) = (event.session_id(), event.conversation_id()) {
        out.push(pair(Field::SessionId.info().otel_name, text(conversation)));
    }
    if *event.kind() == Kind::Guardrail && event.operation().is_none() {
        let name = Field::Operation.info().otel_name;
        out.push(pair(name, text("apply_guardrail")));
    }
    let own = event
        .guardrails()
        .filter(|_| *event.kind() == Kind::Guardrail);
    out.extend(
        own.and_then(<[_]>::first)
            .map(verdict::attributes)
            .unwrap_or_default(),
    );
    if let (None, Some(error)) = (event.error_type(), error_type(event)) {
        out.push(pair(Field::ErrorType.info().otel_name, text(error)));
    }
}

/// What Phoenix and its like show of a span.
fn openinference(event: &Event, has_content: bool, out: &mut Vec<KeyValue>) {
    let kind = Operation::of(event).openinference;
    out.push(pair("openinference.span.kind", text(kind)));
    if !has_content {
        return;
    }
    let mut show = |side: &str, value: Option<(String, &str)>| {
        if let Some((value, mime_type)) = value {
            out.push(pair(format!("{side}.value"), text(value)));
            out.push(pair(format!("{side}.mime_type"), text(mime_type)));
        }
    };
    let plain = |value: String| (value, "text/plain");
    let json = |value: &str| (value.to_owned(), "application/json");
    let input = event.prompt().map(plain);
    let input = input.or_else(|| event.tool_arguments().map(json));
    show(
        "input",
        input.or_else(|| event.query().map(str::to_owned).map(plain)),
    );
    let output = event.response().map(plain);
    show("output", output.or_else(|| event.tool_result().map(json)));
}

/// Returns the attributes of one field under a name of another's.
pub(super) fn one(name: &str, value: ValueRef<'_>, carrier: Carrier) -> Option<KeyValue> {
    let mut out = Vec::new();
    push(&mut out, name, value, Form::Plain, carrier.shape(), None);
    out.pop()
}
