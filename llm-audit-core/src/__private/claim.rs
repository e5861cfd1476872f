//! A call that is seen from several places, and which of them records it.

use crate::audit::Audit;
use crate::event::Operation;
use crate::sync::{Arc, OnceLock};

/// Says whether a call, of which a span tells, is recorded where more is seen of it: on the wire, or in
/// a span within.
#[derive(Clone, Debug)]
pub struct Claim(Arc<Claimed>);

#[derive(Debug)]
struct Claimed {
    /// The address of the log.
    log: usize,
    is_of_embeddings: bool,
    taken: OnceLock<()>,
    /// The claim of the span around.
    outer: Option<Claim>,
}

impl Claim {
    /// Returns the claim to a call of `operation`, which is that of the spans around too; `None` where the
    /// operation is no call of a model.
    pub(crate) fn new(log: &Audit, operation: &Operation, outer: Option<Self>) -> Option<Self> {
        let is_of_embeddings = is_of_embeddings(operation)?;
        if let Some(outer) = &outer {
            outer.take(log.address(), operation);
        }
        Some(Self(Arc::new(Claimed {
            log: log.address().addr(),
            is_of_embeddings,
            taken: OnceLock::new(),
            outer,
        })))
    }

    /// Returns whether the call is recorded elsewhere, in the same log.
    pub fn is_taken(&self) -> bool {
        self.0.taken.get().is_some()
    }

    /// Says that a call of `operation` is recorded in the log at `log`: it is that of all spans around.
    pub(crate) fn take(&self, log: *const (), operation: &Operation) {
        let mut claim = Some(self);
        while let Some(Self(claimed)) = claim {
            if claimed.log == log.addr()
                && is_of_embeddings(operation) == Some(claimed.is_of_embeddings)
            {
                // Tried again, it is taken already.
                claimed.taken.set(()).ok();
            }
            claim = claimed.outer.as_ref();
        }
    }

    /// Returns whether a call of `operation` may be the one that the span tells of.
    pub(crate) fn may_be(&self, operation: Option<&Operation>) -> bool {
        operation.and_then(is_of_embeddings) == Some(self.0.is_of_embeddings)
    }
}

/// Returns whether a call of a model is for embeddings; `None` for what is no call of a model. Which of the
/// others a call is said to be differs from crate to crate.
const fn is_of_embeddings(operation: &Operation) -> Option<bool> {
    match operation {
        Operation::Embeddings => Some(true),
        Operation::Chat | Operation::GenerateContent | Operation::TextCompletion => Some(false),
        _ => None,
    }
}
