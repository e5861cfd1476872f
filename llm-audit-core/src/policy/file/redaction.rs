//! The table of redaction in a policy file.

use std::collections::BTreeMap;

use super::node::{Entry, Node, Value};
use super::reader::Reader;
use crate::facet::Facet;
use crate::policy::draft::Redaction;
use crate::policy::problem::Place;
use crate::redact::{Confidence, Family, PatternSettings, RedactionPreset, RuleSettings};
use crate::sorted::SortedMap;

/// What the table is called in errors.
const NAME: &str = "redaction";

const KEYS: &[&str] = &[
    "preset",
    "operators",
    "paths",
    "allow",
    "allow_paths",
    "allow_regex",
    "min_confidence",
    "facets",
    "patterns",
    "max_bytes",
    "max_time_ms",
];
const RULE_KEYS: &[&str] = &["operators", "paths", "allow_paths", "min_confidence"];

impl Reader {
    pub(super) fn redaction(&mut self, entry: &Entry) {
        let mut redaction = Redaction {
            place: Place::Line(entry.line),
            token_key: std::mem::take(&mut self.draft.redaction.token_key),
            ..Redaction::default()
        };
        let mut rules = RuleSettings::default();
        for entry in self.known_entries(&entry.node, NAME, KEYS) {
            let Entry { key, line, node } = entry;
            let name = format!("{NAME}.{key}");
            redaction.places.insert(name.clone(), Place::Line(*line));
            let settings = &mut redaction.settings;
            match key.as_str() {
                "preset" => {
                    let all = RedactionPreset::ALL;
                    let name = RedactionPreset::name;
                    let preset = self.choice(node, "redaction preset", all, name);
                    settings.preset = preset.unwrap_or_default();
                }
                "allow" => settings.allow = self.texts(node, &name),
                "allow_regex" => settings.allow_regex = self.texts(node, &name),
                "facets" => self.redaction_of_facets(node, &mut redaction),
                "patterns" => self.patterns(node, &mut redaction),
                "max_bytes" => {
                    let bytes = self.natural(node, &name, "a number of bytes");
                    settings.max_bytes = bytes.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
                }
                "max_time_ms" => {
                    settings.max_time_ms = self.natural(node, &name, "a number of milliseconds");
                }
                _ => self.rules(entry, NAME, &mut rules, &mut redaction.places),
            }
        }
        let settings = &mut redaction.settings;
        settings.operators = rules.operators;
        settings.paths = rules.paths;
        settings.allow_paths = rules.allow_paths;
        settings.min_confidence = rules.min_confidence;
        self.draft.redaction = redaction;
    }

    /// Reads one entry of rules; `place` is what their table is called.
    fn rules(
        &mut self,
        entry: &Entry,
        place: &str,
        rules: &mut RuleSettings,
        places: &mut SortedMap<String, Place>,
    ) {
        let Entry { key, line, node } = entry;
        let name = format!("{place}.{key}");
        places.insert(name.clone(), Place::Line(*line));
        match key.as_str() {
            "operators" => rules.operators = self.words(node, &name, places),
            "paths" => rules.paths = self.words(node, &name, places),
            "allow_paths" => rules.allow_paths = self.texts(node, &name),
            _ => {
                let all = Confidence::ALL;
                rules.min_confidence = self.choice(node, "confidence", all, Confidence::name);
            }
        }
    }

    fn redaction_of_facets(&mut self, node: &Node, redaction: &mut Redaction) {
        let table = format!("{NAME}.facets");
        for entry in self.entries(node, &table) {
            let known = Facet::ALL.iter().find(|facet| facet.name() == entry.key);
            let Some(facet) = known else {
                let names = Facet::ALL.iter().map(|facet| facet.name());
                self.unknown_key(entry, &table, names);
                continue;
            };
            let place = format!("{table}.{facet}");
            let mut rules = RuleSettings::default();
            for entry in self.known_entries(&entry.node, &place, RULE_KEYS) {
                self.rules(entry, &place, &mut rules, &mut redaction.places);
            }
            redaction.settings.facets.insert(*facet, rules);
        }
    }

    fn patterns(&mut self, node: &Node, redaction: &mut Redaction) {
        let table = format!("{NAME}.patterns");
        for Entry { key, line, node } in self.entries(node, &table) {
            let name = format!("{table}.{key}");
            redaction.places.insert(name.clone(), Place::Line(*line));
            let mut pattern = PatternSettings::new(key.clone(), "");
            if let Value::Text(text) = &node.value {
                pattern.pattern.clone_from(text);
            } else {
                for entry in self.known_entries(node, &name, &["pattern", "family", "context"]) {
                    let inner = format!("{name}.{}", entry.key);
                    match entry.key.as_str() {
                        "pattern" => {
                            let text = self.text(&entry.node, &inner);
                            pattern.pattern = text.unwrap_or_default().to_owned();
                        }
                        "family" => {
                            let all = Family::ALL;
                            let family = self.choice(&entry.node, "family", all, Family::name);
                            pattern.family = family.unwrap_or(Family::Pii);
                        }
                        _ => pattern.context = self.texts(&entry.node, &inner),
                    }
                }
            }
            redaction.settings.patterns.push(pattern);
        }
    }

    fn words(
        &mut self,
        node: &Node,
        table: &str,
        places: &mut SortedMap<String, Place>,
    ) -> BTreeMap<String, String> {
        let mut words = BTreeMap::new();
        for Entry { key, line, node } in self.entries(node, table) {
            let name = format!("{table}.{key}");
            if let Some(word) = self.text(node, &name) {
                words.insert(key.clone(), word.to_owned());
            }
            places.insert(name, Place::Line(*line));
        }
        words
    }

    fn texts(&mut self, node: &Node, name: &str) -> Vec<String> {
        let nodes = self.list(node, name, "a list of texts");
        let texts = nodes.iter().filter_map(|node| self.text(node, name));
        texts.map(str::to_owned).collect()
    }

    fn natural(&mut self, node: &Node, name: &str, form: &str) -> Option<u64> {
        match node.value {
            Value::Integer(number) => Some(number),
            _ => {
                self.wrong(node, name, form);
                None
            }
        }
    }
}
