//! Sinks that get less than the log.

use std::path::Path;

use async_trait::async_trait;

use crate::batch::{Batch, BatchBuilder};
use crate::event::{Absence, Event};
use crate::facet::{Facet, FacetSet};
use crate::sink::{Durable, Sink, SinkError, SinkLimits};

/// Narrowing for every sink.
pub trait SinkExt: Sink + Sized {
    /// Returns the sink without the data of `facets`: its events say that they were withheld.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::{Facet, Sink, SinkExt};
    ///
    /// fn for_others(sink: impl Sink) -> impl Sink {
    ///     sink.without([Facet::Prompt, Facet::Response, Facet::User])
    /// }
    /// ```
    fn without(self, facets: impl IntoIterator<Item = Facet>) -> Narrowed<Self> {
        Narrowed {
            sink: self,
            withheld: facets.into_iter().collect(),
        }
    }

    /// Returns the sink with the data of `facets` alone.
    fn only(self, facets: impl IntoIterator<Item = Facet>) -> Narrowed<Self> {
        let kept: FacetSet = facets.into_iter().collect();
        self.without(
            Facet::ALL
                .iter()
                .copied()
                .filter(|facet| !kept.contains(*facet)),
        )
    }
}

impl<S: Sink> SinkExt for S {}

/// A sink that gets less than the log; made by [`SinkExt`].
#[derive(Debug)]
pub struct Narrowed<S> {
    sink: S,
    withheld: FacetSet,
}

#[async_trait]
impl<S: Sink> Sink for Narrowed<S> {
    fn name(&self) -> &str {
        self.sink.name()
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        // The same events give the same bytes, also when a batch comes again.
        match batch.without(self.withheld) {
            Some(narrowed) => self.sink.write(&narrowed).await,
            None => Ok(Durable::UNCHANGED),
        }
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        self.sink.flush().await
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        self.sink.shutdown().await
    }

    fn limits(&self) -> SinkLimits {
        self.sink.limits()
    }

    fn narrowed(&self, batch: &Batch) -> Option<Batch> {
        self.sink.narrowed(&batch.without(self.withheld)?)
    }

    fn directory(&self) -> Option<&Path> {
        self.sink.directory()
    }
}

impl Batch {
    /// Returns the batch without the data of `facets`.
    fn without(&self, facets: FacetSet) -> Option<Self> {
        let mut narrowed = BatchBuilder::default();
        let mut json = Vec::new();
        for (seq, event) in self.seqs().iter().zip(self.events()) {
            let mut event: Event = event.clone();
            event.withhold(facets, Absence::Withheld);
            json.clear();
            event.encode(&mut json);
            narrowed.push(*seq, event, &json, true);
        }
        narrowed.build(self.writer_id())
    }
}
