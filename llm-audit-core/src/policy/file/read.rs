//! From the tree of a policy file to a draft, with everything in it that means nothing.

use std::path::Path;

use super::node::{Entry, Node, Value};
use super::reader::Reader;
use std::collections::BTreeMap;

use crate::facet::{Facet, FacetGroup, FacetSet};
use crate::hold::Hold;
use crate::level::Level;
use crate::policy::canonical::VERSION;
use crate::policy::draft::{Draft, KeyName, Keys, Setting, Settings, TokenKeyName};
use crate::policy::narrowing::UNCLASSIFIED;
use crate::policy::preset::Preset;
use crate::policy::problem::{Place, Problems, nearest_first, quoted};
use crate::policy::rule::Intent;
use crate::retention::Retention;

/// Returns what the file says as far as it can be understood, and what cannot. Paths in it are
/// relative to `base`.
pub(super) fn draft(root: &Node, base: &Path) -> (Draft, Problems) {
    let mut reader = Reader {
        base: base.to_owned(),
        problems: Problems::default(),
        draft: Draft::default(),
    };
    reader.root(root);
    (reader.draft, reader.problems)
}

/// The keys of a policy file, each with its reader.
const KEYS: &[(&str, Read)] = &[
    ("version", Reader::version),
    ("preset", |reader, entry| {
        let preset = reader.choice(&entry.node, "preset", Preset::ALL, Preset::name);
        reader.draft.preset = preset.map(|preset| (preset, Place::Line(entry.line)));
    }),
    ("facets", |reader, entry| {
        reader.draft.settings = reader.settings(entry, Layer::Process);
    }),
    ("retention", Reader::retention_table),
    ("intent", |reader, entry| {
        let intent = reader.choice(&entry.node, "intent", Intent::ALL, Intent::name);
        reader.draft.intent = intent.unwrap_or_default();
    }),
    ("key", Reader::key),
    ("old_keys", Reader::old_keys),
    ("tenant", Reader::tenant),
    ("tenants", Reader::tenants),
    ("classification", Reader::classification),
    ("rule", Reader::rule),
    ("redaction", Reader::redaction),
    ("token_key", |reader, entry| {
        if let Some(name) = reader.key_name(&entry.node, "token_key") {
            let place = Place::Line(entry.line);
            reader.draft.redaction.token_key = TokenKeyName::Named(name, place);
        }
    }),
    ("hold", Reader::hold),
    ("sinks", Reader::sinks),
    ("danger_verbatim", Reader::verbatim),
    ("consent_to_raw", Reader::consent),
    ("approved_by", |reader, entry| {
        reader.draft.approved_by = reader.text(&entry.node, "approved_by").map(str::to_owned);
    }),
    ("reason", |reader, entry| {
        reader.draft.reason = reader.text(&entry.node, "reason").map(str::to_owned);
    }),
];

const HOLD_KEYS: &[&str] = &["name", "subject", "session", "since", "before"];
const RULE_KEYS: &[&str] = &["level", "max_bytes", "sample", "retain"];

/// What the top of a policy is called in errors.
const ROOT: &str = "policy";

type Read = fn(&mut Reader, &Entry);

/// Which layer a table of facets belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layer {
    Process,
    Below,
}

/// What a key of a table of facets names.
#[derive(Clone, Copy)]
enum Target {
    Facet(Facet),
    Group(FacetGroup),
}

impl Reader {
    fn root(&mut self, root: &Node) {
        for entry in self.entries(root, ROOT) {
            match KEYS.iter().find(|(key, _)| *key == entry.key) {
                Some((_, read)) => read(self, entry),
                None => self.unknown_key(entry, ROOT, KEYS.iter().map(|(key, _)| *key)),
            }
        }
    }

    fn version(&mut self, entry: &Entry) {
        match entry.node.value {
            Value::Integer(VERSION) => {}
            Value::Integer(version) => self.add(
                &entry.node,
                format!("version {version} is not known here; this release reads {VERSION}"),
            ),
            _ => self.wrong(&entry.node, "version", "a number, 1"),
        }
    }

