//! The process layer: preset, groups and facets, resolved to one rule for each facet.

use crate::facet::Facet;
use crate::level::{Level, Levels};
use crate::policy::draft::{Draft, Setting};
use crate::policy::layers::accepted_at_most;
use crate::policy::preset::Preset;
use crate::policy::problem::{Place, Problems};
use crate::policy::rule::FacetRule;
use crate::retention::Retention;
use crate::sorted::SortedMap;

/// One rule for each facet, with the place that decided its level.
#[derive(Debug)]
pub(super) struct Resolved(SortedMap<Facet, Set>);

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Set {
    pub(super) rule: FacetRule,
    pub(super) place: Place,
}

impl Resolved {
    pub(super) fn iter(&self) -> impl Iterator<Item = (Facet, &Set)> {
        self.0.iter().map(|(facet, set)| (*facet, set))
    }

    pub(super) fn rule(&self, facet: Facet) -> FacetRule {
        self.0.get(&facet).copied().unwrap_or_default().rule
    }

    /// Returns the rules in the order of the catalogue.
    pub(super) fn rules(&self) -> Vec<FacetRule> {
        Facet::ALL.iter().map(|facet| self.rule(*facet)).collect()
    }

    pub(super) fn levels(&self) -> Levels {
        self.iter().fold(Levels::OFF, |levels, (facet, set)| {
            levels.with(facet, set.rule.level)
        })
    }

    /// Returns the facets at level Digest, as an error lists them.
    pub(super) fn digests(&self) -> Vec<(String, Place)> {
        self.iter()
            .filter(|(_, set)| set.rule.level == Level::Digest)
            .map(|(facet, set)| (format!("`{facet}`"), set.place))
            .collect()
    }
}

/// Returns the rule of every facet, and adds what is wrong with them.
pub(super) fn resolve(draft: &Draft, problems: &mut Problems) -> Resolved {
    for (group, setting) in &draft.settings.groups {
        check_limits(&format!("group `{}`", group.name()), setting, problems);
    }
    for (facet, setting) in &draft.settings.facets {
        check_limits(&format!("facet `{facet}`"), setting, problems);
        check_use(*facet, setting, problems);
    }
    let resolve = |facet: &Facet| (*facet, resolve_one(draft, *facet, problems));
    Resolved(Facet::ALL.iter().map(resolve).collect())
}

fn resolve_one(draft: &Draft, facet: Facet, problems: &mut Problems) -> Set {
    let own = draft
        .settings
        .facets
        .get(&facet)
        .copied()
        .unwrap_or_default();
    let group = draft
        .settings
        .groups
        .get(&facet.group())
        .copied()
        .unwrap_or_default();
    let (preset, preset_place) = draft.preset.unwrap_or((Preset::None, Place::Code));
    let (asked, place) = match (own.level, group.level) {
        (Some(level), _) => (level, own.place),
        (None, Some(level)) => (level, group.place),
        (None, None) => (preset.levels().get(facet), preset_place),
    };
    let level = match accepted_at_most(facet, asked) {
        // A group takes the next lower level; a facet that is named must get what it asks for.
        level if own.level.is_some() && level != asked => {
            problems.add(place, not_accepted(facet, asked));
            Level::Off
        }
        level => level,
    };
    if facet == Facet::Raw && level == Level::Full && !draft.consent_to_raw {
        problems.add(
            place,
            "facet `raw` at full keeps bodies and headers as on the wire and needs a second, \
             explicit consent: `.consent_to_raw()`, in a policy file `consent_to_raw = true`; or \
             set `raw` to redacted or off",
        );
    }
    let retain = own.retain.or(group.retain);
    if let Some(Err(error)) = retain.and_then(Retention::days).map(Retention::from_days) {
        let named = own.retain.is_some();
        let place = if named { own.place } else { group.place };
        problems.add(place, format!("facet `{facet}`: {error}"));
    }
    let rule = FacetRule {
        level,
        max_bytes: own
            .max_bytes
            .or(group.max_bytes.filter(|_| has_text(facet))),
        // A share of all events is no sampling, and must not look like another policy.
        sample: own
            .sample
            .or(group.sample.filter(|_| facet.is_content()))
            .filter(|share| *share < 1.0),
        retain,
    };
    Set { rule, place }
}

fn check_limits(name: &str, setting: &Setting, problems: &mut Problems) {
    if setting.max_bytes == Some(0) {
        problems.add(
            setting.place,
            format!("{name} has max_bytes 0; use at least 1, or level off or digest"),
        );
    }
    if let Some(share) = setting.sample
        && !(share > 0.0 && share <= 1.0)
    {
        problems.add(
            setting.place,
            format!("{name} has sample {share}; use a share above 0 and at most 1, or level off"),
        );
    }
}

fn check_use(facet: Facet, setting: &Setting, problems: &mut Problems) {
    if setting.max_bytes.is_some() && !has_text(facet) {
        problems.add(
            setting.place,
            format!("facet `{facet}` has no text that `max_bytes` could truncate; leave it away"),
        );
    }
    if setting.sample.is_some() && !facet.is_content() {
        problems.add(
            setting.place,
            format!(
                "facet `{facet}` is not content, and only content is sampled; leave `sample` away"
            ),
        );
    }
}

fn has_text(facet: Facet) -> bool {
    facet.accepted_levels().contains(&Level::Redacted)
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
