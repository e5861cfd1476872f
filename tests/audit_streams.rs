//! A function under `#[audit]` that returns a stream is recorded with what the stream brings, until the
//! stream ends.
#![cfg(feature = "macros")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail where it stands"
)]

#[path = "common/recording.rs"]
mod recording;

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use futures_core::future::BoxFuture;
use futures_core::stream::BoxStream;
use llm_audit::{
    Audit, AuditOutput, Event, Facet, Level, Message, Operation, Policy, ResponseRecorder,
    Retention, Status, Usage, audit,
};
use recording::{Recording, poll_once};

const FACETS: &[Facet] = &[
    Facet::ErrorDetail,
    Facet::Model,
    Facet::Reasoning,
    Facet::Response,
    Facet::Source,
    Facet::Timing,
    Facet::ToolIo,
    Facet::Usage,
];

#[derive(Debug, PartialEq)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the line broke")
    }
}

type Item = Result<String, Broken>;

/// How a stream goes on after its first two words.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Ends,
    Breaks,
    Hangs,
    Panics,
}

/// The words of an answer, and what comes then.
struct Words(std::vec::IntoIter<&'static str>, Way);

fn words(way: Way) -> Words {
    Words(vec!["Hello ", "world"].into_iter(), way)
}

impl Stream for Words {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Item>> {
        match (self.0.next(), self.1) {
            (Some(word), _) => Poll::Ready(Some(Ok(word.to_owned()))),
            (None, Way::Ends) => Poll::Ready(None),
            (None, Way::Breaks) => {
                self.1 = Way::Ends;
                Poll::Ready(Some(Err(Broken)))
            }
            (None, Way::Hangs) => Poll::Pending,
            (None, Way::Panics) => panic!("on purpose"),
        }
    }
}

#[audit(auditor = log, output)]
fn bare(log: &Audit, way: Way) -> impl Stream<Item = Item> + Send + use<> {
    words(way)
}

#[audit(auditor = log, output)]
fn pinned<'a>(log: &'a Audit, way: &'a Way) -> Pin<Box<dyn Stream<Item = Item> + Send + 'a>> {
    Box::pin(words(*way))
}

#[audit(auditor = log, output)]
fn boxed(log: &Audit, way: Way) -> Box<dyn Stream<Item = Item> + Unpin> {
    Box::new(words(way))
}

#[audit(auditor = log, output)]
fn aliased(log: &Audit, way: Way) -> BoxStream<'static, Item> {
    Box::pin(words(way))
}

#[audit(auditor = log, output)]
fn fallible(log: &Audit, way: Way) -> Result<impl Stream<Item = Item> + use<>, Broken> {
    Ok(words(way))
}

#[audit(auditor = log, output)]
fn fallible_boxed(log: &Audit, way: Way) -> Result<BoxStream<'_, Item>, Broken> {
    Ok(Box::pin(words(way)))
}

#[audit(auditor = log, output)]
fn optional(log: &Audit, way: Way) -> Option<impl Stream<Item = Item> + use<>> {
    Some(words(way))
}

#[audit(auditor = log, output)]
async fn asynchronous(log: &Audit, way: Way) -> Result<impl Stream<Item = Item> + use<>, Broken> {
    Ok(words(way))
}

#[audit(auditor = log, output)]
async fn asynchronous_boxed(log: &Audit, way: Way) -> Pin<Box<dyn Stream<Item = Item> + Send>> {
    Box::pin(words(way))
}

#[audit(auditor = log, output)]
fn future_of_a_stream(
    log: &Audit,
    way: Way,
) -> BoxFuture<'_, Result<BoxStream<'static, Item>, Broken>> {
    Box::pin(async move {
        let words: BoxStream<'static, Item> = Box::pin(words(way));
        Ok(words)
    })
}

type Answer = Pin<Box<dyn Stream<Item = Item> + Send>>;

#[audit(stream, auditor = log, output)]
fn named(log: &Audit, way: Way) -> Answer {
    Box::pin(words(way))
}

#[audit(stream, auditor = log, output)]
fn named_in_a_result(log: &Audit, way: Way) -> Result<Answer, Broken> {
    Ok(Box::pin(words(way)))
}

