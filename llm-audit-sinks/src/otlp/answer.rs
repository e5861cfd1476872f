//! What a receiver of OTLP said, and what follows from it.

use llm_audit_core::SinkError;

use super::encoding::Encoding;
use crate::http::{Answer, Outcome};

/// What is sent to a path of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Logs,
    Traces,
}

impl Signal {
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Logs => "/v1/logs",
            Self::Traces => "/v1/traces",
        }
    }

    /// What an operator may want to know about a status that means something of its own here.
    const fn advice(self, status: u16) -> Option<&'static str> {
        match (self, status) {
            (Self::Logs, 404 | 405) => {
                Some("it takes no log records: send none, or check the address")
            }
            (_, 422) => Some("check the headers that it wants"),
            _ => None,
        }
    }
}

/// What became of a request that was answered.
#[derive(Debug)]
pub(super) enum Judged {
    Delivered,
    /// Every item was turned away for good.
    AllRejected(String),
}

/// Says what follows from the answer to a request with so many items, spans or log records.
///
/// A refusal of a part names a number and not which: halves are sent, and theirs, until what is
/// refused is alone. What was taken comes again meanwhile, with the ids that it had.
///
/// # Errors
///
/// Unless the items are delivered or rejected one and all.
pub(super) fn judge(
    signal: Signal,
    encoding: Encoding,
    answer: &Answer,
    items: usize,
) -> Result<Judged, SinkError> {
    answer.check_content_type(Some(encoding.content_type()))?;
    if answer.outcome() != Outcome::Delivered {
        let advice = signal.advice(answer.status());
        let advice = advice.filter(|_| answer.outcome() == Outcome::Paused);
        let judged = match advice {
            Some(advice) => answer.judge(Outcome::Paused, advice),
            None => answer.by_status(),
        };
        return judged.map(|()| Judged::Delivered);
    }
    let said = answer.is_whole().then(|| answer.body());
    let Some(rejected) = said.and_then(|body| encoding.rejected(signal, body)) else {
        let reason = "it is no answer of OTLP: check the address";
        return answer
            .judge(Outcome::Paused, reason)
            .map(|()| Judged::Delivered);
    };
    match usize::try_from(rejected) {
        Ok(0) => Ok(Judged::Delivered),
        Ok(rejected) if rejected == items => {
            let reason = format!("it rejects all of {items}");
            Ok(Judged::AllRejected(answer.message(&reason)))
        }
        Ok(rejected) => {
            let reason = format!("it rejects {rejected} of {items}");
            answer
                .judge(Outcome::Divided, &reason)
                .map(|()| Judged::Delivered)
        }
        Err(_) => {
            let reason = "it rejects less than nothing: check the address";
            answer
                .judge(Outcome::Paused, reason)
                .map(|()| Judged::Delivered)
        }
    }
}
