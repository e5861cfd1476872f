//! What the reader of a policy file does with any node.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::node::{Entry, Node, Value};
use crate::policy::draft::Draft;
use crate::policy::problem::{Place, Problems, nearest_first, quoted};

/// Reads nodes into a draft and gathers what it cannot understand.
pub(super) struct Reader {
    /// The directory that paths in the file are relative to.
    pub(super) base: PathBuf,
    pub(super) problems: Problems,
    pub(super) draft: Draft,
}

impl Reader {
    pub(super) fn choice<T: Copy>(
        &mut self,
        node: &Node,
        noun: &str,
        all: &[T],
        name: fn(T) -> &'static str,
    ) -> Option<T> {
        let word = self.text(node, noun)?;
        let choice = all.iter().copied().find(|choice| name(*choice) == word);
        if choice.is_none() {
            self.add(
                node,
                format!(
                    "unknown {noun} {}; possible: {}",
                    quoted(word),
                    nearest_first(word, all.iter().map(|choice| name(*choice)))
                ),
            );
        }
        choice
    }

    pub(super) fn text<'n>(&mut self, node: &'n Node, name: &str) -> Option<&'n str> {
        match &node.value {
            Value::Text(text) => Some(text),
            _ => {
                self.wrong(node, name, "a text");
                None
            }
        }
    }

    pub(super) fn list<'n>(&mut self, node: &'n Node, name: &str, form: &str) -> &'n [Node] {
        match &node.value {
            Value::List(nodes) => nodes,
            _ => {
                self.wrong(node, name, form);
                &[]
            }
        }
    }

    /// Returns the entries of a table, but for repeated and unknown ones.
    pub(super) fn known_entries<'n>(
        &mut self,
        node: &'n Node,
        name: &str,
        known: &[&'static str],
    ) -> Vec<&'n Entry> {
        let mut entries = self.entries(node, name);
        entries.retain(|entry| {
            let is_known = known.contains(&entry.key.as_str());
            if !is_known {
                self.unknown_key(entry, name, known.iter().copied());
            }
            is_known
        });
        entries
    }

    /// Returns the entries of a table, but for repeated ones.
    pub(super) fn entries<'n>(&mut self, node: &'n Node, name: &str) -> Vec<&'n Entry> {
        let Value::Table(entries) = &node.value else {
            self.wrong(node, name, "a table");
            return Vec::new();
        };
        let mut seen = BTreeSet::new();
        let mut first = Vec::with_capacity(entries.len());
        for entry in entries {
            if seen.insert(entry.key.as_str()) {
                first.push(entry);
            } else {
                let key = quoted(&entry.key);
                self.problems.add(
                    Place::Line(entry.line),
                    format!("key {key} stands twice in {}; keep one", quoted(name)),
                );
            }
        }
        first
    }

    pub(super) fn unknown_key(
        &mut self,
        entry: &Entry,
        name: &str,
        known: impl IntoIterator<Item = &'static str>,
    ) {
        self.problems.add(
            Place::Line(entry.line),
            format!(
                "unknown key {} in {}; possible: {}",
                quoted(&entry.key),
                quoted(name),
                nearest_first(&entry.key, known)
            ),
        );
    }

    /// Adds that a value has the wrong form, without the value: it could be a misplaced secret.
    pub(super) fn wrong(&mut self, node: &Node, name: &str, form: &str) {
        self.add(
            node,
            format!(
                "{} is {}; it must be {form}",
                quoted(name),
                node.value.kind()
            ),
        );
    }

    pub(super) fn add(&mut self, node: &Node, message: impl Into<String>) {
        self.problems.add(Place::Line(node.line), message);
    }
}
