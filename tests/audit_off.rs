//! While no log captures anything, a function under `#[audit]` runs as if it were not.
//!
//! There is no log in this process, so whatever is evaluated here is evaluated without one.
#![cfg(feature = "macros")]

#[path = "common/recording.rs"]
mod recording;

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use futures_core::stream::BoxStream;
use llm_audit::{Audit, audit};
use recording::poll_once;

fn never<T>() -> T {
    unreachable!("there is no log")
}

/// It cannot be serialised without a panic.
struct Bomb;

impl serde::Serialize for Bomb {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        never()
    }
}

#[audit(
    tool,
    auditor = never::<Audit>(),
    name = never::<String>(),
    prompt = never::<&str>(),
    fields(model = %never::<u8>(), tags = never::<Vec<String>>()),
    args(bomb = never::<Bomb>()),
    output = never::<u8>(),
    out(usage = never::<llm_audit::Usage>()),
    err(error_code = never::<&str>()),
)]
fn tool(bomb: &Bomb, other: &Bomb, answer: Result<u8, u8>) -> Result<u8, u8> {
    let _: (&Bomb, &Bomb) = (bomb, other);
    answer
}

#[audit(auditor = never::<Audit>(), prompt = never::<&str>(), output = never::<&str>())]
async fn chat(answer: Option<u8>) -> Option<u8> {
    answer
}

#[audit(guardrail, auditor = never::<Audit>(), stage = never::<&str>(), output = never::<&str>())]
fn guardrail() -> Pin<Box<dyn Future<Output = u8>>> {
    Box::pin(async move { 3 })
}

#[audit(evaluation, auditor = never::<Audit>(), output = never::<f64>(), out(passed = never::<bool>()))]
fn evaluation() -> f64 {
    0.5
}

#[audit(
    auditor = never::<Audit>(),
    input = never::<&str>(),
    output = never::<&str>(),
    out(usage = never::<llm_audit::Usage>()),
)]
fn stream(items: BoxStream<'_, u8>) -> BoxStream<'_, u8> {
    items
}

struct Once(Option<u8>);

impl Stream for Once {
    type Item = u8;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u8>> {
        Poll::Ready(self.0.take())
    }
}

#[test]
fn a_stream_in_a_box_stays_in_its_box() {
    let mut items: BoxStream<'_, u8> = Box::pin(Once(Some(3)));
    let place = std::ptr::from_ref(&*items).addr();
    items = stream(items);
    assert_eq!(std::ptr::from_ref(&*items).addr(), place);
    let mut task = Context::from_waker(Waker::noop());
    assert_eq!(items.as_mut().poll_next(&mut task), Poll::Ready(Some(3)));
    assert_eq!(items.as_mut().poll_next(&mut task), Poll::Ready(None));
}

#[test]
fn nothing_is_evaluated() {
    assert_eq!(tool(&Bomb, &Bomb, Ok(3)), Ok(3));
    assert_eq!(tool(&Bomb, &Bomb, Err(3)), Err(3));
    assert_eq!(poll_once(chat(Some(3))), Some(Some(3)));
    assert_eq!(poll_once(guardrail()), Some(3));
    assert!(evaluation() > 0.0);
}

#[test]
fn a_future_grows_by_a_pointer_and_the_context_of_its_children() {
    #[allow(clippy::unused_async, reason = "the size is what is tested")]
    async fn plain(answer: Option<u8>) -> Option<u8> {
        answer
    }

    let words = (size_of_val(&chat(None)) - size_of_val(&plain(None))).div_ceil(size_of::<usize>());
    assert!(words <= 8, "{words} words");
}
