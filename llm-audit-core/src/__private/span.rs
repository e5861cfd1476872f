//! What a layer for spans needs beside interactions.

pub use super::claim::Claim;
use crate::audit::Audit;
use crate::context::Context;
use crate::interaction::Interaction;

/// Returns the claim to a call that would be recorded in `log`.
pub fn claim(log: &Audit) -> Claim {
    Claim::new(log.address())
}

/// Returns `context` within a call of which `claim` is.
pub fn claimable(context: &Context, claim: &Claim) -> Context {
    context.claimable(claim)
}

/// Makes `context` the current one until another is, and returns the one before.
pub fn swap(context: Context) -> Context {
    context.swap()
}

/// Records nothing of `interaction`.
pub fn discard(interaction: Interaction) {
    interaction.discard();
}
