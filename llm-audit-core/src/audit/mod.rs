//! The handle through which a program audits.

mod builder;
mod guard;
mod installed;
mod keeping;
mod opening;
mod watch;

use std::fmt;
use std::time::Duration;

use crate::clock::Clock;
use crate::context::Context;
use crate::diagnostics::{DiagnosticKind, Diagnostics};
use crate::error::Error;
use crate::event::{Evaluation, Guardrail, Kind, Operation};
use crate::fields::Fields;
use crate::id::{Ids, WriterId};
use crate::interaction::{BeginDurable, Interaction, Subject};
use crate::pipeline::{Counters, Overflow, Pipeline, Report};
use crate::policy::Policy;
use crate::put::{contained, display_text};
use crate::recorder::Recorder;
use crate::seal::Sealer;
use crate::sync::{
    Arc, AtomicBool, AtomicUsize, Mutex, OnceLock, Ordering, RwLock, lock, read_unless,
};
use crate::trace_parent::TraceParent;

pub use builder::{AuditBuilder, builder};
pub use guard::AuditGuard;
pub use installed::{begin, begin_durable, begin_durable_blocking, installed};
pub(crate) use installed::{installed_or_told, none_installed};
pub use watch::Watch;

/// How many live logs capture anything at all. While it is zero, instrumented code does nothing
/// more than to load it.
static CAPTURING: AtomicUsize = AtomicUsize::new(0);

/// Returns whether any log of this process captures anything: one relaxed load.
#[inline]
pub(crate) fn is_capturing() -> bool {
    CAPTURING.load(Ordering::Relaxed) > 0
}

/// The handle of an audit log; a clone is another handle of the same log.
///
/// [`builder`] starts a log. Two logs with two policies can live in one process.
#[derive(Clone)]
pub struct Audit(pub(crate) Arc<Shared>);

pub(crate) type ParentFrom = Arc<dyn Fn() -> Option<TraceParent> + Send + Sync>;

pub(crate) struct Shared {
    pub(crate) policy: Arc<RwLock<Policy>>,
    /// Whether the policy captures anything; read before anything else is done.
    pub(crate) capturing: AtomicBool,
    pub(crate) said_nothing: AtomicBool,
    pub(crate) defaults: Arc<Fields>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) pipeline: Arc<Pipeline<Sealer>>,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) max_event_bytes: usize,
    /// The longest wait for an acknowledgement.
    pub(crate) ack_timeout: Duration,
    pub(crate) writer_id: WriterId,
    /// Says in which span of another tracer the host is.
    pub(crate) parent_from: Option<ParentFrom>,
    /// Held while the policy is replaced.
    replacing: Mutex<()>,
    /// Names of the sinks.
    sinks: Vec<String>,
    /// Whether the log has a `log_opened`.
    opened: AtomicBool,
}

impl Shared {
    /// Returns the context within the host's span, if it is within nothing yet.
    pub(crate) fn parented(&self, context: Context) -> Context {
        let Some(parent_from) = self.parent_from.as_ref().filter(|_| !context.has_parent()) else {
            return context;
        };
        match contained(|| parent_from()).flatten() {
            Some(parent) => context.with_trace_parent(&parent),
            None => context,
        }
    }
}

impl Audit {
    /// Begins an interaction. It never waits and never fails: what cannot be recorded is counted.
    ///
    /// Under a policy that captures nothing, nothing happens; the first call says so once through
    /// the diagnostics hook.
    ///
    /// With [`Overflow::FailClosed`](crate::Overflow::FailClosed) and no room, nothing of the
    /// interaction is recorded and it counts as lost; [`Audit::try_begin`] tells.
    #[inline]
    pub fn begin(&self, operation: Operation) -> Interaction {
        match self.0.is_capturing() {
            true => self.begin_captured(operation),
            false => Interaction::off(),
        }
    }

    #[inline(never)]
    fn begin_captured(&self, operation: Operation) -> Interaction {
        self.try_begin(operation)
            .unwrap_or_else(|_| Interaction::off())
    }

    /// Begins an interaction, or says that there is no room for it.
    ///
    /// # Errors
    ///
    /// `is_refused` with [`Overflow::FailClosed`](crate::Overflow::FailClosed) when there is no
    /// room. The refusal is counted as a loss. Otherwise it never fails.
    pub fn try_begin(&self, operation: Operation) -> Result<Interaction, Error> {
        self.begin_as(Subject::Operation(operation))
    }

