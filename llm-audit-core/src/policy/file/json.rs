//! JSON (RFC 8259) to nodes.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::node::{Entry, Fault, Lines, MAX_DEPTH, Node, Value};

/// Returns the tree of `text`, or the first place at which it is not JSON.
pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    let root = serde_json::from_str::<&RawValue>(text).map_err(|error| Fault {
        line: error.line().max(1),
        message: format!("not JSON: {}", plain(&error)),
    })?;
    let reader = Reader {
        start: text.as_ptr().addr(),
        lines: Lines::of(text),
    };
    reader.node(root, 0)
}

/// Reads values that are slices of one text, whose addresses therefore tell their lines.
struct Reader {
    start: usize,
    lines: Lines,
}

impl Reader {
    fn node(&self, raw: &RawValue, depth: usize) -> Result<Node, Fault> {
        let text = raw.get();
        let line = self
            .lines
            .at(text.as_ptr().addr().saturating_sub(self.start));
        let fault = |error: serde_json::Error| Fault {
            line: line + error.line().saturating_sub(1),
            message: format!("not JSON: {}", plain(&error)),
        };
        if depth == MAX_DEPTH {
            return Err(Fault {
                line,
                message: format!("nested deeper than {MAX_DEPTH} levels, as no policy is"),
            });
        }
        let value = match text.as_bytes().first() {
            Some(b'{') => {
                let members: Members<'_> = serde_json::from_str(text).map_err(fault)?;
                let mut entries: Vec<Entry> = Vec::with_capacity(members.0.len());
                for (key, raw) in members.0 {
                    let node = self.node(raw, depth + 1)?;
                    let line = node.line;
                    entries.push(Entry { key, line, node });
                }
                Value::Table(entries)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text).map_err(fault)?;
                let items = items.into_iter().map(|raw| self.node(raw, depth + 1));
                Value::List(items.collect::<Result<_, _>>()?)
            }
            Some(b'"') => Value::Text(serde_json::from_str(text).map_err(fault)?),
            Some(b't' | b'f') => Value::Bool(text == "true"),
            Some(b'n') => Value::Other("null"),
            _ => match text.parse::<u64>() {
                Ok(integer) => Value::Integer(integer),
                Err(_) => Value::Number(serde_json::from_str(text).map_err(fault)?),
            },
        };
        Ok(Node { line, value })
    }
}

/// The members of an object in their order, the repeated ones too.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// Returns the message without the position, which stands in front of it.
fn plain(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.rfind(" at line ") {
        Some(end) => message.get(..end).unwrap_or(&message).to_owned(),
        None => message,
    }
}
