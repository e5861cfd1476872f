//! What a program's own tests do with the feature `testing`.
#![cfg(test)]
#![cfg(feature = "testing")]

use std::time::Duration;

use llm_audit::redact::DataType;
use llm_audit::testing::{ManualClock, SequentialIds, probe, probe_with};
use llm_audit::{
    Absence, Audit, Facet, Field, Kind, Level, Operation, Policy, Preset, Retention, Status,
    builder,
};

fn policy() -> Policy {
    Policy::builder()
        .preset(Preset::Operations)
        .facet(Facet::Prompt, Level::Redacted)
        .facet(Facet::Feedback, Level::Full)
        .retention(Retention::Days30)
        .build()
        .unwrap()
}

/// A program: an agent that calls a model, and a person who likes the answer.
async fn answer(audit: &Audit, question: &str) -> Result<String, std::fmt::Error> {
    let mut agent = audit.begin(Operation::InvokeAgent);
    agent.agent_name("helper");
    let answer = agent
        .scope(async {
            let mut call = audit.begin(Operation::Chat);
            call.request_model("small").prompt(question).response("So.");
            tokio::task::yield_now().await;
            call.finish();
            Ok("So.".to_owned())
        })
        .await;
    let id = agent.event_id();
    let answer = agent.finish_with(answer);
    if let Some(id) = id {
        audit.feedback(id).feedback_thumb("up").record();
    }
    answer
}

#[tokio::test]
async fn a_test_of_a_program_needs_a_few_lines() {
    let (audit, probe) = probe(policy()).unwrap();
    let task = {
        let audit = audit.handle();
        tokio::spawn(async move { answer(&audit, "Does ada@example.org know?").await })
    };
    let events = probe.wait_for_async(3).await;
    assert_eq!(events.len(), 3);
    task.await.unwrap().unwrap();

    let agent = probe.kind(Kind::Interaction).remove(1).event_id();
    let feedback = probe.one_of(Kind::Feedback);
    feedback
        .field(Field::FeedbackThumb, "up")
        .field(Field::TargetEventId, agent);
    llm_audit::testing::check(&events[0])
        .operation(Operation::Chat)
        .status(Status::Ok)
        .model("small")
        .parent(&agent)
        .prompt("Does [EMAIL] know?")
        .redacted(Field::InputMessages, DataType::Email)
        .absent(Facet::Response)
        .absent_because(Facet::Response, Absence::Withheld);
}

#[test]
fn the_feature_changes_nothing_in_what_is_captured() {
    // The same events as in a journal on disk, where no part of the feature is at work.
    let say = |audit: &Audit| {
        let mut call = audit.begin(Operation::Chat);
        call.request_model("small").prompt("Why?").response("So.");
        call.finish();
    };
    let log = || {
        let log = builder().policy(policy()).clock(ManualClock::new());
        log.ids(SequentialIds::new())
    };
    let (audit, probe) = probe_with(log()).unwrap();
    say(&audit);
    let temp = tempfile::tempdir().unwrap();
    let on_disk = log().journal(temp.path()).spawn().unwrap();
    say(&on_disk);
    assert!(on_disk.shutdown(Duration::from_secs(10)).is_complete());
    let events = llm_audit::journal::Reader::open(temp.path())
        .unwrap()
        .events();
    let mut events = events
        .map(Result::unwrap)
        .filter(|event| event.kind().is_capture());
    let event = events.next().unwrap();
    let probed = probe.one();
    for info in llm_audit::schema::CATALOG {
        // Numbers, and what follows from them, count the journal's own events too.
        let counted = [Field::Seq, Field::TraceId, Field::SpanId];
        if !counted.contains(&info.field) {
            assert!(
                event.get(info.field) == probed.event().get(info.field),
                "{}",
                info.name
            );
        }
    }
}