    pub(crate) fn begin_as(&self, subject: Subject) -> Result<Interaction, Error> {
        if !self.0.is_capturing() {
            return Ok(Interaction::off());
        }
        let mut slot = None;
        if self.0.pipeline.budget().overflow() == Overflow::FailClosed {
            slot = Some(self.0.pipeline.begin().map_err(|reason| {
                Error::refused(format!("the interaction cannot be recorded: {reason}"))
            })?);
        }
        Ok(Interaction::new(&self.0, subject, slot))
    }

    /// Begins an interaction, has `request` say what is asked for, and gives the interaction when
    /// its intent survives a power cut: an operation that is begun like this does not take place
    /// unrecorded.
    ///
    /// The intent is an event of kind `prompt_sent`, written whatever
    /// [`PolicyBuilder::intent`](crate::PolicyBuilder::intent) says: the envelope, metadata and the
    /// digest of the prompt; the prompt itself where the policy says `content`.
    ///
    /// The request is made before this returns; the future only waits, on any runtime. Dropped
    /// before it is ready, the interaction is recorded as cancelled.
    ///
    /// # Errors
    ///
    /// For each [`Error::is_not_durable`] holds, and the operation must not take place:
    ///
    /// - `is_refused` when the policy captures nothing, there is no journal, the journal cannot be
    ///   written at the moment, the process is a forked child, or there is no room. Nothing of the
    ///   interaction is recorded then but, for want of room, a loss.
    /// - `is_closed` after a shutdown.
    /// - `is_io` when the disk does not take the intent or does not confirm it, `is_timeout` when
    ///   it has not after [`ack_timeout`](crate::AuditBuilder::ack_timeout). The interaction is then
    ///   recorded as an error of type `not_recorded`, as far as the log still takes it.
    ///
    /// # Examples
    ///
    /// ```
    /// # fn ask(_: &str) -> String { String::new() }
    /// use llm_audit_core::{Ack, Audit, Error, Operation};
    ///
    /// async fn closed(audit: &Audit, question: &str) -> Result<String, Error> {
    ///     let request = |call: &mut llm_audit_core::Interaction| {
    ///         call.request_model("small").prompt(question);
    ///     };
    ///     let mut call = audit.begin_durable(Operation::Chat, request).await?;
    ///     call.sent();
    ///     let answer = ask(question);
    ///     call.response(&answer);
    ///     call.commit(Ack::Synced).await?;
    ///     Ok(answer)
    /// }
    /// ```
    pub fn begin_durable(
        &self,
        operation: Operation,
        request: impl FnOnce(&mut Interaction),
    ) -> BeginDurable {
        match self.begin_closed(Subject::Operation(operation)) {
            Ok(mut call) => {
                request(&mut call);
                BeginDurable::new(call)
            }
            Err(error) => BeginDurable::refused(error),
        }
    }

    /// Does what [`Audit::begin_durable`] does, and blocks the thread.
    ///
    /// # Errors
    ///
    /// As [`Audit::begin_durable`].
    pub fn begin_durable_blocking(
        &self,
        operation: Operation,
        request: impl FnOnce(&mut Interaction),
    ) -> Result<Interaction, Error> {
        self.begin_durable(operation, request).wait()
    }

    /// Begins an interaction that is recorded, or says why that cannot be.
    pub(crate) fn begin_closed(&self, subject: Subject) -> Result<Interaction, Error> {
        self.0.pipeline.check_durable()?;
        if !self.0.is_capturing() {
            return Err(Error::refused(
                "the policy captures nothing, so the call cannot be recorded",
            ));
        }
        self.begin_as(subject)
    }

    /// Begins an event of `kind` that is recorded at once.
    ///
    /// Of the kinds that are the log's own, such as `log_opened`, a host can record none: the
    /// recorder then records nothing, and the diagnostics hook is told.
    pub fn event(&self, kind: Kind) -> Recorder {
        if !self.0.is_capturing() {
            return Recorder::off();
        }
        if !kind.is_capture() && !matches!(kind, Kind::Other(_)) {
            self.0.diagnostics.report(
                DiagnosticKind::Misuse,
                format!("an event of kind `{kind}` is the log's own and cannot be recorded"),
            );
            return Recorder::off();
        }
        Recorder::new(&self.0, kind)
    }

