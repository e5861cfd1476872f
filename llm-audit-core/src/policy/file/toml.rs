//! TOML 1.1 to nodes.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::node::{Entry, Fault, Lines, MAX_DEPTH, Node, Value};

/// Returns the tree of `text`, or the first place at which it is not TOML.
pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    let lines = Lines::of(text);
    let root = DeTable::parse(text).map_err(|error| Fault {
        line: lines.at(error.span().map_or(0, |span| span.start)),
        message: format!("not TOML: {}", error.message()),
    })?;
    Ok(Node {
        line: 1,
        value: table(root.get_ref(), &lines, 0)?,
    })
}

fn table(table: &DeTable<'_>, lines: &Lines, depth: usize) -> Result<Value, Fault> {
    let entries = table.iter().map(|(key, value)| {
        let line = lines.at(key.span().start);
        Ok(Entry {
            key: key.get_ref().to_string(),
            line,
            node: node(value, lines, line, depth + 1)?,
        })
    });
    Ok(Value::Table(entries.collect::<Result<_, _>>()?))
}

fn node(
    value: &Spanned<DeValue<'_>>,
    lines: &Lines,
    key_line: usize,
    depth: usize,
) -> Result<Node, Fault> {
    // Tables that come from dotted keys have no place of their own.
    let line = lines.at(value.span().start).max(key_line);
    if depth == MAX_DEPTH {
        return Err(Fault {
            line,
            message: format!("nested deeper than {MAX_DEPTH} levels, as no policy is"),
        });
    }
    let value = match value.get_ref() {
        DeValue::Table(inner) => table(inner, lines, depth)?,
        DeValue::Array(items) => {
            let items = items.iter().map(|item| node(item, lines, line, depth + 1));
            Value::List(items.collect::<Result<_, _>>()?)
        }
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(integer) => match u64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(natural) => Value::Integer(natural),
            Err(_) => Value::Other("a number out of range"),
        },
        DeValue::Float(float) => match float.as_str().parse() {
            Ok(number) => Value::Number(number),
            Err(_) => Value::Other("a number out of range"),
        },
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(_) => Value::Other("a date"),
    };
    Ok(Node { line, value })
}
