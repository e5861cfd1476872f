//! The sample of `docs/redaction.md` parses, does what it says, and is explained.

use super::*;
use crate::facet::Facet;
use crate::policy::PolicyLoader;

/// Returns the sample, with the rest that a policy needs.
fn sample() -> Policy {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/redaction.md");
    let page = std::fs::read_to_string(path).unwrap();
    let sample = page.split("```toml\n[redaction]\n").nth(1).unwrap();
    let sample = sample.split("```").next().unwrap();
    let text = format!(
        "version = 1\nretention.default = \"30 days\"\n[facets]\ntool_io = \"redacted\"\n[redaction]\n{sample}"
    );
    PolicyLoader::toml(&text).key(key()).load().unwrap()
}

#[test]
fn the_sample_of_the_documentation_does_what_it_says() {
    let policy = sample();
    let redactor = policy.redactor();
    for (text, expected) in [
        ("ada@example.org, ada@example.org", "[EMAIL_1], [EMAIL_1]"),
        ("bob@example.org, ada@example.org", "[EMAIL_1], [EMAIL_2]"),
        ("card 4111 1111 1111 1111", "card [CREDIT_CARD:1111]"),
        ("support@example.org", "support@example.org"),
        ("demo-7@example.org", "demo-7@example.org"),
        ("EMP-123456", "[EMPLOYEE_ID_1]"),
        ("deploy with dk-abcdefgh", "deploy with [DEPLOY_KEY]"),
        ("that is dk-abcdefgh", "that is dk-abcdefgh"),
    ] {
        assert_eq!(redactor.redact_str(text), expected);
    }
    let json = r#"{"a":{"password":"x","b":1},"sku":"ada@example.org","user":{"ssn":"unknown"}}"#;
    assert_eq!(
        redactor.redact_json(None, json),
        r#"{"a":{"b":1},"sku":"ada@example.org","user":{"ssn":"unknown"}}"#
    );
    assert_eq!(
        redactor.redact_json(Facet::ToolIo, json),
        r#"{"a":{"b":1},"sku":"ada@example.org","user":{"ssn":"[REDACTED]"}}"#
    );
}

#[test]
fn rules_of_redaction_are_explained_without_values() {
    let policy = sample();
    let explanation = policy.explain(&Scope::new());
    let entries = explanation.redaction();
    for (entry, rule) in [
        ("preset", "recommended"),
        ("operators.pii", "numbered"),
        ("operators.credit_card", "keep_last:4"),
        ("paths.\"$..password\"", "drop"),
        ("facets.tool_io.paths.\"$.user.ssn\"", "redact"),
        ("allow", "1 values"),
        ("patterns.deploy_key", "deploy_key (secret)"),
        ("max_bytes", "33554432"),
        ("max_time_ms", "5000"),
    ] {
        assert!(
            entries.contains(&(entry.to_owned(), rule.to_owned())),
            "{entry}: {entries:?}"
        );
    }
    let shown = explanation.to_string();
    for value in ["support@", "demo-", "EMP-", "dk-"] {
        assert!(!shown.contains(value), "{shown}");
    }
    let mut settings = RedactionSettings::default();
    let replaced = "replace:Ada Lovelace".to_owned();
    settings.operators.insert("person".to_owned(), replaced);
    let policy = complete().redaction(settings).build().unwrap();
    let shown = policy.explain(&Scope::new()).to_string();
    assert!(
        shown.contains("operators.person") && !shown.contains("Ada"),
        "{shown}"
    );
}
