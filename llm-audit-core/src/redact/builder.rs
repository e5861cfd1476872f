//! How a redactor is put together.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use super::Redactor;
use super::allow::Allow;
use super::budget::Budget;
use super::custom::{Custom, Detector};
use super::data_type::DataType;
use super::detectors::Confidence;
use super::operator::Operator;
use super::rules::{Compiled, RedactionRules};
use super::settings::{Fault, RedactionPreset, RedactionSettings, RedactionTarget, RuleSettings};
use crate::error::Error;
use crate::facet::Facet;
#[cfg(feature = "token")]
use crate::key::TokenKey;
use crate::sorted::{SortedMap, SortedSet};
use crate::sync::Arc;

/// Builds a [`Redactor`].
///
/// # Examples
///
/// ```
/// use llm_audit_core::redact::{Family, Operator, RedactionPreset, RedactionTarget, RedactorBuilder};
///
/// let redactor = RedactorBuilder::default()
///     .preset(RedactionPreset::Pii)
///     .operator(RedactionTarget::from(Family::Pii), Operator::Numbered)
///     .build()?;
/// assert_eq!(redactor.redact_str("ada@example.org"), "[EMAIL_1]");
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct RedactorBuilder {
    preset: RedactionPreset,
    rules: RedactionRules,
    facets: SortedMap<Facet, RedactionRules>,
    allow: BTreeSet<String>,
    allow_regex: BTreeSet<String>,
    detectors: Vec<Arc<dyn Detector>>,
    #[cfg(feature = "regex")]
    patterns: Vec<super::Pattern>,
    max_bytes: Option<usize>,
    max_time: Option<Duration>,
    #[cfg(feature = "token")]
    token_key: Option<TokenKey>,
    /// What was wrong with the settings that this was read from.
    faults: Vec<Fault>,
}

impl RedactorBuilder {
    /// Chooses which built-in detectors run; [`RedactionPreset::Recommended`] by default.
    pub const fn preset(mut self, preset: RedactionPreset) -> Self {
        self.preset = preset;
        self
    }

    /// Chooses the operator of a type or of a family; [`Operator::Redact`] by default.
    pub fn operator(mut self, target: impl Into<RedactionTarget>, operator: Operator) -> Self {
        self.rules = self.rules.operator(target, operator);
        self
    }

    /// Chooses an operator that may leave part of a secret, or all of it, readable in the log, or
    /// readable to whoever holds a key.
    pub fn danger_operator(
        mut self,
        target: impl Into<RedactionTarget>,
        operator: Operator,
    ) -> Self {
        self.rules = self.rules.danger_operator(target, operator);
        self
    }

    /// Applies an operator to the whole value at a path in JSON; see [`RedactionRules::path`].
    pub fn path(mut self, path: impl Into<String>, operator: Operator) -> Self {
        self.rules = self.rules.path(path, operator);
        self
    }

    /// Leaves personal data alone at a path in JSON; see [`RedactionRules::allow_path`].
    pub fn allow_path(mut self, path: impl Into<String>) -> Self {
        self.rules = self.rules.allow_path(path);
        self
    }

    /// Leaves personal data alone of which a detector is less sure than this.
    pub fn min_confidence(mut self, least: Confidence) -> Self {
        self.rules = self.rules.min_confidence(least);
        self
    }

    /// Sets the rules for all facets, in place of those set before.
    pub fn rules(mut self, rules: RedactionRules) -> Self {
        self.rules = rules;
        self
    }

    /// Sets rules for the texts of one facet, over those for all.
    pub fn facet(mut self, facet: Facet, rules: RedactionRules) -> Self {
        self.facets.insert(facet, rules);
        self
    }

    /// Adds a value that is never hidden; it is compared exactly.
    pub fn allow_value(mut self, value: impl Into<String>) -> Self {
        self.allow.insert(value.into());
        self
    }

    /// Adds a pattern of values that are never hidden. A value is compared as a whole; secrets are
    /// hidden all the same, unless [`RedactorBuilder::allow_value`] names them.
    #[cfg(feature = "regex")]
    #[cfg_attr(docsrs, doc(cfg(feature = "regex")))]
    pub fn allow_regex(mut self, pattern: impl Into<String>) -> Self {
        self.allow_regex.insert(pattern.into());
        self
    }

    /// Adds a detector of your own.
    pub fn detector(mut self, detector: impl Detector) -> Self {
        self.detectors.push(Arc::new(detector));
        self
    }

