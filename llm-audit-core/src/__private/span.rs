//! What a layer for spans needs beside interactions.

pub use super::claim::Claim;
use crate::audit::Audit;
use crate::context::Context;
use crate::event::Operation;
use crate::id::EventId;
use crate::interaction::Interaction;
use crate::usage::Usage;

/// Returns the claim to a call of `operation` that would be recorded in `log`, within `around`; `None` where the
/// operation is no call of a model.
pub fn claim(log: &Audit, around: &Context, operation: &Operation) -> Option<Claim> {
    Claim::new(log, operation, around.claim().cloned())
}

/// Says that `call`, to which `claim` is, is recorded, and not in a span around that tells of the same.
pub fn take(claim: &Claim, call: &Interaction) {
    call.claim_outer(claim);
}

/// Returns whether `call`, to which `claim` is, is recorded where more is seen of it.
pub fn is_taken(claim: &Claim, call: &Interaction) -> bool {
    claim.is_taken_for(&call.asked())
}

/// Returns `context` within a call of which `claim` is.
pub fn claimable(context: &Context, claim: &Claim) -> Context {
    context.claimable(claim)
}

/// Returns `context` without whoever wants to know its first event: what a claim is of may become none.
pub fn unnoted(context: &Context) -> Context {
    context.unnoted()
}

/// Says that `event_id` happened in `context`.
pub fn note(context: &Context, event_id: EventId) {
    context.note(event_id);
}

/// Puts the tokens that a span says a call took.
pub fn tokens(
    call: &mut Interaction,
    input: Option<u64>,
    output: Option<u64>,
    cached: Option<u64>,
) {
    let mut usage = Usage::openai(input.unwrap_or_default(), output.unwrap_or_default());
    if let Some(cached) = cached {
        usage = usage.cache_read(cached);
    }
    call.put_usage(usage, input.is_some(), output.is_some());
}

/// Returns where `log` is, to tell logs apart while they live.
pub fn address(log: &Audit) -> usize {
    log.address().addr()
}

/// Returns `context`, where a span is entered that was made `around` and has `within` as its own.
pub fn spanned(context: &Context, around: &Context, within: &Context) -> Context {
    context.spanned(around, within)
}

/// Returns whether both are the same context, not only an equal one.
pub fn is_same(one: &Context, other: &Context) -> bool {
    one.is_same(other)
}

/// Makes `context` the current one until another is, and returns the one before.
pub fn swap(context: Context) -> Context {
    context.swap()
}

/// Records nothing of `interaction`.
pub fn discard(interaction: Interaction) {
    interaction.discard();
}
