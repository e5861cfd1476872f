//! Why a facet is at its level.

use std::fmt;
use std::slice;

use crate::facet::Facet;
use crate::level::Level;

/// A layer of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layer {
    /// What the policy says for the whole process.
    Process,
    /// The entry of the tenant with this id.
    Tenant(String),
    /// What holds for tenants without an entry.
    TenantsDefault,
    /// The rule of this classification label.
    Rule(String),
    /// The rule for events without a label.
    Unclassified,
    /// What the call allowed.
    Call,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process => f.write_str("process"),
            Self::Tenant(name) => write!(f, "tenant `{name}`"),
            Self::TenantsDefault => f.write_str("tenants.default"),
            Self::Rule(label) => write!(f, "rule `{label}`"),
            Self::Unclassified => f.write_str("rule `unclassified`"),
            Self::Call => f.write_str("call"),
        }
    }
}

/// A facet, its level, and the layer that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explained {
    /// The facet.
    pub facet: Facet,
    /// Its level in the scope that was asked for.
    pub level: Level,
    /// The first layer that asked for so little.
    pub layer: Layer,
}

/// For every facet its level and the layer that decided, then the rules of redaction; `Display` is a
/// table of each.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Explained, Explanation, Facet, Layer, LayerBuilder, Level, Policy, Scope};
///
/// let all_off = |layer: LayerBuilder| layer.facet(Facet::Usage, Level::Off);
/// let policy = Policy::builder()
///     .facet(Facet::Usage, Level::Full)
///     .tenants_default(all_off)
///     .build()?;
/// let explanation: Explanation = policy.explain(&Scope::new());
/// let usage: Option<&Explained> = explanation.iter().find(|one| one.facet == Facet::Usage);
/// assert_eq!(usage.map(|one| &one.layer), Some(&Layer::TenantsDefault));
/// assert!(explanation.to_string().contains("tenants.default"));
/// let preset = explanation.redaction().iter().find(|(entry, _)| entry == "preset");
/// assert_eq!(preset.map(|(_, preset)| preset.as_str()), Some("recommended"));
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    levels: Vec<Explained>,
    redaction: Vec<(String, String)>,
}

impl Explanation {
    pub(super) fn new(
        layers: &[(Layer, crate::level::Levels)],
        redaction: Vec<(String, String)>,
    ) -> Self {
        let explain = |facet: Facet| {
            let mut explained = Explained {
                facet,
                level: Level::Full,
                layer: Layer::Process,
            };
            for (layer, levels) in layers {
                let level = levels.get(facet);
                if level < explained.level {
                    explained.level = level;
                    explained.layer = layer.clone();
                }
            }
            explained
        };
        Self {
            levels: Facet::ALL.iter().copied().map(explain).collect(),
            redaction,
        }
    }

    /// Returns each facet in the order of the catalogue.
    pub fn iter(&self) -> slice::Iter<'_, Explained> {
        self.levels.iter()
    }

    /// Returns the rules of redaction in force, each with its entry in a policy file: preset, operators,
    /// own detectors, budgets, defaults among them. Values, replacements and expressions are not shown.
    pub fn redaction(&self) -> &[(String, String)] {
        &self.redaction
    }
}

impl<'a> IntoIterator for &'a Explanation {
    type Item = &'a Explained;
    type IntoIter = slice::Iter<'a, Explained>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<15} {:<9} decided by", "facet", "level")?;
        for Explained {
            facet,
            level,
            layer,
        } in self
        {
            writeln!(f, "{:<15} {:<9} {layer}", facet.name(), level.name())?;
        }
        writeln!(f, "\n{:<25} redaction", "entry")?;
        for (entry, rule) in &self.redaction {
            writeln!(f, "{entry:<25} {rule}")?;
        }
        Ok(())
    }
}
