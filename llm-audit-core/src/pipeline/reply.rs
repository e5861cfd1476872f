//! Answers of the worker and of sinks to those who wait for one event.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::counters::LossReason;
use crate::sync::{Arc, Condvar, Mutex, lock, wait_while};

/// Why an event is not what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The event is lost, to the log or to the sink that was asked about.
    Lost(LossReason),
    /// The event could not be written so far; it waits in memory and may be written later.
    NotWritten,
    /// The event is written, but the disk did not confirm it.
    NotSynced,
    /// The log ended before there was an answer.
    Closed,
    /// There was no answer in time.
    TimedOut,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    Written,
    Synced,
    /// Synced, by somebody who does nothing before it is: a try to write that fails is the answer.
    Intended,
    /// Durable at the sink of this place in the list of sinks.
    Delivered(usize),
}

/// Returns both ends of an answer.
pub(crate) fn reply() -> (Waiter, Reply) {
    let shared = Arc::new(Shared::default());
    let waiter = Waiter(Some(Arc::clone(&shared)));
    (waiter, Reply(shared))
}

/// Gives the answer; dropped without one, the answer is [`Failure::Closed`].
#[derive(Debug)]
pub(crate) struct Waiter(Option<Arc<Shared>>);

/// Ends the wait of a [`Reply`] without an answer.
#[derive(Clone, Debug)]
pub(crate) struct Expiry(Arc<Shared>);

/// Waits for the answer, on a thread or as a future.
#[derive(Debug)]
#[must_use = "an answer is waited for"]
pub(crate) struct Reply(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    answered: Condvar,
}

#[derive(Debug, Default)]
struct State {
    answer: Option<Result<u64, Failure>>,
    waker: Option<Waker>,
}

impl Waiter {
    pub(crate) fn resolve(mut self, answer: Result<u64, Failure>) {
        self.answer(answer);
    }

    /// Whether anybody can still see the answer.
    pub(crate) fn is_awaited(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|shared| Arc::strong_count(shared) > 1)
    }

    fn answer(&mut self, answer: Result<u64, Failure>) {
        if let Some(shared) = self.0.take() {
            shared.answer(answer);
        }
    }
}

impl Expiry {
    pub(crate) fn expire(self) {
        self.0.answer(Err(Failure::TimedOut));
    }
}

impl Shared {
    /// The first answer counts.
    fn answer(&self, answer: Result<u64, Failure>) {
        let waker = {
            let mut state = lock(&self.state);
            state.answer.get_or_insert(answer);
            state.waker.take()
        };
        self.answered.notify_all();
        if let Some(waker) = waker {
            // The host's code: what breaks in it breaks nobody who waits for another answer.
            catch_unwind(AssertUnwindSafe(|| waker.wake())).ok();
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.answer(Err(Failure::Closed));
    }
}

impl Reply {
    pub(crate) fn expiry(&self) -> Expiry {
        Expiry(Arc::clone(&self.0))
    }

    /// Blocks until there is an answer, for `at_most` at most.
    pub(crate) fn wait(self, at_most: Duration) -> Option<Result<u64, Failure>> {
        let state = lock(&self.0.state);
        wait_while(&self.0.answered, state, at_most, |state| {
            state.answer.is_none()
        })
        .answer
    }
}

impl Future for Reply {
    type Output = Result<u64, Failure>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = lock(&self.0.state);
        match state.answer {
            Some(answer) => Poll::Ready(answer),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiter_that_is_dropped_answers_too() {
        let (waiter, answer) = reply();
        drop(waiter);
        let at_most = Duration::from_secs(60);
        assert_eq!(answer.wait(at_most), Some(Err(Failure::Closed)));
        let (_waiter, answer) = reply();
        assert_eq!(answer.wait(Duration::ZERO), None);
    }

    struct Panics;

    impl std::task::Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("as the test asked");
        }
    }

    #[test]
    fn a_waker_that_panics_harms_nobody_who_answers() {
        let waker = Waker::from(Arc::new(Panics));
        let mut context = Context::from_waker(&waker);
        let (waiter, mut answer) = reply();
        assert!(Pin::new(&mut answer).poll(&mut context).is_pending());
        waiter.resolve(Ok(7));
        assert_eq!(answer.wait(Duration::ZERO), Some(Ok(7)));
        let (_waiter, mut answer) = reply();
        assert!(Pin::new(&mut answer).poll(&mut context).is_pending());
        answer.expiry().expire();
        assert_eq!(answer.wait(Duration::ZERO), Some(Err(Failure::TimedOut)));
    }

    #[test]
    fn an_answer_ends_a_future() {
        let (waiter, answer) = reply();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let other = crate::sync::thread::spawn(move || waiter.resolve(Ok(7)));
        assert_eq!(runtime.block_on(answer), Ok(7));
        other.join().unwrap();
    }
}
