//! What was found and done at a start, for the diagnostics of the host.

use std::error::Error as StdError;
use std::fmt;

use crate::error::Error;

/// Something in the directory that was not as it should be, and what was done about it.
#[derive(Debug)]
pub(crate) struct Finding {
    /// The name of the file within the directory.
    pub(crate) file: String,
    pub(crate) problem: Problem,
    /// What stood in the way, when something could not be done.
    pub(crate) error: Option<Error>,
}

/// A kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// A writer did not end; its stream was completed.
    Crash,
    /// The end of a segment was cut off.
    TornTail { bytes: u64 },
    /// Damaged bytes were moved to the quarantine.
    Quarantined { bytes: u64 },
    /// A writer that did not end could not be completed; the next start tries again.
    NotRecovered,
    /// Something that is no regular file has the name of one; it was left alone.
    NoFile,
    /// The cursor of a sink is damaged; the sink gets everything again.
    DamagedCursor,
    /// A file could not be written or removed.
    Failed,
}

impl Finding {
    pub(crate) fn new(file: impl fmt::Display, problem: Problem) -> Self {
        Self {
            file: file.to_string(),
            problem,
            error: None,
        }
    }

    pub(crate) fn failed(file: impl fmt::Display, problem: Problem, error: std::io::Error) -> Self {
        let error = Error::io(format!("failed at `{file}`"), error);
        Self {
            error: Some(error),
            ..Self::new(file, problem)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = &self.file;
        match self.problem {
            Problem::Crash => write!(f, "`{file}` belongs to a writer that crashed; completed"),
            Problem::TornTail { bytes } => {
                write!(f, "`{file}` ended in {bytes} torn bytes; cut off")
            }
            Problem::Quarantined { bytes } => {
                write!(f, "`{file}` had {bytes} damaged bytes; moved to quarantine")
            }
            Problem::NotRecovered => {
                write!(
                    f,
                    "`{file}` belongs to a crashed writer and could not be completed; the \
                    next start tries again"
                )
            }
            Problem::NoFile => {
                write!(
                    f,
                    "`{file}` is no regular file, though its name is one of the journal's; left alone"
                )
            }
            Problem::DamagedCursor => {
                write!(
                    f,
                    "`{file}` is damaged; the sink gets what is there once more"
                )
            }
            Problem::Failed => write!(f, "`{file}` could not be written or removed"),
        }?;
        match self.error.as_ref().and_then(StdError::source) {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}
