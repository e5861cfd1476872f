//! Problems of the log itself, told to whoever operates the host.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::clock::Clock;
use crate::pipeline::Counters;
use crate::process::Process;
use crate::sync::{Arc, Mutex, lock, thread_local};

/// A line of each kind goes to standard error at most this often.
const QUIET: Duration = Duration::from_secs(10);

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident $name:literal,)+) => {
        /// What kind of problem a [`Diagnostic`] is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum DiagnosticKind {
            $($(#[$doc])* $variant,)+
        }

        impl DiagnosticKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Returns the name of the kind, such as `events_lost`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

kinds! {
    /// The policy captures nothing.
    NothingCaptured "nothing_captured",
    /// A promise of the log is not kept for the time being.
    Degraded "degraded",
    /// The promise is kept again.
    Recovered "recovered",
    /// Events are missing from the log or from a sink.
    EventsLost "events_lost",
    /// A sink failed.
    SinkFailing "sink_failing",
    /// A sink goes on only when somebody has mended its credentials, its address or the like.
    SinkMisconfigured "sink_misconfigured",
    /// Recovery found what an earlier writer left behind.
    RecoveryFinding "recovery_finding",
    /// A sink or a diagnostics hook tried to record an event.
    Reentrance "reentrance",
    /// Texts could not be redacted, and are withheld; each reason is told once.
    RedactionFailed "redaction_failed",
    /// The policy allows something that is probably not meant.
    PolicyWarning "policy_warning",
    /// An inspector panicked, took too long, or was not listened to.
    InspectorFailing "inspector_failing",
    /// A resource probe panicked.
    ProbeFailing "probe_failing",
    /// The host asked for something that there is not; nothing happened.
    Misuse "misuse",
    /// No problem: the counters, as often as
    /// [`AuditBuilder::counters_every`](crate::AuditBuilder::counters_every) says.
    Counters "counters",
}

impl fmt::Display for DiagnosticKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A problem of the log itself, without content of events.
/// # Examples
///
/// ```
/// use std::sync::mpsc;
///
/// use llm_audit_core::{Diagnostic, DiagnosticKind, Operation};
///
/// # let directory = tempfile::tempdir()?;
/// let (send, told) = mpsc::channel::<Diagnostic>();
/// let audit = llm_audit_core::builder()
///     .journal(directory.path())
///     .on_diagnostic(move |diagnostic| drop(send.send(diagnostic.clone())))
///     .spawn()?;
/// audit.begin(Operation::Chat).finish(); // there is no policy
/// assert_eq!(told.recv()?.kind, DiagnosticKind::NothingCaptured);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Diagnostic {
    /// What kind of problem it is.
    pub kind: DiagnosticKind,
    /// What happened, where, and what to do about it.
    pub message: String,
    /// The counters, with [`DiagnosticKind::Counters`].
    pub counters: Option<Counters>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "llm-audit: {}: {}", self.kind, self.message)
    }
}

/// What is called with each [`Diagnostic`].
pub(crate) type Hook = Arc<dyn Fn(&Diagnostic) + Send + Sync>;

/// The way for problems out of the log. Clones share it.
///
/// With a hook, the hook is given every diagnostic; without, one line of each kind goes to
/// standard error every ten seconds, saying how many were left out.
#[derive(Clone)]
pub(crate) struct Diagnostics {
    shared: Arc<Shared>,
}

struct Shared {
    hook: Option<Hook>,
    clock: Arc<dyn Clock>,
    process: Process,
    limits: Mutex<[Limit; DiagnosticKind::ALL.len()]>,
}

#[derive(Clone, Copy, Default)]
struct Limit {
    last: Option<Duration>,
    left_out: u64,
}

impl Diagnostics {
    pub(crate) fn new(hook: Option<Hook>, clock: Arc<dyn Clock>) -> Self {
        Self {
            shared: Arc::new(Shared {
                hook,
                clock,
                process: Process::current(),
                limits: Mutex::default(),
            }),
        }
    }

    /// Returns the process that is told of problems.
    pub(crate) fn process(&self) -> &Process {
        &self.shared.process
    }

    /// Tells of a problem, but not in a forked child. A panic of the hook is contained, and what the
    /// hook records through the log is not written.
    pub(crate) fn report(&self, kind: DiagnosticKind, message: impl Into<String>) {
        self.tell(Diagnostic {
            kind,
            message: message.into(),
            counters: None,
        });
    }

    /// Tells the counters, as [`report`](Self::report) tells of a problem.
    pub(crate) fn report_counters(&self, counters: Counters) {
        self.tell(Diagnostic {
            kind: DiagnosticKind::Counters,
            message: counters.to_string(),
            counters: Some(counters),
        });
    }

