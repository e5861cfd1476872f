//! A log for one test, and what it holds in the end.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test uses a part, and may fail where it stands"
)]

use std::time::Duration;

use llm_audit::{
    AuditGuard, Event, Facet, Intent, Level, Policy, PolicyBuilder, Retention, journal,
};

pub(crate) struct Recording {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) guard: AuditGuard,
}

impl Recording {
    /// Starts a log that keeps `facets` in full.
    pub(crate) fn of(facets: &[Facet]) -> Self {
        Self::with(facets, Intent::Off)
    }

    pub(crate) fn with(facets: &[Facet], intent: Intent) -> Self {
        let full = |policy: PolicyBuilder, facet: &Facet| policy.facet(*facet, Level::Full);
        let policy = facets
            .iter()
            .fold(Policy::builder(), full)
            .intent(intent)
            .retention(Retention::Days30)
            .build()
            .unwrap();
        let directory = tempfile::tempdir().unwrap();
        let guard = llm_audit::builder()
            .policy(policy)
            .journal(directory.path())
            .spawn()
            .unwrap();
        Self { directory, guard }
    }

    /// Ends the log and returns what was captured.
    pub(crate) fn events(self) -> Vec<Event> {
        drop(self.guard.shutdown(Duration::from_secs(10)));
        let reader = journal::Reader::open(self.directory.path()).unwrap();
        let events = reader.events().map(Result::unwrap);
        events.filter(|event| event.kind().is_capture()).collect()
    }

    /// Ends the log and returns the one event that was captured.
    pub(crate) fn event(self) -> Event {
        let mut events = self.events();
        assert_eq!(events.len(), 1);
        events.remove(0)
    }
}

/// Polls `future` once; a future that waits is dropped.
pub(crate) fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut task = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut task) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}
