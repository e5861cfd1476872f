//! Operators by facet, path, type and family, and that what they write comes to rest.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Families;
use crate::facet::Facet;
use crate::key::Key;
use crate::redact::{
    Confidence, DataType, Family, Given, Operator, RedactError, RedactionRules, RedactionSettings,
    Redactor, RedactorBuilder,
};

fn built(builder: RedactorBuilder) -> Redactor {
    builder.build().unwrap()
}

/// Redacts JSON of a facet as an event has it, with a key.
fn redacted(redactor: &Redactor, facet: Facet, text: &str) -> String {
    tried(redactor, facet, text).unwrap()
}

fn tried(redactor: &Redactor, facet: Facet, text: &str) -> Result<String, RedactError> {
    let key = Key::bytes("k1", &[7; 32]).unwrap();
    let mut session = redactor.session(&Given {
        key: Some(&key),
        tenant: "acme",
        ..Given::default()
    });
    session.enter(Some(facet), &[]);
    let new = session.json(text, Families::All, None)?;
    Ok(new.unwrap_or_else(|| text.to_owned()))
}

/// The operators that write what stands for a value.
fn writers() -> Vec<Operator> {
    #[allow(unused_mut, reason = "without feature `token` there is one less")]
    let mut words = vec![
        "redact",
        "numbered",
        "pseudonym",
        "keep_last:4",
        "mask:6:4",
        "replace:***",
    ];
    #[cfg(feature = "token")]
    words.push("token");
    words
        .into_iter()
        .map(|word| word.parse().unwrap())
        .collect()
}

fn with_token_key(builder: RedactorBuilder) -> RedactorBuilder {
    #[cfg(feature = "token")]
    let builder = builder.token_key(crate::TokenKey::bytes("t1", &[9; 32]).unwrap());
    builder
}

#[test]
fn what_an_operator_wrote_is_not_redacted_again() {
    let text = json!({
        "mail": "ada@example.org and bob@example.org, a@b.example.org",
        "card": "4111 1111 1111 1111", "call": "+49 151 23456789", "n": 4111111111111111_u64,
        "password": "hunter2!x", "headers": ["Authorization: Bearer abcdefghijklmnop1234567890"],
        "url": "postgres://app:hunter2!x@db/x", "by_path": {"a": "anything", "b": 7},
    });
    let text = text.to_string();
    for operator in writers() {
        let builder = Redactor::builder()
            .operator(Family::Pii, operator.clone())
            .danger_operator(Family::Secret, operator.clone())
            .path("$.by_path.*".replace(".*", "[*]"), operator.clone());
        let redactor = built(with_token_key(builder));
        let once = redacted(&redactor, Facet::ToolIo, &text);
        assert_eq!(
            redacted(&redactor, Facet::ToolIo, &once),
            once,
            "{operator}"
        );
        for value in [
            "ada@example",
            "4111 1111 1111 1111",
            "hunter2",
            "anything",
            "151 23456",
        ] {
            assert!(!once.contains(value), "{operator}: {once}");
        }
    }
}

