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
use crate::commit::{Commit, Receipt};
use crate::context::Context;
use crate::error::Error;
use crate::event::Status;
use crate::id::EventId;
use crate::interaction::Interaction;
use crate::put::{PutField, contained};

/// A call of a function under `#[audit]`.
///
/// It is a part of every instrumented future, so what it holds is behind a pointer, and a call that
/// is not recorded holds nothing.
pub struct Call(Option<Box<Flight>>);

#[expect(
    clippy::large_enum_variant,
    reason = "it is behind a pointer, and nearly always recorded"
)]
enum Flight {
    Recorded(Interaction),
    /// Why the call cannot be recorded; it must not take place.
    Refused(Option<Error>),
}

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
    audit::installed_or_told()
}

/// Returns whether any log captures anything.
pub fn is_capturing() -> bool {
    audit::is_capturing()
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
        Self::begin(subject, place, log).cancelled_by_drop()
    }

    /// Begins a call that must not take place unrecorded: [`sent_durable`](Self::sent_durable) says
    /// whether it may.
    pub fn begin_closed(
        subject: impl Recorded,
        place: &'static Place,
        log: impl FnOnce(Log) -> Option<Audit>,
    ) -> Self {
        let begun = match log(Log(())) {
            Some(log) => subject.begin_closed(&log),
            None => Err(audit::none_installed()),
        };
        match begun {
            Ok(interaction) => Self::at(place, interaction),
            Err(error) => Self(Some(Box::new(Flight::Refused(Some(error.not_durable()))))),
        }
    }

    /// Begins a call that must not take place unrecorded, and that is cancelled by dropping it.
    pub fn begin_closed_future(
        subject: impl Recorded,
        place: &'static Place,
        log: impl FnOnce(Log) -> Option<Audit>,
    ) -> Self {
        Self::begin_closed(subject, place, log).cancelled_by_drop()
    }

    fn begin_in(log: Option<Audit>, subject: impl Recorded, place: &'static Place) -> Self {
        let Some(log) = log else { return Self(None) };
        let interaction = subject.begin(&log);
        if interaction.is_recorded() {
            Self::at(place, interaction)
        } else {
            Self(None)
        }
    }

    fn at(place: &'static Place, mut interaction: Interaction) -> Self {
        interaction
            .code_function(place.function)
            .code_file(place.file)
            .code_line(u64::from(place.line));
        Self(Some(Box::new(Flight::Recorded(interaction))))
    }

    fn cancelled_by_drop(mut self) -> Self {
        if let Some(interaction) = self.interaction() {
            interaction.on_drop(Status::Cancelled);
        }
        self
    }

    /// Returns whether the call is recorded.
    #[inline]
    pub fn is_recorded(&self) -> bool {
        matches!(self.0.as_deref(), Some(Flight::Recorded(_)))
    }

    /// Lets `put` fill `slot`, unless its facet is off. A panic in what it evaluates costs the value
    /// alone.
    pub fn set<K>(&mut self, slot: Slot<K>, put: impl FnOnce(Taken<'_, K>)) {
        if let Some(interaction) = self.interaction() {
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
        if let Some(interaction) = self.interaction() {
            interaction.sent();
        }
    }

    /// Has the intent survive a power cut, then says that the body begins.
    ///
    /// # Errors
    ///
    /// When the call cannot be recorded: the body must not begin, and the call is to be dropped.
    pub fn sent_durable(&mut self) -> impl Future<Output = Result<(), Error>> + Send + '_ {
        let intent = self.intend();
        async move { self.intended(intent.await) }
    }

    /// Does what [`sent_durable`](Self::sent_durable) does, and blocks the thread.
    ///
    /// # Errors
    ///
    /// As [`sent_durable`](Self::sent_durable).
    pub fn sent_durable_blocking(&mut self) -> Result<(), Error> {
        let intent = self.intend().wait();
        self.intended(intent)
    }

    fn intend(&mut self) -> Commit {
        match self.0.as_deref_mut() {
            Some(Flight::Recorded(interaction)) => interaction.intend(),
            Some(Flight::Refused(error)) => error
                .take()
                .map_or_else(Commit::of_nothing, Commit::refused),
            None => Commit::of_nothing(),
        }
    }

    fn intended(&mut self, synced: Result<Receipt, Error>) -> Result<(), Error> {
        if let Some(interaction) = self.interaction() {
            match synced {
                Ok(_) => interaction.sent(),
                Err(_) => interaction.not_recorded(),
            };
        }
        synced.map(drop)
    }

    /// Returns a future that runs `future` within the call.
    #[inline]
    pub fn scope<F: Future>(&self, future: F) -> Within<F> {
        let context = self.context();
        Within { context, future }
    }

    /// Runs `run` within the call.
    #[inline]
    pub fn enter<T>(&self, run: impl FnOnce() -> T) -> T {
        match self.recorded() {
            Some(interaction) => interaction.enter(run),
            None => run(),
        }
    }

    /// Records that the call succeeded.
    pub fn finish(self) {
        if let Some(interaction) = self.into_interaction() {
            interaction.finish();
        }
    }

    /// Returns the context of what happens within the call, or `None` when it is not recorded.
    pub(super) fn context(&self) -> Option<Context> {
        self.recorded().map(Interaction::context)
    }

    /// Takes the call out, and leaves one that is not recorded.
    pub(super) const fn take(&mut self) -> Self {
        Self(self.0.take())
    }

    /// Counts an item of the call's stream, and has `describe` say what it is.
    pub(super) fn item(&mut self, describe: impl FnOnce(&mut Self)) {
        if let Some(interaction) = self.interaction() {
            interaction.tick();
        }
        describe(self);
        if let Some(interaction) = self.interaction() {
            // A choice may begin after another has ended.
            let status = match interaction.is_told_why_it_ends() {
                true => Status::Ok,
                false => Status::Cancelled,
            };
            interaction.on_drop(status);
        }
    }

    /// Says that the call failed with `error`, and goes on.
    pub(super) fn failed<E: fmt::Display>(&mut self, error: &E) {
        self.failed_with(|interaction| {
            interaction.failed(error);
        });
    }

    /// Says that the call failed with an error of type `E`, which has no text, and goes on.
    pub(super) fn failed_as<E>(&mut self) {
        self.failed_with(|interaction| {
            interaction.failed_as::<E>();
        });
    }

    /// The first error is why the call failed, and one that was the verdict is none.
    fn failed_with(&mut self, fail: impl FnOnce(&mut Interaction)) {
        if let Some(interaction) = self.interaction()
            && !interaction.has_verdict()
            && !interaction.has_failed()
        {
            fail(interaction);
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
        if let Some(mut interaction) = self.into_interaction() {
            if interaction.has_verdict() {
                interaction.finish();
            } else {
                fail(interaction);
            }
        }
    }

    #[inline]
    fn recorded(&self) -> Option<&Interaction> {
        match self.0.as_deref()? {
            Flight::Recorded(interaction) => Some(interaction),
            Flight::Refused(_) => None,
        }
    }

    #[inline]
    fn interaction(&mut self) -> Option<&mut Interaction> {
        match self.0.as_deref_mut()? {
            Flight::Recorded(interaction) => Some(interaction),
            Flight::Refused(_) => None,
        }
    }

    #[inline]
    fn into_interaction(self) -> Option<Interaction> {
        match *self.0? {
            Flight::Recorded(interaction) => Some(interaction),
            Flight::Refused(_) => None,
        }
    }
}

/// Shows the event's identifier, never what was captured.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Call").field(&self.recorded()).finish()
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
