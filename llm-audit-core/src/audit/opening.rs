//! What a start and a change of policy write about the log itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::catalog::Field;
use crate::encode::hex;
use crate::event::{Event, Kind, Value};
use crate::pipeline::OwnEvent;
use crate::policy::Policy;
use crate::redact::Redactor;
use crate::seal::sha256;

/// Whether a path of the policy belongs to a kind of change.
type Belongs = fn(&str) -> bool;

/// Which change a path of the policy belongs to; the first that matches counts.
const CHANGES: &[(Kind, Belongs)] = &[
    (Kind::KeyRotated, |path| path.starts_with("keys")),
    (Kind::RetentionChanged, |path| {
        path.starts_with("retention") || path.ends_with(".retain")
    }),
    (Kind::RedactionChanged, |path| path.starts_with("redaction")),
    (Kind::SamplingChanged, |path| path.ends_with(".sample")),
    (Kind::LegalHold, |path| path.starts_with("holds")),
    (Kind::SinkChanged, |path| path.starts_with("sinks")),
    (Kind::PolicyChanged, |_| true),
];

/// Returns `log_opened`, and an event for each kind of difference to the previous start.
///
/// `previous` is the JSON of the newest `log_opened` in the directory.
pub(super) fn opening(policy: &Policy, sinks: &[String], previous: Option<&[u8]>) -> Vec<OwnEvent> {
    let mut fields = vec![
        text(
            Field::SdkName,
            env!("CARGO_PKG_NAME").trim_end_matches("-core"),
        ),
        text(Field::SdkVersion, env!("CARGO_PKG_VERSION")),
        text(Field::PolicyId, policy.id()),
        text(Field::PolicyHash, policy.hash()),
        text(Field::PolicyText, policy.canonical_text()),
        text(Field::RedactorVersion, Redactor::ENGINE_VERSION),
        (Field::Sinks, Value::Texts(sinks.to_vec())),
    ];
    fields.extend(
        policy
            .retention()
            .map(|_| text(Field::RetentionText, &policy.retentions().to_string())),
    );
    fields.extend(policy.approved_by().map(|who| text(Field::ApprovedBy, who)));
    fields.extend(policy.reason().map(|why| text(Field::PolicyReason, why)));
    let Some(previous) = previous else {
        return vec![OwnEvent::of(Kind::LogOpened, fields)];
    };
    fields.push(text(Field::PreviousHash, &hex(&sha256(previous))));
    let mut events = vec![OwnEvent::of(Kind::LogOpened, fields)];
    if let Ok(previous) = Event::from_json(previous) {
        events.extend(differences(&previous, policy, sinks));
    }
    events
}

/// Returns an event for each kind of difference between two policies.
pub(super) fn policy_changes(
    before: &Policy,
    after: &Policy,
    actor: &str,
    reason: &str,
) -> Vec<OwnEvent> {
    let side = |policy: &Policy| (policy.hash().to_owned(), policy.canonical_text().to_owned());
    let (hash_before, text_before) = side(before);
    let (hash_after, text_after) = side(after);
    let mut events = changes(&hash_before, &text_before, &hash_after, &text_after);
    for event in &mut events {
        event.fields.push(text(Field::ChangeActor, actor));
        event.fields.push(text(Field::ChangeReason, reason));
        event.fields.push(text(Field::PolicyId, after.id()));
        event.fields.push(text(Field::PolicyHash, &hash_after));
        event.fields.push(text(Field::PolicyText, &text_after));
    }
    events
}

fn differences(previous: &Event, policy: &Policy, sinks: &[String]) -> Vec<OwnEvent> {
    let hash_before = previous.policy_hash().unwrap_or_default();
    let text_before = previous.policy_text().unwrap_or("{}");
    let mut events = changes(
        hash_before,
        text_before,
        policy.hash(),
        policy.canonical_text(),
    );
    let mut note = |kind: Kind, before: &str, after: &str, path: &str| {
        if before != after && !events.iter().any(|event| event.kind == kind) {
            events.push(change(kind, before, after, vec![path.to_owned()]));
        }
    };
    let sinks_before = previous.sinks().unwrap_or_default().join("\n");
    note(
        Kind::SinkChanged,
        &digest(&sinks_before),
        &digest(&sinks.join("\n")),
        "sinks",
    );
    let version_before = previous.redactor_version().unwrap_or_default();
    note(
        Kind::RedactionChanged,
        version_before,
        Redactor::ENGINE_VERSION,
        "redactor_version",
    );
    events
}

fn changes(
    hash_before: &str,
    text_before: &str,
    hash_after: &str,
    text_after: &str,
) -> Vec<OwnEvent> {
    let leaves = |text: &str| {
        let mut leaves = BTreeMap::new();
        let json = serde_json::from_str(text).unwrap_or(Json::Null);
        collect_leaves(&json, String::new(), &mut leaves);
        leaves
    };
    let (before, after) = (leaves(text_before), leaves(text_after));
    let mut paths = BTreeSet::new();
    paths.extend(before.keys().chain(after.keys()).cloned());
    let mut by_kind: Vec<(Kind, Vec<String>)> = Vec::new();
    for path in paths {
        if before.get(&path) == after.get(&path) {
            continue;
        }
        let Some((kind, _)) = CHANGES.iter().find(|(_, belongs)| belongs(&path)) else {
            continue;
        };
        match by_kind.iter_mut().find(|(known, _)| known == kind) {
            Some((_, paths)) => paths.push(path),
            None => by_kind.push((kind.clone(), vec![path])),
        }
    }
    by_kind
        .into_iter()
        .map(|(kind, diff)| change(kind, hash_before, hash_after, diff))
        .collect()
}

fn change(kind: Kind, before: &str, after: &str, diff: Vec<String>) -> OwnEvent {
    OwnEvent::of(
        kind,
        vec![
            text(Field::ChangeBefore, before),
            text(Field::ChangeAfter, after),
            (Field::ChangeDiff, Value::Texts(diff)),
        ],
    )
}

/// Collects each leaf of `json` under its path.
fn collect_leaves(json: &Json, path: String, leaves: &mut BTreeMap<String, String>) {
    match json {
        Json::Object(members) if !members.is_empty() => {
            for (name, value) in members {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                collect_leaves(value, path, leaves);
            }
        }
        leaf => {
            leaves.insert(path, leaf.to_string());
        }
    }
}

fn digest(content: &str) -> String {
    hex(&sha256(content.as_bytes()))
}

fn text(field: Field, value: &str) -> (Field, Value) {
    (field, Value::Text(value.to_owned()))
}
