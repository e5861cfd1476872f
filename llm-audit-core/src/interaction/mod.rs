//! Interactions: operations in flight, recorded once however they end.

mod chunks;
mod durable;
pub(crate) mod in_flight;
mod roles;
mod stream;
pub(crate) mod verdict;
mod wire;

use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::audit::Shared;
use crate::catalog::{Field, with_catalog};
use crate::commit::{Ack, Commit};
use crate::context::{Context, Scoped};
use crate::event::{Kind, Operation, Part, Status, Value, ValueRef};
use crate::facet::Facet;
use crate::id::EventId;
use crate::level::Level;
use crate::pipeline::Slot;
use crate::policy::Intent;
use crate::put::{PutField, display_text, setters};
use crate::raw::Scalar;
use crate::redact::DataType;
use crate::sync::{Arc, thread};

pub use durable::BeginDurable;
use in_flight::InFlight;
use stream::Stream;
use verdict::Verdict;

/// What an [`Interaction`] becomes an event of.
pub(crate) enum Subject {
    Operation(Operation),
    Verdict(Box<Verdict>),
}

/// An operation in flight: a call of a model, a tool, an agent.
///
/// [`Audit::begin`](crate::Audit::begin) makes one. Set what is known, when it is known; end it
/// with one of the methods that consume it. However it ends, one event is recorded: an interaction
/// that is dropped is `abandoned`, or what [`Interaction::on_drop`] says, or an error of type
/// `panic` while the thread panics.
///
/// Of a facet that the policy does not allow nothing is built or copied. Where a value costs
/// something to build, ask [`Interaction::allows`] first.
///
/// There is no way to read back what was set, and no way to print or serialise it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use llm_audit_core::{Facet, Level, Operation, Policy, Retention, Usage};
///
/// # let directory = tempfile::tempdir()?;
/// let policy = Policy::builder()
///     .facet(Facet::Model, Level::Full)
///     .facet(Facet::Usage, Level::Full)
///     .retention(Retention::Days90)
///     .build()?;
/// let audit = llm_audit_core::builder().policy(policy).journal(directory.path()).spawn()?;
///
/// let mut call = audit.begin(Operation::Chat);
/// call.provider("openai").request_model("small");
/// call.prompt("Why is the sky blue?"); // not captured: the policy does not allow prompts
/// call.usage(Usage::openai(6, 120));
/// call.finish();
///
/// let report = audit.shutdown(Duration::from_secs(5));
/// assert_eq!(report.to_string(), "admitted 1 = written 1 + lost 0 + pending 0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "an interaction that is dropped is recorded as abandoned"]
pub struct Interaction {
    /// `None` when nothing is captured.
    inner: Option<Active>,
}

struct Active {
    flight: InFlight,
    sent: Option<Duration>,
    deadline: Option<Duration>,
    on_drop: Status,
    /// How the operation has ended, when that is known before the end.
    outcome: Option<Status>,
    /// Whether the intent is recorded.
    intended: bool,
    stream: Option<Box<Stream>>,
    /// What is recorded instead of an interaction: the verdict of a guardrail or an evaluator.
    verdict: Option<Box<Verdict>>,
}

impl Interaction {
    #[inline]
    pub(crate) const fn off() -> Self {
        Self { inner: None }
    }

    pub(crate) fn new(shared: &Arc<Shared>, subject: Subject, slot: Option<Slot>) -> Self {
        let (kind, operation, verdict) = match subject {
            Subject::Operation(operation) => (Kind::Interaction, Some(operation), None),
            Subject::Verdict(verdict) => (verdict.kind(), None, Some(verdict)),
        };
        let mut flight = InFlight::new(shared, kind, operation, slot);
        if verdict.is_some()
            && let Some(target) = Context::current().event_id()
        {
            flight.put_text(Field::TargetEventId, &target.to_string());
        }
        Self {
            inner: Some(Active {
                flight,
                sent: None,
                deadline: None,
                on_drop: Status::Abandoned,
                outcome: None,
                intended: false,
                stream: None,
                verdict,
            }),
        }
    }

    /// Returns whether anything of this interaction is recorded.
    #[inline]
    pub const fn is_recorded(&self) -> bool {
        self.inner.is_some()
    }

