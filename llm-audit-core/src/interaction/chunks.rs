//! An answer that comes in chunks, and what each of them says.

use super::stream::Stream;
use super::{Active, Interaction, micros};
use crate::catalog::Field;
use crate::event::Value;
use crate::facet::Facet;
use crate::interaction::in_flight::{InFlight, size_of_value};
use crate::protocol::answer::{IN_ORDER, Piece};
use crate::protocol::said::Said;
use crate::put::PutField;
use crate::raw::Scalar;

impl Interaction {
    /// Adds `text` to the first choice of a streamed answer.
    pub fn chunk(&mut self, text: &str) -> &mut Self {
        self.chunk_of(0, text)
    }

    /// Adds `text` to choice number `choice` of a streamed answer, counting from 0.
    pub fn chunk_of(&mut self, choice: usize, text: &str) -> &mut Self {
        self.tick();
        self.append(choice, Piece::Text, text)
    }

    /// Adds `text` to the reasoning of a streamed answer.
    pub fn reasoning_chunk(&mut self, text: &str) -> &mut Self {
        self.tick();
        self.append(0, Piece::Reasoning, text)
    }

    /// Counts a chunk of a streamed answer without text, such as one that only has the usage.
    pub fn empty_chunk(&mut self) -> &mut Self {
        self.tick();
        self
    }

    /// Counts a chunk, whatever it says.
    pub(crate) fn tick(&mut self) {
        if let Some(active) = &mut self.inner {
            let clock = &active.flight.shared.clock;
            let at = (clock.now(), clock.monotonic());
            let is_timed = active.flight.allows(Facet::Timing);
            let stream = active.streamed();
            if is_timed {
                stream.tick(at.0, at.1);
            }
        }
    }

    /// Returns whether the answer comes in chunks.
    pub(crate) fn is_streamed(&self) -> bool {
        self.chunks().is_some()
    }

    /// Returns whether it was said why the answer ends: all of it, or each choice that has begun.
    pub(crate) fn is_told_why_it_ends(&self) -> bool {
        self.chunks().is_some_and(|stream| {
            stream.is_told_why || stream.said.as_ref().is_some_and(|said| said.is_over())
        })
    }

    /// Notes that a chunk says why the answer ends, also where that is not captured.
    pub(crate) fn told_why_it_ends(&mut self) {
        let stream = self
            .inner
            .as_mut()
            .and_then(|active| active.stream.as_mut());
        if let Some(stream) = stream {
            stream.is_told_why = true;
        }
    }

    fn chunks(&self) -> Option<&Stream> {
        self.inner.as_ref()?.stream.as_deref()
    }

    /// Appends `text` to choice number `choice` of a streamed answer.
    pub(crate) fn append(&mut self, choice: usize, piece: Piece, text: &str) -> &mut Self {
        let at = (u64::try_from(choice).unwrap_or(u64::MAX), IN_ORDER);
        self.streamed(|said, call| said.answer.append(call, at, piece, text))
    }

    /// Runs `run` with what has come of a streamed answer.
    pub(crate) fn streamed(&mut self, run: impl FnOnce(&mut Said, &mut Self)) -> &mut Self {
        let Some(active) = &mut self.inner else {
            return self;
        };
        let limit = active.flight.shared.max_event_bytes;
        let mut said = active.streamed().said.take().unwrap_or_else(|| {
            let mut said = Box::<Said>::default();
            said.answer.limit(limit);
            said
        });
        run(&mut said, self);
        let active = self.inner.as_mut();
        if let Some(stream) = active.and_then(|active| active.stream.as_mut()) {
            stream.said = Some(said);
        }
        self
    }

    /// Puts what has come of a streamed answer, and takes the interaction out.
    #[inline]
    pub(super) fn take(&mut self) -> Option<Active> {
        // Nothing is not moved: it is as large as what is recorded.
        self.inner.as_ref()?;
        if self.is_streamed() {
            self.put_said();
        }
        self.inner.take()
    }

    fn put_said(&mut self) {
        let stream = self
            .inner
            .as_mut()
            .and_then(|active| active.stream.as_mut());
        if let Some(mut said) = stream.and_then(|stream| stream.said.take()) {
            let is_over = said.is_over();
            let protocol = said.protocol;
            said.put(self, protocol, is_over);
        }
    }
}

