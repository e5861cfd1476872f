//! Calls that a span tells of.

use llm_audit_core::__private::span::{self, Claim};
use llm_audit_core::{Audit, Context, Interaction, Operation, Status};

use super::attribute::Said;

/// What the layers of all logs know of one span.
pub(super) struct SpanCalls {
    /// One for each log.
    calls: Vec<SpanCall>,
    /// Where the span was made.
    around: Context,
    /// Where what happens within the span is, if it is entered where it was made.
    within: Context,
}

/// A span of a call, until it is closed.
struct SpanCall {
    /// The address of the log.
    log: usize,
    call: Interaction,
    counts: Counts,
    is_of_embeddings: bool,
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

impl SpanCalls {
    /// Returns those of a span that is made within `around`.
    pub(super) fn new(around: Context) -> Self {
        Self {
            calls: Vec::new(),
            within: around.clone(),
            around,
        }
    }

    /// Begins to record in `log` what the span tells of.
    pub(super) fn begin(
        &mut self,
        log: &Audit,
        around: &Context,
        operation: Operation,
        said: Said,
    ) {
        if self.of(log).is_some() {
            return;
        }
        let is_of_embeddings = operation == Operation::Embeddings;
        let claim = span::claim(log, &self.within, &operation);
        let begun_in = match &claim {
            Some(_) => &span::unnoted(around),
            None => around,
        };
        let mut call = begun_in.enter(|| log.begin(operation));
        if !call.is_recorded() {
            return;
        }
        let mut counts = Counts::default();
        said.put(&mut call, &mut counts);
        if let Some(claim) = &claim {
            span::take(claim, &call);
        }
        self.within = match &claim {
            // Who records the call begins where the span did.
            Some(claim) => span::claimable(&self.within, claim),
            None => call.context(),
        };
        self.calls.push(SpanCall {
            log: span::address(log),
            call,
            counts,
            is_of_embeddings,
            claim,
            around: around.clone(),
        });
    }

    /// Returns the context of what happens within the span, where it is entered in `current`: a span is no
    /// reason to capture more than what surrounds it.
    pub(super) fn within(&self, current: &Context) -> Context {
        span::spanned(current, &self.around, &self.within)
    }

    /// Returns whether `log` records what the span tells of.
    pub(super) fn are_of(&self, log: &Audit) -> bool {
        let log = span::address(log);
        self.calls.iter().any(|call| call.log == log)
    }

    /// Puts what the span said later.
    pub(super) fn put(&mut self, log: &Audit, said: Said) {
        if let Some(call) = self.of(log) {
            said.put(&mut call.call, &mut call.counts);
        }
    }

    /// Ends what is recorded in `log`.
    pub(super) fn close(&mut self, log: &Audit) {
        let log = span::address(log);
        let at = self.calls.iter().position(|call| call.log == log);
        if let Some(at) = at {
            self.calls.swap_remove(at).close();
        }
    }

    fn of(&mut self, log: &Audit) -> Option<&mut SpanCall> {
        let log = span::address(log);
        self.calls.iter_mut().find(|call| call.log == log)
    }
}

impl SpanCall {
    /// Records the call, unless who saw more of it did.
    fn close(self) {
        let Self {
            mut call,
            counts,
            is_of_embeddings,
            claim,
            around,
            ..
        } = self;
        let Some(claim) = claim else {
            // The tokens of an agent are those of its calls.
            call.end(counts.status(true));
            return;
        };
        if span::is_taken(&claim, &call) {
            return span::discard(call);
        }
        let Counts {
            input,
            output,
            cached,
            ..
        } = counts;
        if input.is_some() || output.is_some() {
            span::tokens(&mut call, input, output, cached);
        }
        // Of embeddings the input is counted with the answer.
        let has_answer = counts.has_answer || is_of_embeddings && input.is_some();
        if let Some(event_id) = call.end(counts.status(has_answer)) {
            span::note(&around, event_id);
        }
    }
}

impl Counts {
    fn status(&self, has_answer: bool) -> Status {
        match () {
            () if self.has_failed => Status::Error,
            () if has_answer => Status::Ok,
            // A span says neither that it was dropped nor that nothing came.
            () => Status::Abandoned,
        }
    }
}
