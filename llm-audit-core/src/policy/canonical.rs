//! A policy as one text that is the same however the policy was written.
//!
//! The text is JSON (RFC 8259) with sorted keys and no spaces. It holds everything that decides
//! what is captured, and key ids, but no key. It stands in the log, so what is data in it, values
//! that are never hidden and names of tenants, is there as digests.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use crate::catalog::Field;
use crate::encode::hex;
use crate::facet::Facet;
use crate::hold::Hold;
use crate::key;
use crate::level::{Level, Levels};
use crate::policy::Parts;
use crate::redact::{PatternSettings, Redactor, RuleSettings};
use crate::sorted::SortedMap;

/// The version of this form; a policy file names the same.
pub(super) const VERSION: u64 = 1;

impl Parts {
    /// Returns everything that decides what is captured. Who approved it does not, nor do
    /// warnings.
    pub(super) fn canonical(&self) -> Canonical {
        let mut entries = vec![
            ("version", Canonical::Integer(VERSION)),
            ("facets", self.facets()),
            ("intent", Canonical::text(self.intent)),
            ("redaction", self.redaction()),
        ];
        entries.extend(
            self.retention
                .map(|retention| ("retention", Canonical::text(retention))),
        );
        let tenant = |name: &str| match self.layers.process().get(Facet::Groups) {
            Level::Full => name.to_owned(),
            // What the tenant's events have as `tenant_id` at level digest.
            _ => self.digest(name, Field::TenantId.name(), name),
        };
        entries.extend(self.layers.canonical(tenant));
        if let Some(keys) = &self.keys {
            entries.push(("keys", Canonical::texts(keys.iter())));
        }
        if !self.verbatim.is_empty() {
            entries.push(("danger_verbatim", Canonical::texts(self.verbatim.iter())));
        }
        if !self.holds.is_empty() {
            // Who is held stands in it as a keyed digest: another could be guessed.
            let hold = |hold: &Hold| {
                let text = serde_json::to_string(hold).unwrap_or_default();
                let shown = match &self.keys {
                    Some(_) => self.digest("", "hold", &text),
                    None => hold.by().to_owned(),
                };
                (hold.name().to_owned(), Canonical::text(shown))
            };
            entries.push(("holds", Canonical::map(self.holds.iter().map(hold))));
        }
        let sinks: Vec<_> = self
            .sinks
            .iter()
            .filter(|(_, without)| !without.is_empty())
            .collect();
        if !sinks.is_empty() {
            let without = |facets| Canonical::map([("without", Canonical::texts(facets))]);
            let sinks = sinks
                .into_iter()
                .map(|(name, facets)| (name, without(facets.iter())));
            entries.push(("sinks", Canonical::map(sinks)));
        }
        Canonical::map(entries)
    }

    fn facets(&self) -> Canonical {
        let kept = Facet::ALL
            .iter()
            .zip(&self.rules)
            .filter(|(_, rule)| rule.level > Level::Off || rule.retain.is_some());
        Canonical::map(kept.map(|(facet, rule)| {
            let mut entries = vec![("level", Canonical::text(rule.level))];
            if let Some(bytes) = rule.max_bytes {
                // A `usize` is at most 64 bits on every platform of Rust.
                let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
                entries.push(("max_bytes", Canonical::Integer(bytes)));
            }
            entries.extend(
                rule.sample
                    .map(|share| ("sample", Canonical::Number(share))),
            );
            let retain = rule.retain.filter(|own| Some(*own) != self.retention);
            entries.extend(retain.map(|own| ("retain", Canonical::text(own))));
            (facet, Canonical::map(entries))
        }))
    }

    fn redaction(&self) -> Canonical {
        let settings = self.redactor.settings();
        let operators = settings
            .operators
            .iter()
            .map(|(name, op)| (name, Canonical::text(op)));
        let allow = settings.allow.iter();
        let allow = sorted(allow.map(|value| self.digest("", "redaction.allow", value)));
        let mut entries = vec![
            ("engine", Canonical::text(Redactor::ENGINE_VERSION)),
            ("preset", Canonical::text(settings.preset.name())),
            ("operators", Canonical::map(operators)),
            ("allow", Canonical::texts(allow)),
        ];
        let mut add = |name, values: Vec<String>| {
            if !values.is_empty() {
                entries.push((name, Canonical::texts(values)));
            }
        };
        let patterns = settings.allow_regex.iter();
        let patterns = patterns.map(|pattern| self.digest("", "redaction.allow_regex", pattern));
        add("allow_regex", sorted(patterns).into_iter().collect());
        add("detectors", self.redactor.detector_names());
        add(
            "token_key",
            self.redactor
                .token_key_id()
                .map(str::to_owned)
                .into_iter()
                .collect(),
        );
        let rules = RuleSettings {
            // They stand among the first.
            operators: BTreeMap::new(),
            ..settings.rules()
        };
        entries.extend(rules_of(&rules));
        let facets = settings.facets.iter();
        let facets = facets.map(|(facet, rules)| (facet, Canonical::map(rules_of(rules))));
        let facets: Vec<_> = facets.collect();
        if !facets.is_empty() {
            entries.push(("facets", Canonical::map(facets)));
        }
        let patterns: Vec<_> = settings
            .patterns
            .iter()
            .map(|pattern| (&pattern.name, self.pattern(pattern)))
            .collect();
        if !patterns.is_empty() {
            entries.push(("patterns", Canonical::map(patterns)));
        }
        let max_bytes = settings.max_bytes.map(|bytes| bytes as u64);
        for (name, limit) in [
            ("max_bytes", max_bytes),
            ("max_time_ms", settings.max_time_ms),
        ] {
            entries.extend(limit.map(|limit| (name, Canonical::Integer(limit))));
        }
        Canonical::map(entries)
    }

