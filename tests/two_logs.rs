//! Two logs with two policies live side by side in one process.
#![cfg(test)]

mod common;

use std::path::Path;
use std::thread;
use std::time::Duration;

use llm_audit::{
    Absence, Audit, AuditGuard, Context, Event, Facet, Fields, Level, Operation, Policy, Preset,
    Retention, builder,
};

fn spawn(dir: &Path, policy: Policy) -> AuditGuard {
    builder().policy(policy).journal(dir).spawn().unwrap()
}

fn content() -> Policy {
    Policy::builder()
        .facet(Facet::Prompt, Level::Full)
        .facet(Facet::User, Level::Full)
        .retention(Retention::Days30)
        .build()
        .unwrap()
}

fn ask(audit: &Audit, question: &str) {
    let mut call = audit.begin(Operation::Chat);
    call.request_model("small").prompt(question);
    call.finish();
}

fn interactions(dir: &Path, audit: &Audit) -> Vec<Event> {
    let report = audit.shutdown(Duration::from_secs(10));
    assert!(report.is_complete(), "{report}");
    let mut events = common::read(dir);
    events.retain(|event| event.kind().is_capture());
    events
}

#[test]
fn each_log_keeps_what_its_own_policy_allows() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let operations = spawn(dirs[0].path(), Policy::preset(Preset::Operations).unwrap());
    let conversations = spawn(dirs[1].path(), content());
    thread::scope(|scope| {
        for audit in [&operations, &conversations] {
            scope.spawn(move || {
                let context = Context::current().with(Fields::new().user_id("ada"));
                context.enter(|| (0..200).for_each(|number| ask(audit, &number.to_string())));
            });
        }
    });
    let [first, second] = [
        interactions(dirs[0].path(), &operations),
        interactions(dirs[1].path(), &conversations),
    ];
    assert_eq!((first.len(), second.len()), (200, 200));
    for event in &first {
        assert_eq!(
            (event.request_model(), event.prompt()),
            (Some("small"), None)
        );
        assert_eq!(event.absence(Facet::User), Some(Absence::Withheld));
    }
    for (number, event) in second.iter().enumerate() {
        assert_eq!(
            (event.request_model(), event.prompt()),
            (None, Some(number.to_string()))
        );
        assert_eq!(event.user_id(), Some("ada"));
        assert_ne!(event.writer_id(), first[0].writer_id());
    }
}

#[test]
fn a_log_that_is_off_stays_off_beside_one_that_is_on() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let off = spawn(dirs[0].path(), Policy::none());
    let on = spawn(dirs[1].path(), content());
    ask(&off, "a");
    ask(&on, "b");
    assert!(interactions(dirs[0].path(), &off).is_empty());
    // And the end of one is not the end of the other.
    ask(&on, "c");
    assert_eq!(interactions(dirs[1].path(), &on).len(), 2);
}

#[test]
fn two_logs_in_one_directory_do_not_mix() {
    let dir = tempfile::tempdir().unwrap();
    let [first, second] = [spawn(dir.path(), content()), spawn(dir.path(), content())];
    thread::scope(|scope| {
        for (audit, word) in [(&first, "first"), (&second, "second")] {
            scope.spawn(move || (0..200).for_each(|_| ask(audit, word)));
        }
    });
    assert!(first.shutdown(Duration::from_secs(10)).is_complete());
    let events = interactions(dir.path(), &second);
    for (audit, word) in [(&first, "first"), (&second, "second")] {
        let own = events
            .iter()
            .filter(|event| event.writer_id() == audit.writer_id());
        let own: Vec<_> = own.collect();
        assert_eq!(own.len(), 200);
        assert!(
            own.iter()
                .all(|event| event.prompt().as_deref() == Some(word))
        );
        assert!(own.is_sorted_by_key(|event| event.seq()));
    }
}
