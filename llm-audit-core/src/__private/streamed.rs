//! An answer that is a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use futures_core::stream::{FusedStream, Stream};
use pin_project_lite::pin_project;

use super::call::Call;
use crate::context::Context;

pin_project! {
    /// A stream that is the answer of a call: the call ends when the stream does. Each item is handed
    /// on when it comes, after `describe` has seen it.
    pub struct Streamed<S, D> {
        #[pin]
        stream: S,
        describe: D,
        // `None` once the call has ended, or when it is not recorded.
        context: Option<Context>,
        call: Call,
    }
}

impl<S: Stream, D: FnMut(&mut Call, &S::Item)> Streamed<S, D> {
    /// Returns `stream` as the answer of `call`.
    pub fn new(call: Call, stream: S, describe: D) -> Self {
        Self {
            stream,
            describe,
            context: call.context(),
            call,
        }
    }
}

impl<S: Stream, D: FnMut(&mut Call, &S::Item)> Stream for Streamed<S, D> {
    type Item = S::Item;

    #[inline]
    fn poll_next(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        let Some(context) = this.context else {
            return this.stream.poll_next(task);
        };
        // Were it left in its place, a panic below would be known only if the stream is dropped while
        // the thread unwinds.
        let mut call = this.call.take();
        let polled = context.enter(|| this.stream.poll_next(task));
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(item)) => call.item(|call| (this.describe)(call, item)),
            Poll::Ready(None) => {
                call.finish();
                *this.context = None;
                return polled;
            }
        }
        *this.call = call;
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}

impl<S: FusedStream, D: FnMut(&mut Call, &S::Item)> FusedStream for Streamed<S, D> {
    fn is_terminated(&self) -> bool {
        self.stream.is_terminated()
    }
}

impl<S, D> fmt::Debug for Streamed<S, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streamed").finish_non_exhaustive()
    }
}

/// An answer that is a stream although its type does not say so where the function is.
#[diagnostic::on_unimplemented(
    message = "`#[audit(stream)]` cannot put a stream of type `{Self}` in one that is recorded",
    label = "is no stream in a box",
    note = "return `impl Stream<Item = …>` or `Pin<Box<dyn Stream<Item = …> + Send>>`; within a \
            `Result`, write `Result<…>`"
)]
pub trait StreamAnswer<'s>: Sized {
    /// What comes.
    type Item;

    /// Returns this as the answer of `call`.
    fn answer<D: FnMut(&mut Call, &Self::Item) + Send + Sync + 's>(
        self,
        call: Call,
        describe: D,
    ) -> Self;
}

macro_rules! boxed {
    ($($ty:ty;)+) => {$(
        impl<'s, T: 's> StreamAnswer<'s> for Pin<Box<$ty>> {
            type Item = T;

            fn answer<D: FnMut(&mut Call, &T) + Send + Sync + 's>(
                self,
                call: Call,
                describe: D,
            ) -> Self {
                if call.is_recorded() {
                    Box::pin(Streamed::new(call, self, describe))
                } else {
                    self
                }
            }
        }
    )+};
}

boxed! {
    dyn Stream<Item = T> + 's;
    dyn Stream<Item = T> + Send + 's;
}
