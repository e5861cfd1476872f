//! Events that were written by each version of the schema are read and written as they were.

use std::collections::BTreeSet;

use llm_audit_core::schema::{self, CATALOG, Record, ValueRef};
use llm_audit_core::{Event, Kind};

/// The events of each version, the oldest first. A released file never changes, save that a field
/// or column that is added to a version is added to its file.
const GOLDEN: &[&str] = &[include_str!("data/events-v1.jsonl")];

#[expect(
    clippy::unwrap_used,
    reason = "a golden line that cannot be read fails the test"
)]
fn events() -> Vec<Event> {
    let lines = GOLDEN.iter().flat_map(|file| file.lines());
    lines
        .map(|line| Event::from_json(line.as_bytes()).unwrap())
        .collect()
}

#[test]
fn golden_events_are_written_back_byte_for_byte() {
    assert_eq!(
        GOLDEN.len() as u64,
        schema::VERSION,
        "a version has no golden file"
    );
    for (line, event) in GOLDEN.iter().flat_map(|file| file.lines()).zip(events()) {
        assert_eq!(event.to_json(), line);
    }
}

#[test]
fn golden_events_have_nothing_that_is_not_known() {
    for event in events() {
        assert!(event.unknown().is_empty(), "{:?}", event.unknown());
        event.visit(&mut |field, value| assert_eq!(value.field_type(), field.field_type()));
    }
}

#[test]
fn every_kind_is_in_a_golden_file_once() {
    let mut kinds: Vec<_> = events()
        .iter()
        .map(|event| event.kind().to_string())
        .collect();
    let mut known: Vec<_> = Kind::ALL.iter().map(Kind::to_string).collect();
    kinds.sort();
    known.sort();
    assert_eq!(kinds, known);
}

#[test]
fn every_field_is_in_a_golden_file() {
    let mut found = BTreeSet::new();
    for event in events() {
        event.visit(&mut |field, _| {
            found.insert(field);
        });
    }
    for info in CATALOG {
        assert!(
            found.contains(&info.field),
            "`{}` is in no golden file; add it to an event of tests/data/events-v{}.jsonl",
            info.name,
            schema::VERSION
        );
    }
}

#[test]
fn every_column_of_every_record_is_in_a_golden_file() {
    let mut columns = Columns::default();
    for event in events() {
        event.visit(&mut |_, value| columns.visit(value));
    }
    assert_eq!(columns.missing(), Vec::<String>::new());
    let unseen: Vec<_> = CATALOG
        .iter()
        .filter(|info| !columns.types.contains(&format!("{:?}", info.field_type)))
        .map(|info| info.name)
        .collect();
    assert_eq!(unseen, Vec::<&str>::new());
}

#[derive(Default)]
struct Columns {
    known: BTreeSet<String>,
    found: BTreeSet<String>,
    types: BTreeSet<String>,
}

impl Columns {
    fn visit(&mut self, value: ValueRef<'_>) {
        self.types.insert(format!("{:?}", value.field_type()));
        match value {
            ValueRef::Documents(records) => self.records(records),
            ValueRef::Evaluations(records) => self.records(records),
            ValueRef::Guardrails(records) => self.records(records),
            ValueRef::Links(records) => self.records(records),
            ValueRef::Media(records) => self.records(records),
            ValueRef::Messages(records) => self.records(records),
            ValueRef::Parts(records) => self.records(records),
            ValueRef::Redactions(records) => self.records(records),
            ValueRef::ToolDefinitions(records) => self.records(records),
            ValueRef::Truncations(records) => self.records(records),
            _ => {}
        }
    }

    fn records<R: Record>(&mut self, records: &[R]) {
        for record in records {
            assert!(record.unknown().is_empty(), "{:?}", record.unknown());
            for (number, column) in R::COLUMNS.iter().enumerate() {
                let name = format!("{}.{}", R::NAME, column.name);
                self.known.insert(name.clone());
                if let Some(value) = record.get(number) {
                    assert_eq!(value.field_type(), column.column_type);
                    self.found.insert(name);
                    self.visit(value);
                }
            }
        }
    }

    fn missing(&self) -> Vec<String> {
        self.known.difference(&self.found).cloned().collect()
    }
}
