//! What the reader of a protocol needs beside the setters: room for an answer while it comes.

use super::Interaction;
use crate::__private::claim::{Asked, Claim};
use crate::catalog::Field;
use crate::event::{Operation, Value};
use crate::put::PutField;
use crate::sync::Arc;

impl Interaction {
    /// Makes room for `bytes` more of `field`, and returns whether there is any.
    pub(crate) fn make_room(&mut self, field: Field, bytes: usize) -> bool {
        self.inner
            .as_mut()
            .is_some_and(|active| active.flight.reserve_bytes(field, bytes))
    }

    /// Puts `value`, for which there is room already.
    pub(crate) fn put_in_room(&mut self, field: Field, value: Value) {
        if let Some(active) = &mut self.inner {
            active.flight.raw.buffers.push(field, value);
        }
    }

    /// Notes that `field` had `bytes` bytes, and that not all of them are kept.
    pub(crate) fn note_cut(&mut self, field: Field, bytes: usize) {
        if let Some(active) = &mut self.inner {
            active.flight.note_cut(field, bytes);
        }
    }

    /// Notes that `field` had `bytes` bytes, and that whoever cut it also dropped what may be half a secret.
    pub(crate) fn note_trimmed(&mut self, field: Field, bytes: usize) {
        if let Some(active) = &mut self.inner {
            active.flight.note_trimmed(field, bytes);
        }
    }

    /// Puts what `value` makes in `field`, if it is captured.
    pub(crate) fn put_with(&mut self, field: Field, value: impl FnOnce() -> Option<Value>) {
        if self.accepts(field)
            && let Some(value) = value()
        {
            self.put(field, value);
        }
    }

    /// Says that the call is recorded here: a span around that tells of it adds nothing. Who it is asked of is known by now.
    pub(crate) fn claim_call(&self) {
        let Some(active) = &self.inner else {
            return;
        };
        let raw = &active.flight.raw;
        let claim = raw.context.as_ref().and_then(|frame| frame.claim.as_ref());
        if let (Some(claim), Some(operation)) = (claim, &raw.operation) {
            let asked = Asked {
                provider: None,
                ..self.asked()
            };
            claim.take(Arc::as_ptr(&active.flight.shared).cast(), operation, &asked);
        }
    }

    /// Says that the call, to which `claim` is, is recorded here, and not in a span around.
    pub(crate) fn claim_outer(&self, claim: &Claim) {
        if let Some(active) = &self.inner
            && let Some(operation) = &active.flight.raw.operation
        {
            let log = Arc::as_ptr(&active.flight.shared).cast();
            claim.take_outer(log, operation, &self.asked());
        }
    }

    /// Returns who is asked, as far as it is known and captured.
    pub(crate) fn asked(&self) -> Asked {
        let text = |field| {
            let active = self.inner.as_ref()?;
            let text = active.flight.raw.buffers.text_of(field)?;
            Some(text.to_owned())
        };
        Asked {
            provider: text(Field::Provider),
            model: text(Field::RequestModel),
        }
    }

    pub(crate) fn is_of_embeddings(&self) -> bool {
        let operation = self
            .inner
            .as_ref()
            .and_then(|active| active.flight.raw.operation.as_ref());
        operation == Some(&Operation::Embeddings)
    }

    /// Records nothing.
    pub(crate) fn discard(mut self) {
        if let Some(active) = self.inner.take() {
            active.flight.discard();
        }
    }

    /// Returns the most bytes of content that the event takes.
    pub(crate) fn max_event_bytes(&self) -> usize {
        let active = self.inner.as_ref();
        active.map_or(0, |active| active.flight.shared.max_event_bytes)
    }

    /// Takes what has been put, and records nothing.
    #[cfg(test)]
    pub(crate) fn take_fields(mut self) -> Vec<(Field, Value)> {
        use crate::seal::SpareTexts;

        let Some(mut active) = self.take() else {
            return Vec::new();
        };
        if let Some(stream) = active.stream.take() {
            active.put_stream(&stream);
        }
        let fields = active.flight.raw.buffers.fields(&mut SpareTexts::default());
        active.flight.discard();
        fields
    }
}
