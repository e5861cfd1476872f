//! Redaction of one field: every text in a value goes through the redactor.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::de::IgnoredAny;

use crate::event::{AnyRecord, Part, Value, ValueRef};
use crate::redact::{Families, RedactError, Session, Step};

/// A value could not be redacted, so it must not be kept; `None` when a built-in detector panicked.
pub(super) struct ScrubFailed(pub(super) Option<RedactError>);

impl From<RedactError> for ScrubFailed {
    fn from(error: RedactError) -> Self {
        Self(Some(error))
    }
}

/// What the redactor made of a value: `true` when it changed something.
pub(super) type Scrubbed = Result<bool, ScrubFailed>;

/// Runs `scrub`; a panic in a detector fails like any other error.
pub(super) fn contained(scrub: impl FnOnce() -> Scrubbed) -> Scrubbed {
    catch_unwind(AssertUnwindSafe(scrub)).unwrap_or(Err(ScrubFailed(None)))
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
        Value::Texts(texts) => each(session, texts, |session, item| {
            scrub_text(session, families, Some(name), item)
        }),
        Value::JsonMap(map) => {
            let changed = members(session, families, map, std::slice::from_ref)?;
            Ok(
                member_values(session, map.iter_mut(), |session, key, text| {
                    let redacted = session.member(text, families, key, true)?;
                    Ok(replace(text, redacted))
                })? | changed,
            )
        }
        Value::TextMap(map) => {
            let changed = members(session, families, map, std::slice::from_ref)?;
            Ok(
                member_values(session, map.iter_mut(), |session, key, text| {
                    let redacted = session.member(text, families, key, false)?;
                    Ok(replace(text, redacted))
                })? | changed,
            )
        }
        Value::TextsMap(map) => {
            let changed = members(session, families, map, Vec::as_slice)?;
            Ok(member_values(session, map.iter_mut(), |session, _, texts| {
                each(session, texts, |session, item| {
                    scrub_text(session, families, None, item)
                })
            })? | changed)
        }
        Value::Counts(map) => keys(session, families, map),
        Value::Numbers(map) => keys(session, families, map),
        Value::Documents(list) => records(session, families, list),
        Value::Evaluations(list) => records(session, families, list),
        Value::Guardrails(list) => records(session, families, list),
        Value::Links(list) => records(session, families, list),
        Value::Media(list) => records(session, families, list),
        Value::Messages(list) => records(session, families, list),
        Value::Parts(list) => records(session, families, list),
        Value::Redactions(list) => records(session, families, list),
        Value::ToolDefinitions(list) => records(session, families, list),
        Value::Truncations(list) => records(session, families, list),
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
    let redacted = redacted_text(session, families, name, text)?;
    Ok(replace(text, redacted))
}

/// Returns one text redacted, or `None` when it needs no change.
fn redacted_text(
    session: &mut Session,
    families: Families,
    name: Option<&str>,
    text: &str,
) -> Result<Option<String>, ScrubFailed> {
    // A body as on the wire is JSON with escapes; read as plain text they would hide what they spell.
    let redacted = if text.trim_start().starts_with(['{', '[']) {
        session.json(text, families, name)?
    } else {
        session.text(text, families, name)?
    };
    Ok(redacted)
}

fn scrub_json(
    session: &mut Session,
    families: Families,
    name: Option<&str>,
    text: &mut String,
) -> Scrubbed {
    Ok(replace(text, session.json(text, families, name)?))
}

