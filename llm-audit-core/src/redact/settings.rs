//! The redaction of a policy as plain data: presets, operators and values that are never hidden.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::data_type::{DataType, Family, names};
use super::detectors::Confidence;
use crate::error::Error;
use crate::facet::Facet;

/// Which detectors run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RedactionPreset {
    /// Personal data and secrets. The default.
    #[default]
    Recommended,
    /// Secrets only.
    Secrets,
    /// Personal data only.
    Pii,
    /// None.
    Empty,
}

impl RedactionPreset {
    /// Every preset.
    pub const ALL: &'static [Self] = &[Self::Recommended, Self::Secrets, Self::Pii, Self::Empty];

    /// Returns the name in policy files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recommended => "recommended",
            Self::Secrets => "secrets",
            Self::Pii => "pii",
            Self::Empty => "empty",
        }
    }

    /// Returns whether detectors of the family run.
    pub const fn contains(self, family: Family) -> bool {
        match self {
            Self::Recommended => true,
            Self::Secrets => matches!(family, Family::Secret),
            Self::Pii => matches!(family, Family::Pii),
            Self::Empty => false,
        }
    }
}

impl fmt::Display for RedactionPreset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for RedactionPreset {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .iter()
            .copied()
            .find(|preset| preset.name() == name)
            .ok_or_else(|| {
                Error::policy(format!(
                    "unknown redaction preset `{name}`; the presets are {}",
                    names(Self::ALL.iter().map(|preset| preset.name()))
                ))
            })
    }
}

/// The redaction of a policy as plain data, as in its file.
///
/// # Examples
///
/// ```
/// use llm_audit_core::redact::{RedactionSettings, Redactor};
///
/// let mut settings = RedactionSettings::default();
/// settings.operators.insert("email".into(), "numbered".into());
/// let redactor = Redactor::from_settings(&settings)?;
/// assert_eq!(
///     redactor.redact_str("from ada@example.org to bob@example.org"),
///     "from [EMAIL_1] to [EMAIL_2]"
/// );
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedactionSettings {
    /// Which built-in detectors run.
    pub preset: RedactionPreset,
    /// Operators by the name of a type, or of a family for its types without an own entry.
    pub operators: BTreeMap<String, String>,
    /// Exact values that are never hidden, such as your own support address.
    pub allow: Vec<String>,
    /// Operators by path, for whole values in JSON.
    pub paths: BTreeMap<String, String>,
    /// Paths in JSON at which personal data stays.
    pub allow_paths: Vec<String>,
    /// Patterns of whole values that are never hidden, but for secrets; they need feature `regex`.
    pub allow_regex: Vec<String>,
    /// Personal data stays of which a detector is less sure; any is hidden where this is `None`.
    pub min_confidence: Option<Confidence>,
    /// Rules for single facets, over those for all.
    pub facets: BTreeMap<Facet, RuleSettings>,
    /// Detectors that are patterns; they need feature `regex`.
    pub patterns: Vec<PatternSettings>,
    /// How many bytes of content are redacted in one event; see
    /// [`RedactorBuilder::max_bytes`](super::RedactorBuilder::max_bytes).
    pub max_bytes: Option<usize>,
    /// How many milliseconds the redaction of one event's content may take; see
    /// [`RedactorBuilder::max_time`](super::RedactorBuilder::max_time).
    pub max_time_ms: Option<u64>,
}

/// The rules of one facet as plain data.
///
/// # Examples
///
/// ```
/// use llm_audit_core::Facet;
/// use llm_audit_core::redact::{RedactionSettings, Redactor, RuleSettings};
///
/// let mut rules = RuleSettings::default();
/// rules.operators.insert("email".into(), "numbered".into());
/// let mut settings = RedactionSettings::default();
/// settings.facets.insert(Facet::Prompt, rules);
/// assert!(Redactor::from_settings(&settings).is_ok());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleSettings {
    /// Operators by the name of a type, or of a family for its types without an own entry.
    pub operators: BTreeMap<String, String>,
    /// Operators by path, for whole values in JSON.
    pub paths: BTreeMap<String, String>,
    /// Paths in JSON at which personal data stays.
    pub allow_paths: Vec<String>,
    /// Personal data stays of which a detector is less sure.
    pub min_confidence: Option<Confidence>,
}

/// A detector that is a pattern, as plain data; see `Pattern`, which needs feature `regex`.
///
/// # Examples
///
/// ```
/// use llm_audit_core::redact::{Family, PatternSettings, RedactionSettings};
///
/// let badge = PatternSettings::new("badge_number", r"B-\d{6}");
/// assert_eq!(badge.family, Family::Pii);
/// assert!(badge.context.is_empty());
/// let mut settings = RedactionSettings::default();
/// settings.patterns.push(badge);
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct PatternSettings {
    /// Name of the type that it finds.
    pub name: String,
    /// The pattern, in the syntax of crate `regex`.
    pub pattern: String,
    /// The family of the type.
    pub family: Family,
    /// Words of which one must stand before the value; none where there are none.
    pub context: Vec<String>,
}

#[cfg(not(feature = "regex"))]
pub(super) const NEEDS_REGEX: &str =
    "patterns need feature `regex` of crate `llm-audit`; switch it on";

impl RedactionSettings {
    /// Returns the rules for all facets.
    pub(crate) fn rules(&self) -> RuleSettings {
        RuleSettings {
            operators: self.operators.clone(),
            paths: self.paths.clone(),
            allow_paths: self.allow_paths.clone(),
            min_confidence: self.min_confidence,
        }
    }
}