    /// Returns the identifier that the event will have, or `None` when nothing is recorded.
    ///
    /// Hand it to whoever may have something to say about the answer later.
    pub fn event_id(&self) -> Option<EventId> {
        self.inner.as_ref().map(|active| active.flight.event_id())
    }

    /// Returns whether the policy lets `facet` be captured.
    ///
    /// To have asked counts as having had a value: the event then says that it was withheld.
    pub fn allows(&mut self, facet: Facet) -> bool {
        self.inner
            .as_mut()
            .is_some_and(|active| active.flight.allows(facet))
    }

    /// Captures `facet` at `level` at most, from here on and when the event is sealed.
    ///
    /// A call can only narrow: a level above the policy's changes nothing.
    pub fn narrow(&mut self, facet: Facet, level: Level) -> &mut Self {
        if let Some(active) = &mut self.inner {
            active.flight.narrow(facet, level);
        }
        self
    }

    /// Hides `value` wherever this event has it, of type `data_type`: a name, an address, a number
    /// that the program knows and that no detector would find.
    ///
    /// The value itself is never written. It is looked for in every text but those of who and where,
    /// at level Full too, as words of their own and without regard to the case of ASCII letters.
    /// Values of less than four characters are not looked for. When there are more than 64, or one
    /// is longer than 1,024 bytes, all content of the event is withheld.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::redact::DataType;
    /// use llm_audit_core::{Facet, Kind, Level, Operation, Policy, Retention, journal};
    ///
    /// # let directory = tempfile::tempdir()?;
    /// let policy = Policy::builder()
    ///     .facet(Facet::Prompt, Level::Redacted)
    ///     .retention(Retention::Days90)
    ///     .build()?;
    /// let audit = llm_audit_core::builder().policy(policy).journal(directory.path()).spawn()?;
    /// let mut call = audit.begin(Operation::Chat);
    /// call.hide(DataType::Person, "Ada Lovelace").prompt("What did Ada Lovelace order?");
    /// call.finish();
    /// audit.shutdown(std::time::Duration::from_secs(5));
    ///
    /// let events = journal::Reader::open(directory.path())?.events();
    /// let event = events.filter_map(Result::ok).find(|event| *event.kind() == Kind::Interaction);
    /// assert_eq!(event.unwrap().prompt().unwrap(), "What did [PERSON] order?");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn hide(&mut self, data_type: DataType, value: &str) -> &mut Self {
        if let Some(active) = &mut self.inner {
            active.flight.raw.hidden.add(data_type, value);
        }
        self
    }

    /// Makes the interaction a time-out when it is dropped later than `limit` from now.
    pub fn deadline(&mut self, limit: Duration) -> &mut Self {
        if let Some(active) = &mut self.inner {
            // A limit beyond what the clock can count is none.
            active.deadline = active.flight.shared.clock.monotonic().checked_add(limit);
        }
        self
    }

    /// Sets how the interaction has ended when it is dropped; `abandoned` unless set.
    ///
    /// An instrumented future sets [`Status::Cancelled`].
    pub fn on_drop(&mut self, status: Status) -> &mut Self {
        if let Some(active) = &mut self.inner {
            active.on_drop = status;
        }
        self
    }

    /// Returns the context of what happens within this interaction, for children and late facts: the
    /// context that it began in, with the interaction as the parent and with the identity that was
    /// set on it (user, groups, project, code owners, session, device).
    pub fn context(&self) -> Context {
        self.inner
            .as_ref()
            .map_or_else(Context::current, |active| active.flight.context())
    }

    /// Returns a future that runs `future` within this interaction: interactions that it begins
    /// are children of this one.
    pub fn scope<F: Future>(&self, future: F) -> Scoped<F> {
        self.context().scope(future)
    }

    /// Runs `run` within this interaction.
    pub fn enter<T>(&self, run: impl FnOnce() -> T) -> T {
        self.context().enter(run)
    }

    /// Says that the request leaves now.
    ///
    /// Where the policy asks for the intent, an event of kind `prompt_sent` is recorded with what
    /// is known by now: at `metadata` without content, at `content` with it. After
    /// [`Audit::begin_durable`](crate::Audit::begin_durable) it is recorded already.
    pub fn sent(&mut self) -> &mut Self {
        if let Some(active) = &mut self.inner {
            active.sent = Some(active.flight.shared.clock.monotonic());
            let now = active.flight.shared.clock.now();
            if active.flight.allows(Facet::Timing) {
                active.flight.put(Field::SentAt, Value::Time(now));
            }
            let intent = active.flight.raw.policy.intent();
            if intent != Intent::Off && !active.intended {
                active.flight.intent(intent).submit(None);
            }
        }
        self
    }

    /// Sets how the operation has ended, for [`finish`](Interaction::finish),
    /// [`commit`](Interaction::commit) and drop.
    pub fn outcome(&mut self, status: Status) -> &mut Self {
        if let Some(active) = &mut self.inner {
            active.outcome = Some(status);
        }
        self
    }

    /// Says that the operation failed, with the type and the text of `error`; the interaction goes
    /// on until it is ended.
    ///
    /// The text is kept only as facet `error_detail` allows; the type is the path of `E`.
    pub fn failed<E: fmt::Display + ?Sized>(&mut self, error: &E) -> &mut Self {
        self.put_error_type::<E>();
        if let Some(active) = &mut self.inner
            && active.flight.allows(Facet::ErrorDetail)
        {
            match display_text(error) {
                Some(text) => active.flight.put_owned(Field::ErrorMessage, text),
                None => active.flight.put_failed(Field::ErrorMessage),
            }
        }
        self.outcome(Status::Error)
    }

    /// Records that the operation succeeded, or what [`outcome`](Interaction::outcome) says, and
    /// returns the event's identifier.
    #[inline]
    pub fn finish(mut self) -> Option<EventId> {
        match self.is_recorded() {
            true => self.finish_recorded(),
            false => None,
        }
    }

    // Kept apart, as is what is dropped: where nothing is recorded, no room is made on the stack.
    #[inline(never)]
    fn finish_recorded(&mut self) -> Option<EventId> {
        self.take().and_then(Active::finish)
    }

    /// Records that the operation failed, as [`failed`](Interaction::failed) says it.
    pub fn fail<E: fmt::Display + ?Sized>(mut self, error: &E) -> Option<EventId> {
        self.failed(error);
        self.end(Status::Error)
    }

    /// Says that the operation failed with an error of type `E`, which has no text.
    pub(crate) fn failed_as<E: ?Sized>(&mut self) -> &mut Self {
        self.put_error_type::<E>();
        self.outcome(Status::Error)
    }

    /// Records that the operation failed with an error of type `E`, which has no text.
    pub(crate) fn fail_as<E: ?Sized>(mut self) -> Option<EventId> {
        self.failed_as::<E>();
        self.end(Status::Error)
    }

    /// Returns whether it was said that the operation failed.
    pub(crate) fn has_failed(&self) -> bool {
        let outcome = self
            .inner
            .as_ref()
            .and_then(|active| active.outcome.as_ref());
        outcome == Some(&Status::Error)
    }

    /// Returns whether `facet` is captured, without offering anything of it.
    pub(crate) fn captures(&self, facet: Facet) -> bool {
        let levels = self.inner.as_ref().map(|active| active.flight.raw.levels);
        levels.is_some_and(|levels| levels.get(facet) > Level::Off)
    }

    /// Records how `result` says that the operation ended, and returns it.
    ///
    /// # Examples
    ///
    /// ```
    /// # let directory = tempfile::tempdir()?;
    /// # let policy = llm_audit_core::Policy::builder().preset(llm_audit_core::Preset::Operations);
    /// # let audit =
    /// #     llm_audit_core::builder().policy(policy.build()?).journal(directory.path()).spawn()?;
    /// use llm_audit_core::Operation;
    ///
    /// let call = audit.begin(Operation::ExecuteTool);
    /// let number = call.finish_with("42".parse::<u32>())?;
    /// assert_eq!(number, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `result` itself, when it is one; it is then recorded as by [`Interaction::fail`].
    pub fn finish_with<T, E: fmt::Display>(self, result: Result<T, E>) -> Result<T, E> {
        match &result {
            Ok(_) => self.finish(),
            Err(error) => self.fail(error),
        };
        result
    }

    /// Records that the operation ended with `status`, and returns the event's identifier.
    pub fn end(mut self, status: Status) -> Option<EventId> {
        self.take().and_then(|active| active.end(status))
    }

    #[inline(never)]
    fn drop_recorded(&mut self) {
        let Some(mut active) = self.take() else {
            return;
        };
        let late = active
            .deadline
            .is_some_and(|at| active.flight.shared.clock.monotonic() > at);
        let status = if thread::panicking() {
            active.flight.put_text(Field::ErrorType, "panic");
            Status::Error
        } else if let Some(outcome) = active.outcome.take() {
            outcome
        } else if late {
            Status::Timeout
        } else {
            active.on_drop.clone()
        };
        active.end(status);
    }

    fn put_error_type<E: ?Sized>(&mut self) {
        if let Some(active) = &mut self.inner
            && active
                .flight
                .raw
                .buffers
                .text_of(Field::ErrorType)
                .is_none()
        {
            active.flight.put_text(Field::ErrorType, type_path::<E>());
        }
    }
}

