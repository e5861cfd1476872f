//! What a sink of the host's own is given: less where it was told so, and the same bytes again.
#![cfg(test)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use llm_audit::{
    Absence, Batch, Durable, Event, Facet, Key, Level, Narrowed, Operation, Policy, PolicyBuilder,
    Retention, Sink, SinkError, SinkExt, builder,
};

type Written = Arc<Mutex<Vec<Vec<u8>>>>;

/// Keeps every batch that it was given, and fails as often as it was told to.
struct Shelf {
    name: &'static str,
    failures: u32,
    written: Written,
}

#[async_trait::async_trait]
impl Sink for Shelf {
    fn name(&self) -> &str {
        self.name
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        let mut written = self.written.lock().unwrap();
        written.push(batch.json_lines().to_vec());
        if self.failures > 0 {
            self.failures -= 1;
            return Err(SinkError::retry("busy").after(Duration::from_millis(1)));
        }
        Ok(Durable::up_to(batch.last_seq()))
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }
}

fn shelf(name: &'static str, failures: u32) -> (Shelf, Written) {
    let written = Written::default();
    let shelf = Shelf {
        name,
        failures,
        written: Arc::clone(&written),
    };
    (shelf, written)
}

fn policy() -> PolicyBuilder {
    Policy::builder()
        .facet(Facet::Model, Level::Full)
        .facet(Facet::User, Level::Full)
        .facet(Facet::Prompt, Level::Full)
        .facet(Facet::ToolIo, Level::Digest)
        .key(Key::bytes("k1", &[7; 32]).unwrap())
        .retention(Retention::Days30)
}

/// Records a call in a log with `sink`, and returns what the journal holds.
fn record(policy: &PolicyBuilder, sink: impl Into<Narrowed>) -> Event {
    let dir = tempfile::tempdir().unwrap();
    let audit = builder()
        .policy(policy.clone().build().unwrap())
        .journal(dir.path())
        .sink(sink)
        .on_diagnostic(|_| {})
        .spawn()
        .unwrap();
    let mut call = audit.begin(Operation::Chat);
    call.request_model("small")
        .user_id("u-17")
        .prompt("Why is the sky blue?");
    call.tool_result("Rayleigh");
    call.finish();
    let report = audit.shutdown(Duration::from_secs(10));
    assert!(report.is_complete(), "{report}");
    interaction(common::read(dir.path()))
}

fn interaction(events: Vec<Event>) -> Event {
    let mut events = events.into_iter().filter(|event| event.kind().is_capture());
    events.next().unwrap()
}

fn delivered(written: &Written) -> Event {
    let lines = written.lock().unwrap().concat();
    let lines = lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    interaction(lines.map(|line| Event::from_json(line).unwrap()).collect())
}

#[test]
fn a_sink_gets_less_than_the_log_when_it_is_told_to() {
    let (without, written) = shelf("without", 0);
    let kept = record(&policy(), without.without([Facet::Prompt, Facet::ToolIo]));
    let event = delivered(&written);
    assert_eq!(kept.prompt().as_deref(), Some("Why is the sky blue?"));
    assert!(kept.prompt_digest().is_some() && kept.digests().is_some());
    assert_eq!(
        (event.event_id(), event.seq()),
        (kept.event_id(), kept.seq())
    );
    assert_eq!((event.prompt(), event.prompt_digest()), (None, None));
    assert!(
        event
            .digests()
            .is_none_or(|digests| !digests.contains_key("tool_result"))
    );
    assert_eq!(event.absence(Facet::Prompt), Some(Absence::Withheld));
    assert_eq!(
        (event.model(), event.user_id()),
        (Some("small"), Some("u-17"))
    );
}

#[test]
fn a_sink_gets_the_named_facets_alone_when_it_is_told_to() {
    let (only, written) = shelf("only", 0);
    record(&policy(), only.only([Facet::Model]));
    let event = delivered(&written);
    assert_eq!(
        (event.model(), event.user_id(), event.prompt()),
        (Some("small"), None, None)
    );
    assert_eq!(event.absence(Facet::User), Some(Absence::Withheld));
}

#[test]
fn the_policy_withholds_from_a_sink_by_its_name() {
    let (archive, written) = shelf("archive", 0);
    let policy = policy().sink_without("archive", [Facet::User]);
    assert_eq!(record(&policy, archive).user_id(), Some("u-17"));
    let event = delivered(&written);
    assert_eq!((event.user_id(), event.model()), (None, Some("small")));
}

