//! A call of a function in flight.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use pin_project_lite::pin_project;

use super::author::Recorded;
use super::slot::{Slot, Taken};
use super::value::Auditor;
use crate::audit::{self, Audit};
use crate::context::Context;
use crate::event::Status;
use crate::id::EventId;
use crate::interaction::Interaction;
use crate::put::{PutField, contained};

/// A call of a function under `#[audit]`.
///
/// It is a part of every instrumented future, so what it holds is behind a pointer, and a call that
/// is not recorded holds nothing.
pub struct Call(Option<Box<Interaction>>);

/// Where a function is.
#[derive(Debug)]
pub struct Place {
    function: &'static str,
    file: &'static str,
    line: u32,
}

/// Stands for the log to be found.
#[derive(Debug)]
pub struct Log(());

/// Finds the installed log.
pub fn installed(_: Log) -> Option<Audit> {
    audit::installed()
}

impl Log {
    /// Finds the log of the handle `auditor`.
    pub fn of<A: Auditor + ?Sized>(self, auditor: &A) -> Option<Audit> {
        auditor.log().cloned()
    }
}

impl Place {
    /// Returns the place of the function at that line.
    pub const fn new(function: &'static str, file: &'static str, line: u32) -> Self {
        Self {
            function,
            file,
            line,
        }
    }
}

impl Call {
    /// Begins a call. While nothing is captured anywhere, that is one atomic load.
    #[inline]
    pub fn begin(
        subject: impl Recorded,
        place: &'static Place,
        log: impl FnOnce(Log) -> Option<Audit>,
    ) -> Self {
        if audit::is_capturing() {
            Self::begin_in(log(Log(())), subject, place)
        } else {
            Self(None)
        }
    }

    /// Begins a call that is cancelled by dropping it.
    #[inline]
    pub fn begin_future(
        subject: impl Recorded,
        place: &'static Place,
        log: impl FnOnce(Log) -> Option<Audit>,
    ) -> Self {
        let mut call = Self::begin(subject, place, log);
        if let Some(interaction) = &mut call.0 {
            interaction.on_drop(Status::Cancelled);
        }
        call
    }

    fn begin_in(log: Option<Audit>, subject: impl Recorded, place: &'static Place) -> Self {
        let Some(log) = log else { return Self(None) };
        let mut interaction = subject.begin(&log);
        if !interaction.is_recorded() {
            return Self(None);
        }
        interaction
            .code_function(place.function)
            .code_file(place.file)
            .code_line(u64::from(place.line));
        Self(Some(Box::new(interaction)))
    }

    /// Returns whether the call is recorded.
    #[inline]
    pub const fn is_recorded(&self) -> bool {
        self.0.is_some()
    }

    /// Lets `put` fill `slot`, unless its facet is off. A panic in what it evaluates costs the value
    /// alone.
    pub fn set<K>(&mut self, slot: Slot<K>, put: impl FnOnce(Taken<'_, K>)) {
        if let Some(interaction) = &mut self.0 {
            let field = slot.field();
            if let Some(taken) = slot.take(interaction)
                && contained(|| put(taken)).is_none()
            {
                interaction.put_failed(field);
            }
        }
    }

    /// Says that the body begins.
    pub fn sent(&mut self) {
        if let Some(interaction) = &mut self.0 {
            interaction.sent();
        }
    }

    /// Returns a future that runs `future` within the call.
    #[inline]
    pub fn scope<F: Future>(&self, future: F) -> Within<F> {
        let context = self.0.as_ref().map(|interaction| interaction.context());
        Within { context, future }
    }

    /// Runs `run` within the call.
    #[inline]
    pub fn enter<T>(&self, run: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(interaction) => interaction.enter(run),
            None => run(),
        }
    }

    /// Records that the call succeeded.
    pub fn finish(self) {
        if let Some(interaction) = self.0 {
            interaction.finish();
        }
    }

    /// Records that the call failed with `error`.
    pub(super) fn fail<E: fmt::Display>(self, error: &E) {
        self.fail_with(|interaction| interaction.fail(error));
    }

    /// Records that the call failed with an error of type `E`, which has no text.
    pub(super) fn fail_as<E>(self) {
        self.fail_with(Interaction::fail_as::<E>);
    }

    /// An error that was the verdict is no failure.
    fn fail_with(self, fail: impl FnOnce(Interaction) -> Option<EventId>) {
        if let Some(mut interaction) = self.0 {
            if interaction.has_verdict() {
                interaction.finish();
            } else {
                fail(*interaction);
            }
        }
    }
}

/// Shows the event's identifier, never what was captured.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Call").field(&self.0).finish()
    }
}

pin_project! {
    /// A future that runs within a call, or as it is when the call is not recorded.
    pub struct Within<F> {
        context: Option<Context>,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<F::Output> {
        let this = self.project();
        match this.context {
            Some(context) => context.enter(|| this.future.poll(task)),
            None => this.future.poll(task),
        }
    }
}

impl<F> fmt::Debug for Within<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Within").finish_non_exhaustive()
    }
}
