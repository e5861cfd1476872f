//! How a redactor is configured: presets, operators and values that are never hidden.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::Redactor;
use super::data_type::{DataType, Family, names};
use super::operator::Operator;
use crate::error::Error;

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
    /// Which detectors run.
    pub preset: RedactionPreset,
    /// Operators by the name of a type, or of a family for its types without an own entry.
    pub operators: BTreeMap<String, String>,
    /// Exact values that are never hidden, such as your own support address.
    pub allow: Vec<String>,
}

impl fmt::Debug for RedactionSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedactionSettings")
            .field("preset", &self.preset)
            .field("operators", &self.operators)
            .field("allow", &format_args!("{} values", self.allow.len()))
            .finish()
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

    const fn family(self) -> Family {
        match self {
            Self::Family(family) => family,
            Self::Type(data_type) => data_type.family(),
        }
    }

    fn all() -> impl Iterator<Item = Self> {
        let families = Family::ALL.iter().copied().map(Self::Family);
        families.chain(DataType::ALL.iter().copied().map(Self::Type))
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

/// Builds a [`Redactor`].
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
    operators: BTreeMap<RedactionTarget, Choice>,
    allow: Vec<String>,
}

#[derive(Clone)]
struct Choice {
    operator: Operator,
    danger: bool,
}

/// What a canonical operator begins with that only code can choose.
const DANGER: &str = "danger_";

impl RedactorBuilder {
    /// Chooses which detectors run; [`RedactionPreset::Recommended`] by default.
    pub const fn preset(mut self, preset: RedactionPreset) -> Self {
        self.preset = preset;
        self
    }

    /// Chooses the operator of a type or of a family; [`Operator::Redact`] by default.
    pub fn operator(self, target: impl Into<RedactionTarget>, operator: Operator) -> Self {
        self.choose(target.into(), operator, false)
    }

    /// Chooses an operator that may leave part of a secret, or all of it, readable in the log.
    pub fn danger_operator(self, target: impl Into<RedactionTarget>, operator: Operator) -> Self {
        self.choose(target.into(), operator, true)
    }

    /// Adds a value that is never hidden; it is compared exactly.
    pub fn allow(mut self, value: impl Into<String>) -> Self {
        self.allow.push(value.into());
        self
    }

    /// Builds the redactor.
    ///
    /// # Errors
    ///
    /// When an operator has parameters out of range, or would leave part of a secret readable.
    pub fn build(self) -> Result<Redactor, Error> {
        for (target, choice) in &self.operators {
            if let Some(fault) = choice.operator.fault() {
                return Err(failed(target.name(), fault));
            }
            if target.family() == Family::Secret && choice.operator.reveals() && !choice.danger {
                return Err(failed(
                    target.name(),
                    &format!(
                        "`{}` leaves part of a secret readable; use redact, replace:TEXT, \
                         numbered, pseudonym or drop, or in code \
                         `RedactorBuilder::danger_operator`",
                        choice.operator
                    ),
                ));
            }
        }
        let operators = DataType::ALL
            .iter()
            .map(|data_type| self.operator_of(*data_type))
            .collect();
        let settings = self.settings();
        Ok(Redactor::assemble(settings, operators))
    }

    pub(super) fn from_settings(settings: &RedactionSettings) -> Result<Self, Error> {
        let mut builder = Self {
            preset: settings.preset,
            allow: settings.allow.clone(),
            ..Self::default()
        };
        for (name, operator) in &settings.operators {
            let target = RedactionTarget::all()
                .find(|target| target.name() == name)
                .ok_or_else(|| {
                    let known = names(RedactionTarget::all().map(RedactionTarget::name));
                    failed(name, &format!("no such type or family; there are {known}"))
                })?;
            if operator.starts_with(DANGER) {
                return Err(failed(
                    name,
                    "only code can choose this, with `RedactorBuilder::danger_operator`",
                ));
            }
            let operator = operator
                .parse()
                .map_err(|error: Error| failed(name, &error.to_string()))?;
            builder = builder.operator(target, operator);
        }
        Ok(builder)
    }

    fn choose(mut self, target: RedactionTarget, operator: Operator, danger: bool) -> Self {
        self.operators.insert(target, Choice { operator, danger });
        self
    }

    fn operator_of(&self, data_type: DataType) -> Operator {
        let by_type = self.operators.get(&RedactionTarget::Type(data_type));
        let by_family = || {
            self.operators
                .get(&RedactionTarget::Family(data_type.family()))
        };
        by_type
            .or_else(by_family)
            .map(|choice| choice.operator.clone())
            .unwrap_or_default()
    }

    fn settings(mut self) -> RedactionSettings {
        self.allow.sort();
        self.allow.dedup();
        RedactionSettings {
            preset: self.preset,
            operators: self
                .operators
                .iter()
                .map(|(target, Choice { operator, .. })| {
                    let danger = target.family() == Family::Secret && operator.reveals();
                    let prefix = if danger { DANGER } else { "" };
                    (target.name().to_owned(), format!("{prefix}{operator}"))
                })
                .collect(),
            allow: self.allow,
        }
    }
}

impl fmt::Debug for RedactorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedactorBuilder")
            .field(&self.clone().settings())
            .finish()
    }
}

fn failed(name: &str, why: &str) -> Error {
    Error::policy(format!("redaction.operators.{name}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            .allow("b@example.org")
            .allow("a@example.org")
            .allow("b@example.org")
            .build()
            .unwrap();
        let settings = redactor.settings();
        assert_eq!(settings.allow, ["a@example.org", "b@example.org"]);
        let again = Redactor::from_settings(&settings).unwrap();
        assert_eq!(again.settings(), settings);
    }

    #[test]
    fn debug_shows_no_allowed_value() {
        let builder = Redactor::builder().allow("help@example.org");
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
