use super::*;
use crate::facet::FacetGroup;
use crate::level::Level;
use crate::redact::RedactionPreset;

#[test]
fn a_retention_of_no_days_is_an_error() {
    let error = error(complete().retention(Retention::Days(0)));
    assert!(error.contains("1 to 36500"), "{error}");
}

#[test]
fn a_level_that_a_facet_does_not_accept_is_an_error_with_those_it_does() {
    assert_eq!(
        error(complete().facet(Facet::User, Level::Redacted)),
        "policy: facet `user` does not accept level `redacted`; it accepts off, digest, full"
    );
    for facet in Facet::ALL {
        for level in Level::ALL {
            let built = complete().facet(*facet, *level).consent_to_raw().build();
            assert_eq!(
                built.is_ok(),
                facet.accepted_levels().contains(level),
                "{facet} {level}"
            );
        }
    }
}

#[test]
fn digests_need_a_key_and_the_error_says_how_to_make_one() {
    let builder = Policy::builder()
        .facet(Facet::User, Level::Digest)
        .retention(Retention::Days30);
    let error = error(builder.clone());
    assert!(
        error.contains("`user`") && error.contains(".key(Key::file("),
        "{error}"
    );
    assert!(builder.key(key()).build().is_ok());
}

#[test]
fn content_or_identity_needs_a_retention_and_the_error_lists_them() {
    for facet in Facet::ALL {
        let built = Policy::builder()
            .key(key())
            .consent_to_raw()
            .facet(*facet, Level::Full)
            .build();
        assert_eq!(
            built.is_err(),
            facet.is_content() || facet.is_identity(),
            "{facet}"
        );
        if let Err(error) = built {
            let error = error.to_string();
            assert!(error.contains(facet.name()), "{error}");
            assert!(
                error.contains("Days30, Days90, Days120, Forever"),
                "{error}"
            );
        }
    }
}

#[test]
fn raw_in_full_needs_a_second_call() {
    let builder = complete().facet(Facet::Raw, Level::Full);
    assert!(error(builder.clone()).contains("`.consent_to_raw()`"));
    let policy = builder.consent_to_raw().build().unwrap();
    assert_eq!(policy.levels().get(Facet::Raw), Level::Full);
    assert!(
        complete()
            .facet(Facet::Raw, Level::Redacted)
            .build()
            .is_ok()
    );
    assert!(error(complete().group(FacetGroup::Content, Level::Full)).contains("consent"));
}

#[test]
fn a_group_gives_each_facet_the_level_that_it_accepts() {
    let policy = complete()
        .group(FacetGroup::Content, Level::Redacted)
        .build()
        .unwrap();
    assert_eq!(policy.levels().get(Facet::Prompt), Level::Redacted);
    assert_eq!(policy.levels().get(Facet::Media), Level::Digest);
    assert_eq!(policy.levels().get(Facet::Raw), Level::Redacted);
    let policy = complete()
        .group(FacetGroup::Content, Level::Digest)
        .build()
        .unwrap();
    assert_eq!(policy.levels().get(Facet::Raw), Level::Off);
}

#[test]
fn a_facet_stands_over_its_group_and_both_over_the_preset_in_any_order() {
    let one = complete()
        .preset(Preset::Security)
        .group(FacetGroup::Content, Level::Digest)
        .facet(Facet::Prompt, Level::Full);
    let two = complete()
        .facet(Facet::Prompt, Level::Full)
        .group(FacetGroup::Content, Level::Digest)
        .preset(Preset::Security);
    let (one, two) = (one.build().unwrap(), two.build().unwrap());
    assert_eq!(one.hash(), two.hash());
    assert_eq!(one.levels().get(Facet::Prompt), Level::Full);
    assert_eq!(one.levels().get(Facet::ToolIo), Level::Digest);
    assert_eq!(one.levels().get(Facet::Device), Level::Full);
}

#[test]
fn limits_of_a_group_reach_the_facets_they_suit() {
    let rule = FacetRule::new(Level::Full).max_bytes(9).sample(0.5);
    let policy = complete()
        .group(FacetGroup::Content, rule)
        .facet(Facet::Raw, Level::Off)
        .build()
        .unwrap();
    assert_eq!(policy.facet_rule(Facet::Prompt), rule);
    assert_eq!(policy.facet_rule(Facet::Media).max_bytes, None);
    assert_eq!(policy.facet_rule(Facet::Media).sample, Some(0.5));
    assert_eq!(policy.facet_rule(Facet::Usage), FacetRule::default());
}

