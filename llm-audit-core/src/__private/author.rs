//! What a call is recorded as, and the verdicts that it may return.

use crate::audit::Audit;
use crate::error::Error;
use crate::event::{Evaluation, Guardrail, Operation, Record};
use crate::interaction::verdict::Verdict;
use crate::interaction::{Interaction, Subject};

use super::value::{AuditFloat, AuditValue};

/// What a call can be recorded as.
pub trait Recorded {
    /// Begins the recording in `log`.
    fn begin(self, log: &Audit) -> Interaction;

    /// Begins the recording in `log`, or says why it cannot be recorded.
    ///
    /// # Errors
    ///
    /// When that is so.
    fn begin_closed(self, log: &Audit) -> Result<Interaction, Error>;
}

impl Recorded for Operation {
    fn begin(self, log: &Audit) -> Interaction {
        log.begin(self)
    }

    fn begin_closed(self, log: &Audit) -> Result<Interaction, Error> {
        log.begin_closed(Subject::Operation(self))
    }
}

/// Who gives a verdict.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Author {
    /// An evaluator: the call is an event of kind `evaluation`.
    Evaluation,
    /// A guardrail: the call is an event of kind `guardrail`.
    Guardrail,
}

impl Author {
    fn subject(self) -> Subject {
        let verdict = match self {
            Self::Evaluation => Verdict::Evaluation(Evaluation::default()),
            Self::Guardrail => Verdict::Guardrail(Guardrail::default()),
        };
        Subject::Verdict(Box::new(verdict))
    }
}

impl Recorded for Author {
    fn begin(self, log: &Audit) -> Interaction {
        log.begin_as(self.subject())
            .unwrap_or_else(|_| Interaction::off())
    }

    fn begin_closed(self, log: &Audit) -> Result<Interaction, Error> {
        log.begin_closed(self.subject())
    }
}

/// A value that is a verdict, written as `R`.
#[diagnostic::on_unimplemented(
    message = "a value of type `{Self}` is no verdict",
    label = "is no verdict",
    note = "the `output` of a guardrail is a text or a `Guardrail`, that of an evaluation is a \
            number, a `bool` or an `Evaluation`",
    note = "write `%out` or `?out` for a text, or name the parts: `out(verdict = expr)` of a \
            guardrail, `out(score = expr, label = expr, passed = expr)` of an evaluation"
)]
pub trait AuditVerdict<R> {
    /// Adds the verdict to `record`.
    fn add_to(&self, record: &mut R);
}

impl<T: AuditValue + ?Sized> AuditVerdict<Guardrail> for T {
    fn add_to(&self, record: &mut Guardrail) {
        if let Some(text) = self.text() {
            record.verdict = Some(text.into_owned());
        }
    }
}

impl<T: AuditFloat + ?Sized> AuditVerdict<Evaluation> for T {
    fn add_to(&self, record: &mut Evaluation) {
        record.score = self.value().or(record.score);
    }
}

impl AuditVerdict<Evaluation> for bool {
    fn add_to(&self, record: &mut Evaluation) {
        record.passed = Some(*self);
    }
}

impl AuditVerdict<Evaluation> for &bool {
    fn add_to(&self, record: &mut Evaluation) {
        (**self).add_to(record);
    }
}

macro_rules! records {
    ($($record:ident)+) => {$(
        impl AuditVerdict<Self> for $record {
            fn add_to(&self, record: &mut Self) {
                let mut given = self.clone();
                for column in 0..Self::COLUMNS.len() {
                    if let Some(value) = given.take(column) {
                        record.put(column, value);
                    }
                }
            }
        }

        impl AuditVerdict<$record> for &$record {
            fn add_to(&self, record: &mut $record) {
                (**self).add_to(record);
            }
        }
    )+};
}

records!(Evaluation Guardrail);
