//! Every field of the catalogue reaches the log: none is promised that nothing sets.
#![cfg(test)]

mod common;
#[path = "../examples/every_field/fields/mod.rs"]
mod fields;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use llm_audit::schema::CATALOG;
use llm_audit::{
    Batch, Clock, Durable, Event, Facet, FacetRule, Field, Hold, Key, Kind, Level, Operation,
    Policy, Preset, Retention, Sink, SinkError, Timestamp, builder,
};

const LONG: Duration = Duration::from_secs(10);
const DAY: i64 = 86_400_000_000;

fn present(events: &[Event]) -> BTreeSet<Field> {
    let mut fields = BTreeSet::new();
    for event in events {
        event.visit(&mut |field, _| {
            fields.insert(field);
        });
    }
    fields
}

fn names(fields: impl Iterator<Item = Field>) -> Vec<&'static str> {
    fields.map(Field::name).collect()
}

fn everything(dir: &Path) -> Vec<Event> {
    let audit = builder()
        .policy(fields::policy().unwrap())
        .journal(dir)
        .spawn()
        .unwrap();
    let mut call = audit.begin(Operation::Chat);
    fields::set(&mut call);
    call.finish();
    assert!(audit.shutdown(LONG).is_complete());
    common::read(dir)
}

#[test]
fn the_example_sets_every_field_of_a_host() {
    let temp = tempfile::tempdir().unwrap();
    let mut events = everything(temp.path());
    events.retain(|event| *event.kind() == Kind::Interaction);
    let found = present(&events);
    let host = CATALOG
        .iter()
        .filter(|info| info.host)
        .map(|info| info.field);
    let missing = names(host.filter(|field| !found.contains(field)));
    assert!(
        missing.is_empty(),
        "examples/every_field does not set {missing:?}"
    );
}

#[test]
fn every_field_of_the_log_itself_appears_somewhere() {
    let temp = tempfile::tempdir().unwrap();
    let mut events = everything(temp.path());
    events.extend(narrowed(&temp.path().join("narrowed")));
    events.extend(lost(&temp.path().join("lost")));
    events.extend(expired(&temp.path().join("expired")));
    events.extend(kept(&temp.path().join("kept")));
    let found = present(&events);
    let own = CATALOG
        .iter()
        .filter(|info| !info.host)
        .map(|info| info.field);
    let missing = names(own.filter(|field| !found.contains(field)));
    assert!(missing.is_empty(), "no event has {missing:?}");
}

/// Events of which policies left something out, two starts, and a change in between.
fn narrowed(dir: &Path) -> Vec<Event> {
    let policy = |max_bytes| {
        Policy::builder()
            .preset(Preset::Compliance)
            .facet(
                Facet::Prompt,
                FacetRule::new(Level::Redacted).max_bytes(max_bytes),
            )
            .facet(Facet::Response, FacetRule::new(Level::Redacted).sample(0.5))
            .facet(Facet::ToolIo, Level::Digest)
            .classification_order(["public", "internal"])
            .retention(Retention::Days30)
            .key(Key::bytes("k1", &[7; 32]).unwrap())
            .approved_by("privacy board")
            .reason("pilot")
            .build()
            .unwrap()
    };
    for _ in 0..2 {
        let audit = builder().policy(policy(64)).journal(dir).spawn().unwrap();
        let mut call = audit.begin(Operation::Chat);
        call.prompt(format!("{} and ada@example.org", "why".repeat(100)))
            .response("So.");
        call.tool_result("7").classification_file("internal");
        call.finish();
        audit
            .replace_policy(policy(32), "admin", "less is enough")
            .unwrap();
        assert!(audit.shutdown(LONG).is_complete());
    }
    common::read(dir)
}

/// A log of which a sink turned an event away.
fn lost(dir: &Path) -> Vec<Event> {
    #[derive(Debug)]
    struct Refuser;

    #[async_trait::async_trait]
    impl Sink for Refuser {
        fn name(&self) -> &str {
            "refuser"
        }

        async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
            Err(SinkError::reject(batch.seqs().iter().copied(), "no room"))
        }

        async fn flush(&mut self) -> Result<Durable, SinkError> {
            Ok(Durable::UNCHANGED)
        }

        async fn shutdown(&mut self) -> Result<Durable, SinkError> {
            Ok(Durable::UNCHANGED)
        }
    }

    let policy = Policy::preset(Preset::Operations).unwrap();
    let hook = |_: &llm_audit::Diagnostic| {};
    let builder = builder()
        .policy(policy)
        .journal(dir)
        .sink(Refuser)
        .on_diagnostic(hook);
    let audit = builder.spawn().unwrap();
    audit.begin(Operation::Chat).finish();
    assert!(!audit.flush(LONG).is_complete());
    assert!(!audit.shutdown(LONG).is_complete());
    common::read(dir)
}

#[derive(Debug)]
struct At(i64, Mutex<Duration>);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.0)
    }

    fn monotonic(&self) -> Duration {
        let mut now = self.1.lock().unwrap();
        *now += Duration::from_millis(1);
        *now
    }
}

/// A log whose first segments are past their retention at the second start.
fn expired(dir: &Path) -> Vec<Event> {
    for day in [20_000, 20_100] {
        let policy = Policy::builder()
            .preset(Preset::Operations)
            .retention(Retention::Days30)
            .build()
            .unwrap();
        let clock = At(day * DAY, Mutex::default());
        let audit = builder()
            .policy(policy)
            .journal(dir)
            .clock(clock)
            .spawn()
            .unwrap();
        audit.begin(Operation::Chat).finish();
        // The second start finds itself months later, and says that this is no broken clock.
        audit.confirm_clock();
        assert!(audit.run_retention(LONG).settled);
        assert!(audit.shutdown(LONG).settled);
    }
    common::read(dir)
}

/// A log that loses its prompts at the second start, but for what a hold keeps.
fn kept(dir: &Path) -> Vec<Event> {
    for day in [20_000, 20_100] {
        let policy = Policy::builder()
            .facet(Facet::Prompt, Level::Full)
            .facet(Facet::Session, Level::Full)
            .retention(Retention::Forever)
            .retain(Facet::Prompt, Retention::Days30)
            .build()
            .unwrap();
        let log = builder().policy(policy).journal(dir);
        let audit = log.clock(At(day * DAY, Mutex::default())).spawn().unwrap();
        let mut call = audit.begin(Operation::Chat);
        call.session_id("s-1").prompt("Is it there?");
        call.finish();
        if day == 20_000 {
            let hold = Hold::session("matter 7", "s-2");
            audit.hold(hold, "legal", "a complaint").unwrap();
        }
        audit.confirm_clock();
        assert!(audit.run_retention(LONG).settled);
        assert!(audit.shutdown(LONG).settled);
    }
    common::read(dir)
}
