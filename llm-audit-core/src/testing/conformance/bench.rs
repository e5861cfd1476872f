//! A sink under test, called as the log calls it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::batch::Batch;
use crate::event::Event;
use crate::sink::{Durable, Sink, SinkError};

/// Longer than any healthy sink takes for a batch.
const PATIENCE: Duration = Duration::from_secs(30);

/// A sink that can be looked at.
pub(super) trait Tested: Sink + fmt::Debug {}

impl<S: Sink + fmt::Debug> Tested for S {}

/// A fresh sink with what reads back what it wrote.
pub(super) struct Subject {
    pub(super) sink: Box<dyn Tested>,
    read: Box<dyn FnMut() -> Vec<Event>>,
}

impl Subject {
    pub(super) fn new(sink: Box<dyn Tested>, read: Box<dyn FnMut() -> Vec<Event>>) -> Self {
        Self { sink, read }
    }

    /// Returns what arrived, each event where it came first.
    pub(super) fn arrived(&mut self) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::new();
        for event in (self.read)() {
            let same = |known: &Event| {
                known.writer_id() == event.writer_id() && known.seq() == event.seq()
            };
            if !events.iter().any(same) {
                events.push(event);
            }
        }
        events
    }
}

/// What makes fresh sinks and runs them.
pub(super) struct Bench<'a> {
    factory: &'a mut dyn FnMut() -> Subject,
    runtime: Runtime,
}

impl<'a> Bench<'a> {
    #[expect(clippy::expect_used, reason = "a test cannot go on without a runtime")]
    pub(super) fn new(factory: &'a mut dyn FnMut() -> Subject) -> Self {
        // As a sink gets it from the log.
        let runtime = Builder::new_current_thread().enable_all().build();
        Self {
            factory,
            runtime: runtime.expect("the system provides a runtime"),
        }
    }

    pub(super) fn subject(&mut self) -> Subject {
        let _entered = self.runtime.enter();
        (self.factory)()
    }

    pub(super) fn write(&self, subject: &mut Subject, batch: &Batch) -> Result<Durable, String> {
        let answer = self.try_write(subject, batch)?;
        answer.map_err(|error| format!("{} was not taken: {error}", named(batch)))
    }

    pub(super) fn flush(&self, subject: &mut Subject) -> Result<Durable, String> {
        let answer = self.run("a flush", subject.sink.flush())?;
        answer.map_err(|error| format!("a flush failed: {error}"))
    }

    pub(super) fn shutdown(&self, subject: &mut Subject) -> Result<Durable, String> {
        let answer = self.run("the shutdown", subject.sink.shutdown())?;
        answer.map_err(|error| format!("the shutdown failed: {error}"))
    }

    pub(super) fn try_write(
        &self,
        subject: &mut Subject,
        batch: &Batch,
    ) -> Result<Result<Durable, SinkError>, String> {
        self.run(&named(batch), subject.sink.write(batch))
    }

    pub(super) fn try_flush(
        &self,
        subject: &mut Subject,
    ) -> Result<Result<Durable, SinkError>, String> {
        self.run("a flush", subject.sink.flush())
    }

    /// Polls `call` so many times, then drops it.
    pub(super) fn drop_after<F: Future>(&self, polls: usize, call: F) -> Result<(), String> {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            self.runtime.block_on(async {
                let mut call = pin!(call);
                for _ in 0..polls {
                    if poll_fn(|task| Poll::Ready(call.as_mut().poll(task).is_ready())).await {
                        break;
                    }
                    // What the call waits for may come meanwhile.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            });
        }));
        polled.map_err(|_| "the sink panicked".to_owned())
    }

    fn run<F>(&self, what: &str, call: F) -> Result<F::Output, String>
    where
        F: Future,
    {
        let limited = async { tokio::time::timeout(PATIENCE, call).await };
        match catch_unwind(AssertUnwindSafe(|| self.runtime.block_on(limited))) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(format!("{what} took longer than {PATIENCE:?}")),
            Err(_) => Err(format!("{what} made the sink panic")),
        }
    }
}

/// Returns how a message calls `batch`.
pub(super) fn named(batch: &Batch) -> String {
    match (batch.first_seq(), batch.last_seq()) {
        (first, last) if first == last => format!("the batch of event {first}"),
        (first, last) => format!("the batch of events {first} to {last}"),
    }
}
