//! Events, values and texts for property tests, made from the catalogue.

use std::collections::BTreeMap;
use std::fmt::Debug;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::{Event, Kind, Record, Value};
use crate::catalog::{CATALOG, Field, FieldType};
use crate::id::{EventId, WriterId};
use crate::timestamp::Timestamp;

/// An event of any kind, known or not, with some fields and some members that are not known.
pub(crate) fn event() -> impl Strategy<Value = Event> {
    let kinds = prop_oneof![
        9 => select(Kind::ALL),
        1 => text().prop_map(|word| Kind::from(word.as_str())),
    ];
    kinds.prop_flat_map(event_of)
}

/// An event of `kind` with some fields and some members that are not known.
pub(crate) fn event_of(kind: Kind) -> impl Strategy<Value = Event> {
    let fields: Vec<Field> = optional_fields().collect();
    subsequence(fields, 0..12).prop_flat_map(move |fields| event_with(kind.clone(), fields))
}

/// An event of `kind` with exactly `fields`, which are optional ones.
pub(crate) fn event_with(kind: Kind, fields: Vec<Field>) -> impl Strategy<Value = Event> {
    let values: Vec<_> = fields
        .iter()
        .map(|field| value(field.field_type()))
        .collect();
    (
        any::<[u8; 16]>(),
        any::<[u8; 16]>(),
        time(),
        values,
        unknown(),
    )
        .prop_map(move |(event_id, writer_id, recorded_at, values, unknown)| {
            let mut event = Event::new(
                kind.clone(),
                EventId::from_bytes(event_id),
                WriterId::from_bytes(writer_id),
                recorded_at,
            );
            for (field, value) in fields.iter().zip(values) {
                event.try_set(*field, value).unwrap();
            }
            for (name, json) in unknown {
                event.try_set_unknown(name, &json).unwrap();
            }
            event
        })
}

/// The fields that an event may lack.
pub(crate) fn optional_fields() -> impl Iterator<Item = Field> {
    let fields = CATALOG.iter().map(|info| info.field);
    fields.filter(|field| !field.is_required())
}

/// A value of `field_type` that the log can keep.
pub(crate) fn value(field_type: FieldType) -> BoxedStrategy<Value> {
    match field_type {
        FieldType::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        FieldType::Counts => map(int()).prop_map(Value::Counts).boxed(),
        FieldType::Documents => records().prop_map(Value::Documents).boxed(),
        FieldType::Evaluations => records().prop_map(Value::Evaluations).boxed(),
        FieldType::Float => float().prop_map(Value::Float).boxed(),
        FieldType::Guardrails => records().prop_map(Value::Guardrails).boxed(),
        FieldType::Id => any::<[u8; 16]>()
            .prop_map(|bytes| Value::Id(EventId::from_bytes(bytes)))
            .boxed(),
        FieldType::Int => int().prop_map(Value::Int).boxed(),
        FieldType::Json => json().prop_map(Value::Json).boxed(),
        FieldType::JsonMap => map(json()).prop_map(Value::JsonMap).boxed(),
        FieldType::Links => records().prop_map(Value::Links).boxed(),
        FieldType::Media => records().prop_map(Value::Media).boxed(),
        FieldType::Messages => records().prop_map(Value::Messages).boxed(),
        FieldType::Numbers => map(float()).prop_map(Value::Numbers).boxed(),
        FieldType::Parts => records().prop_map(Value::Parts).boxed(),
        FieldType::Redactions => records().prop_map(Value::Redactions).boxed(),
        FieldType::Text => text().prop_map(Value::Text).boxed(),
        FieldType::TextMap => map(text()).prop_map(Value::TextMap).boxed(),
        FieldType::Texts => vec(text(), 0..3).prop_map(Value::Texts).boxed(),
        FieldType::TextsMap => map(vec(text(), 0..3)).prop_map(Value::TextsMap).boxed(),
        FieldType::Time => time().prop_map(Value::Time).boxed(),
        FieldType::ToolDefinitions => records().prop_map(Value::ToolDefinitions).boxed(),
        FieldType::Truncations => records().prop_map(Value::Truncations).boxed(),
    }
}