#[test]
fn a_path_stands_over_a_type_a_type_over_a_family_and_a_facets_rule_over_that_for_all() {
    let replace = |word: &str| Operator::Replace(word.to_owned());
    let family = |rules: RedactionRules, word| rules.operator(Family::Pii, replace(word));
    let of_type = |rules: RedactionRules, word| rules.operator(DataType::Email, replace(word));
    let path = |rules: RedactionRules, word| rules.path("$.to", replace(word));
    type Set<'s> = &'s dyn Fn(RedactionRules, &'static str) -> RedactionRules;
    let (family, of_type, path): (Set<'_>, Set<'_>, Set<'_>) = (&family, &of_type, &path);
    let none: Set<'_> = &|rules, _| rules;
    // What is set for all facets, what for this one, and which of them holds.
    let table: &[(&[Set<'_>], &[Set<'_>], &str)] = &[
        (&[], &[], "[EMAIL]"),
        (&[family], &[], "all"),
        (&[family, of_type], &[], "all"),
        (&[family], &[family], "own"),
        (&[of_type], &[family], "all"),
        (&[family], &[of_type], "own"),
        (&[of_type], &[of_type], "own"),
        (&[path], &[of_type, family], "all"),
        (&[of_type, family], &[path], "own"),
        (&[path], &[path], "own"),
        (&[none], &[family], "own"),
    ];
    for (row, (all, own, expected)) in table.iter().enumerate() {
        let rules = |sets: &[Set<'_>], word| {
            sets.iter()
                .fold(RedactionRules::new(), |rules, set| set(rules, word))
        };
        let builder = Redactor::builder().facet(Facet::ToolIo, rules(own, "own"));
        let redactor = built(builder.rules(rules(all, "all")));
        let text = r#"{"to":"ada@example.org"}"#;
        let new = redacted(&redactor, Facet::ToolIo, text);
        assert_eq!(new, format!(r#"{{"to":"{expected}"}}"#), "row {row}");
        let other = redacted(&redactor, Facet::Prompt, text);
        assert!(!other.contains("own"), "row {row}: {other}");
    }
}

#[test]
fn rules_by_path_hide_whole_values_and_drop_takes_members_out() {
    let rules = RedactionRules::new()
        .path("$..password", Operator::Drop)
        .path("$.user.ssn", Operator::Redact)
        .path("$.ids[*]", Operator::Numbered)
        .path("$.note", Operator::KeepLast(2))
        .path("$.box", Operator::KeepLast(2))
        .allow_path("$.sku");
    let redactor = built(Redactor::builder().facet(Facet::ToolIo, rules));
    for (text, expected) in [
        (r#"{"Pass_Word":1,"a":2}"#, r#"{"a":2}"#),
        (r#"{"a":2 , "password":{"x":[1]} }"#, r#"{"a":2 }"#),
        (
            r#"{"a":[{"password":"x"},{"b":1,"password":"x","c":2}]}"#,
            r#"{"a":[{},{"b":1,"c":2}]}"#,
        ),
        (r#"{"password":1,"pass-word":2}"#, r#"{}"#),
        (
            r#"{"user":{"ssn":1,"other":true}}"#,
            r#"{"user":{"ssn":"[REDACTED]","other":true}}"#,
        ),
        (
            r#"{"user":{"ssn":{"deep":[1,2]}}}"#,
            r#"{"user":{"ssn":"[REDACTED]"}}"#,
        ),
        (r#"{"user":{"ssn":null}}"#, r#"{"user":{"ssn":null}}"#),
        (
            r#"{"ids":["x","y","x"]}"#,
            r#"{"ids":["[REDACTED_1]","[REDACTED_2]","[REDACTED_1]"]}"#,
        ),
        (r#"{"note":"abcdef"}"#, r#"{"note":"[REDACTED:ef]"}"#),
        (
            r#"{"note":"postgres://a:hunter2@db/x"}"#,
            r#"{"note":"[REDACTED]"}"#,
        ),
        (r#"{"box":{"a":"abcdef"}}"#, r#"{"box":"[REDACTED]"}"#),
        (
            r#"{"sku":"4111111111111111","x":"4111111111111111"}"#,
            r#"{"sku":"4111111111111111","x":"[CREDIT_CARD]"}"#,
        ),
        (
            r#"{"sku":"postgres://a:hunter2@db/x"}"#,
            r#"{"sku":"postgres://a:[URL_CREDENTIALS]@db/x"}"#,
        ),
        (
            r#"{"in":"{\"user\":1,\"password\":2}"}"#,
            r#"{"in":"{\"user\":1}"}"#,
        ),
    ] {
        assert_eq!(redacted(&redactor, Facet::ToolIo, text), expected);
        assert_eq!(
            redacted(&redactor, Facet::ToolIo, expected),
            expected,
            "twice"
        );
    }
    let elsewhere = r#"{"ids":["x"],"note":"abcdef"}"#;
    assert_eq!(redacted(&redactor, Facet::Prompt, elsewhere), elsewhere);
}

#[test]
fn personal_data_below_the_least_confidence_stays_and_secrets_do_not() {
    let redactor = built(Redactor::builder().min_confidence(Confidence::Valid));
    let text = "MAC 00:1a:2b:3c:4d:5e, card 4111 1111 1111 1111, password=hunter2!x";
    let new = redactor.redact_str(text);
    assert_eq!(
        new,
        "MAC 00:1a:2b:3c:4d:5e, card [CREDIT_CARD], password=[GENERIC_SECRET]"
    );
}

#[cfg(feature = "regex")]
#[test]
fn an_allowed_pattern_counts_for_whole_values_and_lets_no_secret_through() {
    let redactor = built(
        Redactor::builder()
            .allow_regex(r"support@.*")
            .allow_regex("hunter.*"),
    );
    let text = "support@example.org, xsupport@example.org, password=hunter2!x";
    let new = redactor.redact_str(text);
    assert_eq!(
        new,
        "support@example.org, [EMAIL], password=[GENERIC_SECRET]"
    );
    let error = Redactor::builder().allow_regex("(").build().unwrap_err();
    assert!(
        error.to_string().starts_with("redaction.allow_regex:"),
        "{error}"
    );
}

#[test]
fn settings_say_all_that_a_builder_was_told() {
    let rules = RedactionRules::new()
        .operator(DataType::Email, Operator::Numbered)
        .path("$..a", Operator::Drop)
        .allow_path("$.b")
        .min_confidence(Confidence::Prefix);
    let builder = Redactor::builder()
        .facet(Facet::ToolIo, rules)
        .path("$.x", Operator::Redact)
        .max_bytes(1_000)
        .max_time(std::time::Duration::from_millis(20));
    #[cfg(feature = "regex")]
    let builder = builder.allow_regex("a+").pattern(
        crate::redact::Pattern::new("order", "o[0-9]+")
            .unwrap()
            .context(["order"]),
    );
    let settings = built(builder).settings();
    assert_eq!(
        Redactor::from_settings(&settings).unwrap().settings(),
        settings
    );
    assert_eq!(
        settings.facets[&Facet::ToolIo].operators["email"],
        "numbered"
    );
    assert_eq!(
        (settings.max_bytes, settings.max_time_ms),
        (Some(1_000), Some(20))
    );
}

#[test]
fn every_fault_names_its_entry() {
    let fault = |change: &dyn Fn(&mut RedactionSettings)| {
        let mut settings = RedactionSettings::default();
        change(&mut settings);
        Redactor::from_settings(&settings).unwrap_err().to_string()
    };
    let entry = |key: &str, word: &str| (key.to_owned(), word.to_owned());
    let in_facet = |settings: &mut RedactionSettings, path: &str, word: &str| {
        let rules = settings.facets.entry(Facet::ToolIo).or_default();
        rules.paths.extend([entry(path, word)]);
    };
    for (error, begins, says) in [
        (
            fault(&|s| s.paths.extend([entry("user", "drop")])),
            "redaction.paths.user:",
            "`$.user.ssn`",
        ),
        (
            fault(&|s| s.paths.extend([entry("$.a", "hash")])),
            "redaction.paths.$.a:",
            "pseudonym",
        ),
        (
            fault(&|s| in_facet(s, "$.", "drop")),
            "redaction.facets.tool_io.paths.$.:",
            "`$..password`",
        ),
        (
            fault(&|s| s.allow_paths.push("x".into())),
            "redaction.allow_paths:",
            "`$.user.ssn`",
        ),
        (
            fault(&|s| s.max_bytes = Some(0)),
            "redaction.max_bytes:",
            "at least 1",
        ),
        (
            fault(&|s| s.max_time_ms = Some(0)),
            "redaction.max_time_ms:",
            "at least 1",
        ),
        (
            fault(&|s| s.operators.extend([entry("email", "token")])),
            "redaction.operators:",
            "token",
        ),
        (
            fault(&|s| s.operators.extend([entry("jwt", "token")])),
            "redaction.operators.jwt:",
            "danger_operator",
        ),
    ] {
        assert!(error.starts_with(begins) && error.contains(says), "{error}");
    }
}

/// JSON whose members have names that rules know.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        Just(Value::from("ada@example.org")),
        Just(Value::from("{\"a\":1,\"c\":[\"ada@example.org\"]}")),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-f]", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn has_member(value: &Value, name: &str) -> bool {
    match value {
        Value::Object(map) => map.contains_key(name) || map.values().any(|v| has_member(v, name)),
        Value::Array(items) => items.iter().any(|item| has_member(item, name)),
        Value::String(text) => serde_json::from_str::<Value>(text)
            .is_ok_and(|inner| !inner.is_string() && has_member(&inner, name)),
        _ => false,
    }
}

/// Returns whether a string in `value` begins as JSON does and is none.
fn has_cut(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.values().any(has_cut),
        Value::Array(items) => items.iter().any(has_cut),
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
            serde_json::from_str::<Value>(text).map_or(true, |inner| has_cut(&inner))
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn rules_by_path_leave_json_that_parses_and_holds_no_dropped_member(value in document(), pretty: bool) {
        let rules = RedactionRules::new()
            .path("$..a", Operator::Drop)
            .path("$..b", Operator::Redact)
            .path("$.c[*]", Operator::Drop)
            .path("$[*].d", Operator::Numbered)
            .allow_path("$..e");
        let redactor = built(Redactor::builder().facet(Facet::ToolIo, rules));
        let text = match pretty {
            true => serde_json::to_string_pretty(&value).unwrap(),
            false => value.to_string(),
        };
        let new = match tried(&redactor, Facet::ToolIo, &text) {
            Ok(new) => new,
            Err(error) => {
                prop_assert!(error == RedactError::NotJson && has_cut(&value), "{text}");
                return Ok(());
            }
        };
        let parsed = serde_json::from_str::<Value>(&new);
        prop_assert!(parsed.is_ok(), "{}", new);
        prop_assert!(!has_member(&parsed.unwrap(), "a"), "{}", new);
        prop_assert_eq!(&redacted(&redactor, Facet::ToolIo, &new), &new);
    }
}