impl Active {
    fn finish(mut self) -> Option<EventId> {
        let status = self.outcome.take().unwrap_or(Status::Ok);
        self.end(status)
    }

    fn end(mut self, status: Status) -> Option<EventId> {
        self.complete(&status);
        self.flight.submit(Some(status))
    }

    fn commit(mut self, ack: Ack) -> Commit {
        let status = self.outcome.take().unwrap_or(Status::Ok);
        self.complete(&status);
        self.flight.commit(Some(status), ack)
    }

    /// Puts what is known at the end.
    fn complete(&mut self, status: &Status) {
        let at = self.flight.shared.clock.now();
        let now = self.flight.shared.clock.monotonic();
        self.flight.raw.ended_at = Some(at);
        let latency = micros(now.saturating_sub(self.flight.begun));
        if self.flight.allows(Facet::Timing) {
            self.flight.put(Field::LatencyUs, Value::Int(latency));
            if *status == Status::Ok && self.verdict.is_none() {
                self.flight.put(Field::ResponseAt, Value::Time(at));
            }
        }
        if let Some(verdict) = self.verdict.take() {
            verdict.put(&mut self.flight, status, latency);
        }
        if let Some(stream) = self.stream.take() {
            self.put_stream(&stream);
        }
    }
}

impl InFlight {
    /// Adds a part to the answer, in order.
    fn put_output_part(&mut self, facet: Facet, part: impl FnOnce() -> Part) {
        if self.allows(Facet::Response) && self.allows(facet) {
            let part = part();
            let bytes = in_flight::size_of_value(ValueRef::Parts(std::slice::from_ref(&part)));
            if self.reserve_value(Field::OutputMessages, bytes) {
                self.raw.buffers.push_output_part(part);
            }
        }
    }
}