/// Text that is hard on whoever quotes, splits, counts or scans it.
pub(crate) fn text() -> BoxedStrategy<String> {
    const HOSTILE: &[&str] = &[
        "\"",
        "\\",
        "\n",
        "\r\n",
        "\t",
        "\u{0}",
        "\u{8}",
        "\u{c}",
        "\u{1f}",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{2029}",
        "\u{feff}",
        "\u{202e}",
        "\u{10ffff}",
        "👩‍👩‍👧",
        "e\u{301}",
        "ß",
        "\\ud800",
        "\\u0000",
        "\\\"",
        "</script>",
        "'; --",
        "null",
        "{\"a\":1}",
        "\",\"crc\":\"00000000\"}\n",
    ];
    let piece = prop_oneof![
        3 => select(HOSTILE).prop_map(str::to_owned),
        3 => any::<char>().prop_map(String::from),
        2 => (select(vec!["x", "\"", "\n", "é"]), 1..70_usize).prop_map(|(s, n)| s.repeat(n)),
        2 => vec(prop::char::range(' ', '~'), 0..40).prop_map(String::from_iter),
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat()).boxed()
}

/// Any JSON text of one line, also such as a reader of values would not accept.
pub(crate) fn json() -> BoxedStrategy<String> {
    const ODD: &[&str] = &[
        "1e999",
        "-0",
        "-0.0",
        "18446744073709551616",
        "\"\\ud800\"",
        "\"\\/\"",
        "[ 1 , 2 ]",
        "{\"a\":1,\"a\":2}",
        "0.1000000000000000055511151231257827",
        "[[[[[[[[]]]]]]]]",
    ];
    let leaf = prop_oneof![
        select(ODD).prop_map(str::to_owned),
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        float().prop_map(|value| serde_json::to_string(&value).unwrap()),
        text().prop_map(|value| serde_json::to_string(&value).unwrap()),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let member = (text(), inner.clone())
            .prop_map(|(name, json)| format!("{}:{json}", serde_json::to_string(&name).unwrap()));
        prop_oneof![
            vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            vec(member, 0..4).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
    .boxed()
}

/// Members under names that this version does not know.
pub(crate) fn unknown() -> impl Strategy<Value = Vec<(String, String)>> {
    vec((text().prop_map(|name| format!("x-{name}")), json()), 0..3)
}

fn int() -> impl Strategy<Value = u64> + Clone {
    prop_oneof![
        Just(0),
        Just(i64::MAX.unsigned_abs()),
        0..1_000_u64,
        0..=i64::MAX.unsigned_abs(),
    ]
}

fn float() -> impl Strategy<Value = f64> + Clone {
    prop_oneof![
        select(vec![
            0.0,
            -0.0,
            0.1 + 0.2,
            1e16,
            1e-7,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324
        ]),
        any::<f64>().prop_filter("JSON has finite numbers only", |value| value.is_finite()),
    ]
}

fn time() -> impl Strategy<Value = Timestamp> {
    let (first, last) = ("0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z");
    let micros = |text: &str| text.parse::<Timestamp>().unwrap().as_unix_micros();
    (micros(first)..=micros(last)).prop_map(Timestamp::from_unix_micros)
}

fn map<V: Debug>(values: impl Strategy<Value = V>) -> impl Strategy<Value = BTreeMap<String, V>> {
    btree_map(text(), values, 0..3)
}

fn records<R: Record + Clone + Debug + 'static>() -> impl Strategy<Value = Vec<R>> {
    vec(record(), 0..3)
}

fn record<R: Record + Clone + Debug + 'static>() -> impl Strategy<Value = R> {
    let columns: Vec<_> = R::COLUMNS
        .iter()
        .map(|column| column.column_type)
        .enumerate()
        .collect();
    let present = subsequence(columns.clone(), 0..=columns.len());
    let values = present.prop_flat_map(|columns| {
        let values = columns
            .into_iter()
            .map(|(number, column)| (Just(number), value(column)));
        values.collect::<Vec<_>>()
    });
    (values, unknown()).prop_map(|(values, unknown)| {
        let mut record = R::default();
        for (number, value) in values {
            assert!(record.put(number, value));
        }
        record.unknown_mut().extend(unknown);
        record
    })
}
