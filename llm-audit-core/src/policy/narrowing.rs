//! What the layers below the process ask for: tenants, classification rules.

use std::collections::BTreeMap;

use crate::facet::Facet;
use crate::level::{Level, Levels};
use crate::policy::draft::{Draft, Settings};
use crate::policy::layers::{Asked, accepted_at_most};
use crate::policy::problem::{Place, Problems, Warning, quoted};
use crate::policy::process::{Resolved, not_accepted};

/// The name of the rule for events without a label.
pub(super) const UNCLASSIFIED: &str = "unclassified";

/// Reads the layers below the process.
pub(super) struct Narrowing<'a> {
    process: &'a Resolved,
    digests: Vec<(String, Place)>,
    problems: &'a mut Problems,
    warnings: &'a mut Vec<Warning>,
}

impl<'a> Narrowing<'a> {
    pub(super) const fn new(
        process: &'a Resolved,
        problems: &'a mut Problems,
        warnings: &'a mut Vec<Warning>,
    ) -> Self {
        Self {
            process,
            digests: Vec::new(),
            problems,
            warnings,
        }
    }

    /// Returns what every layer asks for.
    pub(super) fn asked(&mut self, draft: &Draft) -> Asked {
        Asked {
            tenants: self.tenants(draft),
            unlisted: self.optional("tenants.default", draft.tenants_default.as_ref()),
            ranks: self.ranks(draft),
            unclassified: self.optional("rule `unclassified`", draft.unclassified.as_ref()),
        }
    }

    /// Returns what the layers bring down to level Digest, each with its place.
    pub(super) fn into_digests(self) -> Vec<(String, Place)> {
        self.digests
    }

    fn tenants(&mut self, draft: &Draft) -> BTreeMap<String, Levels> {
        let mut tenants = BTreeMap::new();
        for (name, settings) in &draft.tenants {
            if name.is_empty() {
                self.problems.add(
                    settings.place,
                    "a tenant has an empty id; events without one fall under `tenants.default`",
                );
            }
            let levels = self.layer(&format!("tenant {}", quoted(name)), settings);
            if tenants.insert(name.clone(), levels).is_some() {
                self.problems.add(
                    settings.place,
                    format!("tenant {} stands twice; make it one entry", quoted(name)),
                );
            }
        }
        if let (Some((_, first)), None) = (draft.tenants.first(), &draft.tenants_default) {
            self.problems.add(
                first.place,
                "there is a tenant and nothing for the others; say what holds for unlisted and \
                 missing tenants with `.tenants_default(|t| t)`, in a policy file with \
                 `[tenants.default]`; left empty it narrows nothing",
            );
        }
        tenants
    }

    fn ranks(&mut self, draft: &Draft) -> Vec<(String, Option<Levels>)> {
        let mut ranks: Vec<(String, Option<Levels>)> = Vec::new();
        if let Some((labels, place)) = &draft.order {
            for label in labels {
                if label == UNCLASSIFIED || label.is_empty() {
                    self.problems.add(
                        *place,
                        format!(
                            "{} cannot be a label, it stands for events without one; take it out \
                             of the classification order",
                            quoted(label)
                        ),
                    );
                } else if ranks.iter().any(|(known, _)| known == label) {
                    self.problems.add(
                        *place,
                        format!(
                            "label {} stands twice in the classification order",
                            quoted(label)
                        ),
                    );
                } else {
                    ranks.push((label.clone(), None));
                }
            }
        }
        for (label, settings) in &draft.rules {
            let levels = self.layer(&format!("rule {}", quoted(label)), settings);
            match ranks.iter_mut().find(|(known, _)| known == label) {
                Some((_, rule @ None)) => *rule = Some(levels),
                Some((_, Some(_))) => self.problems.add(
                    settings.place,
                    format!("label {} has two rules; make them one", quoted(label)),
                ),
                None => {
                    let known: Vec<_> = ranks.iter().map(|(known, _)| quoted(known)).collect();
                    self.problems.add(
                        settings.place,
                        format!(
                            "label {} is not in the classification order [{}]; add it with \
                             `.classification_order([…])`, in a policy file with \
                             `classification.order = […]`, lowest first",
                            quoted(label),
                            known.join(", ")
                        ),
                    );
                }
            }
        }
        if let (Some((_, first)), None) = (draft.rules.first(), &draft.unclassified) {
            self.problems.add(
                first.place,
                "there is a classification rule and none for events without a label; add one with \
                 `.unclassified(|r| r)`, in a policy file with `when.classification = \
                 \"unclassified\"`; left empty it narrows nothing",
            );
        }
        ranks
    }

    fn optional(&mut self, name: &str, settings: Option<&Settings>) -> Option<Levels> {
        settings.map(|settings| self.layer(name, settings))
    }

    /// Returns what a layer asks for; what it does not set is not narrowed.
    fn layer(&mut self, name: &str, settings: &Settings) -> Levels {
        let mut levels = Levels::FULL;
        for facet in Facet::ALL.iter().copied() {
            let own = settings.facets.get(&facet);
            let group = settings.groups.get(&facet.group());
            let Some((setting, asked)) = own
                .or(group)
                .and_then(|setting| Some((setting, setting.level?)))
            else {
                continue;
            };
            let level = accepted_at_most(facet, asked);
            if own.is_some() && level != asked {
                self.problems.add(
                    setting.place,
                    format!("{name}: {}", not_accepted(facet, asked)),
                );
                continue;
            }
            let above = self.process.rule(facet).level;
            // A group asks for facets that its writer may not have thought of.
            if own.is_some() && level > above {
                self.warnings.push(Warning::new(
                    setting.place,
                    format!(
                        "{name} asks for `{facet}` at {level}, and the process layer allows \
                         {above}: {above} holds"
                    ),
                ));
            }
            if level == Level::Digest && above > Level::Digest {
                self.digests
                    .push((format!("`{facet}` by {name}"), setting.place));
            }
            levels = levels.with(facet, level);
        }
        levels
    }
}
