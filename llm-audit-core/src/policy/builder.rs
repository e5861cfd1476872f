//! A policy written in code.

use crate::error::Error;
use crate::facet::{Facet, FacetGroup, FacetSet};
use crate::hold::Hold;
#[cfg(feature = "token")]
use crate::key::TokenKey;
use crate::key::{Key, KeyRing};
use crate::level::Level;
use crate::policy::Policy;
#[cfg(feature = "token")]
use crate::policy::draft::TokenKeyName;
use crate::policy::draft::{Draft, Keys, Setting, Settings};
use crate::policy::preset::Preset;
use crate::policy::problem::Place;
use crate::policy::rule::{FacetRule, Intent};
use crate::policy::validate;
use crate::redact::{Detector, RedactionSettings, Redactor};
use crate::retention::Retention;
use crate::sync::Arc;

/// Builds a [`Policy`]; everything that is not set is off.
///
/// The order of calls does not matter: a facet's own rule stands over that of its group, and both
/// over the preset.
///
/// # Examples
///
/// ```
/// use llm_audit_core::{Facet, Key, Level, Policy, Preset, Retention};
///
/// let policy = Policy::builder()
///     .preset(Preset::Compliance)
///     .facet(Facet::Prompt, Level::Redacted)
///     .retention(Retention::Days90)
///     .key(Key::bytes("k1", &[7; 32])?)
///     .build()?;
/// assert_eq!(policy.levels().get(Facet::Prompt), Level::Redacted);
/// assert_eq!(policy.levels().get(Facet::Raw), Level::Off);
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct PolicyBuilder {
    draft: Draft,
}

impl PolicyBuilder {
    /// Starts from a preset.
    pub fn preset(mut self, preset: Preset) -> Self {
        self.draft.preset = Some((preset, Place::Code));
        self
    }

    /// Sets the level of a facet, or its whole rule.
    pub fn facet(mut self, facet: Facet, rule: impl Into<FacetRule>) -> Self {
        let retain = self
            .draft
            .settings
            .facets
            .get(&facet)
            .and_then(|old| old.retain);
        let mut setting = Setting::from(rule.into());
        setting.retain = setting.retain.or(retain);
        self.draft.settings.facets.insert(facet, setting);
        self
    }

    /// Sets the level of every facet of a group; where a facet does not accept it, the next lower
    /// one that it accepts.
    pub fn group(mut self, group: FacetGroup, rule: impl Into<FacetRule>) -> Self {
        let groups = &mut self.draft.settings.groups;
        let retain = groups.get(&group).and_then(|old| old.retain);
        let mut setting = Setting::from(rule.into());
        setting.retain = setting.retain.or(retain);
        groups.insert(group, setting);
        self
    }

