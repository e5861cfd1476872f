//! The log that a process uses where no handle is at hand. Having one is optional.

use super::{Audit, AuditGuard, Shared};
use crate::diagnostics::DiagnosticKind;
use crate::error::Error;
use crate::event::Operation;
use crate::interaction::{BeginDurable, Interaction};
use crate::process;
use crate::sync::{Arc, AtomicBool, AtomicU64, Ordering, RwLock, Weak, read_unless};

/// The process that started a log last.
static PROCESS: AtomicU64 = AtomicU64::new(0);

static INSTALLED: RwLock<Option<Audit>> = RwLock::new(None);

/// The log that was started last, which is told when none is installed.
static STARTED: RwLock<Weak<Shared>> = RwLock::new(Weak::new());

/// Returns the log that [`AuditBuilder::install`](super::AuditBuilder::install) made the process's
/// default.
pub fn installed() -> Option<Audit> {
    read_unless(&INSTALLED, is_forked)?.clone()
}

/// Begins an interaction in the installed log; without one, nothing is recorded.
///
/// Where there is a log that captures and none is installed, the first call says so through the
/// diagnostics hook: `spawn` was written where `install` was meant.
#[inline]
pub fn begin(operation: Operation) -> Interaction {
    match super::is_capturing() {
        true => begin_installed(operation),
        false => Interaction::off(),
    }
}

#[inline(never)]
fn begin_installed(operation: Operation) -> Interaction {
    installed_or_told().map_or_else(Interaction::off, |audit| audit.begin(operation))
}

/// Returns the installed log, while there is one that captures; the first time that it is missing,
/// the log that was started last is told.
pub(crate) fn installed_or_told() -> Option<Audit> {
    static TOLD: AtomicBool = AtomicBool::new(false);

    let audit = installed();
    if audit.is_some() || TOLD.load(Ordering::Relaxed) {
        return audit;
    }
    // The hook may start a log, so nothing is locked while it runs.
    let started = read_unless(&STARTED, is_forked)?.upgrade();
    if let Some(started) = started
        && !TOLD.swap(true, Ordering::Relaxed)
    {
        started.diagnostics.report(
            DiagnosticKind::Misuse,
            "a call was not recorded because no log is installed: start this one with `install` \
             instead of `spawn`, or hand the call a handle",
        );
    }
    audit
}

/// Remembers a log that was started.
pub(super) fn started(shared: &Arc<Shared>) {
    PROCESS.store(process::id(), Ordering::Relaxed);
    *crate::sync::write(&STARTED) = Arc::downgrade(shared);
}

/// Begins an interaction in the installed log once its intent survives a power cut; see
/// [`Audit::begin_durable`]. Without an installed log it is refused.
/// # Examples
///
/// ```
/// use llm_audit_core::{Operation, begin_durable_blocking};
///
/// // Nothing is installed here, so the call must not be made.
/// let refused = begin_durable_blocking(Operation::Chat, |call| {
///     call.request_model("small");
/// });
/// assert!(refused.is_err_and(|error| error.is_refused()));
/// ```
pub fn begin_durable(operation: Operation, request: impl FnOnce(&mut Interaction)) -> BeginDurable {
    match installed() {
        Some(audit) => audit.begin_durable(operation, request),
        None => BeginDurable::refused(none_installed()),
    }
}

/// Does what [`begin_durable`] does, with its example, and blocks the thread.
///
/// # Errors
///
/// As [`Audit::begin_durable`].
pub fn begin_durable_blocking(
    operation: Operation,
    request: impl FnOnce(&mut Interaction),
) -> Result<Interaction, Error> {
    begin_durable(operation, request).wait()
}

/// Returns whether this is a forked child that has not started a log of its own: who held a lock
/// when the process forked may not exist in it.
fn is_forked() -> bool {
    PROCESS.load(Ordering::Relaxed) != process::id()
}

pub(crate) fn none_installed() -> Error {
    Error::refused("no log is installed, so the call cannot be recorded")
}

/// Makes the log of `guard` the default, unless there is one that is not shut down.
pub(super) fn install(guard: &AuditGuard) -> Result<(), Error> {
    let mut installed = crate::sync::write(&INSTALLED);
    if installed
        .as_ref()
        .is_some_and(|audit| !audit.0.pipeline.is_closed())
    {
        return Err(Error::configuration(
            "a log is installed already; shut it down first, or use handles",
        ));
    }
    let before = installed.replace(guard.handle());
    // The last handle of a log may wait for its sinks, and those may ask for the installed log.
    drop(installed);
    drop(before);
    Ok(())
}
