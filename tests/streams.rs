//! A streamed answer is recorded with when it came, what came, and redacted as a whole.
#![cfg(test)]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use llm_audit::{
    Absence, Clock, Event, Facet, Interaction, Level, Operation, Policy, Preset, Retention, Status,
    SystemClock, Timestamp, Usage, builder, journal::JournalConfig,
};

/// The real time, and as much more as a test lets pass.
#[derive(Clone, Debug, Default)]
struct Shifted {
    real: Arc<SystemClock>,
    more: Arc<Mutex<Duration>>,
}

impl Shifted {
    fn pass(&self, time: Duration) {
        *self.more.lock().unwrap() += time;
    }
}

impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        let more = self.more.lock().unwrap().as_micros();
        let more = i64::try_from(more).unwrap();
        Timestamp::from_unix_micros(self.real.now().as_unix_micros() + more)
    }

    fn monotonic(&self) -> Duration {
        self.real.monotonic() + *self.more.lock().unwrap()
    }
}

/// Returns the one event that `stream` makes of a call under a policy that redacts text.
fn recorded(stream: impl FnOnce(Interaction, &Shifted)) -> Event {
    let dir = tempfile::tempdir().unwrap();
    let policy = Policy::builder()
        .preset(Preset::Operations)
        .facet(Facet::Response, Level::Redacted)
        .facet(Facet::Reasoning, Level::Redacted)
        .facet(Facet::ToolIo, Level::Redacted)
        .retention(Retention::Days30)
        .build()
        .unwrap();
    let config = JournalConfig::keep(dir.path(), Retention::Days30).max_event_bytes(64 << 10);
    let clock = Shifted::default();
    let audit = builder()
        .policy(policy)
        .journal_with(config)
        .clock(clock.clone())
        .spawn()
        .unwrap();
    stream(audit.begin(Operation::Chat), &clock);
    let report = audit.shutdown(Duration::from_secs(30));
    assert!(report.is_complete(), "{report}");
    let mut events = common::read(dir.path());
    events.retain(|event| event.kind().is_capture());
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

#[test]
fn a_stream_tells_when_its_chunks_came() {
    let event = recorded(|mut call, clock| {
        clock.pass(Duration::from_secs(5));
        call.sent();
        clock.pass(Duration::from_secs(2));
        call.chunk("0 ");
        for number in 1..=20 {
            let pause = if number <= 18 { 10 } else { 3_000 };
            clock.pass(Duration::from_millis(pause));
            call.chunk(&format!("{number} "));
        }
        call.empty_chunk();
        call.finish();
    });
    assert_eq!(event.chunk_count(), Some(22));
    // Machines are slow at times, never fast: what was let pass is the least.
    let first = event.time_to_first_chunk_us().unwrap();
    assert!((2_000_000..5_000_000).contains(&first), "{first}");
    let (p50, p95) = (event.inter_chunk_p50_us(), event.inter_chunk_p95_us());
    assert!((10_000..2_000_000).contains(&p50.unwrap()), "{p50:?}");
    assert!(p95.unwrap() >= 3_000_000, "{p95:?}");
    assert!(event.latency_us().unwrap() >= 13_180_000);
    assert!(event.sent_at() < event.first_chunk_at());
    assert!(event.first_chunk_at() < event.last_chunk_at());
    assert!(event.last_chunk_at() <= event.response_at());
}

#[test]
fn a_stream_that_is_dropped_keeps_what_came() {
    let event = recorded(|mut call, _| {
        call.on_drop(Status::Cancelled).sent();
        call.chunk("Because air ").chunk("scatters");
        call.usage(Usage::openai(6, 3).partial());
    });
    assert_eq!(event.status(), Some(Status::Cancelled));
    assert_eq!(event.response().as_deref(), Some("Because air scatters"));
    assert_eq!(
        (event.output_tokens(), event.usage_source()),
        (Some(3), Some("partial"))
    );
    assert!(event.first_chunk_at().is_some() && event.time_to_first_chunk_us().is_some());
    assert_eq!(event.response_at(), None);
}

#[test]
fn a_value_that_comes_in_two_chunks_is_redacted() {
    let event = recorded(|mut call, _| {
        call.chunk("Write to ada@exam")
            .chunk("ple.org, ")
            .chunk("please.");
        call.reasoning_chunk("She is ada@")
            .reasoning_chunk("example.org.");
        call.finish();
    });
    assert_eq!(
        event.response().as_deref(),
        Some("Write to [EMAIL], please.")
    );
    let json = event.to_json();
    assert!(
        !json.contains("ada@") && !json.contains("example.org"),
        "{json}"
    );
    assert_eq!(event.absence(Facet::Response), Some(Absence::Redacted));
}

#[test]
fn choices_and_parts_of_a_stream_keep_their_order() {
    let event = recorded(|mut call, _| {
        call.reasoning_chunk("Let me ").reasoning_chunk("look.");
        call.chunk("One ").chunk_of(1, "Other").chunk("moment.");
        call.tool_call("call-1", "search", &["moons"]);
        call.finish();
    });
    let choices = event.output_messages().unwrap();
    let parts = |choice: usize| {
        let parts = choices[choice].parts.as_ref().unwrap();
        let parts = parts.iter();
        parts
            .map(|part| (part.r#type.as_deref().unwrap(), part.content.as_deref()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        parts(0),
        [
            ("reasoning", Some("Let me look.")),
            ("text", Some("One moment.")),
            ("tool_call", None)
        ]
    );
    assert_eq!(parts(1), [("text", Some("Other"))]);
}

#[test]
fn a_stream_larger_than_an_event_is_cut_and_says_so() {
    let event = recorded(|mut call, _| {
        call.request_model("small");
        for _ in 0..200 {
            call.chunk(&"word ".repeat(200));
        }
        call.finish();
    });
    assert_eq!(event.chunk_count(), Some(200));
    assert_eq!(event.request_model(), Some("small"));
    assert_eq!(event.absence(Facet::Response), Some(Absence::Truncated));
    assert!(event.response().unwrap().starts_with("word "));
    assert!(event.to_json().len() <= 64 << 10);
}

#[test]
fn nothing_comes_after_the_place_where_a_stream_was_cut() {
    let event = recorded(|mut call, _| {
        call.chunk(&"a".repeat(60 << 10));
        call.chunk(&"b".repeat(10 << 10));
        call.chunk("c");
        call.finish();
    });
    let kept = event.response().unwrap();
    assert!(kept.bytes().all(|byte| byte == b'a'));
    let cut = &event.truncations().unwrap()[0];
    assert_eq!(cut.bytes, Some((70 << 10) + 1));
    assert_eq!(event.absence(Facet::Response), Some(Absence::Truncated));
}

#[test]
fn what_is_said_between_chunks_is_of_the_same_choice() {
    let event = recorded(|mut call, _| {
        call.chunk("Let me ");
        call.reasoning("Hm.").chunk("look. ");
        call.response("So.");
        call.finish();
    });
    let choices = event.output_messages().unwrap();
    assert_eq!(choices.len(), 1, "{choices:?}");
    let parts = choices[0].parts.iter().flatten();
    let parts: Vec<_> = parts
        .map(|part| (part.r#type.as_deref(), part.content.as_deref()))
        .collect();
    let expected = [
        ("text", "Let me "),
        ("reasoning", "Hm."),
        ("text", "look. So."),
    ];
    assert_eq!(parts, expected.map(|(kind, text)| (Some(kind), Some(text))));
}