#[test]
fn a_facet_is_kept_for_its_own_time_and_the_log_for_the_longest() {
    let builder = || complete().facet(Facet::Prompt, Level::Redacted);
    let shorter = builder().retain(Facet::Prompt, Retention::Days30);
    let shorter = shorter.build().unwrap().retentions();
    assert_eq!(shorter.of(Facet::Prompt), Retention::Days30);
    assert_eq!(shorter.whole(), Retention::Days120);
    let longer = builder().retain(Facet::Usage, Retention::Forever);
    let longer = longer.build().unwrap().retentions();
    assert_eq!(longer.of(Facet::Prompt), Retention::Days120);
    assert_eq!(longer.whole(), Retention::Forever);
    let group = builder()
        .retain_group(FacetGroup::Content, Retention::Days30)
        .group(FacetGroup::Content, Level::Digest)
        .retain(Facet::Prompt, Retention::Days(7));
    let group = group.build().unwrap();
    assert_eq!(group.retentions().of(Facet::Prompt), Retention::Days(7));
    assert_eq!(group.retentions().of(Facet::ToolIo), Retention::Days30);
    // It is part of what the policy says.
    let same = builder().retain(Facet::Prompt, Retention::Days120);
    let without = builder().build().unwrap();
    assert_eq!(same.build().unwrap().hash(), without.hash());
    let other = builder().retain(Facet::Prompt, Retention::Days30);
    assert_eq!(
        without.diff(&other.build().unwrap()),
        ["facets.prompt.retain"]
    );
    assert!(error(builder().retain(Facet::Prompt, Retention::Days(0))).contains("`prompt`"));
}

#[test]
fn verbatim_is_for_full_alone_and_is_recorded() {
    let error = error(
        complete()
            .facet(Facet::Prompt, Level::Redacted)
            .danger_verbatim(Facet::Prompt),
    );
    assert!(error.contains("`prompt` is at redacted"), "{error}");
    let policy = complete()
        .facet(Facet::Prompt, Level::Full)
        .danger_verbatim(Facet::Prompt)
        .build()
        .unwrap();
    assert!(policy.is_verbatim(Facet::Prompt) && !policy.is_verbatim(Facet::Response));
    assert!(
        policy
            .canonical_text()
            .contains(r#""danger_verbatim":["prompt"]"#)
    );
    assert_eq!(
        warnings(&policy),
        ["facet `prompt` is kept verbatim: secrets in it are neither found nor hidden"]
    );
}

#[test]
fn two_keys_with_one_id_are_refused() {
    let ring = KeyRing::new(key()).with_old(Key::bytes("k1", &[8; 32]).unwrap());
    let error = error(Policy::builder().keys(ring));
    assert_eq!(
        error,
        "policy: two keys have the id `k1`, so their digests cannot be told apart; give each key \
         an id of its own"
    );
}

#[test]
fn several_problems_are_told_at_once() {
    let error = error(
        Policy::builder()
            .facet(Facet::Prompt, Level::Digest)
            .facet(Facet::Usage, Level::Digest)
            .tenant("acme", |t| t),
    );
    assert!(error.starts_with("policy has 4 problems:"), "{error}");
}

#[test]
fn what_is_said_beside_the_rules_is_kept() {
    let policy = complete()
        .facet(Facet::Prompt, Level::Redacted)
        .intent(Intent::Metadata)
        .approved_by("the board")
        .reason("pilot")
        .sink_without("http", [Facet::Prompt])
        .build()
        .unwrap();
    assert_eq!(policy.intent(), Intent::Metadata);
    assert_eq!(policy.approved_by(), Some("the board"));
    assert_eq!(policy.reason(), Some("pilot"));
    assert_eq!(policy.keys().unwrap().current().id(), "k1");
    assert!(policy.sink_rules()["http"].contains(Facet::Prompt));
    assert_eq!(policy.id().len(), 12);
    assert!(policy.hash().starts_with(policy.id()));
}

#[test]
fn debug_shows_no_key() {
    let policy = complete().preset(Preset::Compliance);
    for text in [
        format!("{policy:?}"),
        format!("{:?}", policy.build().unwrap()),
    ] {
        assert!(!text.contains("7, 7"), "{text}");
    }
}

#[test]
fn a_pseudonym_needs_a_key() {
    let mut settings = RedactionSettings::default();
    settings
        .operators
        .insert("email".into(), "pseudonym".into());
    let builder = Policy::builder()
        .facet(Facet::ErrorDetail, Level::Redacted)
        .redaction(settings);
    let error = error(builder.clone());
    assert!(
        error.starts_with(
            "policy: redaction operator `pseudonym` needs a key; give one with `.key("
        ),
        "{error}"
    );
    assert!(builder.key(key()).build().is_ok());
}

#[test]
fn wrong_operators_are_all_told() {
    let mut settings = RedactionSettings::default();
    settings.operators.insert("emial".into(), "redact".into());
    settings.operators.insert("email".into(), "hash".into());
    let error = error(Policy::builder().redaction(settings));
    assert!(error.starts_with("policy has 2 problems:"), "{error}");
    assert!(error.contains("redaction.operators.emial: "), "{error}");
    assert!(error.contains("redaction.operators.email: "), "{error}");
}

#[test]
fn detectors_of_secrets_cannot_be_left_out() {
    for preset in [RedactionPreset::Pii, RedactionPreset::Empty] {
        let settings = RedactionSettings {
            preset,
            ..RedactionSettings::default()
        };
        let redactor = Redactor::from_settings(&settings).unwrap();
        for builder in [
            complete().redaction(settings),
            complete().redactor(redactor),
        ] {
            let error = error(builder);
            assert!(
                error.contains(preset.name()) && error.contains("danger_verbatim"),
                "{error}"
            );
        }
    }
}
