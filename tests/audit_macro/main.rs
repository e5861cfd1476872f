//! `#[audit]` records one event for each call, whatever the function looks like and however it
//! ends.
#![cfg(feature = "macros")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may fail where it stands, and prints its table"
)]

#[path = "../common/recording.rs"]
mod recording;
mod shapes;

use std::fmt::Write as _;
use std::panic::{self, AssertUnwindSafe};

use llm_audit::{Audit, Event, EventId, Facet, Operation, Status, audit};
use recording::{Recording, poll_once};
use shapes::{Answer, Shape, Way, a_trait_object, boxed, free, shapes};

const FACETS: &[Facet] = &[Facet::Source, Facet::ErrorDetail, Facet::Timing];

const WAYS: [Way; 4] = [Way::Ok, Way::Err, Way::Cancelled, Way::Panic];

/// Runs `shape` to its end in one way within an interaction, and returns that one's identifier.
fn run(log: &Audit, shape: &Shape, way: Way) -> EventId {
    let parent = log.begin(Operation::InvokeAgent);
    let call = (shape.run)(log.clone(), way);
    let ended = panic::catch_unwind(AssertUnwindSafe(|| poll_once(parent.scope(call))));
    match way {
        Way::Ok => assert_eq!(ended.ok(), Some(Some(true)), "{}", shape.name),
        Way::Err => assert_eq!(ended.ok(), Some(Some(false)), "{}", shape.name),
        Way::Cancelled => assert_eq!(ended.ok(), Some(None), "{}", shape.name),
        Way::Panic => assert!(ended.is_err(), "{}", shape.name),
    }
    parent.finish().unwrap()
}

/// Returns how the one event within `parent` says that its call ended.
fn ending<'e>(events: &'e [Event], parent: EventId, name: &str) -> (&'e Event, String) {
    let children: Vec<_> = events
        .iter()
        .filter(|event| event.parent_event_id() == Some(parent))
        .collect();
    let [event] = children[..] else {
        panic!("{name}: {} events", children.len())
    };
    let mut ending = event.status().unwrap().to_string();
    if let Some(error_type) = event.error_type() {
        let error_type = error_type.rsplit("::").next().unwrap_or_default();
        write!(ending, " ({error_type})").unwrap();
    }
    (event, ending)
}

#[test]
fn every_shape_records_one_event_in_every_way() {
    let recording = Recording::of(FACETS);
    let shapes = shapes();
    let calls: Vec<[Option<EventId>; 4]> = shapes
        .iter()
        .map(|shape| {
            WAYS.map(|way| {
                let can_end_so = shape.is_future || way != Way::Cancelled;
                can_end_so.then(|| run(&recording.guard, shape, way))
            })
        })
        .collect();
    let count = calls.iter().flatten().flatten().count();

    let events = recording.events();
    println!("\n| a call of | ok | err | dropped | panic |\n|---|---|---|---|---|");
    for (shape, parents) in shapes.iter().zip(calls) {
        let name = shape.name;
        let mut row = format!("| `{name}` ");
        for (way, parent) in WAYS.into_iter().zip(parents) {
            let Some(parent) = parent else {
                row.push_str("| – ");
                continue;
            };
            let (event, ending) = ending(&events, parent, name);
            let (expected, message) = match way {
                Way::Ok => ("ok", None),
                Way::Err => ("error (Refused)", Some("refused")),
                Way::Cancelled => ("cancelled", None),
                Way::Panic => ("error (panic)", None),
            };
            assert_eq!(ending, expected, "{name} {way:?}");
            assert_eq!(event.error_message(), message, "{name} {way:?}");
            let function = event.code_function().unwrap();
            assert_eq!(function, format!("audit_macro::shapes::{name}"), "{way:?}");
            write!(row, "| {ending} ").unwrap();
        }
        println!("{row}|");
    }
    println!(
        "{} shapes, {count} calls, {} events, each a child of the interaction around it",
        shapes.len(),
        events.len() - count
    );
    assert_eq!(events.len(), 2 * count);
}

