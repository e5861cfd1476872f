//! From what was written down to a policy, or to everything that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Error;
use crate::facet::{Facet, FacetSet};
use crate::key::KeyRing;
use crate::level::{Level, Levels};
use crate::policy::draft::{Draft, KeyName, Keys, Settings};
use crate::policy::layers::{Asked, Layers, accepted_at_most};
use crate::policy::preset::Preset;
use crate::policy::problem::{Place, Problems, Warning, quoted};
use crate::policy::process::{Resolved, resolve};
use crate::policy::redaction::Redactor;
use crate::policy::{Parts, Policy};
use crate::retention::Retention;

/// The name of the rule for events without a label.
pub(super) const UNCLASSIFIED: &str = "unclassified";

/// Returns the policy, or one error with every problem; `subject` names the policy in it.
pub(super) fn compile(draft: Draft, subject: &str) -> Result<Policy, Error> {
    compile_with(draft, Problems::default(), subject)
}

/// As [`compile`], after `problems` that were found on the way.
pub(super) fn compile_with(
    draft: Draft,
    mut problems: Problems,
    subject: &str,
) -> Result<Policy, Error> {
    let mut warnings = Vec::new();
    let retention = draft.retention.or_else(|| {
        let (preset, place) = draft.preset?;
        Some((preset.retention()?, place))
    });
    let process = resolve(
        &draft,
        retention.map(|(retention, _)| retention),
        &mut problems,
    );
    check_retention(&process, retention.is_some(), &mut problems);
    check_verbatim(&draft, &process, &mut problems, &mut warnings);
    check_training(&draft, &process, retention, &mut warnings);

    let mut narrowing = Narrowing {
        process: &process,
        digests: Vec::new(),
        problems: &mut problems,
        warnings: &mut warnings,
    };
    let asked = Asked {
        tenants: narrowing.tenants(&draft),
        unlisted: draft
            .tenants_default
            .as_ref()
            .map(|settings| narrowing.layer("tenants.default", settings)),
        ranks: narrowing.ranks(&draft),
        unclassified: draft
            .unclassified
            .as_ref()
            .map(|settings| narrowing.layer("rule `unclassified`", settings)),
    };
    let mut digests = process.digests();
    digests.append(&mut narrowing.digests);

    let (redactor, place) = redactor(&draft, &mut problems);
    check_keys(&draft.keys, &digests, &mut problems);
    let pseudonyms = redactor.as_ref().is_some_and(Redactor::needs_key);
    if pseudonyms && matches!(draft.keys, Keys::None) {
        problems.add(
            place,
            format!("redaction operator `pseudonym` needs a key; {KEY_REMEDY}"),
        );
    }

    // A key file is made by reading it, so keys come last: a wrong policy leaves nothing behind.
    let keys = if problems.is_empty() {
        open(&draft.keys, &mut problems)
    } else {
        None
    };
    problems.into_result(subject)?;
    let redactor = redactor.ok_or_else(|| Error::policy(format!("{subject}: no redactor")))?;
    let layers = Layers::new(process.levels(), asked, keys.is_some());
    Ok(Policy::assemble(Parts {
        rules: process.rules(),
        layers,
        retention: retention.map(|(retention, _)| retention),
        intent: draft.intent,
        keys,
        redactor,
        verbatim: draft.verbatim.keys().copied().collect::<FacetSet>(),
        sinks: draft.sinks,
        approved_by: draft.approved_by,
        reason: draft.reason,
        warnings,
    }))
}

const KEY_REMEDY: &str = "give one with `.key(Key::file(\"audit.key\")?)`, in a policy file with \
                          `key = { file = \"audit.key\" }`: the file is made when there is none; \
                          keep it outside the directory of the log";

fn check_retention(process: &Resolved, is_set: bool, problems: &mut Problems) {
    let mut kept = process
        .iter()
        .filter(|(facet, set)| {
            set.rule.level > Level::Off && (facet.is_content() || facet.is_identity())
        })
        .peekable();
    let Some((_, first)) = kept.peek() else {
        return;
    };
    if !is_set {
        let place = first.place;
        let names: Vec<_> = kept.map(|(facet, _)| facet.name()).collect();
        problems.add(
            place,
            format!(
                "content or identity is kept ({}), and how long has no silent default; choose one \
                 of Days30, Days90, Days120, Forever with `.retention(Retention::Days90)`, in a \
                 policy file with `retention.default = \"90 days\"` or \"forever\"",
                names.join(", ")
            ),
        );
    }
}

