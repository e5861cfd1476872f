//! The redactor of a policy.

#[cfg(feature = "token")]
use crate::key::TokenKey;
use crate::policy::draft::{Draft, TokenKeyName};
use crate::policy::preset::Preset;
use crate::policy::problem::{Problems, Warning};
use crate::redact::{Fault, RedactionPreset, Redactor, RedactorBuilder};

/// Returns the redactor that a draft asks for, without opening a key that it names.
pub(super) fn redactor(
    draft: &Draft,
    problems: &mut Problems,
    warnings: &mut Vec<Warning>,
) -> Option<Redactor> {
    let redaction = &draft.redaction;
    let chosen = redaction.redactor.as_ref().map(Redactor::settings);
    let preset = chosen.map_or(redaction.settings.preset, |settings| settings.preset);
    if matches!(preset, RedactionPreset::Pii | RedactionPreset::Empty) {
        problems.add(
            redaction.place,
            format!(
                "redaction preset `{}` would leave secrets in the log; use `recommended` or \
                 `secrets`, and `danger_verbatim` for a facet that must keep them",
                preset.name()
            ),
        );
        return None;
    }
    if let Some(redactor) = &redaction.redactor {
        let has_token_key = !matches!(redaction.token_key, TokenKeyName::None);
        if !redaction.detectors.is_empty() || has_token_key {
            problems.add(
                redaction.place,
                "detectors and a token key beside a whole redactor; give them to its builder",
            );
        }
        if is_fine_tuning(draft) && redactor.has_bare_tags() {
            warnings.push(Warning::new(
                redaction.place,
                "preset `fine_tuning` numbers its placeholders, and the redactor writes bare ones; \
                 give its builder `.operator(Family::Pii, Operator::Numbered)` and the same for \
                 `Family::Secret`",
            ));
        }
        return Some(redactor.clone());
    }
    let builder = builder(draft);
    #[cfg(feature = "token")]
    let builder = builder.with_token_key(match &redaction.token_key {
        TokenKeyName::None => None,
        TokenKeyName::Key(key) => Some(key.clone()),
        // In place of the one that is opened when all else is well.
        TokenKeyName::Named(..) => TokenKey::bytes("t", &[0; 32]).ok(),
    });
    #[cfg(not(feature = "token"))]
    if let TokenKeyName::Named(_, place) = &redaction.token_key {
        problems.add(
            *place,
            "`token_key` needs feature `token` of crate `llm-audit`; switch it on",
        );
    }
    compiled(draft, builder, problems)
}

/// Returns the redactor with the key that the draft names, which is opened here.
pub(super) fn with_token_key(
    draft: &Draft,
    redactor: Option<Redactor>,
    problems: &mut Problems,
) -> Option<Redactor> {
    #[cfg(feature = "token")]
    if let TokenKeyName::Named(name, place) = &draft.redaction.token_key {
        return match name.open_token_key() {
            Ok(key) => compiled(draft, builder(draft).with_token_key(Some(key)), problems),
            Err(error) => {
                // The cause is not kept as a source beside the other problems.
                let cause = std::error::Error::source(&error);
                let cause = cause
                    .map(|source| format!(": {source}"))
                    .unwrap_or_default();
                problems.add(*place, format!("{error}{cause}"));
                None
            }
        };
    }
    #[cfg(not(feature = "token"))]
    let _ = (draft, problems);
    redactor
}

fn builder(draft: &Draft) -> RedactorBuilder {
    let mut settings = draft.redaction.settings.clone();
    if is_fine_tuning(draft) {
        for family in Preset::NUMBERED {
            settings
                .operators
                .entry((*family).to_owned())
                .or_insert_with(|| "numbered".to_owned());
        }
    }
    RedactorBuilder::read(&settings, &draft.redaction.detectors)
}

fn compiled(draft: &Draft, builder: RedactorBuilder, problems: &mut Problems) -> Option<Redactor> {
    let redaction = &draft.redaction;
    match builder.compile() {
        Ok(redactor) => Some(redactor),
        Err(faults) => {
            for Fault { entry, why } in faults {
                let place = redaction.places.get(&entry).copied();
                problems.add(place.unwrap_or(redaction.place), format!("{entry}: {why}"));
            }
            None
        }
    }
}

const fn is_fine_tuning(draft: &Draft) -> bool {
    matches!(draft.preset, Some((Preset::FineTuning, _)))
}
