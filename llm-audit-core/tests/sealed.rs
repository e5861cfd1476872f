//! What the types forbid: each program in `tests/sealed/` must not compile.

use std::time::Duration;

use llm_audit_core::{Facet, Level, Operation, Policy, Retention};

#[test]
fn what_must_not_compile_does_not() {
    trybuild::TestCases::new().compile_fail("tests/sealed/*.rs");
}

#[test]
fn debug_shows_no_content() {
    let mark = "a-very-private-remark";
    let directory = tempfile::tempdir().unwrap();
    let policy = Policy::builder()
        .facet(Facet::Prompt, Level::Full)
        .facet(Facet::User, Level::Full)
        .facet(Facet::Feedback, Level::Full)
        .retention(Retention::Days30)
        .build()
        .unwrap();
    let audit = llm_audit_core::builder()
        .policy(policy)
        .journal(directory.path())
        .spawn()
        .unwrap();
    let mut call = audit.begin(Operation::Chat);
    call.prompt(mark).user_id(mark);
    let context = call
        .context()
        .with(llm_audit_core::Fields::new().user_id(mark));
    let mut late = audit.feedback(mark);
    late.feedback_comment(mark);
    for text in [
        format!("{call:?}"),
        format!("{late:?}"),
        format!("{context:?}"),
    ] {
        assert!(!text.contains(mark), "{text}");
    }
    call.finish();
    late.record();
    audit.shutdown(Duration::from_secs(5)).is_complete();
    for event in llm_audit_core::journal::Reader::open(directory.path())
        .unwrap()
        .events()
    {
        let text = format!("{:?}", event.unwrap());
        assert!(!text.contains(mark), "{text}");
    }
}
