//! What a receiver said, and what follows from it.

use std::fmt;
use std::time::Duration;

use llm_audit_core::{Batch, SinkError};

use super::outcome::{Outcome, advice};

/// A receiver's answer to a request.
///
/// Errors that it makes name the receiver, the status and what to do; they never quote the answer,
/// which may repeat what was sent.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::http::{Answer, Outcome};
///
/// let answer = Answer::new(503, "text/plain", "busy");
/// assert_eq!(answer.outcome(), Outcome::Retried);
/// assert!(answer.by_status().unwrap_err().is_retry());
/// ```
#[derive(Clone)]
pub struct Answer {
    pub(super) origin: String,
    pub(super) status: u16,
    pub(super) outcome: Outcome,
    pub(super) content_type: Option<String>,
    pub(super) body: Vec<u8>,
    pub(super) is_whole: bool,
    pub(super) retry_after: Option<Duration>,
}

impl Answer {
    /// Returns an answer with a body, for tests of a [`BodyFormat`](super::BodyFormat).
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            origin: "the receiver".to_owned(),
            status,
            outcome: Outcome::of(status),
            content_type: Some(content_type.to_owned()),
            body: body.into(),
            is_whole: true,
            retry_after: None,
        }
    }

    /// Returns the status.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Returns what the status means for the events: [`Outcome::of`], or what
    /// [`Endpoint::treat`](super::Endpoint::treat) says.
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Returns the content type, if the answer has one that is text.
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// Returns the body, as far as it was read.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns whether the body was read to its end: what is longer than 1 MiB is cut there.
    pub const fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Says what follows from the status alone.
    ///
    /// # Errors
    ///
    /// Unless the events are delivered.
    pub fn by_status(&self) -> Result<(), SinkError> {
        self.judge(self.outcome, advice(self.status))
    }

    /// Says what follows for a request whose events all have one `outcome`; `reason` is shown to
    /// operators and holds nothing of the answer's text.
    ///
    /// # Errors
    ///
    /// Unless the events are delivered.
    pub fn judge(&self, outcome: Outcome, reason: &str) -> Result<(), SinkError> {
        let message = self.message(reason);
        match outcome {
            Outcome::Delivered => Ok(()),
            Outcome::Divided => Err(SinkError::permanent(message)),
            Outcome::Paused => Err(self.later(SinkError::misconfigured(message))),
            Outcome::Retried => Err(self.later(SinkError::retry(message))),
        }
    }

    /// Says what follows when the answer has an outcome for each event of `batch`, in their order.
    ///
    /// Events are sent again from the first one on that was not delivered, as long as one of them
    /// is to be; those that the receiver will never take are lost to the sink when none is.
    ///
    /// # Errors
    ///
    /// Unless all are delivered, or when the number of outcomes is not that of the events.
    pub fn judge_each(
        &self,
        batch: &Batch,
        outcomes: &[Outcome],
        reason: &str,
    ) -> Result<(), SinkError> {
        if outcomes.len() != batch.len() {
            return self.judge(Outcome::Paused, "it answers for another number of events");
        }
        let is = |wanted: Outcome| move |outcome: &Outcome| *outcome == wanted;
        let again = if outcomes.iter().any(is(Outcome::Paused)) {
            Outcome::Paused
        } else {
            Outcome::Retried
        };
        let mut seqs = batch.seqs().iter().zip(outcomes);
        if outcomes.iter().any(is(again)) {
            let first = seqs.find(|(_, outcome)| **outcome != Outcome::Delivered);
            let from = first.map_or_else(|| batch.first_seq(), |(seq, _)| *seq);
            return self
                .judge(again, reason)
                .map_err(|error| error.from_seq(from));
        }
        let turned_away: Vec<u64> = seqs
            .filter(|(_, outcome)| **outcome == Outcome::Divided)
            .map(|(seq, _)| *seq)
            .collect();
        if turned_away.is_empty() {
            return Ok(());
        }
        Err(SinkError::reject(turned_away, self.message(reason)))
    }

    /// Says that an answer that should deliver is not one of the receiver that was meant: a login
    /// page, for instance.
    pub(crate) fn check_content_type(&self, expected: Option<&str>) -> Result<(), SinkError> {
        if self.outcome != Outcome::Delivered {
            return Ok(());
        }
        if self.is_html() {
            let reason = "it is a page of HTML, not a receiver: check the address";
            return self.judge(Outcome::Paused, reason);
        }
        let is_expected = expected.is_none_or(|expected| {
            self.body.is_empty() || self.media_type().eq_ignore_ascii_case(expected)
        });
        if is_expected {
            return Ok(());
        }
        self.judge(
            Outcome::Paused,
            "it has another content type than is expected",
        )
    }

    fn is_html(&self) -> bool {
        let is_html = |name: &&str| self.media_type().eq_ignore_ascii_case(name);
        if ["text/html", "application/xhtml+xml"].iter().any(is_html) {
            return true;
        }
        // Login pages of networks say anything about themselves.
        let body = self
            .body
            .strip_prefix(b"\xEF\xBB\xBF")
            .unwrap_or(&self.body);
        let begins = |tag: &[u8]| {
            let start = body.trim_ascii_start().get(..tag.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(tag))
        };
        begins(b"<!doctype html") || begins(b"<html")
    }

    /// The content type without its parameters, or nothing.
    fn media_type(&self) -> &str {
        let content_type = self.content_type().unwrap_or_default();
        content_type.split(';').next().unwrap_or_default().trim()
    }

    pub(crate) fn message(&self, reason: &str) -> String {
        format!("{} answered {}: {reason}", self.origin, self.status)
    }

    fn later(&self, error: SinkError) -> SinkError {
        match self.retry_after {
            // Who mends something may do so sooner than the server thinks.
            Some(pause) if !error.is_misconfigured() => error.after(pause),
            _ => error,
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("outcome", &self.outcome)
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}
