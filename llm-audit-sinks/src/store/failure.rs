//! What a failed request means, in words that hold nothing of what a server wrote.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use llm_audit_core::SinkError;
use object_store::Error;

/// The last answer of a store, as its connection saw it: the library keeps it for itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    last: Arc<Mutex<Answer>>,
    failed: Arc<AtomicBool>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Answer {
    /// `None` when there was none.
    pub(crate) status: Option<u16>,
    pub(crate) pause: Option<Duration>,
}

impl Answers {
    #[cfg(feature = "cloud")]
    pub(crate) fn put(&self, answer: Answer) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    fn take(&self) -> Answer {
        std::mem::take(&mut *self.last.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets the answer to an earlier request, which says nothing of the next.
    pub(super) fn forget(&self) {
        self.take();
    }

    /// Whether a request has failed since the last call because the store was not as it should be: it gave no
    /// answer, or none that it stands by.
    pub(super) fn take_failed(&self) -> bool {
        self.failed.swap(false, Ordering::Relaxed)
    }
}

/// What failed, and whether somebody has to mend something.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    to_be_mended: bool,
    pause: Option<Duration>,
    pub(crate) kind: io::ErrorKind,
}

impl Failure {
    pub(crate) fn new(what: &str, error: &Error, answers: &Answers) -> Self {
        let Answer { status, pause } = answers.take();
        let (why, to_be_mended) = why(error, status);
        let kind = match error {
            Error::NotFound { .. } => io::ErrorKind::NotFound,
            Error::Precondition { .. } => io::ErrorKind::StaleNetworkFileHandle,
            _ => io::ErrorKind::Other,
        };
        if kind == io::ErrorKind::Other && !to_be_mended {
            answers.failed.store(true, Ordering::Relaxed);
        }
        Self {
            message: format!("failed to {what}: {why}"),
            to_be_mended,
            pause,
            kind,
        }
    }

    /// Returns the failure to read a file of this machine.
    pub(crate) fn local(what: &str, error: &io::Error) -> Self {
        Self {
            message: format!("failed to {what}: {error}"),
            to_be_mended: false,
            pause: None,
            kind: error.kind(),
        }
    }
}

impl From<Failure> for SinkError {
    fn from(failure: Failure) -> Self {
        let error = if failure.to_be_mended {
            Self::misconfigured(failure.message)
        } else {
            Self::retry(failure.message)
        };
        match failure.pause {
            Some(pause) => error.after(pause),
            None => error,
        }
    }
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        Self::new(failure.kind, failure.message)
    }
}

fn why(error: &Error, status: Option<u16>) -> (String, bool) {
    match (error, status) {
        // What it is about is missing, and of a write that is the bucket.
        (Error::Precondition { .. }, _) => ("it was replaced meanwhile".to_owned(), false),
        (Error::NotFound { .. }, _) => ("there is none; check the bucket".to_owned(), true),
        (Error::PermissionDenied { .. } | Error::Unauthenticated { .. }, _) => (
            "the store refuses: check the credentials, what they allow and the clock".to_owned(),
            true,
        ),
        (Error::NotImplemented { .. } | Error::NotSupported { .. }, _) => {
            ("the store cannot do that".to_owned(), true)
        }
        (_, Some(status)) => of_status(status),
        _ => no_answer(error),
    }
}

#[cfg(feature = "cloud")]
fn of_status(status: u16) -> (String, bool) {
    use crate::http::Outcome;

    // An answer of 200 can be one of failure, which is one of the moment.
    let is_retried = matches!(Outcome::of(status), Outcome::Retried | Outcome::Delivered);
    (format!("the store answered {status}"), !is_retried)
}

#[cfg(not(feature = "cloud"))]
fn of_status(status: u16) -> (String, bool) {
    (format!("the store answered {status}"), false)
}

#[cfg(feature = "cloud")]
fn no_answer(error: &Error) -> (String, bool) {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(error) = cause.downcast_ref::<reqwest::Error>() {
            return crate::http::no_answer("the store", error);
        }
        next = cause.source();
    }
    ("the store gave no answer".to_owned(), false)
}

#[cfg(not(feature = "cloud"))]
fn no_answer(_: &Error) -> (String, bool) {
    ("the store gave no answer".to_owned(), false)
}
