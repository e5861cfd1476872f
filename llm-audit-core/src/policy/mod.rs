//! What may be captured: facets and levels, layers, presets, the policy file.
//!
//! A policy is built once, checked as a whole, and never changes. Whatever it does not name is
//! off. The layers below the process (tenant, classification, call) can only narrow it.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::encode::hex;
use crate::facet::{Facet, FacetSet};
use crate::hold::Hold;
use crate::key::KeyRing;
use crate::level::Levels;
use crate::redact::Redactor;
use crate::retention::{Retention, Retentions};
use crate::sync::{Arc, OnceLock};

mod builder;
mod canonical;
mod draft;
mod explain;
mod file;
mod layers;
mod narrowing;
mod preset;
mod problem;
mod process;
mod redaction;
mod rule;
mod scope;
mod validate;

#[cfg(test)]
mod tests;

pub use builder::{LayerBuilder, PolicyBuilder};
use canonical::Canonical;
pub use explain::{Explained, Explanation, Layer};
pub use file::PolicyLoader;
use layers::{Asked, Layers};
pub use preset::Preset;
pub use problem::Warning;
pub use rule::{FacetRule, Intent};
pub use scope::Scope;

/// What may be captured, how it is redacted, and how long it is kept.
///
/// Cloning is cheap. The default is [`Policy::none`].
#[derive(Clone)]
pub struct Policy(Arc<Inner>);

struct Inner {
    parts: Parts,
    canonical: Canonical,
    text: String,
    hash: String,
}

/// What a checked policy is made of.
struct Parts {
    rules: Vec<FacetRule>,
    layers: Layers,
    retention: Option<Retention>,
    intent: Intent,
    keys: Option<KeyRing>,
    redactor: Redactor,
    verbatim: FacetSet,
    sinks: BTreeMap<String, FacetSet>,
    holds: Vec<Hold>,
    approved_by: Option<String>,
    reason: Option<String>,
    warnings: Vec<Warning>,
}

/// The characters of the hash that make a policy's id.
const ID: usize = 12;

impl Policy {
    /// Returns the policy that captures nothing.
    pub fn none() -> Self {
        static NONE: OnceLock<Policy> = OnceLock::new();
        Self::clone(NONE.get_or_init(|| {
            Self::assemble(Parts {
                rules: Vec::new(),
                layers: Layers::new(Levels::OFF, Asked::default(), false),
                retention: None,
                intent: Intent::Off,
                keys: None,
                redactor: Redactor::default(),
                verbatim: FacetSet::EMPTY,
                sinks: BTreeMap::new(),
                holds: Vec::new(),
                approved_by: None,
                reason: None,
                warnings: Vec::new(),
            })
        }))
    }

