//! The class of error that an event ended in, for every sink that speaks OpenTelemetry.

use llm_audit_core::{Event, Status};

/// Returns the class of error of an event that ended in one, or `None`.
pub(crate) fn error_type(event: &Event) -> Option<&str> {
    let own = event.error_type();
    match event.status()? {
        // A guardrail that stops a call does its work.
        Status::Ok | Status::Blocked | Status::Other(_) => None,
        Status::Error => Some(own.unwrap_or("_OTHER")),
        Status::Abandoned => Some(own.unwrap_or("abandoned")),
        Status::Cancelled => Some(own.unwrap_or("cancelled")),
        Status::Partial => Some(own.unwrap_or("partial")),
        Status::Timeout => Some(own.unwrap_or("timeout")),
        _ => None,
    }
}
