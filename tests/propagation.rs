//! What a request is goes with its work: to spawned tasks, sets of tasks, blocking threads, thread pools,
//! streams that are read later, and other services.
#![cfg(test)]
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[path = "common/recording.rs"]
mod recording;

use std::collections::HashMap;
use std::pin::Pin;
use std::task::Poll;

use futures_core::Stream;
use llm_audit::{
    Audit, Context, Event, Facet, Fields, InContext, Operation, propagate, propagate_fn,
};
use rayon::prelude::*;
use recording::Recording;

/// Runs `work` within an agent's call for a user, and returns the events of the calls in it.
fn within_an_agent(work: impl AsyncFnOnce(Audit)) -> Vec<Event> {
    let recording = Recording::of(&[Facet::User]);
    let log = recording.guard.handle();
    let request = Context::default().with(Fields::new().user_id("u-17"));
    let agent = request.enter(|| log.begin(Operation::InvokeAgent));
    let id = agent.event_id();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(agent.scope(work(log)));
    agent.finish();
    let mut events = recording.events();
    events.retain(|event| event.operation() == Some(Operation::Chat));
    for event in &events {
        assert_eq!(event.parent_event_id(), id);
        assert_eq!(event.user_id(), Some("u-17"));
    }
    events
}

fn call(log: &Audit) {
    log.begin(Operation::Chat).finish();
}

#[test]
fn tasks_have_it() {
    let events = within_an_agent(async |log| {
        let task = log.clone();
        let spawned = tokio::spawn(propagate(async move { call(&task) }));
        spawned.await.unwrap();
        let mut set = tokio::task::JoinSet::new();
        for _ in 0..3 {
            let task = log.clone();
            set.spawn(async move { call(&task) }.in_current_context());
        }
        let task = log.clone();
        set.spawn_blocking(propagate_fn(move || call(&task)));
        set.join_all().await;
    });
    assert_eq!(events.len(), 5);
}

#[test]
fn threads_have_it() {
    let events = within_an_agent(async |log| {
        let (first, second, third) = (log.clone(), log.clone(), log.clone());
        let blocking = tokio::task::spawn_blocking(propagate_fn(move || call(&first)));
        blocking.await.unwrap();
        std::thread::spawn(propagate_fn(move || call(&second)))
            .join()
            .unwrap();
        std::thread::scope(|scope| {
            scope.spawn(propagate_fn(|| call(&third)));
        });
    });
    assert_eq!(events.len(), 3);
}

#[test]
fn a_thread_pool_has_it() {
    let events = within_an_agent(async |log| {
        rayon::join(propagate_fn(|| call(&log)), propagate_fn(|| call(&log)));
        let context = Context::current();
        (0..8)
            .into_par_iter()
            .for_each(|_| context.enter(|| call(&log)));
    });
    assert_eq!(events.len(), 10);
}

#[test]
fn a_stream_that_is_read_later_has_it() {
    struct Calls(Audit, u8);

    impl Stream for Calls {
        type Item = u8;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<Option<u8>> {
            call(&self.0);
            self.1 += 1;
            Poll::Ready((self.1 < 3).then_some(self.1))
        }
    }

    let mut later = None;
    let events = within_an_agent(async |log| {
        let stream = Context::current().scope_stream(Calls(log, 0));
        let read = std::thread::spawn(move || {
            let mut stream = Box::pin(stream);
            let mut task = std::task::Context::from_waker(std::task::Waker::noop());
            let mut items = Vec::new();
            while let Poll::Ready(Some(item)) = stream.as_mut().poll_next(&mut task) {
                items.push(item);
            }
            items
        });
        later = read.join().ok();
    });
    assert_eq!(later, Some(vec![1, 2]));
    assert_eq!(events.len(), 3);
}

#[test]
fn what_is_not_told_does_not_have_it() {
    let recording = Recording::of(&[Facet::User]);
    let log = recording.guard.handle();
    let request = Context::default().with(Fields::new().user_id("u-17"));
    request.enter(|| {
        std::thread::scope(|scope| {
            scope.spawn(|| call(&log));
        });
    });
    assert_eq!(recording.event().user_id(), None);
}

#[test]
fn headers_carry_the_span_from_service_to_service() {
    let recording = Recording::of(&[Facet::Timing]);
    let log = recording.guard.handle();
    let mut sent: HashMap<&str, String> = HashMap::new();
    Context::default().inject(|name, value| drop(sent.insert(name, value.to_owned())));
    assert!(sent.is_empty(), "outside of a call there is no span");

    let outer = log.begin(Operation::InvokeAgent);
    outer.enter(|| {
        Context::current().inject(|name, value| drop(sent.insert(name, value.to_owned())))
    });
    // Elsewhere, on the other side:
    let request = Context::default().extract(|name| sent.get(name));
    request.enter(|| call(&log));
    let broken = Context::default().extract(|_| Some(b"00-\xff".as_slice()));
    broken.enter(|| call(&log));
    outer.finish();

    let events = recording.events();
    let of = |operation: Operation| {
        events
            .iter()
            .filter(move |event| event.operation() == Some(operation.clone()))
    };
    let outer = of(Operation::InvokeAgent).next().unwrap();
    let calls: Vec<_> = of(Operation::Chat).collect();
    let [inner, alone] = calls.as_slice() else {
        unreachable!("two calls were made")
    };
    assert_eq!(inner.trace_id(), outer.trace_id());
    assert_eq!(inner.parent_span_id(), outer.span_id());
    assert_ne!(alone.trace_id(), outer.trace_id());
}
