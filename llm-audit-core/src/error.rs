//! The one error type.

use std::error::Error as StdError;
use std::fmt;

/// What went wrong, without content, credentials or headers in it.
///
/// The type is opaque: ask with the `is_*` predicates, print with `Display`, walk the causes with
/// [`std::error::Error::source`]. Its text names the place and, where there is one, the remedy.
#[derive(thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: Kind,
    not_durable: bool,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Closed,
    Configuration,
    Damaged,
    Invalid,
    Io,
    Policy,
    Refused,
    Timeout,
}

impl Error {
    /// Returns an error about how something was configured; for authors of sinks.
    pub fn configuration(message: impl Into<String>) -> Self {
        Self::new(Kind::Configuration, message)
    }

    /// Returns an error about an operation on a file that the operating system refused; for authors
    /// of sinks.
    pub fn io(message: impl Into<String>, source: std::io::Error) -> Self {
        Self {
            source: Some(Box::new(source)),
            ..Self::new(Kind::Io, message)
        }
    }

    /// Returns an error about data that is not what was written, or never was an event; for authors
    /// of readers.
    pub fn damaged(message: impl Into<String>) -> Self {
        Self::new(Kind::Damaged, message)
    }

    /// Returns whether a policy or its file is at fault.
    pub fn is_policy(&self) -> bool {
        self.kind == Kind::Policy
    }

    /// Returns whether the configuration of the log or of a sink is at fault.
    pub fn is_configuration(&self) -> bool {
        self.kind == Kind::Configuration
    }

    /// Returns whether the operating system refused an operation on a file.
    pub fn is_io(&self) -> bool {
        self.kind == Kind::Io
    }

    /// Returns whether stored bytes are not what was written.
    pub fn is_damaged(&self) -> bool {
        self.kind == Kind::Damaged
    }

    /// Returns whether a value that the caller gave, such as a text to be parsed, has not the form
    /// that it must have.
    pub fn is_invalid(&self) -> bool {
        self.kind == Kind::Invalid
    }

    /// Returns whether the log had been shut down.
    pub fn is_closed(&self) -> bool {
        self.kind == Kind::Closed
    }

    /// Returns whether the event was refused, for want of room or by policy.
    pub fn is_refused(&self) -> bool {
        self.kind == Kind::Refused
    }

    /// Returns whether a deadline passed.
    pub fn is_timeout(&self) -> bool {
        self.kind == Kind::Timeout
    }

    /// Returns whether an event is not known to have reached what was waited for.
    ///
    /// So is every error of `commit` and `begin_durable`; the other predicates tell why. The event
    /// may be in the log all the same, or get there later: after a time limit, that is likely.
    pub fn is_not_durable(&self) -> bool {
        self.not_durable
    }

    pub(crate) fn not_durable(self) -> Self {
        Self {
            not_durable: true,
            ..self
        }
    }

    pub(crate) fn policy(message: impl Into<String>) -> Self {
        Self::new(Kind::Policy, message)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    pub(crate) fn closed(message: impl Into<String>) -> Self {
        Self::new(Kind::Closed, message)
    }

    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Kind::Refused, message)
    }

    /// An error that the operating system had told somebody else.
    pub(crate) fn disk(message: impl Into<String>) -> Self {
        Self::new(Kind::Io, message)
    }

    pub(crate) fn timeout(message: impl Into<String>) -> Self {
        Self::new(Kind::Timeout, message)
    }

    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            not_durable: false,
            message: message.into(),
            source: None,
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .field("source", &self.source)
            .finish()
    }
}
