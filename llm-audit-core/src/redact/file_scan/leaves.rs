//! The strings of one line of JSON, each with its path.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as DeError, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::{Counts, Families, Session, count};
use crate::catalog::Field;
use crate::event::{
    Document, Evaluation, Guardrail, Link, MediaItem, Message, Part, Record, ToolDefinition,
};
use crate::id::EventId;
use crate::redact::sibling;
use crate::schema::Column;

const MAX_NESTED_TEXTS: usize = 4;
/// Shorter numbers hold no value that a detector knows without the name of the member.
const MIN_NUMBER: usize = 8;

/// Names of members that are no content.
const RECORDS: &[&[Column]] = &[
    Document::COLUMNS,
    Evaluation::COLUMNS,
    Guardrail::COLUMNS,
    Link::COLUMNS,
    MediaItem::COLUMNS,
    Message::COLUMNS,
    Part::COLUMNS,
    ToolDefinition::COLUMNS,
];

/// Counts the values in `text` where it is an object or an array, and returns the event that it is,
/// if any; `None` when it is something else.
pub(super) fn find(
    session: &mut Session,
    line: u64,
    text: &str,
    counts: &mut Counts,
) -> Option<Option<EventId>> {
    let mut walk = Walk {
        session,
        line,
        counts,
        path: String::new(),
        nested: MAX_NESTED_TEXTS,
        event_id: None,
    };
    let is_json = walk.json(text);
    let event_id = walk.event_id;
    if !is_json {
        counts.clear();
    }
    is_json.then_some(event_id)
}

struct Walk<'w> {
    session: &'w mut Session,
    line: u64,
    counts: &'w mut Counts,
    path: String,
    nested: usize,
    event_id: Option<EventId>,
}

impl Walk<'_> {
    /// Returns whether `text` is an object or an array, and looks at what is in it.
    fn json(&mut self, text: &str) -> bool {
        if !text.trim_start().starts_with(['{', '['])
            || serde_json::from_str::<IgnoredAny>(text).is_err()
        {
            return false;
        }
        let mut json = serde_json::Deserializer::from_str(text);
        Node {
            walk: self,
            name: None,
            option: None,
            sibling: &mut None,
        }
        .deserialize(&mut json)
        .is_ok()
    }

    fn text(&mut self, text: &str, name: Option<&str>) {
        if self.nested > 0 && text.trim_start().starts_with(['{', '[']) {
            self.nested -= 1;
            let before = self.counts.clone();
            let is_json = self.json(text);
            self.nested += 1;
            if is_json {
                return;
            }
            *self.counts = before;
        }
        if self.path == Field::EventId.name() {
            self.event_id = text.parse().ok();
        }
        let hits = self.session.find(text, Families::All, name);
        for hit in hits.unwrap_or_default() {
            count(self.counts, self.line, Some(&self.path), hit);
        }
    }

    fn number(&mut self, number: &str, name: Option<&str>) {
        let is_known = || name.is_some_and(|name| self.session.knows(name));
        if number.len() >= MIN_NUMBER || self.session.looks_for_own() || is_known() {
            self.text(number, name);
        }
    }

    /// Does `look` one step further down.
    fn below<T>(&mut self, step: &str, look: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        if length > 0 && !step.starts_with('[') {
            self.path.push('.');
        }
        self.path.push_str(step);
        let seen = look(self);
        self.path.truncate(length);
        seen
    }
}

/// A value that is about to be read.
struct Node<'n, 'w> {
    walk: &'n mut Walk<'w>,
    /// The name of the member that it belongs to.
    name: Option<&'n str>,
    /// The option of a command that stands before it, if a detector knows it.
    option: Option<&'n str>,
    /// Where a string is put that may name another value.
    sibling: &'n mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: DeError>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: DeError>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: DeError>(self, number: i64) -> Result<(), E> {
        self.walk
            .number(&number.to_string(), self.option.or(self.name));
        Ok(())
    }

    fn visit_u64<E: DeError>(self, number: u64) -> Result<(), E> {
        self.walk
            .number(&number.to_string(), self.option.or(self.name));
        Ok(())
    }

    fn visit_f64<E: DeError>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: DeError>(self, text: &str) -> Result<(), E> {
        let option = self.option.filter(|_| !sibling::is_long_option(text));
        self.walk.text(text, option.or(self.name));
        *self.sibling = Some(text.to_owned());
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self {
            walk, name, option, ..
        } = self;
        let name = option.or(name);
        walk.below("[*]", |walk| {
            let mut last: Option<String> = None;
            loop {
                let option = last.take().filter(|last| last.starts_with('-'));
                let option = option.filter(|option| walk.session.knows(option));
                let (option, sibling) = (option.as_deref(), &mut last);
                let node = Node {
                    walk,
                    name,
                    option,
                    sibling,
                };
                if items.next_element_seed(node)?.is_none() {
                    return Ok(());
                }
            }
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let walk = self.walk;
        let mut named = None;
        while let Some(name) = members.next_key::<String>()? {
            let step = known(&name);
            if step.is_none() {
                walk.below("*~", |walk| walk.text(&name, None));
            }
            walk.below(step.unwrap_or("*"), |walk| {
                let (mut value, given) = (None, named.as_deref());
                let own = given.filter(|_| sibling::is_named(&name));
                members.next_value_seed(Node {
                    walk,
                    name: own.or(Some(name.as_str())),
                    option: None,
                    sibling: &mut value,
                })?;
                let is_kept = || {
                    named
                        .as_deref()
                        .is_some_and(|named| walk.session.knows(named))
                };
                if sibling::names(&name) && !is_kept() {
                    named = value.or(named.take());
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Returns the name of a field or of a column of a record; other names may be content.
fn known(name: &str) -> Option<&'static str> {
    let column = || {
        let columns = RECORDS.iter().flat_map(|columns| columns.iter());
        columns
            .map(|column| column.name)
            .find(|known| *known == name)
    };
    Field::from_name(name).map(Field::name).or_else(column)
}
