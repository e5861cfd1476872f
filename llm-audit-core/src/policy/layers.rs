//! The layers of a policy, combined by minimum ahead of time.

use std::collections::{BTreeMap, HashMap};

use crate::facet::Facet;
use crate::level::{Level, Levels};
use crate::policy::canonical::{Canonical, narrowed};
use crate::policy::explain::Layer;
use crate::policy::scope::Scope;

/// Process, tenant, classification rule and call; each can only narrow what stands above it.
#[derive(Debug)]
pub(super) struct Layers {
    process: Levels,
    /// Looked up for every event, and sorted where the order shows.
    tenants: HashMap<String, Narrowed>,
    unlisted: Option<Narrowed>,
    ranks: Vec<Rank>,
    unclassified: Option<Levels>,
    has_key: bool,
}

/// What a layer asks for, and that combined with the process layer.
#[derive(Debug)]
struct Narrowed {
    asked: Levels,
    combined: Levels,
}

/// A classification label; a rule holds for its label and for every higher one.
#[derive(Debug)]
struct Rank {
    label: String,
    asked: Levels,
    combined: Levels,
}

/// What the layers below the process ask for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) tenants: BTreeMap<String, Levels>,
    pub(super) unlisted: Option<Levels>,
    /// Every label, lowest first, with its rule if there is one.
    pub(super) ranks: Vec<(String, Option<Levels>)>,
    pub(super) unclassified: Option<Levels>,
}

impl Layers {
    /// Combines the layers; `has_key` tells whether anything can be at level Digest.
    pub(super) fn new(process: Levels, asked: Asked, has_key: bool) -> Self {
        let narrowed = |asked: Levels| Narrowed {
            asked,
            combined: process.min(asked),
        };
        let mut combined = Levels::FULL;
        let ranks = asked
            .ranks
            .into_iter()
            .map(|(label, rule)| {
                let asked = rule.unwrap_or(Levels::FULL);
                combined = combined.min(asked);
                Rank {
                    label,
                    asked,
                    combined,
                }
            })
            .collect();
        Self {
            process,
            tenants: asked
                .tenants
                .into_iter()
                .map(|(name, levels)| (name, narrowed(levels)))
                .collect(),
            unlisted: asked.unlisted.map(narrowed),
            ranks,
            unclassified: asked.unclassified,
            has_key,
        }
    }

    /// Returns whether there is a layer below the process, save for the call.
    pub(super) const fn has_any(&self) -> bool {
        // Tenants need a default, and rules one for events without a label.
        self.unlisted.is_some() || self.unclassified.is_some() || !self.ranks.is_empty()
    }

    /// Returns whether a layer, the calls aside, has the facet at `level`.
    pub(super) fn has(&self, facet: Facet, level: Level) -> bool {
        let tenants = self.tenants.values().chain(&self.unlisted);
        let ranks = self.ranks.iter().map(|rank| rank.combined);
        let mut all = std::iter::once(self.process)
            .chain(tenants.map(|tenant| tenant.combined))
            .chain(ranks)
            .chain(self.unclassified);
        all.any(|levels| levels.get(facet) == level)
    }

    pub(super) const fn process(&self) -> Levels {
        self.process
    }

    /// Returns the levels of every layer combined: one look-up and at most two minima.
    pub(super) fn effective(&self, scope: &Scope<'_>) -> Levels {
        let levels = self
            .tenant(scope.tenant)
            .map_or(self.process, |(_, tenant)| tenant.combined);
        let levels = match self.highest(scope.classification) {
            Some(rank) => levels.min(rank.combined),
            None => self.unclassified.map_or(levels, |rule| levels.min(rule)),
        };
        self.narrowed_by_call(levels, scope.call)
    }

    /// Returns the levels of the layers that are known when an event begins. Its tenant may still
    /// come, and its classification is not final, so those layers wait for the end.
    pub(super) fn at_begin(&self, tenant: Option<&str>, call: Levels) -> Levels {
        let known = tenant.and_then(|id| self.tenant(Some(id)));
        let levels = known.map_or(self.process, |(_, tenant)| tenant.combined);
        self.narrowed_by_call(levels, call)
    }

