//! The log that a process uses where no handle is at hand. Having one is optional.

use super::{Audit, AuditGuard};
use crate::error::Error;
use crate::event::Operation;
use crate::interaction::{BeginDurable, Interaction};
use crate::sync::RwLock;

static INSTALLED: RwLock<Option<Audit>> = RwLock::new(None);

/// Returns the log that [`AuditBuilder::install`](super::AuditBuilder::install) made the process's
/// default.
pub fn installed() -> Option<Audit> {
    crate::sync::read(&INSTALLED).clone()
}

/// Begins an interaction in the installed log; without one, nothing is recorded.
pub fn begin(operation: Operation) -> Interaction {
    if super::is_capturing() {
        installed().map_or_else(Interaction::off, |audit| audit.begin(operation))
    } else {
        Interaction::off()
    }
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
