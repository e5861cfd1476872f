//! Sinks that get less than the log.

use std::fmt;

use crate::facet::{Facet, FacetSet};
use crate::sink::Sink;

/// Narrowing for every sink.
pub trait SinkExt: Sink + Sized {
    /// Returns the sink without the data of `facets`: its events say that they were withheld.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::{Facet, Narrowed, Sink, SinkExt};
    ///
    /// fn for_others(sink: impl Sink) -> Narrowed {
    ///     sink.without([Facet::Prompt, Facet::Response, Facet::User])
    /// }
    /// ```
    fn without(self, facets: impl IntoIterator<Item = Facet>) -> Narrowed {
        Narrowed::from(self).without(facets)
    }

    /// Returns the sink with the data of `facets` alone.
    fn only(self, facets: impl IntoIterator<Item = Facet>) -> Narrowed {
        Narrowed::from(self).only(facets)
    }
}

impl<S: Sink> SinkExt for S {}

/// A sink with what of the log it does not get: what
/// [`AuditBuilder::sink`](crate::AuditBuilder::sink) takes. Every [`Sink`] is one that gets all.
///
/// It is no sink itself. The log withholds before it hands a batch over, and from what it keeps as
/// dead letters, so nothing that is put around a sink can give more to the one or the other: what is
/// to be put around it is put there first.
///
/// # Examples
///
/// ```
/// use llm_audit_core::testing::MemorySink;
/// use llm_audit_core::{Facet, Policy, Preset, SinkExt, builder};
///
/// let less = MemorySink::new().without([Facet::Prompt]).without([Facet::User]);
/// let audit = builder().policy(Policy::preset(Preset::Operations)?).sink(less).spawn()?;
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
///
/// ```compile_fail,E0277
/// use llm_audit_core::testing::MemorySink;
/// use llm_audit_core::{Facet, Sink, SinkExt};
///
/// fn around(sink: impl Sink) {}
///
/// around(MemorySink::new().without([Facet::Prompt]));
/// ```
pub struct Narrowed {
    pub(crate) sink: Box<dyn Sink>,
    pub(crate) withheld: FacetSet,
}

impl Narrowed {
    /// Returns the sink without the data of `facets` either.
    #[must_use]
    pub fn without(mut self, facets: impl IntoIterator<Item = Facet>) -> Self {
        self.withheld.extend(facets);
        self
    }

    /// Returns the sink with the data of `facets` alone, as far as it got that before.
    #[must_use]
    pub fn only(self, facets: impl IntoIterator<Item = Facet>) -> Self {
        let kept: FacetSet = facets.into_iter().collect();
        let others = Facet::ALL.iter().copied();
        self.without(others.filter(|facet| !kept.contains(*facet)))
    }
}

impl<S: Sink> From<S> for Narrowed {
    fn from(sink: S) -> Self {
        Self {
            sink: Box::new(sink),
            withheld: FacetSet::EMPTY,
        }
    }
}

impl fmt::Debug for Narrowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Narrowed")
            .field("sink", &self.sink.name())
            .field("withheld", &self.withheld)
            .finish()
    }
}