    /// Begins a score of the event `target`, from any process and at any time later.
    pub fn evaluation(&self, target: impl fmt::Display, evaluation: Evaluation) -> Recorder {
        let mut recorder = self.late(Kind::Evaluation, &target);
        recorder.evaluations([evaluation]);
        recorder
    }

    /// Begins what a person thought of the event `target`.
    pub fn feedback(&self, target: impl fmt::Display) -> Recorder {
        self.late(Kind::Feedback, &target)
    }

    /// Begins the answer of the event `target` as a person adjusted it.
    pub fn correction(&self, target: impl fmt::Display, text: &str) -> Recorder {
        let mut recorder = self.late(Kind::Correction, &target);
        recorder.correction(text);
        recorder
    }

    /// Begins a person's decision about the event `target`: approved, edited, rejected, escalated.
    pub fn oversight(&self, target: impl fmt::Display, decision: &str) -> Recorder {
        let mut recorder = self.late(Kind::Oversight, &target);
        recorder.oversight_decision(decision);
        recorder
    }

    /// Begins a consent, or its withdrawal, to train on the event `target`.
    pub fn consent(&self, target: impl fmt::Display, training_allowed: bool) -> Recorder {
        let mut recorder = self.late(Kind::Consent, &target);
        recorder.training_allowed(training_allowed);
        recorder
    }

    /// Begins a verdict of a guardrail that is an event of its own.
    pub fn guardrail(&self, guardrail: Guardrail) -> Recorder {
        let mut recorder = self.event(Kind::Guardrail);
        recorder.guardrails([guardrail]);
        recorder
    }

    /// Begins an attempt to connect or authenticate to a provider.
    pub fn model_connection(&self, provider: &str) -> Recorder {
        let mut recorder = self.event(Kind::ModelConnection);
        recorder.provider(provider);
        recorder
    }

    /// Begins a run of a stored skill or prompt template.
    pub fn skill_triggered(&self, skill_name: &str) -> Recorder {
        let mut recorder = self.event(Kind::SkillTriggered);
        recorder.skill_name(skill_name);
        recorder
    }

    /// Waits until everything recorded so far is written and handed to every sink, at most for
    /// `timeout`, and returns what was achieved.
    ///
    /// It blocks the thread; from async code use [`Audit::flush_async`].
    pub fn flush(&self, timeout: Duration) -> Report {
        self.0.pipeline.flush(timeout)
    }

    /// Does what [`Audit::flush`] does without blocking the thread.
    pub async fn flush_async(&self, timeout: Duration) -> Report {
        self.0.pipeline.flush_async(timeout).await
    }

    /// Ends the log: nothing more is accepted, what was is written and delivered, at most for
    /// `timeout`. Returns what was achieved; a second call returns the same.
    ///
    /// It blocks the thread; from async code use [`Audit::shutdown_async`].
    pub fn shutdown(&self, timeout: Duration) -> Report {
        self.0.pipeline.shutdown(timeout)
    }

    /// Does what [`Audit::shutdown`] does without blocking the thread.
    pub async fn shutdown_async(&self, timeout: Duration) -> Report {
        self.0.pipeline.shutdown_async(timeout).await
    }

    /// Believes the clock from now on: somebody has looked at it, and it is right.
    pub fn confirm_clock(&self) {
        self.0.pipeline.confirm_clock();
    }

    /// Returns the counts of the log and of every sink at this moment.
    pub fn counters(&self) -> Counters {
        self.0.pipeline.counters()
    }

    /// Returns the policy in force.
    pub fn policy(&self) -> Policy {
        self.0.policy()
    }

    /// Returns the writer of this log, new at every start.
    pub fn writer_id(&self) -> WriterId {
        self.0.writer_id
    }

