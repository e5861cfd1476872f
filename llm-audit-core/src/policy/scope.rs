//! What an event is about, as far as the layers of a policy ask.

use crate::level::Levels;

/// The tenant, labels and wishes of one call, for which a policy gives levels.
///
/// # Examples
///
/// ```
/// use llm_audit_core::Scope;
///
/// let scope = Scope::new().tenant("acme").classification(&["internal", "confidential"]);
/// assert_eq!(scope.tenant, Some("acme"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scope<'a> {
    /// The tenant's id; a missing one counts as unlisted.
    pub tenant: Option<&'a str>,
    /// The labels of file, repository and group, those there are.
    pub classification: &'a [&'a str],
    /// What the call allows at most; [`Levels::FULL`] narrows nothing.
    pub call: Levels,
}

impl<'a> Scope<'a> {
    /// Returns the scope without tenant and label, in which the call narrows nothing.
    pub const fn new() -> Self {
        Self {
            tenant: None,
            classification: &[],
            call: Levels::FULL,
        }
    }

    /// Sets the tenant's id.
    #[must_use]
    pub const fn tenant(mut self, id: &'a str) -> Self {
        self.tenant = Some(id);
        self
    }

    /// Sets the labels of file, repository and group, those there are.
    #[must_use]
    pub const fn classification(mut self, labels: &'a [&'a str]) -> Self {
        self.classification = labels;
        self
    }

    /// Sets what the call allows at most.
    #[must_use]
    pub const fn call(mut self, levels: Levels) -> Self {
        self.call = levels;
        self
    }
}

impl Default for Scope<'_> {
    fn default() -> Self {
        Self::new()
    }
}