    fn retention_table(&mut self, entry: &Entry) {
        for entry in self.known_entries(&entry.node, "retention", &["default"]) {
            let retention = self.retention(&entry.node, "retention.default");
            self.draft.retention = retention.map(|retention| (retention, Place::Line(entry.line)));
        }
    }

    fn key(&mut self, entry: &Entry) {
        let Some(name) = self.key_name(&entry.node, "key") else {
            return;
        };
        let old = match std::mem::take(&mut self.draft.keys) {
            Keys::Named { old, .. } => old,
            _ => Vec::new(),
        };
        self.draft.keys = Keys::Named {
            current: Some((name, Place::Line(entry.line))),
            old,
        };
    }

    fn old_keys(&mut self, entry: &Entry) {
        let nodes = self.list(
            &entry.node,
            "old_keys",
            "a list of `{ file = \"…\" }` or `{ env = \"…\" }`",
        );
        let old = nodes
            .iter()
            .filter_map(|node| Some((self.key_name(node, "old_keys")?, Place::Line(node.line))))
            .collect();
        let current = match std::mem::take(&mut self.draft.keys) {
            Keys::Named { current, .. } => current,
            _ => None,
        };
        self.draft.keys = Keys::Named { current, old };
    }

    fn key_name(&mut self, node: &Node, name: &str) -> Option<KeyName> {
        const FORM: &str =
            "`{ file = \"…\" }` or `{ env = \"…\" }`; a key itself never stands in a policy file";
        let Value::Table(entries) = &node.value else {
            self.wrong(node, name, FORM);
            return None;
        };
        match entries.as_slice() {
            [entry] if entry.key == "file" => {
                let path = self.text(&entry.node, "file")?;
                Some(KeyName::File(self.base.join(path)))
            }
            [entry] if entry.key == "env" => {
                Some(KeyName::Env(self.text(&entry.node, "env")?.to_owned()))
            }
            _ => {
                self.add(node, format!("`{name}` must be one of {FORM}"));
                None
            }
        }
    }

    fn tenant(&mut self, entry: &Entry) {
        for node in self.list(&entry.node, "tenant", "a list of tables, `[[tenant]]`") {
            let mut name = None;
            let mut settings = Settings::default();
            for entry in self.known_entries(node, "tenant", &["name", "facets"]) {
                match entry.key.as_str() {
                    "name" => name = self.text(&entry.node, "name").map(str::to_owned),
                    _ => settings = self.settings(entry, Layer::Below),
                }
            }
            settings.place = Place::Line(node.line);
            match name {
                Some(name) => self.draft.tenants.push((name, settings)),
                None if matches!(node.value, Value::Table(_)) => {
                    self.add(node, "a tenant has no `name`; give it the tenant's id");
                }
                None => {}
            }
        }
    }

    fn tenants(&mut self, entry: &Entry) {
        for entry in self.known_entries(&entry.node, "tenants", &["default"]) {
            let settings = self.layer(&entry.node, "tenants.default");
            self.draft.tenants_default = Some(settings);
        }
    }

    fn classification(&mut self, entry: &Entry) {
        for entry in self.known_entries(&entry.node, "classification", &["order"]) {
            let labels = self
                .list(
                    &entry.node,
                    "classification.order",
                    "a list of labels, lowest first",
                )
                .iter()
                .filter_map(|node| self.text(node, "classification.order").map(str::to_owned))
                .collect();
            self.draft.order = Some((labels, Place::Line(entry.line)));
        }
    }

