//! One policy in code, in JSON and in TOML.

use super::*;
use crate::catalog::Field;
use crate::level::Level;

const JSON: &str = r#"{
  "sinks": { "http": { "without": ["raw", "prompt"] } },
  "rule": [
    { "facets": { "prompt": "digest" }, "when": { "classification": "internal" } },
    { "when": { "classification": "unclassified" } }
  ],
  "classification": { "order": ["public", "internal"] },
  "tenants": { "default": { "facets": { "content": "digest" } } },
  "tenant": [{ "name": "acme", "facets": { "prompt": "redacted" } }],
  "redaction": { "allow": ["b@example.org", "a@example.org"], "operators": { "email": "numbered" } },
  "intent": "metadata",
  "retention": { "default": 90 },
  "facets": {
    "prompt": { "sample": 0.25, "max_bytes": 65536, "level": "redacted" },
    "error_detail": "full"
  },
  "danger_verbatim": ["error_detail"],
  "preset": "compliance",
  "version": 1
}"#;

#[cfg(feature = "toml")]
const TOML: &str = r#"
version = 1
preset = "compliance"
intent = "metadata"
danger_verbatim = ["error_detail"]
retention.default = "90 days"
classification.order = ["public", "internal"]

[facets]
error_detail = "full"
prompt = { level = "redacted", max_bytes = 65_536, sample = 0.25 }

[redaction]
operators.email = "numbered"
allow = ["a@example.org", "b@example.org"]

[tenants.default]
facets.content = "digest"

[[tenant]]
name = "acme"
facets.prompt = "redacted"

[[rule]]
when.classification = "internal"
facets.prompt = "digest"

[[rule]]
when.classification = "unclassified"

[sinks.http]
without = ["prompt", "raw"]
"#;

fn built() -> Policy {
    Policy::builder()
        .preset(Preset::Compliance)
        .intent(Intent::Metadata)
        .retention(Retention::Days90)
        .facet(Facet::ErrorDetail, Level::Full)
        .facet(
            Facet::Prompt,
            FacetRule::new(Level::Redacted)
                .max_bytes(65_536)
                .sample(0.25),
        )
        .danger_verbatim(Facet::ErrorDetail)
        .redaction(redaction())
        .tenants_default(|t| t.group(crate::facet::FacetGroup::Content, Level::Digest))
        .tenant("acme", |t| t.facet(Facet::Prompt, Level::Redacted))
        .classification_order(["public", "internal"])
        .rule("internal", |r| r.facet(Facet::Prompt, Level::Digest))
        .unclassified(|r| r)
        .sink_without("http", [Facet::Raw, Facet::Prompt])
        .approved_by("nobody of whom the hash knows")
        .key(key())
        .build()
        .unwrap()
}

fn redaction() -> RedactionSettings {
    let mut settings = RedactionSettings::default();
    settings.operators.insert("email".into(), "numbered".into());
    settings.allow = vec!["a@example.org".into(), "b@example.org".into()];
    settings
}

#[test]
fn the_text_of_a_policy_holds_no_name_and_no_value_that_the_log_must_not_hold() {
    let policy = |groups| {
        let policy = complete()
            .facet(Facet::Groups, groups)
            .facet(Facet::Prompt, Level::Full)
            .tenant("acme", |t| t.facet(Facet::Prompt, Level::Off))
            .tenants_default(|t| t);
        let redactor = Redactor::builder()
            .allow_value("help@example.org")
            .build()
            .unwrap();
        policy.redactor(redactor)
    };
    for groups in [Level::Off, Level::Digest] {
        let policy = policy(groups).build().unwrap();
        let text = policy.canonical_text();
        assert!(!text.contains("acme") && !text.contains("help@"), "{text}");
        let keys = KeyRing::from(key());
        let names = keys.pseudonyms(Field::TenantId, Some("acme"), "acme");
        assert!(text.contains(&names[0]), "{text}");
        assert!(
            policy
                .explain(&Scope::new().tenant("acme"))
                .to_string()
                .contains("acme")
        );
    }
    let full = policy(Level::Full).build().unwrap();
    assert!(full.canonical_text().contains("acme"));
}

#[test]
fn json_and_code_give_one_hash() {
    let json = PolicyLoader::json(JSON).key(key()).load().unwrap();
    assert_eq!(json.diff(&built()), [""; 0]);
    assert_eq!(json.hash(), built().hash());
}

#[cfg(feature = "toml")]
#[test]
fn toml_and_code_give_one_hash() {
    let toml = PolicyLoader::toml(TOML).key(key()).load().unwrap();
    assert_eq!(toml.diff(&built()), [""; 0]);
    assert_eq!(toml.hash(), built().hash());
}

