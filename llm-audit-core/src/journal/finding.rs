//! What a start, or a check, finds in a directory.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::error::Error;

/// Something in a journal's directory that was not as it should be, or that says that events are
/// missing.
///
/// It serialises to a flat object: `file`, `condition`, `problem` with the members of
/// [`Problem`], and `error` when there is one. No content of events is in it.
///
/// # Examples
///
/// ```
/// use llm_audit_core::journal::{self, Finding, Problem};
///
/// # let dir = tempfile::tempdir()?;
/// let findings: Vec<Finding> = journal::check(dir.path())?.findings;
/// let is_crash = |finding: &Finding| matches!(finding.problem, Problem::Crash);
/// assert!(!findings.iter().any(is_crash));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The name of the file within the directory.
    pub file: String,
    /// How bad it is.
    pub condition: Condition,
    /// What it is.
    #[serde(flatten)]
    pub problem: Problem,
    /// What stood in the way, when something could not be done.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub error: Option<Error>,
}

/// How good a journal is, or how bad a finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Condition {
    /// Every event is there.
    #[default]
    Clean,
    /// Something was repaired or is missing, and the log says so.
    Lossy,
    /// Something is wrong that the log does not account for.
    Damaged,
}

/// A kind of finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Problem {
    /// A writer did not end; its stream was completed.
    Crash,
    /// The end of a segment was cut off.
    #[non_exhaustive]
    TornTail {
        /// How much.
        bytes: u64,
    },
    /// Damaged bytes were moved to the quarantine.
    #[non_exhaustive]
    Quarantined {
        /// How many.
        bytes: u64,
    },
    /// A writer that did not end could not be completed; the next start tries again.
    NotRecovered,
    /// Something that is no regular file has the name of one; it was left alone.
    NoFile,
    /// The cursor of a sink is damaged; the sink gets everything again.
    DamagedCursor,
    /// A file could not be read, written or removed.
    Failed,
    /// A writer did not end; the next start will complete its stream.
    #[non_exhaustive]
    Unfinished {
        /// Bytes behind its last whole line.
        torn_bytes: u64,
    },
    /// A writer that no file says to be alive has no end: somebody copied its segments while it
    /// ran, or the last one is gone.
    NoEnd,
    /// These bytes are no event of this segment.
    #[non_exhaustive]
    Damaged {
        /// Where they begin in the file.
        offset: u64,
        /// How many they are.
        bytes: u64,
    },
    /// These numbers of the writer are neither events nor in a `loss`.
    #[non_exhaustive]
    Missing {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// A `loss`: events of the log, or of a sink, are missing, and the log says so.
    #[non_exhaustive]
    Lost {
        /// The sink that misses them; `None` is the log itself.
        sink: Option<String>,
        /// The first number that may be missing.
        from: u64,
        /// The last.
        to: u64,
        /// How many are missing, an upper bound unless `exact`.
        count: u64,
        /// Whether the count is exact.
        exact: bool,
        /// The count by reason.
        reasons: BTreeMap<String, u64>,
    },
    /// So many events have numbers that were there before: after a failed synchronisation, events
    /// are written again.
    #[non_exhaustive]
    Repeated {
        /// How many.
        events: u64,
    },
}

impl Finding {
    pub(crate) fn new(file: impl fmt::Display, problem: Problem) -> Self {
        Self {
            file: file.to_string(),
            condition: problem.condition(),
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

impl Problem {
    const fn condition(&self) -> Condition {
        match self {
            Self::Damaged { .. }
            | Self::Failed
            | Self::Missing { .. }
            | Self::NoFile
            | Self::NotRecovered => Condition::Damaged,
            Self::Crash
            | Self::DamagedCursor
            | Self::Lost { .. }
            | Self::NoEnd
            | Self::Quarantined { .. }
            | Self::Repeated { .. }
            | Self::TornTail { .. }
            | Self::Unfinished { .. } => Condition::Lossy,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = &self.file;
        match &self.problem {
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
            Problem::Failed => write!(f, "`{file}` could not be read, written or removed"),
            Problem::Unfinished { torn_bytes } => write!(
                f,
                "the writer of `{file}` crashed, with {torn_bytes} torn bytes at the end; the next \
                 start completes it"
            ),
            Problem::NoEnd => write!(f, "the writer of `{file}` has no end"),
            Problem::Damaged { offset, bytes } => {
                write!(f, "`{file}` has {bytes} damaged bytes at offset {offset}")
            }
            Problem::Missing { from, to } => write!(
                f,
                "the writer of `{file}` has no events {from} to {to}, and no loss says so"
            ),
            Problem::Lost {
                sink,
                from,
                to,
                count,
                exact,
                ..
            } => {
                let bound = if *exact { "" } else { "at most " };
                write!(
                    f,
                    "`{file}` says that {bound}{count} of the events {from} to {to} are missing"
                )?;
                sink.iter()
                    .try_for_each(|sink| write!(f, " at sink `{sink}`"))
            }
            Problem::Repeated { events } => {
                write!(f, "`{file}` has {events} events that were there before")
            }
        }?;
        match self.error.as_ref().and_then(StdError::source) {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

fn as_text<S: Serializer>(error: &Option<Error>, to: S) -> Result<S::Ok, S::Error> {
    let cause = error.as_ref().and_then(StdError::source);
    to.collect_str(&cause.map_or_else(String::new, ToString::to_string))
}
