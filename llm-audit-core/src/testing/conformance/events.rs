//! What the suite sends.

use std::collections::BTreeMap;

use crate::batch::{Batch, BatchBuilder};
use crate::catalog::Field;
use crate::event::{Document, Event, Guardrail, Kind, Message, Part, Value};
use crate::id::{EventId, WriterId};
use crate::sync::OnceLock;
use crate::timestamp::Timestamp;

/// Stands in every text that is content.
pub(super) const CONTENT: &str = "kolibradu-content";

/// A large event holds so much text: enough to need more than one buffer, one write, one packet.
const LARGE_BYTES: usize = 256 << 10;

const WRITER: WriterId = WriterId::from_bytes([
    0x01, 0x9b, 0x76, 0xda, 0xa8, 0x00, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 2,
]);

/// 2026-01-01T00:00:00Z.
const START_MICROS: i64 = 1_767_225_600_000_000;

/// Returns batches in their order: of one event and of many, with a gap as losses leave it, with a
/// large event, and with what a newer version wrote.
pub(super) fn batches() -> Vec<Batch> {
    static BATCHES: OnceLock<Vec<Batch>> = OnceLock::new();
    BATCHES.get_or_init(make).clone()
}

fn make() -> Vec<Batch> {
    let mut numbers = 1..;
    let mut next = |count: usize| numbers.by_ref().take(count).collect::<Vec<u64>>();
    let mut lists = vec![next(1), next(4)];
    // Numbers of lost events.
    drop(next(2));
    lists.extend([next(1), next(60), next(1), next(3)]);
    lists.iter().filter_map(|seqs| batch(seqs)).collect()
}

fn batch(seqs: &[u64]) -> Option<Batch> {
    let mut batch = BatchBuilder::default();
    for seq in seqs {
        let event = event(*seq);
        batch.push(*seq, event.clone(), event.to_json().as_bytes(), true);
    }
    batch.build(WRITER)
}

/// Returns the event with this number; what is in it follows from the number.
fn event(seq: u64) -> Event {
    let mut id = *WRITER.as_bytes();
    if let Some(low) = id.last_chunk_mut::<8>() {
        *low = (seq | 1 << 63).to_be_bytes();
    }
    let micros = START_MICROS + i64::try_from(seq).unwrap_or(0) * 1_000;
    let at = Timestamp::from_unix_micros(micros);
    let kind = match seq % 5 {
        0 => Kind::Feedback,
        1 => Kind::Other("of_2030".to_owned()),
        _ => Kind::Interaction,
    };
    let mut event = Event::new(kind, EventId::from_bytes(id), WRITER, at);
    event.set(Field::Seq, Value::Int(seq));
    for (field, value) in fields(seq, at) {
        event.set(field, value);
    }
    if seq.is_multiple_of(2) {
        newer(&event)
    } else {
        event
    }
}

fn fields(seq: u64, at: Timestamp) -> Vec<(Field, Value)> {
    let text = match seq {
        8 => format!("{CONTENT} ").repeat(LARGE_BYTES / (CONTENT.len() + 1)),
        _ => format!("{CONTENT} \"{seq}\" \\ \u{0}\u{1f}\u{7f}\u{2028} \r\n\t äöü 漢字 🦀"),
    };
    let parts = [
        Part::text(text.as_str()),
        Part::text(""),
        Part::reasoning(CONTENT).signature("c2ln"),
        Part::tool_call("c1", "search", &[CONTENT]),
        Part::default().r#type("of 2030").absent("withheld"),
    ];
    let message = Message::default().role("user").parts(parts);
    let map = |value: &str| BTreeMap::from([(format!("{CONTENT}-key"), value.to_owned())]);
    vec![
        (Field::Status, Value::Text("ok".to_owned())),
        (Field::StartedAt, Value::Time(at)),
        (
            Field::Absent,
            Value::TextsMap([("withheld".to_owned(), vec!["user".to_owned()])].into()),
        ),
        (Field::RequestModel, Value::Text("small".to_owned())),
        (
            Field::InputMessages,
            Value::Messages(vec![message, Message::default()]),
        ),
        (Field::InputTokens, Value::Int(i64::MAX.unsigned_abs())),
        (Field::Temperature, Value::Float(0.1 + 0.2)),
        (Field::Stream, Value::Bool(false)),
        (
            Field::Tags,
            Value::Texts(vec![CONTENT.to_owned(), String::new()]),
        ),
        (
            Field::Metadata,
            Value::JsonMap(map(r#"{"nested":[1,2.5,null]}"#)),
        ),
        (
            Field::Metrics,
            Value::Numbers([("cost".to_owned(), 1e-9)].into()),
        ),
        (
            Field::ModalityTokens,
            Value::Counts([("text.input".to_owned(), 0)].into()),
        ),
        (
            Field::ToolResult,
            Value::Json(format!(r#"{{"answer":"{CONTENT}"}}"#)),
        ),
        (
            Field::Documents,
            Value::Documents(vec![Document::default().id("d").score(0.5).text(CONTENT)]),
        ),
        (
            Field::Guardrails,
            Value::Guardrails(vec![Guardrail::default().name("g").categories(["a", "b"])]),
        ),
    ]
}

/// Returns `event` as a newer version might have written it: with members that this one does not
/// know.
fn newer(event: &Event) -> Event {
    let json = event.to_json();
    let members = r#","new_in_2030":{"deep":[1,"two",null,{"x":-0.5}]},"also_new":"text"}"#;
    let json = json
        .strip_suffix('}')
        .map(|open| format!("{open}{members}"));
    json.and_then(|json| Event::from_json(json.as_bytes()).ok())
        .unwrap_or_else(|| event.clone())
}