    /// Returns what each layer that applies asks for, the process first.
    pub(super) fn applied(&self, scope: &Scope<'_>) -> Vec<(Layer, Levels)> {
        let mut layers = vec![(Layer::Process, self.process)];
        layers.extend(self.tenant(scope.tenant).map(|(name, tenant)| {
            let layer = name.map_or(Layer::TenantsDefault, |name| Layer::Tenant(name.to_owned()));
            (layer, tenant.asked)
        }));
        match self.highest(scope.classification) {
            Some(highest) => {
                for rank in &self.ranks {
                    layers.push((Layer::Rule(rank.label.clone()), rank.asked));
                    if rank.label == highest.label {
                        break;
                    }
                }
            }
            None => layers.extend(self.unclassified.map(|rule| (Layer::Unclassified, rule))),
        }
        let call = scope
            .call
            .iter()
            .fold(Levels::OFF, |levels, (facet, asked)| {
                levels.with(facet, self.asked_by_call(facet, asked))
            });
        layers.push((Layer::Call, call));
        layers
    }

    /// Returns the highest of `labels`, an unknown one counting as the highest there is.
    pub(super) fn highest_label(&self, labels: &[&str]) -> Option<&str> {
        self.highest(labels).map(|rank| rank.label.as_str())
    }

    /// Returns the entries `tenants` and `classification`, each where there is such a layer; `tenant`
    /// says how the name of a tenant stands there.
    pub(super) fn canonical(
        &self,
        tenant: impl Fn(&str) -> String,
    ) -> Vec<(&'static str, Canonical)> {
        let mut entries = Vec::new();
        if let Some(unlisted) = &self.unlisted {
            let listed = self
                .tenants
                .iter()
                .map(|(name, layer)| (tenant(name), narrowed(layer.asked)));
            let tenants = [
                ("default", narrowed(unlisted.asked)),
                ("listed", Canonical::map(listed)),
            ];
            entries.push(("tenants", Canonical::map(tenants)));
        }
        if !self.ranks.is_empty() || self.unclassified.is_some() {
            let rules = self
                .ranks
                .iter()
                .map(|rank| (&rank.label, narrowed(rank.asked)));
            let mut classification = vec![
                (
                    "order",
                    Canonical::texts(self.ranks.iter().map(|rank| &rank.label)),
                ),
                ("rules", Canonical::map(rules)),
            ];
            let unclassified = self.unclassified.map(narrowed);
            classification.extend(unclassified.map(|rule| ("unclassified", rule)));
            entries.push(("classification", Canonical::map(classification)));
        }
        entries
    }

    fn narrowed_by_call(&self, levels: Levels, call: Levels) -> Levels {
        if call == Levels::FULL {
            return levels;
        }
        // Facets that the call leaves alone are passed over: a level that stands is accepted.
        let narrowed = levels
            .iter()
            .filter(|(facet, level)| call.get(*facet) < *level);
        narrowed.fold(levels, |levels, (facet, level)| {
            let asked = self.asked_by_call(facet, call.get(facet));
            levels.with(facet, asked.min(level))
        })
    }

    fn tenant(&self, id: Option<&str>) -> Option<(Option<&str>, &Narrowed)> {
        id.and_then(|id| self.tenants.get_key_value(id))
            .map(|(name, tenant)| (Some(name.as_str()), tenant))
            .or_else(|| self.unlisted.as_ref().map(|tenant| (None, tenant)))
    }

    fn highest(&self, labels: &[&str]) -> Option<&Rank> {
        let last = self.ranks.len().checked_sub(1)?;
        let rank = |label: &&str| {
            self.ranks
                .iter()
                .position(|rank| rank.label == **label)
                .unwrap_or(last)
        };
        self.ranks.get(labels.iter().map(rank).max()?)
    }

    /// Returns what a call may ask for: a level that the facet accepts, and never less evidence.
    fn asked_by_call(&self, facet: Facet, asked: Level) -> Level {
        let asked = match facet {
            // A verdict is evidence: a call may have its text redacted, not left out.
            Facet::Guardrails => asked.max(Level::Redacted),
            _ => asked,
        };
        match accepted_at_most(facet, asked) {
            Level::Digest if !self.has_key => Level::Off,
            level => level,
        }
    }
}

/// Returns the highest level that `facet` accepts and that is not above `level`.
pub(super) fn accepted_at_most(facet: Facet, level: Level) -> Level {
    facet
        .accepted_levels()
        .iter()
        .copied()
        .filter(|accepted| *accepted <= level)
        .max()
        .unwrap_or(Level::Off)
}