impl fmt::Debug for RedactionSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedactionSettings")
            .field("preset", &self.preset)
            .field("rules", &self.rules())
            .field("facets", &self.facets)
            .field("allow", &format_args!("{} values", self.allow.len()))
            .field(
                "allow_regex",
                &format_args!("{} patterns", self.allow_regex.len()),
            )
            .field(
                "patterns",
                &format_args!("{} patterns", self.patterns.len()),
            )
            .field("max_bytes", &self.max_bytes)
            .field("max_time_ms", &self.max_time_ms)
            .finish()
    }
}

/// The pattern and its words may spell values, so they are not shown.
impl fmt::Debug for PatternSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PatternSettings")
            .field("name", &self.name)
            .field("family", &self.family)
            .finish_non_exhaustive()
    }
}

impl PatternSettings {
    /// Returns the pattern of a type of personal data, found wherever it stands.
    pub fn new(name: impl Into<String>, pattern: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            pattern: pattern.into(),
            family: Family::Pii,
            context: Vec::new(),
        }
    }
}

/// What an operator is for: one type, or a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RedactionTarget {
    /// The types of a family that have no operator of their own.
    Family(Family),
    /// One type.
    Type(DataType),
}

impl RedactionTarget {
    /// Returns the name in policy files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Family(family) => family.name(),
            Self::Type(data_type) => data_type.name(),
        }
    }

    pub(super) const fn family(self) -> Family {
        match self {
            Self::Family(family) => family,
            Self::Type(data_type) => data_type.family(),
        }
    }

    /// Returns the target of this name; `custom` are the types beside the built-in ones.
    pub(super) fn named(name: &str, custom: &[DataType]) -> Result<Self, String> {
        let all = || {
            let families = Family::ALL.iter().copied().map(Self::Family);
            families.chain(DataType::ALL.iter().chain(custom).copied().map(Self::Type))
        };
        all().find(|target| target.name() == name).ok_or_else(|| {
            let known = names(all().map(Self::name));
            format!(
                "no such type or family; there are {known}, and those that detectors of your own \
                 find"
            )
        })
    }
}

impl From<Family> for RedactionTarget {
    fn from(family: Family) -> Self {
        Self::Family(family)
    }
}

impl From<DataType> for RedactionTarget {
    fn from(data_type: DataType) -> Self {
        Self::Type(data_type)
    }
}

/// Something that is wrong with settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The entry in a policy file, such as `redaction.operators.email`.
    pub(crate) entry: String,
    /// Why it cannot be used, and what to do about it; no value is in it.
    pub(crate) why: String,
}

impl Fault {
    pub(super) fn new(entry: &str, why: &str) -> Self {
        Self {
            entry: format!("redaction.{entry}"),
            why: why.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::{Operator, Redactor};

    fn error(name: &str, operator: &str) -> String {
        let mut settings = RedactionSettings::default();
        settings.operators.insert(name.into(), operator.into());
        Redactor::from_settings(&settings).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_the_key_and_list_what_is_possible() {
        let unknown = error("emial", "redact");
        assert!(unknown.starts_with("redaction.operators.emial:") && unknown.contains("email"));
        let operator = error("email", "hash");
        assert!(
            operator.starts_with("redaction.operators.email:") && operator.contains("numbered")
        );
        assert!(error("email", "keep_last:9").contains("1 to 4"));
        assert!(error("email", "mask:9:9").contains("at most 6"));
        let preset = "all".parse::<RedactionPreset>().unwrap_err().to_string();
        assert!(preset.contains("`all`") && preset.contains("recommended"));
    }

    #[test]
    fn secrets_are_one_way_unless_code_says_danger() {
        for name in ["secret", "jwt"] {
            for operator in ["keep", "keep_last:4", "mask:0:4"] {
                let error = error(name, operator);
                assert!(
                    error.contains(name) && error.contains("danger_operator"),
                    "{error}"
                );
            }
        }
        let redactor = Redactor::builder()
            .danger_operator(DataType::Jwt, Operator::KeepLast(4))
            .build()
            .unwrap();
        let settings = redactor.settings();
        assert_eq!(settings.operators["jwt"], "danger_keep_last:4");
        let error = Redactor::from_settings(&settings).unwrap_err().to_string();
        assert!(error.contains("redaction.operators.jwt"), "{error}");
    }

    #[test]
    fn the_operator_of_a_type_wins_over_that_of_its_family() {
        let redactor = Redactor::builder()
            .operator(Family::Pii, Operator::Numbered)
            .operator(DataType::CreditCard, Operator::KeepLast(4))
            .build()
            .unwrap();
        assert_eq!(
            redactor.redact_str("ada@example.org 4111111111111111"),
            "[EMAIL_1] [CREDIT_CARD:1111]"
        );
    }

    #[test]
    fn settings_are_canonical_and_build_the_same_redactor() {
        let redactor = Redactor::builder()
            .operator(DataType::Email, Operator::Numbered)
            .allow_value("b@example.org")
            .allow_value("a@example.org")
            .allow_value("b@example.org")
            .build()
            .unwrap();
        let settings = redactor.settings();
        assert_eq!(settings.allow, ["a@example.org", "b@example.org"]);
        let again = Redactor::from_settings(&settings).unwrap();
        assert_eq!(again.settings(), settings);
    }

    #[test]
    fn debug_shows_no_allowed_value() {
        let builder = Redactor::builder().allow_value("help@example.org");
        let redactor = builder.clone().build().unwrap();
        for text in [
            format!("{builder:?}"),
            format!("{redactor:?}"),
            format!("{:?}", redactor.settings()),
        ] {
            assert!(!text.contains("help@"), "{text}");
        }
    }
}
