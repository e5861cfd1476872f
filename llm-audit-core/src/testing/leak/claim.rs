//! What a policy claims, and so where a mark may stand.

use super::marks::What;
use crate::facet::{Facet, FacetSet};
use crate::level::{Level, Levels};
use crate::policy::{Policy, Scope};
use crate::redact::{DataType, Operator, RedactionSettings};

/// What decides whether what was planted in a channel may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// The lowest of these facets' levels.
    Facets(Vec<Facet>),
    /// Nothing: the envelope is always there, without secrets.
    Envelope,
    /// Nothing: the envelope is always there, without secrets and personal data.
    Words,
    /// Nothing of it is ever kept.
    Never,
}

/// What a policy claims of the events of one tenant and classification.
pub(super) struct Claims {
    levels: Levels,
    verbatim: FacetSet,
    hidden: Vec<What>,
}

impl Claims {
    pub(super) fn of(policy: &Policy, scope: &Scope<'_>) -> Self {
        let facets = Facet::ALL.iter().copied();
        let settings = policy.redactor().settings();
        let hidden = [
            (What::Email, DataType::Email),
            (What::Card, DataType::CreditCard),
            (What::Secret, DataType::AnthropicKey),
        ];
        let hidden = hidden
            .iter()
            .filter(|(_, data_type)| is_hidden(&settings, *data_type));
        Self {
            levels: policy.effective(scope),
            verbatim: facets.filter(|facet| policy.is_verbatim(*facet)).collect(),
            hidden: hidden.map(|(what, _)| *what).collect(),
        }
    }

    /// Claims `level` at most for `facet`.
    pub(super) fn narrow(&mut self, facet: Facet, level: Level) {
        self.levels = self.levels.min(Levels::FULL.with(facet, level));
        if level < Level::Full {
            let verbatim = self.verbatim.iter().filter(|other| *other != facet);
            self.verbatim = verbatim.collect();
        }
    }

    /// Returns why `what` may not stand anywhere when it was planted behind `guard`, or `None` when
    /// it may.
    pub(super) fn objection(&self, what: What, guard: &Guard) -> Option<String> {
        let is_hidden = self.hidden.contains(&what);
        match guard {
            Guard::Never => Some("nothing of that is ever kept".to_owned()),
            Guard::Envelope if what == What::Secret && is_hidden => {
                Some("secrets are hidden at every level".to_owned())
            }
            Guard::Words if is_hidden => {
                Some("personal data and secrets are hidden in the envelope's words".to_owned())
            }
            Guard::Envelope | Guard::Words => None,
            Guard::Facets(facets) => {
                let level = |facet: &&Facet| self.levels.get(**facet);
                let lowest = facets.iter().min_by_key(level)?;
                let level = self.levels.get(*lowest);
                let is_verbatim = facets.iter().any(|facet| self.verbatim.contains(*facet));
                let objects = match what {
                    What::Word => level < Level::Redacted,
                    _ if !is_hidden => level < Level::Redacted,
                    What::Secret if level == Level::Full => {
                        return (!is_verbatim)
                            .then(|| "secrets are hidden at every level".to_owned());
                    }
                    What::Email | What::Card | What::Secret => level < Level::Full,
                };
                objects.then(|| format!("facet `{lowest}` is at `{level}`"))
            }
        }
    }
}

/// Returns whether `settings` say that values of `data_type` are replaced.
fn is_hidden(settings: &RedactionSettings, data_type: DataType) -> bool {
    let family = data_type.family();
    let names = [data_type.name(), family.name()];
    let operator = names.iter().find_map(|name| settings.operators.get(*name));
    settings.preset.contains(family)
        && operator.is_none_or(|operator| *operator != Operator::Keep.to_string())
}