    /// Puts `policy` in force, and records that it changed, by whom and why.
    ///
    /// Interactions in flight keep the lower level of both policies. Its legal holds are those of the
    /// log when this returns, and the record of them survives a power cut; for that alone it waits.
    ///
    /// # Errors
    ///
    /// When the log is closed, or when the policies differ in retention: segments that exist were
    /// promised to be kept as long as the old one says, so that change needs a restart. When they
    /// differ in legal holds, as [`Audit::hold`]: what either holds stays then, and the old policy is in
    /// force.
    pub fn replace_policy(&self, policy: Policy, actor: &str, reason: &str) -> Result<(), Error> {
        let closed = || {
            let error = "the log is shut down; its policy cannot be replaced";
            Err(Error::closed(error))
        };
        if self.0.pipeline.is_closed() {
            return closed();
        }
        let _one_at_a_time = lock(&self.0.replacing);
        let before = self.policy();
        if before.retention() != policy.retention() || before.retentions() != policy.retentions() {
            return Err(Error::policy(
                "a policy with another retention cannot replace this one while the log runs; \
                 restart with it",
            ));
        }
        if self.0.pipeline.is_closed() {
            return closed();
        }
        let changes = opening::policy_changes(&before, &policy, actor, reason);
        let (holds, changes): (Vec<_>, Vec<_>) = changes
            .into_iter()
            .partition(|own| own.kind == Kind::LegalHold);
        let sides = (before.holds(), policy.holds());
        let mut events;
        if sides.0 != sides.1 && self.0.pipeline.has_journal() {
            // A log begins with `log_opened`.
            let is_open = self.0.opened.load(Ordering::Relaxed);
            let (now, later) = if is_open {
                (holds, Vec::new())
            } else {
                (Vec::new(), holds)
            };
            self.replace_holds(sides, now)?;
            events = later;
        } else {
            events = holds;
        }
        if !policy.is_none() && !self.0.opened.swap(true, Ordering::Relaxed) {
            // Nothing was captured and nothing written until here: the log begins with this.
            events.splice(0..0, opening::opening(&policy, &self.0.sinks, None));
        }
        events.extend(changes);
        for own in events {
            self.0.pipeline.own(own);
        }
        // No event is begun under a policy that captures nothing.
        let captures = !policy.is_none();
        if !captures {
            self.0.set_capturing(false);
        }
        *crate::sync::write(&self.0.policy) = policy;
        if captures {
            self.0.set_capturing(true);
        }
        Ok(())
    }

    /// Returns whether events are captured; the first time that none are, it says so.
    pub(crate) fn is_capturing(&self) -> bool {
        self.0.is_capturing()
    }

    /// Returns what tells the log from others.
    pub(crate) fn address(&self) -> *const () {
        Arc::as_ptr(&self.0).cast()
    }

    /// Returns the most bytes of content that one event takes.
    pub(crate) fn max_event_bytes(&self) -> usize {
        self.0.max_event_bytes
    }

    fn late(&self, kind: Kind, target: &dyn fmt::Display) -> Recorder {
        let mut recorder = self.event(kind);
        if recorder.event_id().is_some()
            && let Some(target) = display_text(target)
        {
            recorder.target_event_id(target);
        }
        recorder
    }
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit")
            .field("writer_id", &self.0.writer_id)
            .field("policy", &self.policy())
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn policy(&self) -> Policy {
        // Who held the lock when the process forked may not exist in the child.
        let policy = read_unless(&self.policy, || self.pipeline.is_forked());
        policy.map_or_else(Policy::none, |policy| policy.clone())
    }

    /// Returns whether events are captured; the first time that none are, it says so.
    #[inline]
    fn is_capturing(&self) -> bool {
        let capturing = self.capturing.load(Ordering::Relaxed);
        if !capturing && !self.said_nothing.load(Ordering::Relaxed) {
            self.say_nothing_is_captured();
        }
        capturing
    }

    #[cold]
    fn say_nothing_is_captured(&self) {
        if !self.said_nothing.swap(true, Ordering::Relaxed) {
            self.diagnostics.report(
                DiagnosticKind::NothingCaptured,
                "the policy captures nothing, so nothing is recorded; give the builder a policy",
            );
        }
    }

    fn set_capturing(&self, on: bool) {
        let before = self.capturing.swap(on, Ordering::Relaxed);
        match (before, on) {
            (false, true) => drop(CAPTURING.fetch_add(1, Ordering::Relaxed)),
            (true, false) => drop(CAPTURING.fetch_sub(1, Ordering::Relaxed)),
            _ => {}
        }
    }
}

/// The JSON Schema that a journal keeps beside its events.
fn schema_json() -> &'static [u8] {
    static SCHEMA: OnceLock<String> = OnceLock::new();
    SCHEMA.get_or_init(crate::catalog::json_schema).as_bytes()
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.set_capturing(false);
    }
}

#[cfg(test)]
mod tests;