    fn rule(&mut self, entry: &Entry) {
        for node in self.list(&entry.node, "rule", "a list of tables, `[[rule]]`") {
            let mut label = None;
            let mut settings = Settings::default();
            for entry in self.known_entries(node, "rule", &["when", "facets"]) {
                if entry.key == "facets" {
                    settings = self.settings(entry, Layer::Below);
                } else {
                    for entry in self.known_entries(&entry.node, "when", &["classification"]) {
                        label = self
                            .text(&entry.node, "when.classification")
                            .map(str::to_owned);
                    }
                }
            }
            settings.place = Place::Line(node.line);
            match label {
                Some(label) if label != UNCLASSIFIED => self.draft.rules.push((label, settings)),
                Some(_) if self.draft.unclassified.is_some() => {
                    self.add(node, "`unclassified` has two rules; make them one");
                }
                Some(_) => self.draft.unclassified = Some(settings),
                None if matches!(node.value, Value::Table(_)) => self.add(
                    node,
                    "a rule does not say when it holds; give it `when.classification = \"…\"`",
                ),
                None => {}
            }
        }
    }

    fn hold(&mut self, entry: &Entry) {
        for node in self.list(&entry.node, "hold", "a list of tables, `[[hold]]`") {
            let (mut name, mut texts) = (None, BTreeMap::new());
            for entry in self.known_entries(node, "hold", HOLD_KEYS) {
                let text = self.text(&entry.node, &entry.key).map(str::to_owned);
                match entry.key.as_str() {
                    "name" => name = text,
                    key => drop(text.map(|text| texts.insert(key.to_owned(), text))),
                }
            }
            let name = name.unwrap_or_default();
            let at = |text: &String| text.parse().ok();
            let hold = match texts.iter().collect::<Vec<_>>().as_slice() {
                [(key, id)] if *key == "subject" => Some(Hold::subject(name, *id)),
                [(key, id)] if *key == "session" => Some(Hold::session(name, *id)),
                [(before, end), (since, start)] if *before == "before" && *since == "since" => {
                    at(start)
                        .zip(at(end))
                        .map(|(start, end)| Hold::between(name, start, end))
                }
                _ => None,
            };
            match hold {
                Some(hold) => self.draft.holds.push((hold, Place::Line(node.line))),
                None if matches!(node.value, Value::Table(_)) => self.add(
                    node,
                    "a hold has a `name` and one of `subject`, `session`, or both `since` and \
                     `before` as \"2026-01-31T00:00:00Z\"",
                ),
                None => {}
            }
        }
    }

    fn sinks(&mut self, entry: &Entry) {
        for entry in self.entries(&entry.node, "sinks") {
            let mut without = FacetSet::EMPTY;
            let name = format!("sinks.{}", entry.key);
            for inner in self.known_entries(&entry.node, &name, &["without"]) {
                for (facet, _) in self.facets(&inner.node, "without") {
                    without.insert(facet);
                }
            }
            self.draft.sinks.insert(entry.key.clone(), without);
        }
    }

    fn verbatim(&mut self, entry: &Entry) {
        let facets = self.facets(&entry.node, "danger_verbatim");
        self.draft.verbatim.extend(facets);
    }

    fn consent(&mut self, entry: &Entry) {
        match entry.node.value {
            Value::Bool(consent) => self.draft.consent_to_raw = consent,
            _ => self.wrong(&entry.node, "consent_to_raw", "true or false"),
        }
    }

    /// Reads a list of facets and groups.
    fn facets(&mut self, node: &Node, name: &str) -> Vec<(Facet, Place)> {
        let mut facets = Vec::new();
        for node in self.list(node, name, "a list of facets and groups") {
            let place = Place::Line(node.line);
            let target = self
                .text(node, name)
                .and_then(|word| self.target(node, word));
            match target {
                Some(Target::Facet(facet)) => facets.push((facet, place)),
                Some(Target::Group(group)) => {
                    facets.extend(group.facets().map(|facet| (facet, place)));
                }
                None => {}
            }
        }
        facets
    }

    /// Reads the table of a layer that has nothing but facets.
    fn layer(&mut self, node: &Node, name: &str) -> Settings {
        let mut settings = Settings::default();
        for entry in self.known_entries(node, name, &["facets"]) {
            settings = self.settings(entry, Layer::Below);
        }
        settings.place = Place::Line(node.line);
        settings
    }

