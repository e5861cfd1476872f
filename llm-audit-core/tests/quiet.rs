//! What somebody else's code panics with is content, and is printed nowhere.

use std::process::Command;

use llm_audit_core::redact::{DataType, Detector, DetectorContext, Findings, Redactor};

const CHILD: &str = "LLM_AUDIT_QUIET_CHILD";

struct Cuts;

impl Detector for Cuts {
    fn name(&self) -> &str {
        "cuts"
    }

    fn data_types(&self) -> Vec<DataType> {
        vec![DataType::Person]
    }

    fn find(&self, text: &str, _: &DetectorContext<'_>, findings: &mut Findings) {
        // Byte 7 stands inside a character.
        findings.add(0..text[..7].len(), DataType::Person);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the variable tells the child from the test"
)]
#[test]
fn a_panic_of_a_detector_is_told_without_its_message_and_others_as_ever() {
    if std::env::var_os(CHILD).is_some() {
        let redactor = Redactor::builder().detector(Cuts).build().unwrap();
        assert_eq!(redactor.redact_str("seven é of my raw prompt text"), "");
        panic!("the program's own");
    }
    let program = std::env::current_exe().unwrap();
    let name = "a_panic_of_a_detector_is_told_without_its_message_and_others_as_ever";
    let child = Command::new(program)
        .args(["--exact", name, "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stderr).into_owned();
    let told = "llm-audit: code that looks at content panicked at";
    assert!(said.contains(told) && said.contains("quiet.rs"), "{said}");
    assert!(
        !said.contains("raw prompt") && !said.contains("seven"),
        "{said}"
    );
    assert!(said.contains("the program's own"), "{said}");
}
