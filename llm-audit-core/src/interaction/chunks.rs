//! An answer that comes in chunks, and what each of them says.

use super::stream::Stream;
use super::{Active, Interaction, micros};
use crate::catalog::Field;
use crate::event::{Part, Value};
use crate::facet::Facet;
use crate::interaction::in_flight::size_of_value;
use crate::put::PutField;

impl Interaction {
    /// Adds `text` to the first choice of a streamed answer.
    pub fn chunk(&mut self, text: &str) -> &mut Self {
        self.chunk_of(0, text)
    }

    /// Adds `text` to choice number `choice` of a streamed answer, counting from 0.
    pub fn chunk_of(&mut self, choice: usize, text: &str) -> &mut Self {
        self.tick();
        self.append(choice, "text", text)
    }

    /// Adds `text` to the reasoning of a streamed answer.
    pub fn reasoning_chunk(&mut self, text: &str) -> &mut Self {
        self.tick();
        self.append(0, "reasoning", text)
    }

    /// Counts a chunk of a streamed answer without text, such as one that only has the usage.
    pub fn empty_chunk(&mut self) -> &mut Self {
        self.tick();
        self
    }

    /// Counts a chunk, whatever it says.
    pub(crate) fn tick(&mut self) {
        if let Some(active) = &mut self.inner {
            let stream = active.stream.get_or_insert_default();
            if active.flight.allows(Facet::Timing) {
                let clock = &active.flight.shared.clock;
                stream.tick(clock.now(), clock.monotonic());
            }
        }
    }

    /// Returns whether the answer comes in chunks.
    pub(crate) fn is_streamed(&self) -> bool {
        self.chunks().is_some()
    }

    /// Returns whether a chunk said why the answer ends.
    pub(crate) fn is_told_why_it_ends(&self) -> bool {
        self.chunks().is_some_and(|stream| stream.is_told_why)
    }

    fn chunks(&self) -> Option<&Stream> {
        self.inner.as_ref()?.stream.as_deref()
    }

    /// Appends `text` to choice number `choice` of a streamed answer.
    pub(crate) fn append(
        &mut self,
        choice: usize,
        part_type: &'static str,
        text: &str,
    ) -> &mut Self {
        let Some(active) = &mut self.inner else {
            return self;
        };
        if text.is_empty() || !active.flight.allows(Facet::Response) {
            return self;
        }
        if part_type == "reasoning" && !active.flight.allows(Facet::Reasoning) {
            return self;
        }
        let field = Field::OutputMessages;
        let stream = active.stream.get_or_insert_default();
        let room = active
            .flight
            .shared
            .max_event_bytes
            .saturating_sub(stream.bytes);
        stream.offered = stream.offered.saturating_add(text.len());
        if stream.is_cut {
            return self;
        }
        let mut needed = text.len();
        if stream.begins_part(choice, part_type) {
            needed += size_of::<Part>();
        }
        let has_room = text.len() <= room && active.flight.reserve_bytes(field, needed);
        if has_room && stream.append(choice, part_type, text) {
            stream.bytes += text.len();
        } else {
            stream.is_cut = true;
        }
        self
    }
}

impl Active {
    /// Puts `text` in `field`. What every chunk of a stream says again is kept once.
    pub(super) fn put_text(&mut self, field: Field, text: &str) {
        if self.stream.is_some() {
            let buffers = &mut self.flight.raw.buffers;
            if buffers.text_of(field) == Some(text) {
                return;
            }
            buffers.forget_text(field);
        }
        self.flight.put_text(field, text);
    }

    /// Puts `value` in `field`. What every chunk of a stream says anew takes the place of what the one
    /// before said.
    pub(super) fn put(&mut self, field: Field, value: Value) {
        let Some(stream) = &mut self.stream else {
            return self.flight.put(field, value);
        };
        stream.is_told_why |= field == Field::FinishReasons;
        let size = |value: &Value| size_of_value(value.as_ref());
        let flight = &mut self.flight;
        let Some(earlier) = flight
            .raw
            .buffers
            .replaceable(field)
            .map(|value| size(value))
        else {
            return flight.put(field, value);
        };
        let more = size(&value).saturating_sub(earlier);
        if (more == 0 || flight.reserve_bytes(field, more))
            && let Some(earlier) = flight.raw.buffers.replaceable(field)
        {
            *earlier = value;
        }
    }

    pub(super) fn put_stream(&mut self, mut stream: Stream) {
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
        if stream.is_cut {
            flight.note_cut(Field::OutputMessages, stream.offered);
        }
        if stream.bytes > 0 {
            for part in flight.raw.buffers.take_output_parts() {
                stream.push(part);
            }
            let messages = stream.into_messages();
            flight
                .raw
                .buffers
                .push(Field::OutputMessages, Value::Messages(messages));
        }
    }
}
