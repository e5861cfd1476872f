//! Every field that a program can set, by subject.

mod content;
mod governance;
mod identity;
mod model;
mod quality;
mod request;
mod source;
mod timing;
mod usage;

use llm_audit::{Error, FacetGroup, Interaction, Key, Level, Policy, Retention};

/// Returns the policy that keeps everything; nobody should run a product with it.
pub(crate) fn policy() -> Result<Policy, Error> {
    let policy = Policy::builder()
        .retention(Retention::Days30)
        .key(Key::ephemeral()?);
    let groups = FacetGroup::ALL.iter();
    groups
        .fold(policy, |policy, group| policy.group(*group, Level::Full))
        .consent_to_raw()
        .build()
}

/// Sets every field.
pub(crate) fn set(call: &mut Interaction) {
    identity::set(call);
    content::set(call);
    model::set(call);
    request::set(call);
    usage::set(call);
    timing::set(call);
    source::set(call);
    governance::set(call);
    quality::set(call);
}
