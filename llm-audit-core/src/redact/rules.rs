//! What is done with values, by facet, path, type and family.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::data_type::{CustomType, DataType, Family};
use super::detectors::Confidence;
use super::operator::Operator;
use super::path::{Path, PathRule, Paths};
use super::settings::{Fault, RedactionTarget, RuleSettings};
use crate::sorted::SortedMap;

/// Rules for the texts of one facet, or of all.
///
/// The operator of a path stands over that of a type, that over the one of the type's family, and
/// all over [`Operator::Redact`]; within each of these steps a facet's own rule stands over the
/// one for all facets.
///
/// # Examples
///
/// ```
/// use llm_audit_core::Facet;
/// use llm_audit_core::redact::{Confidence, Operator, RedactionRules, Redactor};
///
/// let tools = RedactionRules::new()
///     .path("$..password", Operator::Drop)
///     .allow_path("$.sku")
///     .min_confidence(Confidence::Context);
/// let redactor = Redactor::builder().facet(Facet::ToolIo, tools).build()?;
/// assert_eq!(
///     redactor.redact_json(Facet::ToolIo, r#"{"id":7,"login":{"password":"x"}}"#),
///     r#"{"id":7,"login":{}}"#
/// );
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct RedactionRules {
    operators: SortedMap<RedactionTarget, Choice>,
    paths: SortedMap<String, Operator>,
    allow_paths: BTreeSet<String>,
    min_confidence: Option<Confidence>,
}

#[derive(Clone)]
struct Choice {
    operator: Operator,
    danger: bool,
}

/// What a canonical operator begins with that only code can choose.
const DANGER: &str = "danger_";

impl RedactionRules {
    /// Returns rules that change nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses the operator of a type or of a family.
    pub fn operator(self, target: impl Into<RedactionTarget>, operator: Operator) -> Self {
        self.choose(target.into(), operator, false)
    }

    /// Chooses an operator that may leave part of a secret, or all of it, readable in the log, or
    /// readable to whoever holds a key.
    pub fn danger_operator(self, target: impl Into<RedactionTarget>, operator: Operator) -> Self {
        self.choose(target.into(), operator, true)
    }

    /// Applies an operator to the whole value at `path` in JSON, whatever it is.
    ///
    /// A path is `$`, then `.name`, `..name` and `[*]`; names are compared without regard to case,
    /// `_` and `-`. [`Operator::Drop`] takes the member or element out. An operator that would
    /// leave something readable hides objects, arrays and values with secrets in them whole. The
    /// rule holds at level Full too.
    pub fn path(mut self, path: impl Into<String>, operator: Operator) -> Self {
        self.paths.insert(path.into(), operator);
        self
    }

    /// Leaves personal data alone at `path` in JSON and below; secrets are hidden there too.
    pub fn allow_path(mut self, path: impl Into<String>) -> Self {
        self.allow_paths.insert(path.into());
        self
    }

    /// Leaves personal data alone of which a detector is less sure than this; secrets are hidden
    /// however sure one is.
    pub const fn min_confidence(mut self, least: Confidence) -> Self {
        self.min_confidence = Some(least);
        self
    }

    fn choose(mut self, target: RedactionTarget, operator: Operator, danger: bool) -> Self {
        self.operators.insert(target, Choice { operator, danger });
        self
    }

    /// Returns rules as they stand in a policy file; `custom` are the types of detectors of one's
    /// own, `place` is what the table of these rules is called.
    pub(super) fn read(
        settings: &RuleSettings,
        place: &str,
        custom: &[DataType],
        faults: &mut Vec<Fault>,
    ) -> Self {
        let mut rules = Self {
            min_confidence: settings.min_confidence,
            ..Self::default()
        };
        rules
            .allow_paths
            .extend(settings.allow_paths.iter().cloned());
        for (name, word) in &settings.operators {
            let entry = format!("{place}.operators.{name}");
            match (RedactionTarget::named(name, custom), parse(word)) {
                (Ok(target), Ok(operator)) => rules = rules.operator(target, operator),
                (Err(why), _) | (_, Err(why)) => faults.push(Fault { entry, why }),
            }
        }
        for (path, word) in &settings.paths {
            match parse(word) {
                Ok(operator) => drop(rules.paths.insert(path.clone(), operator)),
                Err(why) => faults.push(Fault {
                    entry: format!("{place}.paths.{path}"),
                    why,
                }),
            }
        }
        rules
    }

    /// Returns the rules as they stand in a policy file.
    pub(super) fn settings(&self) -> RuleSettings {
        let mut operators = BTreeMap::new();
        for (target, choice) in &self.operators {
            let reveals = choice.operator.reveals() && target.family() == Family::Secret;
            let prefix = if reveals { DANGER } else { "" };
            operators.insert(
                target.name().to_owned(),
                format!("{prefix}{}", choice.operator),
            );
        }
        let mut paths = BTreeMap::new();
        for (path, operator) in &self.paths {
            paths.insert(path.clone(), operator.to_string());
        }
        RuleSettings {
            operators,
            paths,
            allow_paths: self.allow_paths.iter().cloned().collect(),
            min_confidence: self.min_confidence,
        }
    }