/// A wrapper that knows nothing of narrowing, around a sink that takes nothing.
struct Around(Box<dyn Sink>);

#[async_trait::async_trait]
impl Sink for Around {
    fn name(&self) -> &str {
        self.0.name()
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        self.0.write(batch).await?;
        Err(SinkError::permanent("never"))
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        self.0.flush().await
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        self.0.shutdown().await
    }
}

#[test]
fn nothing_around_a_sink_widens_what_dead_letters_hold() {
    let dir = tempfile::tempdir().unwrap();
    let (archive, written) = shelf("archive", 0);
    let policy = policy().sink_without("archive", [Facet::User]);
    let around = Around(Box::new(Around(Box::new(archive))));
    let audit = builder()
        .policy(policy.build().unwrap())
        .journal(dir.path())
        .sink(around.without([Facet::Prompt]))
        .on_diagnostic(|_| {})
        .spawn()
        .unwrap();
    let mut call = audit.begin(Operation::Chat);
    call.request_model("small")
        .user_id("u-17")
        .prompt("Why is the sky blue?");
    call.finish();
    let report = audit.shutdown(Duration::from_secs(10));
    let sink = report.counters.sink("archive").unwrap();
    assert_eq!((sink.dead_lettered, sink.delivered), (1, 0), "{report}");
    let letters = std::fs::read_dir(dir.path().join("dead-letters")).unwrap();
    let letters: Vec<_> = letters
        .map(|letter| std::fs::read_to_string(letter.unwrap().path()).unwrap())
        .collect();
    let letters = letters.concat();
    assert!(letters.contains("small"), "{letters}");
    assert!(
        !letters.contains("sky") && !letters.contains("u-17"),
        "{letters}"
    );
    let event = delivered(&written);
    assert_eq!((event.user_id(), event.prompt()), (None, None));
}

#[test]
fn a_batch_that_comes_again_has_the_same_bytes() {
    for narrow in [false, true] {
        let (shelf, written) = shelf("busy", 3);
        if narrow {
            record(&policy(), shelf.without([Facet::Prompt]));
        } else {
            record(&policy(), shelf);
        }
        let written = written.lock().unwrap();
        assert!(written.len() > 3);
        assert!(written[..4].iter().all(|batch| *batch == written[0]));
    }
}

#[test]
fn what_a_sink_gets_after_a_restart_is_narrowed_too() {
    let dir = tempfile::tempdir().unwrap();
    let (down, _) = shelf("archive", u32::MAX);
    let (back, written) = shelf("archive", 0);
    let policy = policy().sink_without("archive", [Facet::User]);
    let start = |sink: Shelf| {
        builder()
            .policy(policy.clone().build().unwrap())
            .journal(dir.path())
            .sink(sink.without([Facet::Prompt]))
            .on_diagnostic(|_| {})
            .spawn()
            .unwrap()
    };
    let audit = start(down);
    let mut call = audit.begin(Operation::Chat);
    call.request_model("small")
        .user_id("u-17")
        .prompt("Why is the sky blue?");
    call.finish();
    let report = audit.shutdown(Duration::from_millis(100));
    let sink = report.counters.sink("archive").unwrap();
    assert_eq!((sink.pending, sink.lost()), (1, 0), "{report}");

    let report = start(back).shutdown(Duration::from_secs(10));
    assert!(report.is_complete(), "{report}");
    assert_eq!(report.counters.sink("archive").unwrap().inherited, 1);
    let event = delivered(&written);
    assert_eq!(event.model(), Some("small"));
    assert_eq!((event.user_id(), event.prompt()), (None, None));
}

#[cfg(feature = "testing")]
#[test]
fn a_sink_that_is_away_leaves_time_for_the_journal_and_for_other_sinks() {
    use llm_audit::testing::FaultSink;

    let temp = tempfile::tempdir().unwrap();
    let (away, there) = (FaultSink::named("away").hangs(), FaultSink::named("there"));
    let log = builder()
        .policy(policy().build().unwrap())
        .journal(temp.path())
        .sink(away)
        .sink(there.clone());
    let audit = log.spawn().unwrap();
    audit.begin(Operation::Chat).finish();
    let report = audit.shutdown(Duration::from_secs(2));
    assert_eq!(report.synced, Some(true), "{report}");
    assert!(there.is_shut_down());
    let names = std::fs::read_dir(temp.path()).unwrap().flatten();
    let locks = names.filter(|file| file.path().extension().is_some_and(|end| end == "lock"));
    assert_eq!(
        locks.count(),
        0,
        "the next start takes the writer for crashed"
    );
}