    /// A pattern may spell the values that it finds, so it stands as a digest.
    fn pattern(&self, pattern: &PatternSettings) -> Canonical {
        let words = pattern.context.iter();
        let words = words.map(|word| self.digest("", "redaction.patterns.context", word));
        Canonical::map([
            (
                "pattern",
                Canonical::text(self.digest("", "redaction.patterns", &pattern.pattern)),
            ),
            ("family", Canonical::text(pattern.family)),
            ("context", Canonical::texts(sorted(words))),
        ])
    }

    /// Returns a digest of `value`: a keyed one where the policy has a key.
    fn digest(&self, tenant: &str, field: &str, value: &str) -> String {
        match &self.keys {
            Some(keys) => key::digest(keys.current(), tenant, field, value.as_bytes()),
            None => format!("sha256:{}", hex(&Sha256::digest(value))),
        }
    }
}

/// Returns what rules say, and nothing of what they do not say.
fn rules_of(rules: &RuleSettings) -> Vec<(&'static str, Canonical)> {
    let mut entries = Vec::new();
    for (name, map) in [("operators", &rules.operators), ("paths", &rules.paths)] {
        if !map.is_empty() {
            let words = map.iter().map(|(key, word)| (key, Canonical::text(word)));
            entries.push((name, Canonical::map(words)));
        }
    }
    if !rules.allow_paths.is_empty() {
        entries.push(("allow_paths", Canonical::texts(&rules.allow_paths)));
    }
    let least = rules.min_confidence;
    entries.extend(least.map(|least| ("min_confidence", Canonical::text(least.name()))));
    entries
}

fn sorted(texts: impl Iterator<Item = String>) -> BTreeSet<String> {
    let mut sorted = BTreeSet::new();
    sorted.extend(texts);
    sorted
}

/// Returns what a layer narrows, by facet.
pub(super) fn narrowed(levels: Levels) -> Canonical {
    let below = levels.iter().filter(|(_, level)| *level < Level::Full);
    Canonical::map(below.map(|(facet, level)| (facet, Canonical::text(level))))
}

/// A JSON value without null, whose maps sort themselves.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Canonical {
    Text(String),
    Number(f64),
    Integer(u64),
    List(Vec<Self>),
    Map(SortedMap<String, Self>),
}

impl Canonical {
    pub(super) fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    pub(super) fn texts<T: ToString>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    pub(super) fn map<K: ToString>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        let entries = entries.into_iter();
        Self::of_pairs(
            entries
                .map(|(key, value)| (key.to_string(), value))
                .collect(),
        )
    }

    fn of_pairs(mut pairs: Vec<(String, Self)>) -> Self {
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        Self::Map(pairs.into_iter().collect())
    }

    pub(super) fn to_json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) => write_text(text, out),
            // Rust prints the shortest digits that read back as the same number.
            Self::Number(number) => out.push_str(&number.to_string()),
            Self::Integer(integer) => out.push_str(&integer.to_string()),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Map(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_text(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// Returns the paths at which the two values differ, sorted.
    pub(super) fn diff(&self, other: &Self) -> Vec<String> {
        let mut paths = BTreeSet::new();
        Self::compare(Some(self), Some(other), "", &mut paths);
        paths.into_iter().collect()
    }

    fn compare(
        left: Option<&Self>,
        right: Option<&Self>,
        path: &str,
        paths: &mut BTreeSet<String>,
    ) {
        if left == right {
            return;
        }
        let empty = SortedMap::new();
        let (left, right) = match (left, right) {
            (Some(Self::Map(left)), Some(Self::Map(right))) => (left, right),
            (Some(Self::Map(map)), None) if !map.is_empty() => (map, &empty),
            (None, Some(Self::Map(map))) if !map.is_empty() => (&empty, map),
            _ => {
                paths.insert(path.to_owned());
                return;
            }
        };
        for key in sorted(left.keys().chain(right.keys()).cloned()) {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            Self::compare(left.get(&key), right.get(&key), &path, paths);
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{0}'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(character))),
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn maps_are_sorted_and_there_are_no_spaces() {
        let value = Canonical::map([
            ("b", Canonical::Number(0.1)),
            ("a", Canonical::texts(["x", "y"])),
            ("c", Canonical::Integer(u64::MAX)),
        ]);
        assert_eq!(
            value.to_json(),
            r#"{"a":["x","y"],"b":0.1,"c":18446744073709551615}"#
        );
    }

    #[test]
    fn a_difference_is_told_by_its_path() {
        let one = Canonical::map([
            ("a", Canonical::map([("x", Canonical::Integer(1))])),
            ("b", Canonical::Integer(1)),
        ]);
        let two = Canonical::map([
            ("b", Canonical::Integer(2)),
            ("c", Canonical::map::<&str>([])),
        ]);
        assert_eq!(one.diff(&two), ["a.x", "b", "c"]);
        assert_eq!(one.diff(&one), [""; 0]);
    }

    proptest! {
        #[test]
        fn any_text_is_json(text: String) {
            let json = Canonical::text(&text).to_json();
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
