//! From what was written down to a policy, or to everything that is wrong with it.

use crate::error::Error;
use crate::facet::FacetSet;
use crate::key::KeyRing;
use crate::level::Level;
use crate::policy::draft::{Draft, KeyName, Keys};
use crate::policy::layers::Layers;
use crate::policy::narrowing::Narrowing;
use crate::policy::preset::Preset;
use crate::policy::problem::{Place, Problems, Warning};
use crate::policy::process::{Resolved, resolve};
use crate::policy::{Parts, Policy, redaction};
use crate::redact::Redactor;
use crate::retention::Retention;
use crate::sorted::SortedSet;

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
    let process = resolve(&draft, &mut problems);
    if let Some((retention, place)) = retention
        && let Some(Err(error)) = retention.days().map(Retention::from_days)
    {
        problems.add(place, error.to_string());
    }
    check_retention(&process, retention.is_some(), &mut problems);
    check_verbatim(&draft, &process, &mut problems, &mut warnings);
    check_training(&draft, &process, retention, &mut warnings);

    let mut narrowing = Narrowing::new(&process, &mut problems, &mut warnings);
    let asked = narrowing.asked(&draft);
    let mut digests = process.digests();
    digests.extend(narrowing.into_digests());
    let layers = Layers::new(process.levels(), asked, !matches!(draft.keys, Keys::None));
    let mut names = SortedSet::new();
    for (hold, place) in &draft.holds {
        if !names.insert(hold.name()) {
            let name = hold.name();
            problems.add(
                *place,
                format!("hold `{name}` stands twice; give each a name of its own"),
            );
        }
        if let Err(error) = hold.check_in(|facet| layers.has(facet, Level::Digest)) {
            problems.add(*place, error.to_string());
        }
    }

    let redactor = redaction::redactor(&draft, &mut problems, &mut warnings);
    check_keys(&draft.keys, &digests, &mut problems);
    let pseudonyms = redactor.as_ref().is_some_and(Redactor::needs_key);
    if pseudonyms && matches!(draft.keys, Keys::None) {
        problems.add(
            draft.redaction.pseudonym_place(),
            format!("redaction operator `pseudonym` needs a key; {KEY_REMEDY}"),
        );
    }

    // A key file is made by reading it, so keys come last: a wrong policy leaves nothing behind.
    let keys = if problems.is_empty() {
        open(&draft.keys, &mut problems)
    } else {
        None
    };
    let redactor = if problems.is_empty() {
        redaction::with_token_key(&draft, redactor, &mut problems)
    } else {
        None
    };
    problems.into_result(subject)?;
    let redactor = redactor.ok_or_else(|| Error::policy(format!("{subject}: no redactor")))?;
    Ok(Policy::assemble(Parts {
        rules: process.rules(),
        layers,
        retention: retention.map(|(retention, _)| retention),
        intent: draft.intent,
        keys,
        redactor,
        verbatim: draft.verbatim.keys().copied().collect::<FacetSet>(),
        sinks: draft.sinks,
        holds: draft.holds.into_iter().map(|(hold, _)| hold).collect(),
        approved_by: draft.approved_by,
        reason: draft.reason,
        warnings,
    }))
}

const KEY_REMEDY: &str = "give one with `.key(Key::file(\"audit.key\")?)`, in a policy file with \
                          `key = { file = \"audit.key\" }`: the file is made when there is none; \
                          keep it outside the directory of the log";

fn check_retention(process: &Resolved, is_set: bool, problems: &mut Problems) {
    let kept: Vec<_> = process
        .iter()
        .filter(|(facet, set)| {
            set.rule.level > Level::Off && (facet.is_content() || facet.is_identity())
        })
        .collect();
    if let Some(place) = kept.iter().map(|(_, set)| set.place).min()
        && !is_set
    {
        let names: Vec<_> = kept.iter().map(|(facet, _)| facet.name()).collect();
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

fn check_keys(keys: &Keys, digests: &[(String, Place)], problems: &mut Problems) {
    match keys {
        Keys::None => {
            if let Some(place) = digests.iter().map(|(_, place)| *place).min() {
                let names: Vec<_> = digests.iter().map(|(name, _)| name.as_str()).collect();
                problems.add(
                    place,
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
    let mut ids = SortedSet::new();
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
