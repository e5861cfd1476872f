//! `#[audit]` records one event for each call, whatever the function looks like and however it
//! ends.
#![cfg(feature = "macros")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail where it stands"
)]

use std::fmt;
use std::future::{self, Future};
use std::panic::{self, AssertUnwindSafe};
use std::pin::{Pin, pin};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use llm_audit::{
    Audit, Event, EventId, Facet, Kind, Level, Operation, Policy, Retention, Status, audit, journal,
};

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Ok,
    Err,
    Cancelled,
    Panic,
}

#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

type Answer = Result<String, Refused>;

async fn answer(way: Way) -> Answer {
    match way {
        Way::Cancelled => future::pending().await,
        _ => answer_now(way),
    }
}

fn answer_now(way: Way) -> Answer {
    match way {
        Way::Ok => Ok("yes".to_owned()),
        Way::Err => Err(Refused),
        Way::Cancelled => unreachable!("only futures are cancelled"),
        Way::Panic => panic!("on purpose"),
    }
}

#[audit(auditor = log)]
async fn free(log: &Audit, way: Way) -> Answer {
    answer(way).await
}

#[audit(auditor = log)]
async fn generic<T, const N: usize>(log: &Audit, ways: [T; N]) -> Answer
where
    T: Clone + Into<Way> + Send,
{
    let [way, ..] = ways.as_slice() else {
        return Err(Refused);
    };
    answer(way.clone().into()).await
}

#[audit(auditor = log)]
async fn borrowing<'a>(log: &Audit, way: &'a Way) -> Result<&'a str, Refused> {
    answer(*way).await.map(|_| "yes")
}

#[audit(auditor = log)]
async fn patterned(log: &Audit, (way, _): (Way, u8), [mut times]: [u8; 1]) -> Answer {
    times += 1;
    assert_eq!(times, 2);
    answer(way).await
}

#[audit(auditor = log)]
async fn question_mark(log: &Audit, way: Way) -> Answer {
    let answer = answer(way).await?;
    Ok(answer)
}

#[audit(auditor = log)]
async fn early_return(log: &Audit, way: Way) -> Answer {
    if way == Way::Err {
        return Err(Refused);
    }
    answer(way).await
}

#[audit(auditor = log)]
async fn implements(log: &Audit, way: Way) -> Result<impl fmt::Display + use<>, Refused> {
    answer(way).await
}

#[audit(auditor = log)]
async fn a_trait_object(
    log: &Audit,
    way: Way,
) -> Result<Box<dyn fmt::Display>, Box<dyn fmt::Display>> {
    match answer(way).await {
        Ok(answer) => Ok(Box::new(answer)),
        Err(error) => Err(Box::new(error)),
    }
}

#[audit(auditor = log)]
#[allow(clippy::manual_async_fn, reason = "the shape is what is tested")]
fn impl_future(log: Audit, way: Way) -> impl Future<Output = Answer> + Send {
    async move { answer(way).await }
}

#[audit(auditor = log)]
fn boxed<'a>(log: &'a Audit, way: Way) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
    let way = std::convert::identity(way);
    Box::pin(async move {
        let answer = answer(way).await?;
        Ok(answer)
    })
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[audit(auditor = log)]
fn aliased(log: &Audit, way: Way) -> BoxFuture<'_, Answer> {
    Box::pin(async move { answer(way).await })
}

struct Service {
    log: Audit,
    way: Way,
}

impl Service {
    #[audit(auditor = self.log)]
    async fn by_reference(&self) -> Answer {
        answer(self.way).await
    }

    #[audit(auditor = self.log)]
    async fn by_mutable_reference(&mut self) -> Answer {
        let way = self.way;
        self.way = Way::Ok;
        answer(way).await
    }

    #[audit(auditor = self.log)]
    async fn by_value(self) -> Answer {
        answer(self.way).await
    }

    #[audit(auditor = self.log)]
    async fn pinned(self: Pin<&mut Self>) -> Answer {
        answer(self.way).await
    }

    #[audit(auditor = log)]
    async fn associated(log: &Audit, way: Way) -> Answer {
        let service = Self {
            log: log.clone(),
            way,
        };
        answer(service.way).await
    }
}

trait Native {
    async fn native(&self) -> Answer;

    #[audit(auditor = log)]
    async fn provided(&self, log: &Audit, way: Way) -> Answer {
        answer(way).await
    }
}

impl Native for Service {
    #[audit(auditor = self.log)]
    async fn native(&self) -> Answer {
        answer(self.way).await
    }
}

#[async_trait]
trait Boxed {
    async fn in_async_trait(&self, way: Way) -> Answer;
    async fn in_async_trait_mutably(&mut self) -> Answer;

    #[audit(auditor = log)]
    async fn provided_in_async_trait(&self, log: &Audit, way: Way) -> Answer {
        answer(way).await
    }
}

#[async_trait]
impl Boxed for Service {
    #[audit(auditor = self.log)]
    async fn in_async_trait(&self, way: Way) -> Answer {
        assert_eq!(self.way, way);
        answer(way).await
    }

