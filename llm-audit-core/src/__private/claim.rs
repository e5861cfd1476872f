//! A call that is seen from several places, and which of them records it.

use crate::audit::Audit;
use crate::event::Operation;
use crate::sync::{Arc, Mutex, lock};

/// Different names of calls that are told apart within one span; more say nothing of who took its claim.
const MAX_NAMES: usize = 16;

/// Who a call is asked of, as far as it is known and captured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// `None` on the wire too: what a span calls a provider is not what its host is called.
    pub(crate) provider: Option<String>,
    pub(crate) model: Option<String>,
}

/// Says whether a call, of which a span tells, is recorded where more is seen of it: on the wire, or in
/// a span within.
#[derive(Clone, Debug)]
pub struct Claim(Arc<Claimed>);

#[derive(Debug)]
struct Claimed {
    /// The address of the log.
    log: usize,
    is_of_embeddings: bool,
    /// The calls that have taken it.
    taken: Mutex<Vec<Asked>>,
    /// The claim of the span around.
    outer: Option<Claim>,
}

impl Claim {
    /// Returns the claim to a call of `operation` within `outer`; `None` where the operation is no call of a model.
    pub(crate) fn new(log: &Audit, operation: &Operation, outer: Option<Self>) -> Option<Self> {
        let is_of_embeddings = is_of_embeddings(operation)?;
        Some(Self(Arc::new(Claimed {
            log: log.address().addr(),
            is_of_embeddings,
            taken: Mutex::new(Vec::new()),
            outer,
        })))
    }

    /// Returns whether a call within is recorded elsewhere, in the same log.
    pub(crate) fn is_taken(&self) -> bool {
        !lock(&self.0.taken).is_empty()
    }

    /// Returns whether the call that is `asked` is recorded elsewhere, in the same log.
    pub(crate) fn is_taken_for(&self, asked: &Asked) -> bool {
        let taken = lock(&self.0.taken);
        taken.iter().any(|within| within.may_be(asked))
    }

    /// Says that a call of `operation` is recorded in the log at `log`: it is that of all spans around that
    /// tell of the same.
    pub(crate) fn take(&self, log: *const (), operation: &Operation, asked: &Asked) {
        Self::take_all(Some(self), log, operation, asked);
    }

    /// Says that the call that this is the claim to is recorded in the log at `log`, as far as the spans around
    /// tell of the same.
    pub(crate) fn take_outer(&self, log: *const (), operation: &Operation, asked: &Asked) {
        Self::take_all(self.0.outer.as_ref(), log, operation, asked);
    }

    fn take_all(mut claim: Option<&Self>, log: *const (), operation: &Operation, asked: &Asked) {
        while let Some(Self(claimed)) = claim {
            if claimed.log == log.addr()
                && is_of_embeddings(operation) == Some(claimed.is_of_embeddings)
            {
                let mut taken = lock(&claimed.taken);
                if taken.len() < MAX_NAMES && !taken.contains(asked) {
                    taken.push(asked.clone());
                }
            }
            claim = claimed.outer.as_ref();
        }
    }

    /// Returns whether a call of `operation` may be the one that the span tells of.
    pub(crate) fn may_be(&self, operation: Option<&Operation>) -> bool {
        operation.and_then(is_of_embeddings) == Some(self.0.is_of_embeddings)
    }
}

impl Asked {
    /// Returns whether both may be of the same call: what both know of it is the same.
    fn may_be(&self, other: &Self) -> bool {
        let agree = |one: &Option<String>, other: &Option<String>| match (one, other) {
            (Some(one), Some(other)) => is_name_of(one, other) || is_name_of(other, one),
            _ => true,
        };
        agree(&self.provider, &other.provider) && agree(&self.model, &other.model)
    }
}

/// Returns whether `long` is `name`, as it is or behind where it is from, as in `models/small` and `openai::small`.
fn is_name_of(long: &str, name: &str) -> bool {
    let (long, name) = (long.to_ascii_lowercase(), name.to_ascii_lowercase());
    long.strip_suffix(&name)
        .is_some_and(|from| from.is_empty() || from.ends_with('/') || from.ends_with("::"))
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