#[test]
fn the_canonical_text_is_sorted_json_with_key_ids_and_without_keys() {
    let policy = built();
    let text = policy.canonical_text();
    // `serde_json` sorts the keys of its maps, so its own text is the sorted one.
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&value).unwrap(), text);
    assert_eq!(value["keys"], serde_json::json!(["k1"]));
    assert_eq!(value["facets"]["prompt"]["sample"], 0.25);
    assert_eq!(value["tenants"]["listed"]["acme"]["prompt"], "redacted");
    assert!(!text.contains("BwcH"), "{text}");
}

#[test]
fn the_empty_policy_has_a_text_that_never_changes() {
    assert_eq!(
        Policy::none().canonical_text(),
        r#"{"facets":{},"intent":"off","redaction":{"allow":[],"engine":"3","operators":{},"preset":"recommended"},"version":1}"#
    );
    assert_eq!(
        Policy::builder().build().unwrap().hash(),
        Policy::none().hash()
    );
}

#[test]
fn whatever_decides_what_is_captured_changes_the_hash() {
    let base = || complete().facet(Facet::Prompt, Level::Full);
    let same = base().build().unwrap();
    for (path, builder) in [
        (
            "facets.usage.level",
            base().facet(Facet::Usage, Level::Full),
        ),
        (
            "facets.prompt.max_bytes",
            base().facet(Facet::Prompt, FacetRule::new(Level::Full).max_bytes(1)),
        ),
        (
            "facets.prompt.sample",
            base().facet(Facet::Prompt, FacetRule::new(Level::Full).sample(0.5)),
        ),
        ("retention", base().retention(Retention::Days90)),
        ("intent", base().intent(Intent::Content)),
        ("keys", base().key(Key::bytes("k2", &[7; 32]).unwrap())),
        ("tenants.default", base().tenants_default(|t| t)),
        ("danger_verbatim", base().danger_verbatim(Facet::Prompt)),
        (
            "sinks.http.without",
            base().sink_without("http", [Facet::Prompt]),
        ),
        ("redaction.operators.email", base().redaction(redaction())),
    ] {
        let other = builder.build().unwrap();
        assert_ne!(other.hash(), same.hash(), "{path}");
        let diff = same.diff(&other);
        assert!(diff.iter().any(|found| found == path), "{path}: {diff:?}");
        assert_eq!(diff, other.diff(&same));
    }
}

#[test]
fn a_share_of_all_and_an_absent_share_are_one_policy() {
    let all = complete().facet(Facet::Prompt, FacetRule::new(Level::Full).sample(1.0));
    let unsaid = complete().facet(Facet::Prompt, Level::Full);
    assert_eq!(all.build().unwrap().hash(), unsaid.build().unwrap().hash());
}

#[test]
fn a_file_names_its_key_by_a_path_beside_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("policy.json");
    std::fs::write(
        &path,
        r#"{"key": {"file": "audit.key"}, "facets": {"user": "digest"}, "retention": {"default": "forever"}}"#,
    )
    .unwrap();
    let policy = Policy::from_file(&path).unwrap();
    let key_file = directory.path().join("audit.key");
    let key = Key::file(&key_file).unwrap();
    assert_eq!(policy.keys().unwrap().current().id(), key.id());

    std::fs::remove_file(&key_file).unwrap();
    let other = PolicyLoader::file(&path).key(self::key()).load().unwrap();
    assert_eq!(other.keys().unwrap().current().id(), "k1");
    assert!(
        !key_file.exists(),
        "a key from code leaves the file's unopened"
    );
}

#[test]
fn a_wrong_policy_makes_no_key_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("policy.json");
    std::fs::write(
        &path,
        r#"{"key": {"file": "audit.key"}, "facets": {"user": "digest"}}"#,
    )
    .unwrap();
    assert!(
        Policy::from_file(&path)
            .unwrap_err()
            .to_string()
            .contains("how long")
    );
    assert!(!directory.path().join("audit.key").exists());
}

#[test]
fn a_key_file_that_cannot_be_opened_is_an_error_of_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("policy.json");
    std::fs::write(&path, "{\n\"key\": {\"file\": \"absent/audit.key\"}}").unwrap();
    let error = Policy::from_file(&path).unwrap_err().to_string();
    assert!(error.contains("line 2: failed to create"), "{error}");
    assert!(error.contains("os error 2"), "{error}");
}

#[test]
fn a_redactor_made_in_code_is_in_the_hash_too() {
    let redactor = Redactor::from_settings(&redaction()).unwrap();
    let made = complete().redactor(redactor).build().unwrap();
    let set = complete().redaction(redaction()).build().unwrap();
    assert_eq!(made.hash(), set.hash());
    assert_eq!(made.redactor().settings(), set.redactor().settings());
}