    /// Adds a detector that is a pattern.
    #[cfg(feature = "regex")]
    #[cfg_attr(docsrs, doc(cfg(feature = "regex")))]
    pub fn pattern(mut self, pattern: super::Pattern) -> Self {
        self.patterns.push(pattern);
        self
    }

    /// Sets how many bytes of content are redacted in one event, 32 MiB unless set; what is beyond
    /// is withheld. As many bytes of everything else are redacted besides.
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Sets how long the redaction of one event's content may take, 5 seconds unless set; what has
    /// not begun by then is withheld. It counts in whole milliseconds.
    pub const fn max_time(mut self, time: Duration) -> Self {
        self.max_time = Some(time);
        self
    }

    /// Sets the key of [`Operator::Token`].
    #[cfg(feature = "token")]
    #[cfg_attr(docsrs, doc(cfg(feature = "token")))]
    pub fn token_key(mut self, key: TokenKey) -> Self {
        self.token_key = Some(key);
        self
    }

    /// Builds the redactor.
    ///
    /// # Errors
    ///
    /// When an operator has parameters out of range, would leave part of a secret readable, or
    /// needs a key that there is not; when a path or a pattern is none; when two detectors have
    /// one name, or one type has two families. The error names the entry.
    pub fn build(self) -> Result<Redactor, Error> {
        self.compile()
            .map_err(|faults| match faults.into_iter().next() {
                Some(Fault { entry, why }) => Error::policy(format!("{entry}: {why}")),
                None => Error::policy("no redactor"),
            })
    }