fn record(session: &mut Session, families: Families, record: &mut dyn AnyRecord) -> Scrubbed {
    let mut changed = false;
    for (number, column) in record.columns().iter().enumerate() {
        let place = Step::Column(column.name);
        // What is not changed is not copied.
        let new = match record.column(number) {
            Some(ValueRef::Text(text)) => {
                session.down(place);
                let new = redacted_text(session, families, Some(column.name), text)?;
                new.map(Value::Text)
            }
            Some(ValueRef::Json(text)) => {
                session.down(place);
                session.json(text, families, None)?.map(Value::Json)
            }
            Some(ValueRef::Texts(texts)) => {
                let mut owned = Value::Texts(texts.to_vec());
                session.down(place);
                scrub(session, families, column.name, &mut owned)?.then_some(owned)
            }
            Some(ValueRef::Parts(parts)) => {
                let mut owned = Value::Parts(parts.to_vec());
                session.down(place);
                scrub(session, families, column.name, &mut owned)?.then_some(owned)
            }
            _ => continue,
        };
        if let Some(new) = new {
            record.put_column(number, new);
            changed = true;
        }
        session.up();
    }
    for (name, json) in record.others_mut() {
        session.down(Step::Member);
        let redacted = session.json(json, families, Some(name))?;
        changed |= replace(json, redacted);
        let redacted = session.text(name, families, None)?;
        changed |= replace(name, redacted);
        session.up();
    }
    Ok(changed)
}

fn records<R: AnyRecord>(session: &mut Session, families: Families, list: &mut [R]) -> Scrubbed {
    each(session, list, |session, item| {
        record(session, families, item)
    })
}

/// Takes out the members that a rule takes out, and redacts the keys of the others.
fn members<V>(
    session: &mut Session,
    families: Families,
    map: &mut BTreeMap<String, V>,
    texts: impl Fn(&V) -> &[String],
) -> Scrubbed {
    let before = map.len();
    let mut looked = Ok(());
    session.down(Step::Member);
    map.retain(|key, value| match session.drops(key, texts(value)) {
        Ok(drops) => !drops,
        Err(error) => {
            looked = Err(error);
            true
        }
    });
    session.up();
    looked?;
    Ok(keys(session, families, map)? | (map.len() < before))
}

fn member_values<'m, V: 'm>(
    session: &mut Session,
    members: impl Iterator<Item = (&'m String, &'m mut V)>,
    mut scrub: impl FnMut(&mut Session, &str, &mut V) -> Scrubbed,
) -> Scrubbed {
    let mut changed = false;
    for (key, value) in members {
        session.down(Step::Member);
        changed |= scrub(session, key, value)?;
        session.up();
    }
    Ok(changed)
}

/// Redacts the keys of `map`. Of keys that become one text, all but the first get a number.
fn keys<V>(session: &mut Session, families: Families, map: &mut BTreeMap<String, V>) -> Scrubbed {
    let renamed = renamed(session, families, &mut map.keys())?;
    let changed = !renamed.is_empty();
    let mut numbers = HashMap::new();
    for (old, new) in renamed {
        if let Some(value) = map.remove(&old) {
            let number = numbers.entry(new.clone()).or_insert(1);
            let key = free_key(&|key| map.contains_key(key), new, number);
            map.insert(key, value);
        }
    }
    Ok(changed)
}

/// Returns keys that change, with what they become.
fn renamed(
    session: &mut Session,
    families: Families,
    keys: &mut dyn Iterator<Item = &String>,
) -> Result<Vec<(String, String)>, ScrubFailed> {
    let mut renamed = Vec::new();
    session.down(Step::Member);
    for key in keys {
        if let Some(new) = session.text(key, families, None)? {
            renamed.push((key.clone(), new));
        }
    }
    session.up();
    Ok(renamed)
}

/// Returns `key`, or where it is taken already `key#2`, `key#3` and so on, from behind the last
/// `number` on.
fn free_key(is_taken: &dyn Fn(&str) -> bool, key: String, number: &mut usize) -> String {
    if !is_taken(&key) {
        return key;
    }
    loop {
        *number += 1;
        let free = format!("{key}#{number}");
        if !is_taken(&free) {
            return free;
        }
    }
}

fn each<T>(
    session: &mut Session,
    items: &mut [T],
    mut scrub: impl FnMut(&mut Session, &mut T) -> Scrubbed,
) -> Scrubbed {
    let mut changed = false;
    for item in items {
        session.down(Step::Each);
        changed |= scrub(session, item)?;
        session.up();
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
