//! No channel leaks: whatever field a value is put in, the level of its facet holds.

use super::*;
use crate::facet::FacetGroup;
use crate::schema::{CATALOG, FieldType};

/// Stands in every text of `facet`; the e-mail address is what redaction must hide.
fn mark(facet: Facet) -> String {
    format!("mark-{}- hide.{}@example.org", facet.name(), facet.name())
}

/// A value with the mark of `facet` in every text; the parts of messages have those of their own
/// facets.
fn marked(field_type: FieldType, facet: Facet) -> Value {
    use crate::event::{Document, Evaluation, Link, MediaItem, ToolDefinition};

    let text = || mark(facet);
    let json = || crate::event::json::to_json_text(&[[mark(facet)]]);
    let message = |role: &str, facet: Facet| {
        let parts = [
            Part::text(mark(facet)),
            Part::reasoning(mark(Facet::Reasoning)).signature(mark(Facet::Reasoning)),
            Part::tool_call("c1", mark(Facet::ToolIo), &[mark(Facet::ToolIo)]),
            Part::tool_call_response("c1", &[mark(Facet::ToolIo)]),
            Part::default().r#type("uri").uri(mark(Facet::Media)),
            Part::default().r#type("blob").content(mark(Facet::Media)),
            Part::default()
                .r#type("of 2030")
                .content(mark(facet))
                .extra(&[mark(facet)]),
        ];
        Message::default().role(role).parts(parts)
    };
    match field_type {
        FieldType::Bool => Value::Bool(true),
        FieldType::Counts => Value::Counts([(text(), 7)].into()),
        FieldType::Documents => Value::Documents(vec![
            Document::default().id(text()).hash(text()).text(text()),
        ]),
        FieldType::Evaluations => Value::Evaluations(vec![
            Evaluation::default()
                .name(text())
                .label(text())
                .explanation(text()),
        ]),
        FieldType::Float => Value::Float(0.5),
        FieldType::Guardrails => Value::Guardrails(vec![
            Guardrail::default()
                .name(text())
                .categories([text()])
                .error(text()),
        ]),
        FieldType::Id => Value::Id(EventId::from_bytes([9; 16])),
        FieldType::Int => Value::Int(7),
        FieldType::Json => Value::Json(json()),
        FieldType::JsonMap => Value::JsonMap([(text(), json())].into()),
        FieldType::Links => Value::Links(vec![Link::default().relation(text())]),
        FieldType::Media => Value::Media(vec![MediaItem::default().uri(text())]),
        FieldType::Messages => Value::Messages(vec![
            message("system", Facet::SystemPrompt).name(mark(facet)),
            message("developer", Facet::SystemPrompt),
            message("user", facet).extra(&[mark(facet)]),
        ]),
        FieldType::Numbers => Value::Numbers([(text(), 0.5)].into()),
        FieldType::Parts => Value::Parts(vec![Part::text(text())]),
        FieldType::Text => Value::Text(text()),
        FieldType::TextMap => Value::TextMap([(text(), text())].into()),
        FieldType::Texts => Value::Texts(vec![text()]),
        FieldType::Time => Value::Time(Timestamp::from_unix_micros(7)),
        FieldType::ToolDefinitions => {
            Value::ToolDefinitions(vec![ToolDefinition::default().name(text())])
        }
        other => panic!("hosts set no {other:?}"),
    }
}

/// Every field that a host may set and that belongs to a facet.
fn everything() -> Vec<(Field, Value)> {
    let fields = CATALOG.iter().filter(|info| info.host);
    let of_facet = fields.filter_map(|info| Some((info, info.field.facet()?)));
    of_facet
        .map(|(info, facet)| (info.field, marked(info.field_type, facet)))
        .collect()
}

/// Everything at level full but what `change` says.
fn full(change: impl FnOnce(PolicyBuilder) -> PolicyBuilder) -> Policy {
    let groups = FacetGroup::ALL.iter();
    let policy = groups.fold(builder().consent_to_raw(), |policy, group| {
        policy.group(*group, Level::Full)
    });
    change(policy).build().unwrap()
}

#[test]
fn a_facet_that_is_off_is_in_no_field() {
    for facet in Facet::ALL {
        let policy = full(|policy| policy.facet(*facet, Level::Off));
        let event = seal(&policy, &everything());
        let json = event.to_json();
        assert!(
            !json.contains(&format!("mark-{}-", facet.name())),
            "{facet}: {json}"
        );
        let left: Vec<_> = event
            .present()
            .filter(|field| field.facet() == Some(*facet))
            .collect();
        assert!(left.is_empty(), "{facet}: {left:?}");
        assert_eq!(event.absence(*facet), Some(Absence::Withheld), "{facet}");
    }
}

#[test]
fn a_facet_withheld_from_a_sealed_event_is_in_no_field() {
    let sealed = seal(&full(|policy| policy), &everything());
    for facet in Facet::ALL {
        let mut event = sealed.clone();
        event.withhold([*facet].into_iter().collect(), Absence::Erased);
        let json = event.to_json();
        let mark = format!("mark-{}-", facet.name());
        assert!(!json.contains(&mark), "{facet}: {json}");
        let left = event.present().find(|field| field.facet() == Some(*facet));
        assert_eq!(left, None, "{facet}");
        assert_eq!(event.absence(*facet), Some(Absence::Erased), "{facet}");
    }
}

#[test]
fn a_facet_at_digest_can_be_read_in_no_field() {
    for facet in Facet::ALL
        .iter()
        .filter(|f| f.accepted_levels().contains(&Level::Digest))
    {
        let policy = full(|policy| policy.facet(*facet, Level::Digest));
        let json = seal(&policy, &everything()).to_json();
        assert!(
            !json.contains(&format!("mark-{}-", facet.name())),
            "{facet}: {json}"
        );
    }
}

#[test]
fn a_redacted_facet_shows_personal_data_in_no_field() {
    for facet in Facet::ALL
        .iter()
        .filter(|f| f.accepted_levels().contains(&Level::Redacted))
    {
        let policy = full(|policy| policy.facet(*facet, Level::Redacted));
        let event = seal(&policy, &everything());
        let json = event.to_json();
        assert!(
            !json.contains(&format!("hide.{}@example.org", facet.name())),
            "{facet}: {json}"
        );
        assert!(
            json.contains(&format!("mark-{}- [EMAIL]", facet.name())),
            "{facet}: {json}"
        );
    }
}

#[test]
fn at_level_full_every_text_is_there() {
    // Else the tests above would hold of values that never arrive.
    let json = seal(&full(|policy| policy), &everything()).to_json();
    for facet in Facet::ALL.iter().filter(|facet| **facet != Facet::Media) {
        let texts = everything()
            .iter()
            .any(|(field, value)| field.facet() == Some(*facet) && matches!(value, Value::Text(_)));
        assert!(!texts || json.contains(&mark(*facet)), "{facet}: {json}");
    }
}