    fn settings(&mut self, entry: &Entry, layer: Layer) -> Settings {
        let mut settings = Settings::default();
        for entry in self.entries(&entry.node, "facets") {
            let Some(target) = self.target(&entry.node, &entry.key) else {
                continue;
            };
            let Some(setting) = self.setting(entry, layer) else {
                continue;
            };
            match target {
                Target::Facet(facet) => drop(settings.facets.insert(facet, setting)),
                Target::Group(group) => drop(settings.groups.insert(group, setting)),
            }
        }
        settings
    }

    fn setting(&mut self, entry: &Entry, layer: Layer) -> Option<Setting> {
        let name = format!("facets.{}", entry.key);
        let mut setting = Setting {
            place: Place::Line(entry.line),
            ..Setting::default()
        };
        match &entry.node.value {
            Value::Text(_) => {
                setting.level = self.choice(&entry.node, "level", Level::ALL, Level::name);
                setting.level?;
            }
            Value::Table(_) if layer == Layer::Process => {
                for entry in self.known_entries(&entry.node, &name, RULE_KEYS) {
                    self.limit(entry, &name, &mut setting);
                }
            }
            _ if layer == Layer::Below => {
                self.wrong(
                    &entry.node,
                    &name,
                    "a level; limits belong to the facets of the process",
                );
                return None;
            }
            _ => {
                self.wrong(
                    &entry.node,
                    &name,
                    "a level, or a table of level, max_bytes, sample, retain",
                );
                return None;
            }
        }
        Some(setting)
    }

    fn limit(&mut self, entry: &Entry, name: &str, setting: &mut Setting) {
        let Entry { key, node, .. } = entry;
        let name = format!("{name}.{key}");
        match (key.as_str(), &node.value) {
            ("level", _) => {
                setting.level = self.choice(node, "level", Level::ALL, Level::name);
            }
            ("max_bytes", Value::Integer(bytes)) => {
                setting.max_bytes = Some(usize::try_from(*bytes).unwrap_or(usize::MAX));
            }
            ("max_bytes", _) => self.wrong(node, &name, "a number of bytes"),
            // Only 0 and 1 can be shares; what a float makes of others is refused all the same.
            ("sample", Value::Integer(share)) => setting.sample = Some(*share as f64),
            ("sample", Value::Number(share)) => setting.sample = Some(*share),
            ("sample", _) => self.wrong(node, &name, "a share above 0 and at most 1"),
            _ => setting.retain = self.retention(node, &name),
        }
    }

    fn retention(&mut self, node: &Node, name: &str) -> Option<Retention> {
        let retention = match &node.value {
            Value::Text(text) => text.parse().ok(),
            Value::Integer(days) => u32::try_from(*days)
                .ok()
                .and_then(|days| Retention::from_days(days).ok()),
            _ => None,
        };
        if retention.is_none() {
            let found = match &node.value {
                Value::Text(text) => quoted(text),
                Value::Integer(days) => days.to_string(),
                other => other.kind().to_owned(),
            };
            self.add(
                node,
                format!(
                    "`{name}` is {found}; it must be \"30 days\", \"90 days\", \"120 days\", any \
                     other number of days from 1 to 36500, or \"forever\""
                ),
            );
        }
        retention
    }

    fn target(&mut self, node: &Node, word: &str) -> Option<Target> {
        let facet = Facet::ALL.iter().find(|facet| facet.name() == word);
        let group = FacetGroup::ALL.iter().find(|group| group.name() == word);
        let target = facet
            .map(|facet| Target::Facet(*facet))
            .or(group.map(|group| Target::Group(*group)));
        if target.is_none() {
            let names = Facet::ALL.iter().map(|facet| facet.name());
            let names = names.chain(FacetGroup::ALL.iter().map(|group| group.name()));
            self.add(
                node,
                format!(
                    "unknown facet {}; possible facets and groups: {}",
                    quoted(word),
                    nearest_first(word, names)
                ),
            );
        }
        target
    }
}