/// Takes items until the stream ends or waits, and drops it.
fn drain<T>(stream: impl Stream<Item = T>) -> Vec<T> {
    let mut stream = pin!(stream);
    let mut task = Context::from_waker(Waker::noop());
    let mut items = Vec::new();
    while let Poll::Ready(Some(item)) = stream.as_mut().poll_next(&mut task) {
        items.push(item);
    }
    items
}

type Run = fn(&Audit, Way) -> Vec<Item>;

const SHAPES: [(&str, Run); 12] = [
    ("bare", |log, way| drain(bare(log, way))),
    ("pinned", |log, way| drain(pinned(log, &way))),
    ("boxed", |log, way| drain(boxed(log, way))),
    ("aliased", |log, way| drain(aliased(log, way))),
    ("fallible", |log, way| drain(fallible(log, way).unwrap())),
    ("fallible_boxed", |log, way| {
        drain(fallible_boxed(log, way).unwrap())
    }),
    ("optional", |log, way| drain(optional(log, way).unwrap())),
    ("asynchronous", |log, way| {
        drain(poll_once(asynchronous(log, way)).unwrap().unwrap())
    }),
    ("asynchronous_boxed", |log, way| {
        drain(poll_once(asynchronous_boxed(log, way)).unwrap())
    }),
    ("future_of_a_stream", |log, way| {
        drain(poll_once(future_of_a_stream(log, way)).unwrap().unwrap())
    }),
    ("named", |log, way| drain(named(log, way))),
    ("named_in_a_result", |log, way| {
        drain(named_in_a_result(log, way).unwrap())
    }),
];

#[test]
fn a_stream_of_every_shape_is_one_event_in_every_way() {
    let ends = [
        (Way::Ends, Status::Ok, None),
        (Way::Breaks, Status::Error, Some("audit_streams::Broken")),
        (Way::Hangs, Status::Cancelled, None),
        (Way::Panics, Status::Error, Some("panic")),
    ];
    for (way, status, error_type) in ends {
        let recording = Recording::of(FACETS);
        for (name, run) in SHAPES {
            let ran = panic::catch_unwind(AssertUnwindSafe(|| run(&recording.guard, way)));
            assert_eq!(ran.is_err(), way == Way::Panics, "{name}");
            let Ok(items) = ran else { continue };
            assert_eq!(
                items[..2],
                [Ok("Hello ".to_owned()), Ok("world".to_owned())]
            );
            assert_eq!(
                items.len(),
                if way == Way::Breaks { 3 } else { 2 },
                "{name}"
            );
        }
        let events = recording.events();
        assert_eq!(events.len(), SHAPES.len(), "{way:?}");
        for (event, (name, _)) in events.iter().zip(SHAPES) {
            let function = format!("audit_streams::{name}");
            assert_eq!(event.code_function(), Some(&*function));
            assert_eq!(event.status(), Some(status.clone()), "{name} {way:?}");
            assert_eq!(event.error_type(), error_type, "{name} {way:?}");
            assert_eq!(event.response().as_deref(), Some("Hello world"), "{name}");
            let broken = (way == Way::Breaks).then_some("the line broke");
            assert_eq!(event.error_message(), broken, "{name}");
            let chunks = if way == Way::Breaks { 3 } else { 2 };
            assert_eq!(event.chunk_count(), Some(chunks), "{name} {way:?}");
            assert!(event.time_to_first_chunk_us().is_some());
            assert!(event.inter_chunk_p50_us().is_some());
        }
    }
}

#[test]
fn a_panic_is_one_although_the_stream_is_dropped_later() {
    let recording = Recording::of(FACETS);
    let mut stream = Box::pin(bare(&recording.guard, Way::Panics));
    let mut task = Context::from_waker(Waker::noop());
    for _ in 0..2 {
        assert!(stream.as_mut().poll_next(&mut task).is_ready());
    }
    let polled = panic::catch_unwind(AssertUnwindSafe(|| stream.as_mut().poll_next(&mut task)));
    assert!(polled.is_err());
    drop(stream);
    assert_eq!(recording.event().error_type(), Some("panic"));
}