    #[audit(auditor = self.log)]
    async fn in_async_trait_mutably(&mut self) -> Answer {
        if self.way == Way::Err {
            return Err(Refused);
        }
        self.way = answer(self.way).await.map(|_| Way::Ok)?;
        Ok("yes".to_owned())
    }
}

#[audit(auditor = log)]
fn sync_free(log: &Audit, way: Way) -> Answer {
    answer_now(way)
}

#[audit(auditor = log)]
fn sync_question_mark(log: &Audit, way: Way) -> Answer {
    let answer = answer_now(way)?;
    if !answer.is_empty() {
        return Ok(answer);
    }
    Err(Refused)
}

#[audit(auditor = log)]
fn sync_generic<'a, T: AsRef<str> + ?Sized, const N: usize>(
    log: &'a Audit,
    texts: [&'a T; N],
    way: Way,
) -> Result<impl Iterator<Item = &'a str>, Refused> {
    answer_now(way)?;
    Ok(texts.into_iter().map(T::as_ref))
}

impl Service {
    #[audit(auditor = self.log)]
    fn sync_method(&self) -> Answer {
        answer_now(self.way)
    }

    #[audit(auditor = self.log)]
    fn sync_mutably(&mut self) -> Result<&mut Way, Refused> {
        answer_now(self.way)?;
        Ok(&mut self.way)
    }

    #[audit(auditor = self.log)]
    fn sync_by_value(self) -> Answer {
        answer_now(self.way)
    }
}

type Run = Box<dyn Fn(Audit, Way) -> BoxFuture<'static, bool>>;

/// A function under `#[audit]`, and whether it is a future that can be dropped.
struct Shape {
    name: &'static str,
    is_future: bool,
    run: Run,
}

macro_rules! shape {
    ($name:ident, |$log:ident, $way:ident| $call:expr) => {
        Shape {
            name: stringify!($name),
            is_future: true,
            run: Box::new(|$log, $way| Box::pin(async move { $call.await.is_ok() })),
        }
    };
    (sync $name:ident, |$log:ident, $way:ident| $call:expr) => {
        Shape {
            name: stringify!($name),
            is_future: false,
            run: Box::new(|$log, $way| Box::pin(async move { $call.is_ok() })),
        }
    };
}

#[rustfmt::skip]
fn shapes() -> Vec<Shape> {
    vec![
        shape!(free, |log, way| free(&log, way)),
        shape!(generic, |log, way| generic(&log, [way, Way::Ok])),
        shape!(borrowing, |log, way| borrowing(&log, &way)),
        shape!(patterned, |log, way| patterned(&log, (way, 0), [1])),
        shape!(question_mark, |log, way| question_mark(&log, way)),
        shape!(early_return, |log, way| early_return(&log, way)),
        shape!(implements, |log, way| implements(&log, way)),
        shape!(impl_future, |log, way| impl_future(log, way)),
        shape!(boxed, |log, way| boxed(&log, way)),
        shape!(aliased, |log, way| aliased(&log, way)),
        shape!(by_reference, |log, way| Service { log, way }.by_reference()),
        shape!(by_mutable_reference, |log, way| Service { log, way }.by_mutable_reference()),
        shape!(by_value, |log, way| Service { log, way }.by_value()),
        shape!(pinned, |log, way| pin!(Service { log, way }).pinned()),
        shape!(associated, |log, way| Service::associated(&log, way)),
        shape!(native, |log, way| Service { log, way }.native()),
        shape!(provided, |log, way| Service { log: log.clone(), way }.provided(&log, way)),
        shape!(in_async_trait, |log, way| Service { log, way }.in_async_trait(way)),
        shape!(in_async_trait_mutably, |log, way| Service { log, way }.in_async_trait_mutably()),
        shape!(provided_in_async_trait, |log, way| Service { log: log.clone(), way }.provided_in_async_trait(&log, way)),
        shape!(sync sync_free, |log, way| sync_free(&log, way)),
        shape!(sync sync_question_mark, |log, way| sync_question_mark(&log, way)),
        shape!(sync sync_generic, |log, way| sync_generic(&log, ["a", "b"], way)),
        shape!(sync sync_method, |log, way| Service { log, way }.sync_method()),
        shape!(sync sync_mutably, |log, way| Service { log, way }.sync_mutably()),
        shape!(sync sync_by_value, |log, way| Service { log, way }.sync_by_value()),
    ]
}

/// Polls `future` once; a future that waits is dropped.
fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut TaskContext::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

struct Recording {
    directory: tempfile::TempDir,
    guard: llm_audit::AuditGuard,
}

impl Recording {
    fn new() -> Self {
        let policy = [Facet::Source, Facet::ErrorDetail, Facet::Timing]
            .into_iter()
            .fold(Policy::builder(), |policy, facet| {
                policy.facet(facet, Level::Full)
            })
            .retention(Retention::Days30)
            .build()
            .unwrap();
        let directory = tempfile::tempdir().unwrap();
        let guard = llm_audit::builder()
            .policy(policy)
            .journal(directory.path())
            .spawn()
            .unwrap();
        Self { directory, guard }
    }

