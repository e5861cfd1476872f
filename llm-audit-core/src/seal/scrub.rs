//! Redaction of one field: every text in a value goes through the redactor.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::de::IgnoredAny;

use crate::event::{Part, Record, Value, ValueRef};
use crate::redact::{Families, RedactError, Session};

/// A value could not be redacted, so it must not be kept.
pub(super) struct ScrubFailed;

impl From<RedactError> for ScrubFailed {
    fn from(_: RedactError) -> Self {
        Self
    }
}

/// What the redactor made of a value: `true` when it changed something.
pub(super) type Scrubbed = Result<bool, ScrubFailed>;

/// Runs `scrub`; a panic in a detector fails like any other error.
pub(super) fn contained(scrub: impl FnOnce() -> Scrubbed) -> Scrubbed {
    catch_unwind(AssertUnwindSafe(scrub)).unwrap_or(Err(ScrubFailed))
}

/// Redacts every text in `value` in place.
pub(super) fn scrub(
    session: &mut Session,
    families: Families,
    name: &str,
    value: &mut Value,
) -> Scrubbed {
    match value {
        Value::Bool(_) | Value::Float(_) | Value::Id(_) | Value::Int(_) | Value::Time(_) => {
            Ok(false)
        }
        Value::Text(text) => scrub_text(session, families, Some(name), text),
        Value::Json(text) => scrub_json(session, families, None, text),
        Value::Texts(texts) => all(texts, |item| {
            scrub_text(session, families, Some(name), item)
        }),
        Value::JsonMap(map) => {
            let changed = keys(session, families, map)?;
            Ok(all_of(map.iter_mut(), |(key, text)| {
                scrub_json(session, families, Some(key), text)
            })? | changed)
        }
        Value::TextMap(map) => {
            let changed = keys(session, families, map)?;
            Ok(all_of(map.iter_mut(), |(key, text)| {
                scrub_text(session, families, Some(key), text)
            })? | changed)
        }
        Value::TextsMap(map) => {
            let changed = keys(session, families, map)?;
            Ok(all_of(map.values_mut().flatten(), |item| {
                scrub_text(session, families, None, item)
            })? | changed)
        }
        Value::Counts(map) => keys(session, families, map),
        Value::Numbers(map) => keys(session, families, map),
        Value::Documents(list) => all(list, |item| record(session, families, item)),
        Value::Evaluations(list) => all(list, |item| record(session, families, item)),
        Value::Guardrails(list) => all(list, |item| record(session, families, item)),
        Value::Links(list) => all(list, |item| record(session, families, item)),
        Value::Media(list) => all(list, |item| record(session, families, item)),
        Value::Messages(list) => all(list, |item| record(session, families, item)),
        Value::Parts(list) => all(list, |item| record(session, families, item)),
        Value::Redactions(list) => all(list, |item| record(session, families, item)),
        Value::ToolDefinitions(list) => all(list, |item| record(session, families, item)),
        Value::Truncations(list) => all(list, |item| record(session, families, item)),
    }
}

/// Redacts every text in one part of a message in place.
pub(super) fn scrub_part(session: &mut Session, families: Families, part: &mut Part) -> Scrubbed {
    record(session, families, part)
}

/// Returns whether the content of `part` may go on in that of the next part: it is text, and no
/// JSON by itself.
pub(super) fn may_go_on(part: &Part) -> bool {
    part.is_type("text")
        && part.content.as_deref().is_some_and(|text| {
            !text.trim_start().starts_with(['{', '['])
                || serde_json::from_str::<IgnoredAny>(text).is_err()
        })
}

/// Redacts `texts` as one text.
pub(super) fn scrub_adjacent(
    session: &mut Session,
    families: Families,
    texts: &mut [String],
) -> Scrubbed {
    Ok(session.adjacent(texts, families)?)
}

/// Redacts one text in place; `name` is context for values that only a name gives away.
fn scrub_text(
    session: &mut Session,
    families: Families,
    name: Option<&str>,
    text: &mut String,
) -> Scrubbed {
    // A body as on the wire is JSON with escapes; read as plain text they would hide what they spell.
    let redacted = if text.trim_start().starts_with(['{', '[']) {
        session.json(text, families, name)?
    } else {
        session.text(text, families, name)?
    };
    Ok(replace(text, redacted))
}

fn scrub_json(
    session: &mut Session,
    families: Families,
    name: Option<&str>,
    text: &mut String,
) -> Scrubbed {
    Ok(replace(text, session.json(text, families, name)?))
}

fn record<R: Record>(session: &mut Session, families: Families, record: &mut R) -> Scrubbed {
    let mut changed = false;
    for (number, column) in R::COLUMNS.iter().enumerate() {
        let mut owned = match record.get(number) {
            Some(ValueRef::Text(text)) => Value::Text(text.to_owned()),
            Some(ValueRef::Json(text)) => Value::Json(text.to_owned()),
            Some(ValueRef::Texts(texts)) => Value::Texts(texts.to_vec()),
            Some(ValueRef::Parts(parts)) => Value::Parts(parts.to_vec()),
            _ => continue,
        };
        if scrub(session, families, column.name, &mut owned)? {
            record.put(number, owned);
            changed = true;
        }
    }
    for (name, json) in record.unknown_mut() {
        let redacted = session.json(json, families, Some(name))?;
        changed |= replace(json, redacted);
        let redacted = session.text(name, families, None)?;
        changed |= replace(name, redacted);
    }
    Ok(changed)
}

/// Redacts the keys of `map`. Of keys that become one text, all but the first get a number.
fn keys<V>(session: &mut Session, families: Families, map: &mut BTreeMap<String, V>) -> Scrubbed {
    let mut renamed = Vec::new();
    for key in map.keys() {
        if let Some(new) = session.text(key, families, None)? {
            renamed.push((key.clone(), new));
        }
    }
    let changed = !renamed.is_empty();
    let mut numbers = HashMap::new();
    for (old, new) in renamed {
        if let Some(value) = map.remove(&old) {
            let number = numbers.entry(new.clone()).or_insert(1);
            map.insert(free_key(map, new, number), value);
        }
    }
    Ok(changed)
}

/// Returns `key`, or where `map` has it already `key#2`, `key#3` and so on, from behind the last
/// `number` on.
fn free_key<V>(map: &BTreeMap<String, V>, key: String, number: &mut usize) -> String {
    if !map.contains_key(&key) {
        return key;
    }
    loop {
        *number += 1;
        let free = format!("{key}#{number}");
        if !map.contains_key(&free) {
            return free;
        }
    }
}

fn all<T>(items: &mut [T], scrub: impl FnMut(&mut T) -> Scrubbed) -> Scrubbed {
    all_of(items.iter_mut(), scrub)
}

fn all_of<T>(items: impl Iterator<Item = T>, mut scrub: impl FnMut(T) -> Scrubbed) -> Scrubbed {
    let mut changed = false;
    for item in items {
        changed |= scrub(item)?;
    }
    Ok(changed)
}

fn replace(text: &mut String, new: Option<String>) -> bool {
    match new {
        Some(new) => {
            *text = new;
            true
        }
        None => false,
    }
}