#[test]
fn no_stream_is_the_end_of_its_call() {
    #[audit(auditor = log, err(error_code = err.to_string()))]
    fn refused(log: &Audit) -> Result<impl Stream<Item = Item> + use<>, Broken> {
        if log.counters().written < u64::MAX {
            return Err(Broken);
        }
        Ok(words(Way::Ends))
    }

    #[audit(auditor = log, output)]
    async fn nothing(log: &Audit) -> Option<BoxStream<'static, Item>> {
        None
    }

    let recording = Recording::of(FACETS);
    assert!(refused(&recording.guard).is_err());
    assert!(poll_once(nothing(&recording.guard)).unwrap().is_none());
    let events = recording.events();
    assert_eq!(events[0].status(), Some(Status::Error));
    assert_eq!(events[0].error_code(), Some("the line broke"));
    assert_eq!(events[1].status(), Some(Status::Ok));
    assert_eq!(events[1].chunk_count(), None);
}

/// What a client's chunks look like.
#[derive(Clone)]
struct Chunk {
    delta: Option<&'static str>,
    thought: Option<&'static str>,
    end: Option<(&'static str, u64)>,
}

fn chunks() -> Vec<Chunk> {
    let chunk = |delta, thought, end| Chunk {
        delta,
        thought,
        end,
    };
    vec![
        chunk(None, Some("Let me "), None),
        chunk(None, Some("see. "), None),
        chunk(Some("Two, "), None, None),
        chunk(Some("at ada@example.org"), None, None),
        chunk(None, None, Some(("stop", 7))),
    ]
}

impl AuditOutput for Chunk {
    fn describe(&self, response: &mut ResponseRecorder<'_>) {
        if let Some(thought) = self.thought {
            response.reasoning(thought);
        }
        if let Some(delta) = self.delta {
            response.text(delta);
        }
        response.model("small-2");
        if let Some((reason, tokens)) = self.end {
            response.finish_reasons([reason]);
            response.usage(Usage::openai(3, tokens));
        }
    }
}

struct List<T>(std::vec::IntoIter<T>);

impl<T: Unpin> Stream for List<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        Poll::Ready(self.0.next())
    }
}

fn parts(event: &Event) -> Vec<(String, String)> {
    let messages = event.output_messages().unwrap();
    let parts = messages
        .iter()
        .flat_map(|message| message.parts.clone().unwrap());
    parts
        .map(|part| (part.r#type.unwrap(), part.content.unwrap_or_default()))
        .collect()
}

#[test]
fn chunks_say_what_they_are_or_the_attribute_does() {
    #[audit(auditor = log, output)]
    fn by_type(log: &Audit) -> impl Stream<Item = Result<Chunk, Broken>> + use<> {
        let chunks: Vec<_> = chunks().into_iter().map(Ok).collect();
        List(chunks.into_iter())
    }

    #[audit(
        auditor = log,
        output = out.delta,
        out(
            reasoning = out.thought,
            response_model = "small-2",
            usage = out.end.map(|(_, tokens)| Usage::openai(3, tokens)),
            finish_reasons = out.end.map(|(reason, _)| [reason]),
        ),
    )]
    fn by_name(log: &Audit) -> impl Stream<Item = Chunk> + use<> {
        List(chunks().into_iter())
    }

    let recording = Recording::of(FACETS);
    assert_eq!(drain(by_type(&recording.guard)).len(), 5);
    assert_eq!(drain(by_name(&recording.guard)).len(), 5);
    for event in recording.events() {
        let expected = [
            ("reasoning", "Let me see. "),
            ("text", "Two, at ada@example.org"),
        ];
        let expected = expected.map(|(kind, text)| (kind.to_owned(), text.to_owned()));
        assert_eq!(parts(&event), expected);
        assert_eq!(event.chunk_count(), Some(5));
        assert_eq!(event.response_model(), Some("small-2"));
        assert_eq!(event.finish_reasons().unwrap(), ["stop"]);
        assert_eq!(event.total_tokens(), Some(10));
    }
}