    fn interactions(self) -> Vec<Event> {
        drop(self.guard.shutdown(Duration::from_secs(10)));
        let reader = journal::Reader::open(self.directory.path()).unwrap();
        let events = reader.events().map(Result::unwrap);
        events
            .filter(|event| *event.kind() == Kind::Interaction)
            .collect()
    }
}

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

#[test]
fn every_shape_records_one_event_in_every_way() {
    let recording = Recording::new();
    let mut expected = Vec::new();
    for shape in shapes() {
        for way in [Way::Ok, Way::Err, Way::Cancelled, Way::Panic] {
            if shape.is_future || way != Way::Cancelled {
                expected.push((shape.name, way, run(&recording.guard, &shape, way)));
            }
        }
    }

    let events = recording.interactions();
    assert_eq!(events.len(), 2 * expected.len());
    for (name, way, parent) in expected {
        let children: Vec<_> = events
            .iter()
            .filter(|event| event.parent_event_id() == Some(parent))
            .collect();
        let [event] = children[..] else {
            panic!("{name} {way:?}: {} events", children.len())
        };
        let (status, error_type) = match way {
            Way::Ok => (Status::Ok, None),
            Way::Err => (Status::Error, Some("audit_macro::Refused")),
            Way::Cancelled => (Status::Cancelled, None),
            Way::Panic => (Status::Error, Some("panic")),
        };
        assert_eq!(event.status(), Some(status), "{name} {way:?}");
        assert_eq!(event.error_type(), error_type, "{name} {way:?}");
        let function = event.code_function().unwrap();
        assert_eq!(function, format!("audit_macro::{name}"), "{way:?}");
        let message = (way == Way::Err).then_some("refused");
        assert_eq!(event.error_message(), message, "{name} {way:?}");
    }
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

    let recording = Recording::new();
    poll_once(outer(&recording.guard)).unwrap().unwrap();
    let events = recording.interactions();
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

    let recording = Recording::new();
    assert!(fails(&recording.guard).is_err());
    let events = recording.interactions();
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

    let recording = Recording::new();
    nothing(&recording.guard);
    assert_eq!(poll_once(perhaps(&recording.guard)), Some(None));
    // In a generic function only the bounds that are written down count.
    assert_eq!(anything(&recording.guard, Err::<u8, _>(3)), Err(3));
    let events = recording.interactions();
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

    let recording = Recording::new();
    let log = recording.guard.handle();
    assert!(panic::catch_unwind(AssertUnwindSafe(|| never(&log))).is_err());
    assert!(panic::catch_unwind(AssertUnwindSafe(|| poll_once(never_async(&log)))).is_err());
    let events = recording.interactions();
    assert_eq!(events.len(), 2);
    assert!(
        events
            .iter()
            .all(|event| event.error_type() == Some("panic"))
    );
}

#[test]
fn a_future_that_is_never_polled_is_no_call() {
    let recording = Recording::new();
    drop(free(&recording.guard, Way::Ok));
    drop(boxed(&recording.guard, Way::Ok));
    assert!(recording.interactions().is_empty());
}

#[test]
fn a_future_is_send_when_it_was() {
    fn is_send<T: Send>(_: T) {}

    let recording = Recording::new();
    let service = Service {
        log: recording.guard.handle(),
        way: Way::Ok,
    };
    is_send(free(&recording.guard, Way::Ok));
    is_send(service.by_reference());
    is_send(impl_future(recording.guard.handle(), Way::Ok));
    assert!(recording.interactions().is_empty());
}

#[test]
fn a_future_that_was_not_send_still_runs() {
    #[audit(auditor = log)]
    #[allow(clippy::future_not_send, reason = "that is what is tested")]
    async fn local(log: &Audit, count: std::rc::Rc<u8>) -> u8 {
        future::ready(()).await;
        *count
    }

    let recording = Recording::new();
    assert_eq!(
        poll_once(local(&recording.guard, std::rc::Rc::new(3))),
        Some(3)
    );
    assert_eq!(recording.interactions().len(), 1);
}

#[test]
fn the_place_is_the_line_of_the_function() {
    let recording = Recording::new();
    let line = line!() + 2;
    #[audit(auditor = log)]
    fn placed(log: &Audit) {}
    placed(&recording.guard);
    let events = recording.interactions();
    assert_eq!(events[0].code_file(), Some(file!()));
    assert_eq!(events[0].code_line(), Some(u64::from(line)));
    assert_eq!(events[0].code_function(), Some("audit_macro::placed"));
}

#[test]
fn trait_objects_are_answers_and_errors() {
    let recording = Recording::new();
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
    let events = recording.interactions();
    assert_eq!(events[0].status(), Some(Status::Ok));
    assert_eq!(events[1].error_message(), Some("refused"));
}
