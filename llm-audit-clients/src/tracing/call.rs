//! A call that a span tells of.

use llm_audit_core::__private::span::{self, Claim};
use llm_audit_core::{Audit, Context, Interaction, Operation, Status, Usage};
use tracing_core::field::{Field, Visit};

use super::attribute::Attributes;

/// A span of a call, until it is closed.
pub(super) struct SpanCall {
    pub(super) call: Interaction,
    pub(super) counts: Counts,
    /// `None` where what happens within is not the same call: of an agent, a tool.
    claim: Option<Claim>,
    /// Where the span was made.
    around: Context,
}

/// What a span says of an answer.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) input: Option<u64>,
    pub(super) output: Option<u64>,
    pub(super) cached: Option<u64>,
    pub(super) has_answer: bool,
    pub(super) has_failed: bool,
}

impl SpanCall {
    /// Begins to record the call of `operation` within `around`.
    pub(super) fn begin(log: &Audit, around: Context, operation: Operation) -> Option<Self> {
        let is_of_a_model = matches!(
            operation,
            Operation::Chat
                | Operation::Embeddings
                | Operation::GenerateContent
                | Operation::TextCompletion
        );
        let claim = is_of_a_model.then(|| span::claim(log));
        let around = match &claim {
            Some(claim) => span::claimable(&around, claim),
            None => around,
        };
        let call = around.enter(|| log.begin(operation));
        call.is_recorded().then(|| Self {
            call,
            counts: Counts::default(),
            claim,
            around,
        })
    }

    /// Returns the context of what happens within the span.
    pub(super) fn context(&self) -> Context {
        match &self.claim {
            // Who records the call begins where the span did.
            Some(_) => self.around.clone(),
            None => self.call.context(),
        }
    }

    /// Returns what takes the span's attributes.
    pub(super) const fn attributes(&mut self) -> Attributes<'_> {
        Attributes {
            call: &mut self.call,
            counts: &mut self.counts,
        }
    }

    /// Records the call, unless who saw it on the wire did.
    pub(super) fn close(self) {
        let Self {
            mut call,
            counts,
            claim,
            ..
        } = self;
        if claim.as_ref().is_some_and(Claim::is_taken) {
            return span::discard(call);
        }
        if let (Some(input), Some(output)) = (counts.input, counts.output) {
            let usage = Usage::openai(input, output);
            call.usage(match counts.cached {
                Some(cached) => usage.cache_read(cached),
                None => usage,
            });
        }
        let status = match () {
            () if counts.has_failed => Status::Error,
            // A span says neither that it was dropped nor that nothing came.
            () if claim.is_some() && !counts.has_answer => Status::Abandoned,
            () => Status::Ok,
        };
        call.end(status);
    }
}

/// Finds the operation that a span is of.
#[derive(Default)]
pub(super) struct OfOperation(pub(super) Option<Operation>);

impl Visit for OfOperation {
    fn record_str(&mut self, field: &Field, value: &str) {
        let is_word = !value.is_empty()
            && value.len() <= 64
            && value
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if field.name() == super::OPERATION && is_word {
            self.0 = Some(Operation::from(value));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == super::OPERATION {
            let text = llm_audit_core::contained(|| format!("{value:?}"));
            self.record_str(field, text.unwrap_or_default().trim_matches('"'));
        }
    }
}
