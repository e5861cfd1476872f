//! Values of events as values of attributes.

use llm_audit_core::schema::ValueRef;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, KeyValue, KeyValueList, any_value::Value,
};

use super::content;
use super::profile::Form;

/// How values with members stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// As JSON text: on spans, where backends lose or misread anything else.
    Text,
    /// As values with members: on log records.
    Structured,
}

/// Receivers decode messages in messages up to a depth of 100, and each level of JSON is three.
const MAX_DEPTH: usize = 24;

pub(super) fn text(text: impl Into<String>) -> Value {
    Value::StringValue(text.into())
}

/// An integer of an event is never above the largest one of an attribute.
pub(super) fn int(value: u64) -> Value {
    Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX))
}

pub(super) fn pair(name: impl Into<String>, value: Value) -> KeyValue {
    KeyValue {
        key: name.into(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

/// Appends the attribute `name`, or one for each member of `value`.
///
/// `finish_reasons` are of the choices, if the value is a model's answer.
pub(super) fn push(
    out: &mut Vec<KeyValue>,
    name: &str,
    value: ValueRef<'_>,
    form: Form,
    shape: Shape,
    finish_reasons: Option<&[String]>,
) {
    match (form, value) {
        (Form::Seconds, ValueRef::Int(micros)) => {
            out.push(pair(name, Value::DoubleValue(micros as f64 / 1e6)));
        }
        (Form::Int, ValueRef::Text(value)) => {
            let number = value.parse().ok().filter(|n: &i64| n.to_string() == value);
            out.push(pair(name, number.map_or(text(value), Value::IntValue)));
        }
        (Form::Decimal, ValueRef::Text(value)) => {
            let number = value.parse().ok().filter(|number: &f64| number.is_finite());
            out.extend(number.map(|number| pair(name, Value::DoubleValue(number))));
        }
        (Form::Object, ValueRef::JsonMap(map)) => {
            out.push(pair(name, json(content::object(map.iter()), shape)));
        }
        (Form::Members, value) => members(out, name, value, shape),
        (_, value) => out.push(pair(name, plain(value, shape, finish_reasons))),
    }
}

fn members(out: &mut Vec<KeyValue>, name: &str, value: ValueRef<'_>, shape: Shape) {
    let before = out.len();
    let mut member = |key: &str, value| out.push(pair(format!("{name}.{key}"), value));
    match value {
        ValueRef::Counts(map) => map.iter().for_each(|(key, value)| member(key, int(*value))),
        ValueRef::Numbers(map) => map
            .iter()
            .for_each(|(key, value)| member(key, Value::DoubleValue(*value))),
        ValueRef::TextMap(map) => map
            .iter()
            .for_each(|(key, value)| member(key, text(value.as_str()))),
        ValueRef::TextsMap(map) => map
            .iter()
            .for_each(|(key, value)| member(key, texts(value))),
        // A variable that is text is text, not text in quotation marks.
        ValueRef::JsonMap(map) => map.iter().for_each(|(key, value)| {
            let word = serde_json::from_str::<String>(value).ok();
            member(key, text(word.unwrap_or_else(|| value.clone())));
        }),
        _ => {}
    }
    if out.len() == before {
        out.push(pair(name, plain(value, shape, None)));
    }
}

fn plain(value: ValueRef<'_>, shape: Shape, finish_reasons: Option<&[String]>) -> Value {
    match value {
        ValueRef::Bool(value) => Value::BoolValue(value),
        ValueRef::Int(value) => int(value),
        ValueRef::Float(value) => Value::DoubleValue(value),
        ValueRef::Text(value) => text(value),
        ValueRef::Time(at) => text(at.to_string()),
        ValueRef::Id(id) => text(id.to_string()),
        ValueRef::Texts(values) => texts(values),
        ValueRef::Json(value) => json(value.to_owned(), shape),
        ValueRef::JsonMap(map) => json(content::object(map.iter()), shape),
        ValueRef::Messages(messages) => json(content::messages(messages, finish_reasons), shape),
        ValueRef::Parts(parts) => json(content::parts(parts), shape),
        ValueRef::Documents(documents) => json(content::documents(documents), shape),
        ValueRef::ToolDefinitions(tools) => json(content::tools(tools), shape),
        // The other records, and what a newer version brings, as they stand in the log.
        value => json(serde_json::to_string(&value).unwrap_or_default(), shape),
    }
}

fn texts(values: &[String]) -> Value {
    let values = values.iter().map(|value| AnyValue {
        value: Some(text(value.as_str())),
    });
    Value::ArrayValue(ArrayValue {
        values: values.collect(),
    })
}

fn json(json: String, shape: Shape) -> Value {
    let parsed = match shape {
        Shape::Text => None,
        Shape::Structured => serde_json::from_str(&json).ok(),
    };
    let structured = parsed.and_then(|value| any(value, MAX_DEPTH).value);
    structured.unwrap_or_else(|| text(json))
}

fn any(value: serde_json::Value, depth: usize) -> AnyValue {
    use serde_json::Value as Json;

    let value = match value {
        Json::Null => None,
        Json::Bool(value) => Some(Value::BoolValue(value)),
        Json::Number(number) => Some(match (number.as_i64(), number.as_f64()) {
            (Some(value), _) => Value::IntValue(value),
            (None, Some(value)) => Value::DoubleValue(value),
            (None, None) => text(number.to_string()),
        }),
        Json::String(value) => Some(text(value)),
        Json::Array(_) | Json::Object(_) if depth == 0 => Some(text(value.to_string())),
        Json::Array(values) => {
            let values = values.into_iter().map(|value| any(value, depth - 1));
            Some(Value::ArrayValue(ArrayValue {
                values: values.collect(),
            }))
        }
        Json::Object(members) => {
            let values = members.into_iter().map(|(key, value)| KeyValue {
                key,
                value: Some(any(value, depth - 1)),
                ..KeyValue::default()
            });
            Some(Value::KvlistValue(KeyValueList {
                values: values.collect(),
            }))
        }
    };
    AnyValue { value }
}