    /// Sets how long what has no retention of its own is kept. There is no default once content or identity is on.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.draft.retention = Some((retention, Place::Code));
        self
    }

    /// Sets how long one facet is kept, in place of the retention of the policy. The log is kept as
    /// long as the facet that is kept longest; what expires earlier is taken out of its events.
    pub fn retain(mut self, facet: Facet, retention: Retention) -> Self {
        self.draft.settings.facets.or_default(facet).retain = Some(retention);
        self
    }

    /// Sets how long the facets of a group are kept, save those with a retention of their own.
    pub fn retain_group(mut self, group: FacetGroup, retention: Retention) -> Self {
        self.draft.settings.groups.or_default(group).retain = Some(retention);
        self
    }

    /// Sets what is written before a call leaves; [`Intent::Off`] by default.
    pub fn intent(mut self, intent: Intent) -> Self {
        self.draft.intent = intent;
        self
    }

    /// Sets the key of digests and pseudonyms.
    pub fn key(self, key: Key) -> Self {
        self.keys(KeyRing::new(key))
    }

    /// Sets the key of digests and pseudonyms, with the older keys.
    pub fn keys(mut self, keys: impl Into<KeyRing>) -> Self {
        self.draft.keys = Keys::Ring(keys.into());
        self
    }

    /// Narrows the policy for the tenant with this id; needs [`PolicyBuilder::tenants_default`].
    pub fn tenant(
        mut self,
        id: impl Into<String>,
        layer: impl FnOnce(LayerBuilder) -> LayerBuilder,
    ) -> Self {
        let settings = layer(LayerBuilder::default()).settings;
        self.draft.tenants.push((id.into(), settings));
        self
    }

    /// Narrows the policy for tenants without an entry and for calls without a tenant.
    pub fn tenants_default(mut self, layer: impl FnOnce(LayerBuilder) -> LayerBuilder) -> Self {
        self.draft.tenants_default = Some(layer(LayerBuilder::default()).settings);
        self
    }

    /// Declares the classification labels, lowest first.
    pub fn classification_order<L: Into<String>>(
        mut self,
        labels: impl IntoIterator<Item = L>,
    ) -> Self {
        let labels = labels.into_iter().map(Into::into).collect();
        self.draft.order = Some((labels, Place::Code));
        self
    }

    /// Narrows the policy for events with this classification label or a higher one.
    pub fn rule(
        mut self,
        label: impl Into<String>,
        layer: impl FnOnce(LayerBuilder) -> LayerBuilder,
    ) -> Self {
        let settings = layer(LayerBuilder::default()).settings;
        self.draft.rules.push((label.into(), settings));
        self
    }

    /// Narrows the policy for events without a label; needed as soon as there is a rule.
    pub fn unclassified(mut self, layer: impl FnOnce(LayerBuilder) -> LayerBuilder) -> Self {
        self.draft.unclassified = Some(layer(LayerBuilder::default()).settings);
        self
    }

    /// Sets which detectors run and what becomes of what they find.
    pub fn redaction(mut self, settings: RedactionSettings) -> Self {
        self.draft.redaction.settings = settings;
        self
    }

    /// Adds a detector of your own to those of the settings.
    pub fn detector(mut self, detector: impl Detector) -> Self {
        self.draft.redaction.detectors.push(Arc::new(detector));
        self
    }

    /// Sets the key of redaction operator `token`.
    #[cfg(feature = "token")]
    #[cfg_attr(docsrs, doc(cfg(feature = "token")))]
    pub fn token_key(mut self, key: TokenKey) -> Self {
        self.draft.redaction.token_key = TokenKeyName::Key(key);
        self
    }

    /// Sets the redactor itself, in place of settings; a preset then changes nothing in it.
    pub fn redactor(mut self, redactor: Redactor) -> Self {
        self.draft.redaction.redactor = Some(redactor);
        self
    }

    /// Withholds whole facets from the sink of this name.
    pub fn sink_without(
        mut self,
        sink: impl Into<String>,
        facets: impl IntoIterator<Item = Facet>,
    ) -> Self {
        let set = self
            .draft
            .sinks
            .entry(sink.into())
            .or_insert(FacetSet::EMPTY);
        for facet in facets {
            set.insert(facet);
        }
        self
    }

    /// Keeps what `hold` names, whatever its retention says, as long as a program with this policy looks
    /// after the log. [`Audit::hold`](crate::Audit::hold) sets one that every program goes by.
    pub fn hold(mut self, hold: Hold) -> Self {
        self.draft.holds.push((hold, Place::Code));
        self
    }

    /// Switches even the detectors of secrets off for a facet at level Full; the log records it.
    pub fn danger_verbatim(mut self, facet: Facet) -> Self {
        self.draft.verbatim.insert(facet, Place::Code);
        self
    }

    /// Consents to bodies and headers as on the wire; [`Facet::Raw`] at level Full needs it.
    pub fn consent_to_raw(mut self) -> Self {
        self.draft.consent_to_raw = true;
        self
    }

    /// Names who approved the policy; the log records it at every start.
    pub fn approved_by(mut self, who: impl Into<String>) -> Self {
        self.draft.approved_by = Some(who.into());
        self
    }

    /// Says why the policy is as it is; the log records it at every start.
    pub fn reason(mut self, why: impl Into<String>) -> Self {
        self.draft.reason = Some(why.into());
        self
    }

    /// Returns the policy.
    ///
    /// # Errors
    ///
    /// Every contradiction in it at once, each with its remedy.
    pub fn build(self) -> Result<Policy, Error> {
        validate::compile(self.draft, "policy")
    }
}

/// Sets the levels of a layer below the process: what is not set is not narrowed.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct LayerBuilder {
    settings: Settings,
}

impl LayerBuilder {
    /// Narrows a facet to this level.
    pub fn facet(mut self, facet: Facet, level: Level) -> Self {
        self.settings
            .facets
            .insert(facet, FacetRule::new(level).into());
        self
    }

    /// Narrows every facet of a group to this level, or to the next lower one that it accepts.
    pub fn group(mut self, group: FacetGroup, level: Level) -> Self {
        self.settings
            .groups
            .insert(group, FacetRule::new(level).into());
        self
    }
}