    fn tell(&self, diagnostic: Diagnostic) {
        if self.shared.process.is_forked() {
            return;
        }
        let Some(hook) = &self.shared.hook else {
            if let Some(line) = self.line(&diagnostic) {
                writeln!(io::stderr().lock(), "{line}").ok();
            }
            return;
        };
        // What a hook causes is not told to the hook: it would not end.
        if IN_HOOK.try_with(|in_hook| in_hook.replace(true)) == Ok(false) {
            let _inside = Inside::enter();
            catch_unwind(AssertUnwindSafe(|| hook(&diagnostic))).ok();
            IN_HOOK.try_with(|in_hook| in_hook.set(false)).ok();
        }
    }

    fn line(&self, diagnostic: &Diagnostic) -> Option<String> {
        let now = self.shared.clock.monotonic();
        let mut limits = lock(&self.shared.limits);
        let limit = limits.get_mut(diagnostic.kind as usize)?;
        if limit
            .last
            .is_some_and(|last| now.saturating_sub(last) < QUIET)
        {
            limit.left_out += 1;
            return None;
        }
        limit.last = Some(now);
        Some(match std::mem::take(&mut limit.left_out) {
            0 => diagnostic.to_string(),
            more => format!("{diagnostic} (and {more} more of this kind since)"),
        })
    }
}

impl fmt::Debug for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Diagnostics")
            .field("hook", &self.shared.hook.is_some())
            .finish_non_exhaustive()
    }
}

thread_local! {
    // Constant and without a destructor, so they can be read even while the thread ends.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static IN_HOOK: Cell<bool> = const { Cell::new(false) };
}

/// Marks the thread as being inside the log as long as it lives: what is recorded meanwhile would
/// feed back on itself and is not written.
#[derive(Debug)]
pub(crate) struct Inside(());

impl Inside {
    pub(crate) fn enter() -> Self {
        DEPTH.try_with(|depth| depth.set(depth.get() + 1)).ok();
        Self(())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        DEPTH
            .try_with(|depth| depth.set(depth.get().saturating_sub(1)))
            .ok();
    }
}

/// Returns whether the thread is a thread of the log, or inside a diagnostics hook.
pub(crate) fn is_inside() -> bool {
    DEPTH.try_with(|depth| depth.get() > 0).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ManualClock;

    fn diagnostic() -> Diagnostic {
        Diagnostic {
            kind: DiagnosticKind::Degraded,
            message: "the disk is full".to_owned(),
            counters: None,
        }
    }

    #[test]
    fn standard_error_gets_one_line_in_ten_seconds_with_what_was_left_out() {
        let clock = Arc::new(ManualClock::new());
        let diagnostics = Diagnostics::new(None, Arc::clone(&clock) as Arc<dyn Clock>);
        let line = "llm-audit: degraded: the disk is full";
        assert_eq!(diagnostics.line(&diagnostic()).as_deref(), Some(line));
        assert_eq!(diagnostics.line(&diagnostic()), None);
        assert_eq!(diagnostics.line(&diagnostic()), None);
        clock.advance(QUIET);
        let line = format!("{line} (and 2 more of this kind since)");
        assert_eq!(diagnostics.line(&diagnostic()), Some(line));
    }

    #[test]
    fn a_panic_of_the_hook_is_contained() {
        let hook: Hook = Arc::new(|_| panic!("a hook of the host"));
        let diagnostics = Diagnostics::new(Some(hook), Arc::new(ManualClock::new()));
        diagnostics.report(DiagnosticKind::Degraded, "the disk is full");
        assert!(!is_inside());
    }

    #[test]
    fn what_a_hook_causes_is_not_told_to_the_hook() {
        let calls = Arc::new(Mutex::new(0));
        let again = Arc::new(Mutex::new(None::<Diagnostics>));
        let (count, own) = (Arc::clone(&calls), Arc::clone(&again));
        let hook: Hook = Arc::new(move |_| {
            *lock(&count) += 1;
            let diagnostics = lock(&own).clone().unwrap();
            diagnostics.report(DiagnosticKind::Reentrance, "from the hook");
        });
        let diagnostics = Diagnostics::new(Some(hook), Arc::new(ManualClock::new()));
        *lock(&again) = Some(diagnostics.clone());
        diagnostics.report(DiagnosticKind::Degraded, "the disk is full");
        diagnostics.report(DiagnosticKind::Degraded, "the disk is full");
        assert_eq!(*lock(&calls), 2);
        *lock(&again) = None;
    }

    #[test]
    fn a_hook_is_inside_the_log() {
        let seen = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&seen);
        let hook: Hook = Arc::new(move |_| *lock(&slot) = Some(is_inside()));
        let diagnostics = Diagnostics::new(Some(hook), Arc::new(ManualClock::new()));
        diagnostics.report(DiagnosticKind::Degraded, "the disk is full");
        assert_eq!(*lock(&seen), Some(true));
        assert!(!is_inside());
    }
}