    /// Adds what is wrong with the rules.
    pub(super) fn check(&self, place: &str, faults: &mut Vec<Fault>) {
        for (target, Choice { operator, danger }) in &self.operators {
            let why = operator.fault().map(str::to_owned).or_else(|| {
                let refused = target.family() == Family::Secret && operator.reveals() && !danger;
                refused.then(|| {
                    format!(
                        "`{operator}` leaves a secret readable, or part of it, or to whoever \
                         holds a key; use redact, replace:TEXT, numbered, pseudonym or drop, or \
                         in code `danger_operator`"
                    )
                })
            });
            faults.extend(why.map(|why| Fault {
                entry: format!("{place}.operators.{}", target.name()),
                why,
            }));
        }
        for (path, operator) in &self.paths {
            let why = Path::parse(path).err();
            let why = why.or_else(|| operator.fault().map(str::to_owned));
            faults.extend(why.map(|why| Fault {
                entry: format!("{place}.paths.{path}"),
                why,
            }));
        }
        for path in &self.allow_paths {
            faults.extend(Path::parse(path).err().map(|why| Fault {
                entry: format!("{place}.allow_paths"),
                why: format!("`{path}`: {why}"),
            }));
        }
    }

    fn operator_of(&self, target: RedactionTarget) -> Option<&Operator> {
        self.operators.get(&target).map(|choice| &choice.operator)
    }
}

/// Shows how the rules would stand in a policy file.
impl fmt::Debug for RedactionRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedactionRules")
            .field(&self.settings())
            .finish()
    }
}

/// Rules for the texts of one facet, in the form in which they are applied.
#[derive(Clone, Debug)]
pub(super) struct Compiled {
    /// In the order of [`DataType::ALL`].
    operators: Vec<Operator>,
    custom: SortedMap<CustomType, Operator>,
    families: [Operator; Family::ALL.len()],
    pub(super) paths: Paths,
    pub(super) min_confidence: Confidence,
}

impl Compiled {
    /// Compiles the rules for all facets, with those of one facet over them.
    pub(super) fn new(all: &RedactionRules, own: Option<&RedactionRules>) -> Self {
        let layers = || own.into_iter().chain([all]);
        let of = |target| layers().find_map(|rules| rules.operator_of(target));
        let of_family = |family| {
            of(RedactionTarget::Family(family))
                .cloned()
                .unwrap_or_default()
        };
        let of_type = |data_type: DataType| {
            let own = of(RedactionTarget::Type(data_type)).cloned();
            own.unwrap_or_else(|| of_family(data_type.family()))
        };
        let targets = layers().flat_map(|rules| rules.operators.keys());
        let custom = targets.filter_map(|target| match target {
            RedactionTarget::Type(DataType::Custom(custom)) => {
                Some((*custom, of_type(DataType::Custom(*custom))))
            }
            _ => None,
        });
        let mut paths = Paths::default();
        for (rules, of_facet) in own.map(|own| (own, true)).into_iter().chain([(all, false)]) {
            // What is to be hidden goes first: at one path it stands over what is allowed.
            let hidden = rules.paths.iter().map(|(path, operator)| match operator {
                Operator::Keep => (path, PathRule::Allow),
                operator => (path, PathRule::Operate(operator.clone())),
            });
            let allowed = rules.allow_paths.iter().map(|path| (path, PathRule::Allow));
            for (path, rule) in hidden.chain(allowed) {
                // `check` refused what is no path.
                if let Ok(path) = Path::parse(path) {
                    paths.add(&path, rule, of_facet);
                }
            }
        }
        Self {
            custom: custom.collect(),
            operators: DataType::ALL
                .iter()
                .map(|data_type| of_type(*data_type))
                .collect(),
            families: [of_family(Family::Pii), of_family(Family::Secret)],
            paths,
            min_confidence: layers()
                .find_map(|rules| rules.min_confidence)
                .unwrap_or(Confidence::Shape),
        }
    }

    pub(super) fn operator(&self, data_type: DataType) -> &Operator {
        let of_type = match data_type {
            DataType::Custom(custom) => self.custom.get(&custom),
            built_in => {
                let position = DataType::ALL.binary_search(&built_in).ok();
                position.and_then(|position| self.operators.get(position))
            }
        };
        let [pii, secret] = &self.families;
        of_type.unwrap_or(match data_type.family() {
            Family::Pii => pii,
            Family::Secret => secret,
        })
    }

    /// Returns whether the operator of the first type leaves something readable that the one of the
    /// second hides.
    pub(super) fn shows_more(&self, first: DataType, second: DataType) -> bool {
        let (first, second) = (self.operator(first), self.operator(second));
        first.reveals() && first != second && *second != Operator::Keep
    }

    /// Returns every operator that may be applied where `is_on` says that a family is looked for.
    pub(super) fn operators(
        &self,
        is_on: impl Fn(Family) -> bool,
    ) -> impl Iterator<Item = &Operator> {
        let types = DataType::ALL.iter().zip(&self.operators);
        let types = types
            .filter_map(move |(data_type, operator)| is_on(data_type.family()).then_some(operator));
        types
            .chain(self.custom.values())
            .chain(self.paths.operators())
    }
}

fn parse(word: &str) -> Result<Operator, String> {
    if word.starts_with(DANGER) {
        return Err("only code can choose this, with `danger_operator`".to_owned());
    }
    word.parse()
        .map_err(|error: crate::Error| error.to_string())
}
