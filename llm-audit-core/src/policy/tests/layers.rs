use super::*;
use crate::facet::FacetGroup;
use crate::level::Level;

fn tenants() -> Policy {
    complete()
        .facet(Facet::Prompt, Level::Full)
        .facet(Facet::User, Level::Full)
        .tenant("acme", |t| t.facet(Facet::Prompt, Level::Redacted))
        .tenants_default(|t| t.group(FacetGroup::Content, Level::Off))
        .build()
        .unwrap()
}

fn rules() -> Policy {
    complete()
        .facet(Facet::Prompt, Level::Full)
        .facet(Facet::Response, Level::Full)
        .classification_order(["public", "internal", "confidential", "secret"])
        .rule("internal", |r| r.facet(Facet::Prompt, Level::Redacted))
        .rule("secret", |r| r.facet(Facet::Response, Level::Off))
        .unclassified(|r| r.facet(Facet::Prompt, Level::Digest))
        .build()
        .unwrap()
}

fn prompt(policy: &Policy, labels: &[&str]) -> Level {
    policy
        .effective(&Scope::new().classification(labels))
        .get(Facet::Prompt)
}

#[test]
fn a_tenant_narrows_its_own_events_only() {
    let policy = tenants();
    let acme = policy.effective(&Scope::new().tenant("acme"));
    assert_eq!(acme.get(Facet::Prompt), Level::Redacted);
    assert_eq!(acme.get(Facet::User), Level::Full);
}

#[test]
fn an_unlisted_and_a_missing_tenant_fall_under_the_default() {
    let policy = tenants();
    for scope in [
        Scope::new(),
        Scope::new().tenant("globex"),
        Scope::new().tenant(""),
    ] {
        assert_eq!(
            policy.effective(&scope).get(Facet::Prompt),
            Level::Off,
            "{scope:?}"
        );
        assert_eq!(policy.effective(&scope).get(Facet::User), Level::Full);
    }
}

#[test]
fn a_tenant_without_a_default_does_not_build() {
    let error = error(complete().tenant("acme", |t| t));
    assert!(error.contains("`.tenants_default(|t| t)`"), "{error}");
}

#[test]
fn the_highest_label_decides_and_a_rule_holds_above_its_label() {
    let policy = rules();
    assert_eq!(prompt(&policy, &["public"]), Level::Full);
    assert_eq!(
        prompt(&policy, &["public", "internal", "public"]),
        Level::Redacted
    );
    assert_eq!(prompt(&policy, &["confidential"]), Level::Redacted);
    let secret = policy.effective(&Scope::new().classification(&["secret", "public"]));
    assert_eq!(secret.get(Facet::Prompt), Level::Redacted);
    assert_eq!(secret.get(Facet::Response), Level::Off);
    assert_eq!(
        policy.highest_label(&["public", "internal"]),
        Some("internal")
    );
}

#[test]
fn an_unknown_label_is_the_highest() {
    let policy = rules();
    let unknown = policy.effective(&Scope::new().classification(&["public", "Internal"]));
    let secret = policy.effective(&Scope::new().classification(&["secret"]));
    assert_eq!(unknown, secret);
    assert_eq!(policy.highest_label(&["nonsense"]), Some("secret"));
}

#[test]
fn an_event_without_a_label_falls_under_unclassified() {
    assert_eq!(prompt(&rules(), &[]), Level::Digest);
    assert_eq!(rules().highest_label(&[]), None);
    let error = error(complete().classification_order(["low"]).rule("low", |r| r));
    assert!(error.contains("`.unclassified(|r| r)`"), "{error}");
}

#[test]
fn without_rules_labels_narrow_nothing() {
    let policy = complete()
        .facet(Facet::Prompt, Level::Full)
        .build()
        .unwrap();
    assert_eq!(prompt(&policy, &["anything"]), Level::Full);
    assert_eq!(prompt(&policy, &[]), Level::Full);
}

#[test]
fn a_call_narrows_and_never_widens() {
    let policy = complete()
        .facet(Facet::Prompt, Level::Redacted)
        .build()
        .unwrap();
    let call = |level| {
        let levels = Levels::FULL.with(Facet::Prompt, level);
        policy
            .effective(&Scope::new().call(levels))
            .get(Facet::Prompt)
    };
    assert_eq!(call(Level::Full), Level::Redacted);
    assert_eq!(call(Level::Digest), Level::Digest);
    assert_eq!(call(Level::Off), Level::Off);
}