    /// Returns a builder in which everything is off.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::default()
    }

    /// Returns whether every facet is off, so that no event is captured.
    pub fn is_none(&self) -> bool {
        self.levels().is_off()
    }

    /// Returns the first 12 characters of the hash, for people and tables.
    pub fn id(&self) -> &str {
        self.0.hash.get(..ID).unwrap_or(&self.0.hash)
    }

    /// Returns the SHA-256 of [`Policy::canonical_text`], in lower-case hex.
    pub fn hash(&self) -> &str {
        &self.0.hash
    }

    /// Returns the policy as JSON with sorted keys: equal for equal policies, however written.
    ///
    /// It holds all that decides what is captured, with key ids and the version of the redactor,
    /// and no key. It stands in the log, so values that are never hidden are digests in it, and so
    /// are names of tenants unless facet `groups` is at level Full: keyed ones where the policy has
    /// a key.
    pub fn canonical_text(&self) -> &str {
        &self.0.text
    }

    /// Returns the levels of the process layer, the most that any event can have.
    pub fn levels(&self) -> Levels {
        self.0.parts.layers.process()
    }

    /// Returns the levels in a scope, all layers combined by minimum.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::{Facet, Level, Levels, Policy, Retention, Scope};
    ///
    /// let policy = Policy::builder()
    ///     .facet(Facet::Prompt, Level::Full)
    ///     .retention(Retention::Days30)
    ///     .tenant("acme", |t| t.facet(Facet::Prompt, Level::Redacted))
    ///     .tenants_default(|t| t.facet(Facet::Prompt, Level::Off))
    ///     .build()?;
    /// let acme = Scope::new().tenant("acme");
    /// assert_eq!(policy.effective(&acme).get(Facet::Prompt), Level::Redacted);
    /// assert_eq!(policy.effective(&Scope::new()).get(Facet::Prompt), Level::Off);
    /// # Ok::<(), llm_audit_core::Error>(())
    /// ```
    pub fn effective(&self, scope: &Scope<'_>) -> Levels {
        self.0.parts.layers.effective(scope)
    }

    /// Returns whether there are layers for tenants or classification labels.
    pub(crate) fn has_layers(&self) -> bool {
        self.0.parts.layers.has_any()
    }

    /// Returns the levels when an event begins: those of process, tenant where it is known, and
    /// call. No later level is higher.
    pub(crate) fn levels_at_begin(&self, tenant: Option<&str>, call: Levels) -> Levels {
        self.0.parts.layers.at_begin(tenant, call)
    }

    /// Returns every facet's level in a scope with the layer that decided, and the rules of redaction
    /// in force; `Display` is a table.
    pub fn explain(&self, scope: &Scope<'_>) -> Explanation {
        let layers = self.0.parts.layers.applied(scope);
        Explanation::new(&layers, self.redactor().in_force())
    }

    /// Returns the highest of these classification labels; an unknown one counts as the highest
    /// there is. `None` without labels, or when the policy declares no order.
    pub fn highest_label(&self, labels: &[&str]) -> Option<&str> {
        self.0.parts.layers.highest_label(labels)
    }

    /// Returns the rule of a facet in the process layer.
    pub fn facet_rule(&self, facet: Facet) -> FacetRule {
        let rules = &self.0.parts.rules;
        rules.get(facet.index()).copied().unwrap_or_default()
    }

    /// Returns whether only a part of the events keeps the data of some facet.
    pub(crate) fn is_sampling(&self) -> bool {
        self.0.parts.rules.iter().any(|rule| rule.sample.is_some())
    }

    /// Returns how long what has no retention of its own is kept; `None` where nothing was said and
    /// nothing needs it.
    pub fn retention(&self) -> Option<Retention> {
        self.0.parts.retention
    }

    /// Returns how long the log is kept, and which facets for less; forever where nothing was said.
    pub fn retentions(&self) -> Retentions {
        self.retentions_or(Retention::Forever)
    }

    /// As [`Policy::retentions`], with another default where nothing was said.
    pub(crate) fn retentions_or(&self, default: Retention) -> Retentions {
        let default = self.retention().unwrap_or(default);
        let rules = Facet::ALL.iter().zip(&self.0.parts.rules);
        let own = rules.filter_map(|(facet, rule)| Some((*facet, rule.retain?)));
        Retentions::new(default, own)
    }

    /// Returns what is written before a call leaves.
    pub fn intent(&self) -> Intent {
        self.0.parts.intent
    }

    /// Returns the keys of digests and pseudonyms.
    pub fn keys(&self) -> Option<&KeyRing> {
        self.0.parts.keys.as_ref()
    }

    /// Returns the redactor of the policy.
    pub fn redactor(&self) -> &Redactor {
        &self.0.parts.redactor
    }

    /// Returns whether even the detectors of secrets are off for a facet.
    pub fn is_verbatim(&self, facet: Facet) -> bool {
        self.0.parts.verbatim.contains(facet)
    }

    /// Returns the facets that are withheld from sinks, by the name of the sink.
    pub fn sink_rules(&self) -> &BTreeMap<String, FacetSet> {
        &self.0.parts.sinks
    }

    /// Returns an error when the hold names what cannot stand in a log of this policy.
    pub(crate) fn check_hold(&self, hold: &Hold) -> Result<(), crate::error::Error> {
        let digest = crate::level::Level::Digest;
        hold.check_in(|facet| self.0.parts.layers.has(facet, digest))
    }

    /// Returns the legal holds of the policy.
    pub fn holds(&self) -> &[Hold] {
        &self.0.parts.holds
    }

    /// Returns who approved the policy.
    pub fn approved_by(&self) -> Option<&str> {
        self.0.parts.approved_by.as_deref()
    }

    /// Returns why the policy is as it is.
    pub fn reason(&self) -> Option<&str> {
        self.0.parts.reason.as_deref()
    }

    /// Returns what is allowed and probably not meant.
    pub fn warnings(&self) -> &[Warning] {
        &self.0.parts.warnings
    }

    /// Returns the paths at which the canonical texts differ, sorted; values are not in them.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::{Facet, Level, Policy};
    ///
    /// let usage = Policy::builder().facet(Facet::Usage, Level::Full).build()?;
    /// assert_eq!(Policy::none().diff(&usage), ["facets.usage.level"]);
    /// # Ok::<(), llm_audit_core::Error>(())
    /// ```
    pub fn diff(&self, other: &Self) -> Vec<String> {
        self.0.canonical.diff(&other.0.canonical)
    }

    fn assemble(parts: Parts) -> Self {
        let canonical = parts.canonical();
        let text = canonical.to_json();
        let hash = hex(&Sha256::digest(&text));
        Self(Arc::new(Inner {
            parts,
            canonical,
            text,
            hash,
        }))
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::none()
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("id", &self.id())
            .field("levels", &self.levels())
            .finish_non_exhaustive()
    }
}
