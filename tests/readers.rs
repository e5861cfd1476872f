//! One type reads what a log wrote as JSON lines and as Parquet, and finds the same there.
#![cfg(test)]
#![cfg(feature = "parquet")]

use std::time::Duration;

use llm_audit::schema::Value;
use llm_audit::sinks::{JsonlSink, ParquetSink};
use llm_audit::{Event, EventReader, Field, Filter, Kind, Operation, Policy, Preset, builder};

fn read(path: &std::path::Path, filter: &Filter) -> Vec<Event> {
    let events = EventReader::open(path, filter.clone()).unwrap();
    // The journal's own events stand in the journal alone.
    let events = events.map(Result::unwrap);
    events.filter(|event| event.kind().is_capture()).collect()
}

#[test]
fn journal_copy_and_parquet_give_the_same_events_through_every_filter() {
    let temp = tempfile::tempdir().unwrap();
    let journal = temp.path().join("journal");
    let (copy, lake) = (temp.path().join("copy"), temp.path().join("lake"));
    let audit = builder()
        .policy(Policy::preset(Preset::Operations).unwrap())
        .journal(&journal)
        .sink(JsonlSink::dir(&copy).unwrap())
        .sink(ParquetSink::dir(&lake).unwrap())
        .spawn()
        .unwrap();
    for number in 0..40 {
        let mut call = audit.begin(Operation::Chat);
        call.request_model(if number % 4 == 0 { "large" } else { "small" });
        call.finish();
    }
    assert!(audit.shutdown(Duration::from_secs(30)).is_complete());

    let all = read(&journal, &Filter::new());
    assert_eq!(all.len(), 40);
    let (first, later) = (&all[3], all[30].recorded_at());
    let filters = [
        (Filter::new(), 40),
        (Filter::new().kind(Kind::Interaction), 40),
        (Filter::new().kind(Kind::Feedback), 0),
        (
            Filter::new().field(Field::RequestModel, Value::Text("large".to_owned())),
            10,
        ),
        (
            Filter::new().field(Field::EventId, Value::Id(first.event_id())),
            1,
        ),
        (Filter::new().before(all[0].recorded_at()), 0),
    ];
    for (filter, count) in &filters {
        assert_eq!(read(&journal, filter).len(), *count, "{filter:?}");
    }
    let since = Filter::new().since(later);
    for (filter, _) in filters.iter().chain([&(since, 0)]) {
        let expected = read(&journal, filter);
        assert!(read(&copy, filter) == expected, "{filter:?}");
        assert!(read(&lake, filter) == expected, "{filter:?}");
        assert!(read(&lake.join("v1"), filter) == expected, "{filter:?}");
    }
}

#[test]
fn what_is_not_there_is_an_error_that_names_it() {
    let temp = tempfile::tempdir().unwrap();
    for name in ["missing", "missing.parquet"] {
        let read = EventReader::open(temp.path().join(name), Filter::new());
        let said = match read.map(|mut events| events.next()) {
            Ok(Some(Err(error))) | Err(error) => error.to_string(),
            other => panic!("{other:?}"),
        };
        assert!(said.contains(name), "{said}");
    }
}