#[test]
fn a_call_gets_a_level_that_the_facet_accepts() {
    let policy = complete()
        .facet(Facet::User, Level::Full)
        .facet(Facet::Usage, Level::Full)
        .build()
        .unwrap();
    let mut call = Levels::OFF;
    for facet in Facet::ALL {
        call = call.with(*facet, Level::Redacted);
    }
    let levels = policy.effective(&Scope::new().call(call));
    assert_eq!(levels.get(Facet::User), Level::Digest);
    assert_eq!(levels.get(Facet::Usage), Level::Off);
}

#[test]
fn a_digest_that_a_call_asks_for_without_a_key_is_off() {
    let policy = Policy::builder()
        .facet(Facet::Prompt, Level::Full)
        .retention(Retention::Days30)
        .build()
        .unwrap();
    let call = Levels::FULL.with(Facet::Prompt, Level::Digest);
    assert_eq!(
        policy
            .effective(&Scope::new().call(call))
            .get(Facet::Prompt),
        Level::Off
    );
}

#[test]
fn a_call_cannot_switch_guardrails_off() {
    let policy = complete()
        .facet(Facet::Guardrails, Level::Full)
        .build()
        .unwrap();
    let levels = policy.effective(&Scope::new().call(Levels::OFF));
    assert_eq!(levels.get(Facet::Guardrails), Level::Redacted);
    assert!(levels.with(Facet::Guardrails, Level::Off).is_off());
    assert!(
        Policy::none()
            .effective(&Scope::new().call(Levels::FULL))
            .is_off()
    );
}

#[test]
fn a_layer_that_asks_for_more_is_told_of_both() {
    let policy = complete()
        .facet(Facet::Prompt, Level::Redacted)
        .tenant("acme", |t| t.facet(Facet::Prompt, Level::Full))
        .tenants_default(|t| t)
        .classification_order(["low"])
        .rule("low", |r| r.facet(Facet::User, Level::Full))
        .unclassified(|r| r)
        .build()
        .unwrap();
    assert_eq!(
        warnings(&policy),
        [
            "tenant `acme` asks for `prompt` at full, and the process layer allows redacted: \
             redacted holds",
            "rule `low` asks for `user` at full, and the process layer allows off: off holds",
        ]
    );
}

#[test]
fn a_layer_at_digest_needs_a_key_only_where_it_narrows_to_it() {
    let builder = Policy::builder()
        .retention(Retention::Days30)
        .tenants_default(|t| t.facet(Facet::Prompt, Level::Digest));
    assert!(builder.clone().build().is_ok());
    let error = error(builder.facet(Facet::Prompt, Level::Redacted));
    assert!(error.contains("`prompt` by tenants.default"), "{error}");
}

#[test]
fn an_explanation_names_the_layer_that_decided() {
    let policy = complete()
        .facet(Facet::Prompt, Level::Full)
        .facet(Facet::Response, Level::Full)
        .facet(Facet::Reasoning, Level::Full)
        .facet(Facet::Usage, Level::Full)
        .tenant("acme", |t| t.facet(Facet::Prompt, Level::Redacted))
        .tenants_default(|t| t)
        .classification_order(["low", "high"])
        .rule("low", |r| {
            r.facet(Facet::Prompt, Level::Redacted)
                .facet(Facet::Response, Level::Off)
        })
        .unclassified(|r| r)
        .build()
        .unwrap();
    let scope = Scope::new()
        .tenant("acme")
        .classification(&["high"])
        .call(Levels::FULL.with(Facet::Reasoning, Level::Off));
    let explanation = policy.explain(&scope);
    let layer = |facet| {
        explanation
            .iter()
            .find(|row| row.facet == facet)
            .unwrap()
            .layer
            .clone()
    };
    assert_eq!(layer(Facet::Prompt), Layer::Tenant("acme".into()));
    assert_eq!(layer(Facet::Response), Layer::Rule("low".into()));
    assert_eq!(layer(Facet::Reasoning), Layer::Call);
    assert_eq!(layer(Facet::Usage), Layer::Process);
    assert_eq!(layer(Facet::Raw), Layer::Process);
    let table = explanation.to_string();
    assert!(
        table.contains("prompt          redacted  tenant `acme`\n"),
        "{table}"
    );
    assert!(
        table.contains("response        off       rule `low`\n"),
        "{table}"
    );
    assert_eq!(
        table.split("\n\n").next().unwrap().lines().count(),
        1 + Facet::ALL.len()
    );
}