impl Active {
    /// Returns the answer that comes in chunks, and what was said of it before.
    #[inline]
    fn streamed(&mut self) -> &mut Stream {
        let Self { flight, stream, .. } = self;
        match stream {
            Some(stream) => stream,
            None => stream.insert(begun(flight)),
        }
    }

    /// Puts `text` in `field`. What every chunk of a stream says again is kept once.
    #[inline]
    pub(super) fn put_text(&mut self, field: Field, text: &str) {
        match self.stream {
            Some(_) => self.put_text_anew(field, text),
            None => self.flight.put_text(field, text),
        }
    }

    /// Puts `value` in `field`. What every chunk of a stream says anew takes the place of what the one
    /// before said.
    #[inline]
    pub(super) fn put(&mut self, field: Field, value: Value) {
        match self.stream {
            Some(_) => self.put_anew(field, value),
            None => self.flight.put(field, value),
        }
    }

    /// Does what [`put`](Self::put) does with a value of one word.
    #[inline]
    pub(super) fn put_scalar(&mut self, field: Field, scalar: Scalar) {
        match self.stream {
            Some(_) => self.put_anew(field, scalar.value()),
            None => self.flight.put_scalar(field, scalar),
        }
    }

    // Those are kept apart so that a call without chunks does not pay for their registers.
    #[inline(never)]
    fn put_text_anew(&mut self, field: Field, text: &str) {
        let buffers = &mut self.flight.raw.buffers;
        if buffers.text_of(field) == Some(text) {
            return;
        }
        buffers.forget_text(field);
        self.flight.put_text(field, text);
    }

    #[inline(never)]
    fn put_anew(&mut self, field: Field, value: Value) {
        if let Some(stream) = &mut self.stream {
            stream.is_told_why |= field == Field::FinishReasons;
        }
        let size = |value: &Value| size_of_value(value.as_ref());
        let flight = &mut self.flight;
        let Some(at) = flight.raw.buffers.replaceable(field) else {
            return flight.put(field, value);
        };
        let earlier = flight.raw.buffers.value_at(at).map_or(0, size);
        let more = size(&value).saturating_sub(earlier);
        if more == 0 || flight.reserve_bytes(field, more) {
            flight.raw.buffers.replace(at, value);
        }
    }

    pub(super) fn put_stream(&mut self, stream: &Stream) {
        let flight = &mut self.flight;
        if stream.count > 0 && flight.allows(Facet::Timing) {
            flight.put(Field::ChunkCount, Value::Int(stream.count));
            let times = [
                (Field::FirstChunkAt, stream.first_at),
                (Field::LastChunkAt, stream.last_at),
            ];
            for (field, at) in times {
                if let Some(at) = at {
                    flight.put(field, Value::Time(at));
                }
            }
            if let Some(first) = stream.first {
                let wait = first.saturating_sub(self.sent.unwrap_or(flight.begun));
                flight.put(Field::TimeToFirstChunkUs, Value::Int(micros(wait)));
            }
            for (field, percent) in [(Field::InterChunkP50Us, 50), (Field::InterChunkP95Us, 95)] {
                if let Some(gap) = stream.gap_percentile(percent) {
                    flight.put(field, Value::Int(gap));
                }
            }
        }
    }
}

#[cold]
fn begun(flight: &mut InFlight) -> Box<Stream> {
    let mut stream = Box::<Stream>::default();
    let parts = flight.raw.buffers.take_output_parts();
    if !parts.is_empty() {
        let mut said = Box::<Said>::default();
        said.answer.limit(flight.shared.max_event_bytes);
        said.answer.adopt(parts);
        stream.said = Some(said);
    }
    stream
}

#[cfg(test)]
mod tests {
    use crate::event::{Kind, Operation};
    use crate::facet::Facet;
    use crate::level::Level;
    use crate::policy::Policy;
    use crate::retention::Retention;
    use crate::testing::probe;

    #[test]
    fn a_wrong_choice_costs_no_memory() {
        let policy = Policy::builder().facet(Facet::Response, Level::Full);
        let policy = policy.retention(Retention::Days30).build().unwrap();
        let (log, probe) = probe(policy).unwrap();
        let mut call = log.begin(Operation::Chat);
        call.chunk("So.").chunk_of(usize::MAX, "wrong");
        call.finish();
        let events = probe.kind(Kind::Interaction);
        assert_eq!(events[0].output_messages().unwrap().len(), 1);
        assert!(!events[0].truncations().unwrap().is_empty());
    }
}