#[test]
fn a_stream_that_said_why_it_ends_is_not_cancelled_by_a_reader_who_stops() {
    #[audit(auditor = log, output)]
    fn ask(log: &Audit) -> impl Stream<Item = Chunk> + use<> {
        List(chunks().into_iter())
    }

    let recording = Recording::of(FACETS);
    for most in [4, 5] {
        let mut stream = Box::pin(ask(&recording.guard));
        let mut task = Context::from_waker(Waker::noop());
        for _ in 0..most {
            assert!(stream.as_mut().poll_next(&mut task).is_ready());
        }
    }
    let events = recording.events();
    assert_eq!(events[0].status(), Some(Status::Cancelled));
    assert_eq!(events[1].status(), Some(Status::Ok));
}

#[test]
fn whatever_a_stream_does_is_within_its_call() {
    #[audit(agent, auditor = log)]
    fn agent(log: &Audit) -> impl Stream<Item = Audit> + use<> {
        struct Calls(Audit, u8);

        impl Stream for Calls {
            type Item = Audit;

            fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Audit>> {
                self.1 += 1;
                self.0.begin(Operation::Chat).finish();
                Poll::Ready((self.1 < 3).then(|| self.0.clone()))
            }
        }

        Calls(log.clone(), 0)
    }

    let recording = Recording::of(FACETS);
    assert_eq!(drain(agent(&recording.guard)).len(), 2);
    let events = recording.events();
    let (agents, chats): (Vec<_>, Vec<_>) = events
        .iter()
        .partition(|event| event.operation() == Some(Operation::InvokeAgent));
    assert_eq!((agents.len(), chats.len()), (1, 3));
    let parent = Some(agents[0].event_id());
    assert!(chats.iter().all(|chat| chat.parent_event_id() == parent));
}

#[test]
fn what_each_chunk_repeats_takes_no_room() {
    const MODEL: &str = "a-model-with-a-name-that-some-gateway-has-made-up-of-all-that-it-knows";

    #[audit(
        auditor = log,
        out(
            response_model = MODEL,
            usage = Usage::openai(3, *out),
            finish_reasons = [MODEL],
        ),
    )]
    fn long(log: &Audit) -> impl Stream<Item = u64> + use<> {
        let items: Vec<_> = (0..20_000).collect();
        List(items.into_iter())
    }

    let directory = tempfile::tempdir().unwrap();
    let policy = Policy::builder()
        .facet(Facet::Model, Level::Full)
        .facet(Facet::Response, Level::Full)
        .facet(Facet::Usage, Level::Full)
        .retention(Retention::Days30);
    // Kept anew for each chunk, the name alone would take more.
    let log = llm_audit::builder().max_bytes(1 << 20);
    let log = log.policy(policy.build().unwrap());
    let guard = log.journal(directory.path()).spawn().unwrap();
    let recording = Recording { directory, guard };
    assert_eq!(drain(long(&recording.guard)).len(), 20_000);
    let event = recording.event();
    assert_eq!(event.output_tokens(), Some(19_999));
    assert_eq!(event.response_model(), Some(MODEL));
    assert_eq!(event.finish_reasons().unwrap(), [MODEL]);
    for facet in [Facet::Model, Facet::Response, Facet::Usage] {
        assert_eq!(event.absence(facet), None, "{facet}");
    }
}

#[test]
fn an_answer_is_a_message_or_several_texts_too() {
    #[audit(auditor = log, output)]
    fn message(log: &Audit) -> Vec<Message> {
        vec![
            Message::text("assistant", "One."),
            Message::text("assistant", "Two."),
        ]
    }

    let recording = Recording::of(FACETS);
    message(&recording.guard);
    let event = recording.event();
    assert_eq!(event.output_messages().unwrap().len(), 2);
}

#[test]
fn a_stream_that_must_not_go_unrecorded_does_not_begin() {
    #[audit(fail_closed, output)]
    fn closed() -> Result<impl Stream<Item = Item>, llm_audit::Error> {
        Ok(words(Way::Ends))
    }

    #[audit(fail_closed, output)]
    async fn closed_async() -> Result<BoxStream<'static, Item>, llm_audit::Error> {
        Ok(Box::pin(words(Way::Ends)))
    }

    assert!(closed().err().unwrap().is_not_durable());
    assert!(
        poll_once(closed_async())
            .unwrap()
            .err()
            .unwrap()
            .is_not_durable()
    );
}