fn check_verbatim(
    draft: &Draft,
    process: &Resolved,
    problems: &mut Problems,
    warnings: &mut Vec<Warning>,
) {
    for (facet, place) in &draft.verbatim {
        let level = process.rule(*facet).level;
        if level == Level::Full {
            warnings.push(Warning::new(
                *place,
                format!(
                    "facet `{facet}` is kept verbatim: secrets in it are neither found nor hidden"
                ),
            ));
        } else {
            problems.add(
                *place,
                format!(
                    "`danger_verbatim` is for facets at full, and `{facet}` is at {level}; set it \
                     to full, or leave `danger_verbatim` away"
                ),
            );
        }
    }
}

/// Warns where training data would not be what the preset promises.
fn check_training(
    draft: &Draft,
    process: &Resolved,
    retention: Option<(Retention, Place)>,
    warnings: &mut Vec<Warning>,
) {
    if !matches!(draft.preset, Some((Preset::FineTuning, _))) {
        return;
    }
    if let Some((retention, place)) = retention
        && retention.max(Retention::Days120) != retention
    {
        warnings.push(Warning::new(
            place,
            format!(
                "preset `fine_tuning` gathers examples for 120 days, and the retention is \
                 {retention}"
            ),
        ));
    }
    for (facet, set) in process.iter() {
        let redacted = Preset::FineTuning.levels().get(facet) == Level::Redacted;
        if redacted && set.rule.level == Level::Full {
            warnings.push(Warning::new(
                set.place,
                format!(
                    "preset `fine_tuning` redacts `{facet}`, and full puts personal data into \
                     training data"
                ),
            ));
        }
    }
}

fn redactor(draft: &Draft, problems: &mut Problems) -> (Option<Redactor>, Place) {
    let (mut settings, place) = draft.redaction.clone().unwrap_or_default();
    if matches!(draft.preset, Some((Preset::FineTuning, _))) {
        for family in ["pii", "secret"] {
            settings
                .operators
                .entry(family.to_owned())
                .or_insert_with(|| "numbered".to_owned());
        }
    }
    match Redactor::from_settings(&settings) {
        Ok(redactor) => (Some(redactor), place),
        Err(error) => {
            problems.add(place, error.to_string());
            (None, place)
        }
    }
}

fn check_keys(keys: &Keys, digests: &[(String, Place)], problems: &mut Problems) {
    match keys {
        Keys::None => {
            if let [(_, place), ..] = digests {
                let names: Vec<_> = digests.iter().map(|(name, _)| name.as_str()).collect();
                problems.add(
                    *place,
                    format!(
                        "level digest needs a key ({}); {KEY_REMEDY}",
                        names.join(", ")
                    ),
                );
            }
        }
        Keys::Ring(ring) => check_ring(ring, Place::Code, problems),
        Keys::Named { current: None, old } => {
            if let [(_, place), ..] = old.as_slice() {
                problems.add(
                    *place,
                    "`old_keys` need a current one beside them; name it with `key`",
                );
            }
        }
        Keys::Named { .. } => {}
    }
}

fn check_ring(ring: &KeyRing, place: Place, problems: &mut Problems) {
    let mut ids = BTreeSet::new();
    for key in ring.iter() {
        if !ids.insert(key.id()) {
            problems.add(
                place,
                format!(
                    "two keys have the id `{}`, so their digests cannot be told apart; give each \
                     key an id of its own",
                    key.id()
                ),
            );
        }
    }
}

fn open(keys: &Keys, problems: &mut Problems) -> Option<KeyRing> {
    match keys {
        Keys::None => None,
        Keys::Ring(ring) => Some(ring.clone()),
        Keys::Named { current, old } => {
            let mut open_one = |(name, place): &(KeyName, Place)| {
                name.open()
                    .map_err(|error| {
                        // The cause is not kept as a source beside the other problems.
                        let cause = std::error::Error::source(&error)
                            .map(|source| format!(": {source}"))
                            .unwrap_or_default();
                        problems.add(*place, format!("{error}{cause}"));
                    })
                    .ok()
            };
            let current = current.as_ref()?;
            let mut ring = KeyRing::new(open_one(current)?);
            for name in old {
                ring = ring.with_old(open_one(name)?);
            }
            check_ring(&ring, current.1, problems);
            Some(ring)
        }
    }
}

/// Reads the layers below the process.
struct Narrowing<'a> {
    process: &'a Resolved,
    /// What a layer brings to level Digest, with the place that did.
    digests: Vec<(String, Place)>,
    problems: &'a mut Problems,
    warnings: &'a mut Vec<Warning>,
}

impl Narrowing<'_> {
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
                        format!("{} is not a label but the want of one", quoted(label)),
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

pub(super) fn not_accepted(facet: Facet, level: Level) -> String {
    let accepted: Vec<_> = facet
        .accepted_levels()
        .iter()
        .map(|level| level.name())
        .collect();
    format!(
        "facet `{facet}` does not accept level `{level}`; it accepts {}",
        accepted.join(", ")
    )
}