#[test]
fn a_call_within_a_call_is_its_child() {
    #[audit(agent, auditor = log)]
    async fn outer(log: &Audit) -> Answer {
        inner(log).await
    }

    #[audit(tool, auditor = log)]
    async fn inner(log: &Audit) -> Answer {
        Ok(innermost(log))
    }

    #[audit(step, auditor = log)]
    fn innermost(log: &Audit) -> String {
        "yes".to_owned()
    }

    let recording = Recording::of(FACETS);
    poll_once(outer(&recording.guard)).unwrap().unwrap();
    let events = recording.events();
    let of = |operation: Operation| {
        events
            .iter()
            .find(|event| event.operation() == Some(operation.clone()))
            .unwrap()
    };
    let (agent, tool, step) = (
        of(Operation::InvokeAgent),
        of(Operation::ExecuteTool),
        of(Operation::Step),
    );
    assert_eq!(agent.parent_event_id(), None);
    assert_eq!(tool.parent_event_id(), Some(agent.event_id()));
    assert_eq!(step.parent_event_id(), Some(tool.event_id()));
    assert_eq!(step.trace_id(), agent.trace_id());
}

#[test]
fn an_error_without_a_text_is_known_by_its_type() {
    struct Silent;

    #[audit(auditor = log)]
    fn fails(log: &Audit) -> Result<(), Silent> {
        Err(Silent)
    }

    let recording = Recording::of(FACETS);
    assert!(fails(&recording.guard).is_err());
    let events = recording.events();
    assert_eq!(events[0].status(), Some(Status::Error));
    assert!(events[0].error_type().unwrap().ends_with("::Silent"));
    assert_eq!(events[0].error_message(), None);
}

#[test]
fn functions_that_return_no_result_succeed() {
    #[audit(auditor = log)]
    fn nothing(log: &Audit) {}

    #[audit(auditor = log)]
    async fn perhaps(log: &Audit) -> Option<u8> {
        None
    }

    #[audit(auditor = log)]
    fn anything<T>(log: &Audit, value: T) -> T {
        value
    }

    let recording = Recording::of(FACETS);
    nothing(&recording.guard);
    assert_eq!(poll_once(perhaps(&recording.guard)), Some(None));
    // In a generic function only the bounds that are written down count.
    assert_eq!(anything(&recording.guard, Err::<u8, _>(3)), Err(3));
    let events = recording.events();
    assert_eq!(events.len(), 3);
    assert!(
        events
            .iter()
            .all(|event| event.status() == Some(Status::Ok))
    );
}

#[test]
fn a_function_that_never_returns_is_recorded_when_it_panics() {
    #[audit(auditor = log)]
    fn never(log: &Audit) -> ! {
        panic!("on purpose")
    }

    #[audit(auditor = log)]
    async fn never_async(log: &Audit) -> ! {
        panic!("on purpose")
    }

    let recording = Recording::of(FACETS);
    let log = recording.guard.handle();
    assert!(panic::catch_unwind(AssertUnwindSafe(|| never(&log))).is_err());
    assert!(panic::catch_unwind(AssertUnwindSafe(|| poll_once(never_async(&log)))).is_err());
    let events = recording.events();
    assert_eq!(events.len(), 2);
    assert!(
        events
            .iter()
            .all(|event| event.error_type() == Some("panic"))
    );
}

#[test]
fn a_future_that_is_never_polled_is_no_call() {
    let recording = Recording::of(FACETS);
    drop(free(&recording.guard, Way::Ok));
    drop(boxed(&recording.guard, Way::Ok));
    assert!(recording.events().is_empty());
}

#[test]
fn the_place_is_the_line_of_the_function() {
    let recording = Recording::of(FACETS);
    let line = line!() + 2;
    #[audit(auditor = log)]
    fn placed(log: &Audit) {}
    placed(&recording.guard);
    let events = recording.events();
    assert_eq!(events[0].code_file(), Some(file!()));
    assert_eq!(events[0].code_line(), Some(u64::from(line)));
    assert_eq!(events[0].code_function(), Some("audit_macro::placed"));
}

#[test]
fn trait_objects_are_answers_and_errors() {
    let recording = Recording::of(FACETS);
    assert!(
        poll_once(a_trait_object(&recording.guard, Way::Ok))
            .unwrap()
            .is_ok()
    );
    assert!(
        poll_once(a_trait_object(&recording.guard, Way::Err))
            .unwrap()
            .is_err()
    );
    let events = recording.events();
    assert_eq!(events[0].status(), Some(Status::Ok));
    assert_eq!(events[1].error_message(), Some("refused"));
}
