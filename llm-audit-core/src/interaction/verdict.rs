//! The verdict of a guardrail or an evaluator whose run is recorded.

use super::Interaction;
use super::in_flight::InFlight;
use crate::catalog::Field;
use crate::event::{Evaluation, Guardrail, Kind, Record, Status, Value};
use crate::put::PutField;

/// A record that is filled while its author runs, and completed by how it ends.
pub(crate) enum Verdict {
    Evaluation(Evaluation),
    Guardrail(Guardrail),
}

impl Verdict {
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Evaluation(_) => Kind::Evaluation,
            Self::Guardrail(_) => Kind::Guardrail,
        }
    }

    /// Completes the record and puts it in `flight`.
    pub(super) fn put(self, flight: &mut InFlight, status: &Status, latency_us: u64) {
        match self {
            Self::Evaluation(evaluation) => {
                if flight.accepts(Field::Evaluations) {
                    flight.put(Field::Evaluations, Value::Evaluations(vec![evaluation]));
                }
            }
            Self::Guardrail(mut guardrail) => {
                if flight.accepts(Field::Guardrails) {
                    guardrail.duration_us.get_or_insert(latency_us);
                    if *status != Status::Ok {
                        // The text of an error is content, and belongs to another facet.
                        let error = flight.raw.buffers.text_of(Field::ErrorType);
                        let error = error.unwrap_or_else(|| status.as_str()).to_owned();
                        guardrail.error.get_or_insert(error);
                    }
                    flight.put(Field::Guardrails, Value::Guardrails(vec![guardrail]));
                }
            }
        }
    }

    /// Returns whether the record holds a verdict.
    const fn is_given(&self) -> bool {
        match self {
            Self::Evaluation(Evaluation {
                score,
                label,
                passed,
                ..
            }) => score.is_some() || label.is_some() || passed.is_some(),
            Self::Guardrail(Guardrail {
                verdict,
                action,
                score,
                ..
            }) => verdict.is_some() || action.is_some() || score.is_some(),
        }
    }
}

impl Interaction {
    /// Puts `value` in the column of that name of the verdict, if one is recorded here.
    pub(crate) fn put_in_verdict(&mut self, column: &str, value: Value) {
        fn put<R: Record>(record: &mut R, column: &str, value: Value) {
            if let Some(at) = R::COLUMNS.iter().position(|known| known.name == column) {
                record.put(at, value);
            }
        }

        match self.verdict_mut() {
            Some(Verdict::Evaluation(record)) => put(record, column, value),
            Some(Verdict::Guardrail(record)) => put(record, column, value),
            None => {}
        }
    }

    /// Returns the verdict that is recorded here.
    pub(crate) fn verdict_mut(&mut self) -> Option<&mut Verdict> {
        self.inner.as_mut()?.verdict.as_deref_mut()
    }

    /// Returns whether a verdict is recorded here and has been given.
    pub(crate) fn has_verdict(&mut self) -> bool {
        self.verdict_mut().is_some_and(|verdict| verdict.is_given())
    }
}