    /// Builds the redactor, or returns everything that is wrong.
    pub(crate) fn compile(mut self) -> Result<Redactor, Vec<Fault>> {
        let mut faults = std::mem::take(&mut self.faults);
        self.rules.check(ROOT, &mut faults);
        for (facet, rules) in &self.facets {
            rules.check(&of_facet(*facet), &mut faults);
        }
        if self.max_bytes == Some(0) {
            faults.push(Fault::new("max_bytes", "it must be at least 1"));
        }
        if self.max_time.is_some_and(|time| time.as_millis() == 0) {
            faults.push(Fault::new("max_time_ms", "it must be at least 1"));
        }
        let allow = Allow::new(&self.allow, &self.allow_regex, &mut faults);
        let detectors = self.custom(&mut faults);
        let settings = self.settings();
        let rules = Compiled::new(&self.rules, None);
        let facets: SortedMap<_, _> = self
            .facets
            .iter()
            .map(|(facet, own)| (*facet, Compiled::new(&self.rules, Some(own))))
            .collect();
        self.check_tokens([&rules].into_iter().chain(facets.values()), &mut faults);
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Redactor::assemble(super::Parts {
            settings,
            rules,
            facets,
            allow,
            detectors,
            budget: Budget::new(self.max_bytes, self.max_time),
            #[cfg(feature = "token")]
            token_key: self.token_key,
        }))
    }

    /// Reads settings as they stand in a policy file, beside detectors that code adds.
    pub(crate) fn read(settings: &RedactionSettings, detectors: &[Arc<dyn Detector>]) -> Self {
        let mut builder = Self {
            preset: settings.preset,
            detectors: detectors.to_vec(),
            max_bytes: settings.max_bytes,
            max_time: settings.max_time_ms.map(Duration::from_millis),
            ..Self::default()
        };
        builder.allow.extend(settings.allow.iter().cloned());
        let patterns = settings.allow_regex.iter().cloned();
        builder.allow_regex.extend(patterns);
        let mut faults = Vec::new();
        builder.read_patterns(settings, &mut faults);
        let custom = builder.types();
        let all = settings.rules();
        builder.rules = RedactionRules::read(&all, ROOT, &custom, &mut faults);
        for (facet, own) in &settings.facets {
            let rules = RedactionRules::read(own, &of_facet(*facet), &custom, &mut faults);
            builder.facets.insert(*facet, rules);
        }
        builder.faults = faults;
        builder
    }

    /// Returns this builder with the key of tokens.
    #[cfg(feature = "token")]
    pub(crate) fn with_token_key(mut self, key: Option<TokenKey>) -> Self {
        self.token_key = key;
        self
    }

    pub(super) fn settings(&self) -> RedactionSettings {
        let RuleSettings {
            operators,
            paths,
            allow_paths,
            min_confidence,
        } = self.rules.settings();
        let mut facets = BTreeMap::new();
        for (facet, rules) in &self.facets {
            facets.insert(*facet, rules.settings());
        }
        RedactionSettings {
            preset: self.preset,
            operators,
            allow: self.allow.iter().cloned().collect(),
            paths,
            allow_paths,
            allow_regex: self.allow_regex.iter().cloned().collect(),
            min_confidence,
            facets,
            patterns: self.pattern_settings(),
            max_bytes: self.max_bytes,
            max_time_ms: self
                .max_time
                .map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        }
    }

    #[cfg(feature = "regex")]
    fn read_patterns(&mut self, settings: &RedactionSettings, faults: &mut Vec<Fault>) {
        for pattern in &settings.patterns {
            match super::Pattern::read(pattern) {
                Ok(pattern) => self.patterns.push(pattern),
                Err(error) => faults.push(Fault {
                    entry: format!("{ROOT}.patterns.{}", pattern.name),
                    why: error.to_string(),
                }),
            }
        }
    }

    #[cfg(not(feature = "regex"))]
    #[expect(
        clippy::needless_pass_by_ref_mut,
        reason = "with the feature it is filled"
    )]
    fn read_patterns(&mut self, settings: &RedactionSettings, faults: &mut Vec<Fault>) {
        faults.extend(settings.patterns.iter().map(|pattern| Fault {
            entry: format!("{ROOT}.patterns.{}", pattern.name),
            why: super::settings::NEEDS_REGEX.to_owned(),
        }));
    }

    #[cfg(feature = "regex")]
    fn pattern_settings(&self) -> Vec<super::PatternSettings> {
        let mut patterns: Vec<_> = self.patterns.iter().map(super::Pattern::settings).collect();
        patterns.sort();
        patterns
    }

    #[cfg(not(feature = "regex"))]
    const fn pattern_settings(&self) -> Vec<super::PatternSettings> {
        Vec::new()
    }

    /// The types that detectors of one's own find.
    fn types(&self) -> Vec<DataType> {
        let own = self.detectors.iter();
        let own = own.flat_map(|detector| super::custom::types_of(detector.as_ref()));
        #[cfg(feature = "regex")]
        let own = own.chain(self.patterns.iter().map(super::Pattern::data_type));
        own.collect()
    }

    /// Returns the detectors of one's own, patterns first.
    fn custom(&self, faults: &mut Vec<Fault>) -> Vec<Custom> {
        let mut custom = Vec::new();
        #[cfg(feature = "regex")]
        custom.extend(
            self.patterns
                .iter()
                .map(|pattern| Custom::pattern(pattern.clone())),
        );
        for detector in &self.detectors {
            match Custom::new(Arc::clone(detector)) {
                Ok(detector) => custom.push(detector),
                Err(why) => faults.push(Fault::new("detectors", &why)),
            }
        }
        let mut names = SortedSet::new();
        for detector in &custom {
            let name = detector.name();
            let built_in = super::DETECTORS.iter().any(|known| known.name == name);
            if built_in || !names.insert(name) {
                faults.push(Fault {
                    entry: format!("{ROOT}.detectors.{name}"),
                    why: "another detector has this name; give each a name of its own".to_owned(),
                });
            }
        }
        let mut families = SortedMap::new();
        for data_type in self.types() {
            let family = data_type.family();
            if *families.or_insert(data_type.name(), family) != family {
                faults.push(Fault {
                    entry: format!("{ROOT}.detectors.{data_type}"),
                    why: "this type is of family pii in one place and of family secret in another"
                        .to_owned(),
                });
            }
        }
        custom
    }

    fn check_tokens<'r>(
        &self,
        mut rules: impl Iterator<Item = &'r Compiled>,
        faults: &mut Vec<Fault>,
    ) {
        let has_tokens = rules.any(|rules| {
            rules
                .operators(|family| self.preset.contains(family))
                .any(|operator| *operator == Operator::Token)
        });
        #[cfg(feature = "token")]
        if has_tokens && self.token_key.is_none() {
            faults.push(Fault::new(
                "operators",
                "operator `token` needs a key of its own; give one with \
                 `.token_key(TokenKey::file(\"token.key\")?)`, in a policy file with \
                 `token_key = { file = \"token.key\" }`",
            ));
        }
        #[cfg(not(feature = "token"))]
        if has_tokens {
            faults.push(Fault::new(
                "operators",
                "operator `token` needs feature `token` of crate `llm-audit`; switch it on, or \
                 use `pseudonym`",
            ));
        }
    }
}

/// What the table of redaction is called.
const ROOT: &str = "redaction";

fn of_facet(facet: Facet) -> String {
    format!("{ROOT}.facets.{facet}")
}

impl fmt::Debug for RedactorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedactorBuilder")
            .field(&self.settings())
            .finish()
    }
}
