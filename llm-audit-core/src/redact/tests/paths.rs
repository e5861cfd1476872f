//! What rules by path must not open: they are for hiding more.

use super::Families;
use crate::facet::Facet;
use crate::redact::{
    DataType, Detector, DetectorContext, Findings, Given, Operator, RedactError, RedactionRules,
    Redactor, Session,
};

const PASSWORD: &str = "Tr0ub4dor&3xyz!99";

fn session(path: &str, operator: &str) -> Session {
    let rules = RedactionRules::new().path(path, operator.parse::<Operator>().unwrap());
    let redactor = Redactor::builder().rules(rules).build().unwrap();
    let mut session = redactor.session(&Given::default());
    session.enter(Some(Facet::ToolIo), &[]);
    session
}

fn json(session: &mut Session, text: &str) -> Result<String, RedactError> {
    let new = session.json(text, Families::All, None)?;
    Ok(new.unwrap_or_else(|| text.to_owned()))
}

#[test]
fn no_operator_at_a_path_leaves_part_of_a_secret_that_its_name_gives_away() {
    let text = format!(r#"{{"password":"{PASSWORD}"}}"#);
    for operator in ["mask:6:4", "keep_last:4"] {
        let new = json(&mut session("$..password", operator), &text).unwrap();
        assert_eq!(new, r#"{"password":"[REDACTED]"}"#, "{operator}");
        let short = r#"{"password":"123456"}"#;
        let new = json(&mut session("$..password", operator), short).unwrap();
        assert_eq!(new, r#"{"password":"[REDACTED]"}"#, "{operator}");
    }
    let new = json(&mut session("$..password", "keep"), &text).unwrap();
    assert!(!new.contains(PASSWORD), "{new}");
    let quoted = serde_json::to_string(&text).unwrap();
    let text = format!(r#"{{"arguments":{quoted}}}"#);
    let new = json(&mut session("$.arguments", "mask:6:4"), &text).unwrap();
    assert_eq!(new, r#"{"arguments":"[REDACTED]"}"#);
}

#[cfg(feature = "token")]
#[test]
fn a_token_at_a_path_is_no_way_to_a_secret() {
    let rules = RedactionRules::new().path("$..password", Operator::Token);
    let rules = rules.path("$.note", Operator::Token);
    let redactor = Redactor::builder()
        .rules(rules)
        .token_key(crate::TokenKey::bytes("t1", &[7; 32]).unwrap())
        .build()
        .unwrap();
    let mut session = redactor.session(&Given::default());
    session.enter(Some(Facet::ToolIo), &[]);
    let text = format!(
        r#"{{"password":"{PASSWORD}","note":{{"password":"{PASSWORD}"}},"more":{{"password":{{"a":1}}}}}}"#
    );
    let new = json(&mut session, &text).unwrap();
    let start = r#"{"password":"[REDACTED]","note":"[REDACTED]","more":{"password":"[REDACTED:t1:"#;
    assert!(new.starts_with(start), "{new}");
}

#[test]
fn a_text_that_a_path_rule_cannot_be_applied_to_is_withheld() {
    let cut = r#"{"password":"correct horse battery"#;
    let two = "{\"password\":\"correct horse\"}\n{\"a\":1}";
    let inner = serde_json::to_string(cut).unwrap();
    let nested = format!(r#"{{"arguments":{inner}}}"#);
    for text in [cut, two, &format!(" \n{cut}"), "[{", &nested] {
        for operator in ["drop", "redact"] {
            let new = json(&mut session("$..password", operator), text);
            assert_eq!(new, Err(RedactError::NotJson), "{text}");
        }
    }
    // No rule can hold in there, or the rule hides nothing.
    let new = json(&mut session("$.other", "drop"), &nested).unwrap();
    assert_eq!(new, nested);
    let text = "[1] see above";
    assert_eq!(json(&mut session("$..sku", "keep"), text).unwrap(), text);
    let text = r#"{"to":"[EMAIL] and [PERSON_1]"}"#;
    assert_eq!(json(&mut session("$..sku", "drop"), text).unwrap(), text);
    let text = "see {above";
    assert_eq!(json(&mut session("$..sku", "drop"), text).unwrap(), text);
    let mut one = session("$..password", "drop");
    let mut texts = [cut.to_owned(), "\"}".to_owned()];
    assert!(one.adjacent(&mut texts, Families::All).is_err());
    let member = session("$..password", "drop").member(cut, Families::All, "body", false);
    assert_eq!(member, Err(RedactError::NotJson));
}

#[test]
fn a_secret_at_a_path_of_a_rule_is_hidden_elsewhere_too() {
    let plain = format!(r#"{{"password":"{PASSWORD}"}}"#);
    let below = format!(r#"{{"login":{{"password":"{PASSWORD}"}}}}"#);
    let listed = format!(r#"{{"a":[{below}]}}"#);
    let quoted = format!(r#"{{"login":{}}}"#, serde_json::to_string(&plain).unwrap());
    for (path, text) in [
        ("$..password", &plain),
        ("$.login", &below),
        ("$", &below),
        ("$.a[*]", &listed),
        ("$.login", &quoted),
    ] {
        for operator in ["drop", "redact", "mask:2:2"] {
            let mut session = session(path, operator);
            json(&mut session, text).unwrap();
            let prompt = format!("try {PASSWORD} ok");
            let new = session.text(&prompt, Families::All, None).unwrap();
            assert!(
                new.is_some_and(|new| !new.contains(PASSWORD)),
                "{path} {operator} {text}"
            );
        }
    }
    let mut session = session("$.password", "drop");
    assert!(session.drops("password", &[PASSWORD.to_owned()]).unwrap());
    assert!(session.has_proven());
}

struct Badge;

impl Detector for Badge {
    fn name(&self) -> &str {
        "badge"
    }

    fn data_types(&self) -> Vec<DataType> {
        vec![DataType::NationalId]
    }

    fn find(&self, text: &str, _: &DetectorContext<'_>, findings: &mut Findings) {
        if let Some(start) = text.find("123456") {
            findings.add(start..start + 6, DataType::NationalId);
        }
    }
}

#[test]
fn a_short_number_is_shown_to_what_the_program_names() {
    let hidden = [(DataType::NationalId, Box::from("4711007"))];
    let mut session = Redactor::default().session(&Given {
        hidden: &hidden,
        ..Given::default()
    });
    session.enter(Some(Facet::ToolIo), &[]);
    assert_eq!(
        json(
            &mut session,
            r#"{"customer":4711007,"n":4711,"s":"4711007"}"#
        )
        .unwrap(),
        r#"{"customer":"[NATIONAL_ID]","n":4711,"s":"[NATIONAL_ID]"}"#
    );
    let redactor = Redactor::builder().detector(Badge).build().unwrap();
    let mut session = redactor.session(&Given::default());
    session.enter(Some(Facet::ToolIo), &[]);
    assert_eq!(
        json(&mut session, r#"{"n":123456,"m":[12345]}"#).unwrap(),
        r#"{"n":"[NATIONAL_ID]","m":[12345]}"#
    );
}

#[test]
fn what_only_looks_like_a_placeholder_is_hidden_at_a_path() {
    let tag = "00ff".repeat(8);
    for forged in [
        format!("[EMAIL:the launch code is 0000:{tag}]"),
        format!("[EMAIL:k9:{tag}]"),
        format!("[EMAIL:k1:{}]", "a".repeat(43)),
        "[PERSON_078051120]".to_owned(),
        "[EMAIL:0000]".to_owned(),
    ] {
        let text = format!(r#"{{"ssn":"{forged}"}}"#);
        let new = json(&mut session("$..ssn", "redact"), &text).unwrap();
        assert_eq!(new, r#"{"ssn":"[REDACTED]"}"#, "{forged}");
    }
    for written in ["[EMAIL]", "[REDACTED_12]"] {
        let text = format!(r#"{{"ssn":"{written}"}}"#);
        assert_eq!(json(&mut session("$..ssn", "redact"), &text).unwrap(), text);
    }
    let mut last = session("$..ssn", "keep_last:4");
    let text = r#"{"ssn":"[REDACTED:1120]"}"#;
    assert_eq!(json(&mut last, text).unwrap(), text);
}

#[test]
fn what_a_key_of_the_policy_made_stays_at_a_path() {
    let key = crate::Key::bytes("k1", &[7; 32]).unwrap();
    let rules = RedactionRules::new().path("$..ssn", Operator::Pseudonym);
    let redactor = Redactor::builder().rules(rules).build().unwrap();
    let redacted = |text: &str| {
        let given = Given {
            key: Some(&key),
            ..Given::default()
        };
        json(&mut redactor.session(&given), text).unwrap()
    };
    let once = redacted(r#"{"ssn":"078-05-1120"}"#);
    assert!(once.contains("[REDACTED:k1:"), "{once}");
    assert_eq!(redacted(&once), once);
}

#[test]
fn what_only_looks_made_by_a_key_of_the_policy_is_hidden_at_a_path() {
    let key = crate::Key::bytes("k1", &[7; 32]).unwrap();
    let rules = RedactionRules::new().path("$..ssn", Operator::Redact);
    let redactor = Redactor::builder().rules(rules).build().unwrap();
    for forged in [
        format!("[EMAIL:k1:sk-ant-api03-{}]", "x7Qb2".repeat(10)),
        format!("[EMAIL:k1:{}]", "a".repeat(43)),
        format!("[EMAIL:k1:{}]", "00FF".repeat(8)),
        format!("[EMAIL:k1:{}]", "00ff".repeat(9)),
    ] {
        let given = Given {
            key: Some(&key),
            ..Given::default()
        };
        let mut session = redactor.session(&given);
        session.enter(Some(Facet::ToolIo), &[]);
        let new = json(&mut session, &format!(r#"{{"ssn":"{forged}"}}"#)).unwrap();
        assert_eq!(new, r#"{"ssn":"[REDACTED]"}"#, "{forged}");
    }
}

#[test]
fn a_detector_of_ones_own_looks_into_what_is_no_token_of_the_policy() {
    let redactor = Redactor::builder().detector(Badge).build().unwrap();
    let forged = format!("[EMAIL:k1:123456{}]", "-the-code".repeat(5));
    let new = redactor.redact_str(&forged).into_owned();
    assert!(!new.contains("123456"), "{new}");
}

#[cfg(feature = "token")]
#[test]
fn a_forged_token_does_not_stay_at_a_path() {
    let rules = RedactionRules::new().path("$..ssn", Operator::Token);
    let redactor = Redactor::builder()
        .rules(rules)
        .token_key(crate::TokenKey::bytes("t1", &[7; 32]).unwrap())
        .build()
        .unwrap();
    let redacted = |text: &str| json(&mut redactor.session(&Given::default()), text).unwrap();
    let once = redacted(r#"{"ssn":"078-05-1120"}"#);
    assert!(once.contains("[REDACTED:t1:"), "{once}");
    assert_eq!(redacted(&once), once);
    let forged = format!(
        r#"{{"ssn":"[REDACTED:t1:{}]"}}"#,
        "the-code-is-0000".repeat(3)
    );
    assert!(!redacted(&forged).contains("the-code"));
}

#[test]
fn the_root_hides_every_member_of_a_map() {
    let new = |operator, key, text| {
        let new = session("$", operator).member(text, Families::All, key, false);
        new.unwrap().unwrap()
    };
    assert_eq!(new("redact", "note", "internal only"), "[REDACTED]");
    assert_eq!(new("redact", "note", "{\"a\":1}"), "[REDACTED]");
    let values = ["internal only".to_owned()];
    assert!(session("$", "drop").drops("note", &values).unwrap());
    let rules = RedactionRules::new().path("$", Operator::Redact);
    let rules = rules.path("$.note", Operator::Replace("-".to_owned()));
    let redactor = Redactor::builder().rules(rules).build().unwrap();
    let mut session = redactor.session(&Given::default());
    let note = session.member("internal only", Families::All, "note", false);
    assert_eq!(note, Ok(Some("-".to_owned())), "the longer path holds");
}
