use std::fs;

use super::*;

const SECRET: &str = "q8ZtW3nVx0KcR5mYb7LpD2sF";

/// What is found in a file with this content: line, path, type, count.
fn scan(content: &[u8]) -> Vec<(u64, Option<String>, String, u64)> {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("a.log");
    fs::write(&path, content).unwrap();
    let found = FileScan::open(&path, &Redactor::default()).unwrap();
    found
        .map(|found| found.unwrap())
        .map(|found| (found.line, found.path, found.data_type, found.count))
        .collect()
}

fn at(line: u64, path: &str, data_type: &str, count: u64) -> (u64, Option<String>, String, u64) {
    let path = (!path.is_empty()).then(|| path.to_owned());
    (line, path, data_type.to_owned(), count)
}

#[test]
fn names_that_may_be_content_are_not_in_a_path() {
    let line = format!(
        r#"{{"input_messages":[{{"role":"user","parts":[{{"type":"tool_call","arguments":"{{\"ada\":[\"a@example.org\",\"b@example.org\"]}}"}}]}}],"zed@example.org":1,"password":"{SECRET}","card":4111111111111111}}"#
    );
    assert_eq!(
        scan(line.as_bytes()),
        [
            at(1, "*", "credit_card", 1),
            at(1, "*", "generic_secret", 1),
            at(1, "*~", "email", 1),
            at(1, "input_messages[*].parts[*].arguments.*[*]", "email", 2),
        ]
    );
}

#[test]
fn values_in_text_and_in_damage_have_the_line_in_which_they_begin() {
    let mut content = b"one\n\xff\xfe ada@example.org\n{\"torn\": \"bob@example.org\n".to_vec();
    content.extend_from_slice(
        b"{}\n-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAx0KcR5mYb7LpD2sF\n",
    );
    content.extend_from_slice(
        b"cR5mYb7LpD2sFx0KcR5mYb7LpD2sFq8Z\n-----END RSA PRIVATE KEY-----\nlast c@example.org",
    );
    assert_eq!(
        scan(&content),
        [
            at(2, "", "email", 1),
            at(3, "", "email", 1),
            at(6, "", "private_key", 1),
            at(9, "", "email", 1),
        ]
    );
}

#[test]
fn a_long_text_is_seen_once_across_the_borders_of_its_blocks() {
    let filler = "x ".repeat(517);
    let mut content = String::new();
    for number in 0..4_000 {
        content.push_str(&format!("{filler}ada{number}@example.org\n"));
    }
    let found = scan(content.as_bytes());
    let lines: Vec<_> = found.iter().map(|(line, ..)| *line).collect();
    assert_eq!(lines, (1..=4_000).collect::<Vec<_>>());
}

#[test]
fn a_line_that_is_too_long_to_hold_is_an_error_and_what_follows_is_scanned() {
    let temp = tempfile::tempdir().unwrap();
    let mut content = vec![b'x'; (16 << 20) + 1];
    content.extend_from_slice(b"\nada@example.org\n");
    fs::write(temp.path().join("a.log"), content).unwrap();
    let found: Vec<_> = FileScan::open(temp.path(), &Redactor::default())
        .unwrap()
        .collect();
    let error = found[0].as_ref().unwrap_err();
    assert!(error.is_damaged(), "{error}");
    let expected = "`a.log`, line 1 has 16777218 bytes and was not scanned";
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(found[1].as_ref().unwrap().line, 2);
}

#[test]
fn a_directory_is_scanned_with_what_is_below_it() {
    let temp = tempfile::tempdir().unwrap();
    fs::create_dir(temp.path().join("b")).unwrap();
    fs::write(temp.path().join("b/c"), "ada@example.org").unwrap();
    fs::write(temp.path().join("a"), "ada@example.org").unwrap();
    std::os::unix::fs::symlink("a", temp.path().join("link")).unwrap();
    let found = FileScan::open(temp.path(), &Redactor::default()).unwrap();
    let files: Vec<_> = found.map(|found| found.unwrap().file).collect();
    assert_eq!(files, ["a", "b/c"]);
    let missing = FileScan::open(temp.path().join("d"), &Redactor::default());
    assert!(missing.unwrap_err().is_io());
}

#[test]
fn a_finding_and_its_json_hold_nothing_of_the_value() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("a.jsonl");
    let id = "0198d2a4-5b7c-7def-8123-456789abcdef";
    let line = format!(r#"{{"event_id":"{id}","metadata":{{"{SECRET}":"password: {SECRET}"}}}}"#);
    fs::write(&path, line).unwrap();
    let found: Vec<_> = FileScan::open(&path, &Redactor::default())
        .unwrap()
        .map(|found| found.unwrap())
        .collect();
    assert!(!found.is_empty());
    for found in found {
        assert_eq!(found.event_id.as_deref(), Some(id));
        let said = format!("{found:?} {}", serde_json::to_string(&found).unwrap());
        assert!(!said.contains(&SECRET[..8]), "{said}");
    }
}

#[test]
fn short_numbers_are_shown_to_detectors_of_ones_own() {
    struct Number;
    impl crate::redact::Detector for Number {
        fn name(&self) -> &str {
            "number"
        }
        fn data_types(&self) -> Vec<crate::redact::DataType> {
            vec![crate::redact::DataType::Person]
        }
        fn find(
            &self,
            text: &str,
            _: &crate::redact::DetectorContext<'_>,
            findings: &mut crate::redact::Findings,
        ) {
            if text == "4711" {
                findings.add(0..4, crate::redact::DataType::Person);
            }
        }
    }
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("a.log");
    fs::write(&path, r#"{"customer":4711}"#).unwrap();
    let redactor = Redactor::builder().detector(Number).build().unwrap();
    let mut found = FileScan::open(&path, &redactor).unwrap();
    assert_eq!(found.next().unwrap().unwrap().data_type, "person");
}