pub(crate) fn micros(duration: Duration) -> u64 {
    crate::put::int(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

/// The path of type `E` without parameters: of low cardinality, and no content.
fn type_path<E: ?Sized>() -> &'static str {
    let path = std::any::type_name::<E>();
    path.split('<').next().unwrap_or(path)
}

impl PutField for Interaction {
    #[inline]
    fn is_on(&self) -> bool {
        self.is_recorded()
    }

    fn accepts(&mut self, field: Field) -> bool {
        self.inner
            .as_mut()
            .is_some_and(|active| active.flight.accepts(field))
    }

    fn put_text(&mut self, field: Field, text: &str) {
        if let Some(active) = &mut self.inner {
            active.put_text(field, text);
        }
    }

    fn put_scalar(&mut self, field: Field, scalar: Scalar) {
        if let Some(active) = &mut self.inner {
            active.put_scalar(field, scalar);
        }
    }

    fn put(&mut self, field: Field, value: Value) {
        if let Some(active) = &mut self.inner {
            active.put(field, value);
        }
    }

    fn put_failed(&mut self, field: Field) {
        if let Some(active) = &mut self.inner {
            active.flight.put_failed(field);
        }
    }
}

impl Drop for Interaction {
    #[inline]
    fn drop(&mut self) {
        if self.is_recorded() {
            self.drop_recorded();
        }
    }
}

/// Shows the identifier, never what was captured.
impl fmt::Debug for Interaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interaction")
            .field("event_id", &self.event_id())
            .finish_non_exhaustive()
    }
}

with_catalog!(setters Interaction by_reference);
