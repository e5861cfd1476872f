//! What was captured and not yet sealed. It never leaves the crate.

use std::fmt;
use std::ops::Range;

use crate::catalog::{CATALOG, Field};
use crate::context::Frame;
use crate::event::{Kind, Message, Operation, Part, Status, Value};
use crate::facet::{Facet, FacetSet};
use crate::hidden::Hidden;
use crate::id::EventId;
use crate::level::Levels;
use crate::pipeline::Reusable;
use crate::policy::Policy;
use crate::put::{grows, merge};
use crate::seal::SpareTexts;
use crate::sync::Arc;
use crate::timestamp::Timestamp;

/// From this size on an owned text is moved into the event instead of being copied: the copy would
/// cost more than the allocation that it saves.
pub(crate) const MOVE_FROM: usize = 16 * 1024;

/// One event between capture and sealing.
///
/// Texts are copied into one pooled buffer; everything else is a short list beside it. There is no
/// `Serialize`, and `Debug` shows sizes only: the sealer alone turns it into an event.
pub(crate) struct RawEvent {
    pub(crate) kind: Kind,
    pub(crate) operation: Option<Operation>,
    pub(crate) status: Option<Status>,
    pub(crate) event_id: EventId,
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    /// The policy at `begin`.
    pub(crate) policy: Policy,
    /// The levels at `begin`, and whatever the call narrowed since.
    pub(crate) levels: Levels,
    /// What context and call narrowed; a layer of its own.
    pub(crate) narrowed: Levels,
    pub(crate) context: Option<Arc<Frame>>,
    /// Values that are hidden wherever the event has them.
    pub(crate) hidden: Hidden,
    /// Facets that were offered while they were off.
    pub(crate) offered: FacetSet,
    /// Facets of which something could not be taken: for want of memory, or because its code failed.
    pub(crate) failed: FacetSet,
    /// Fields that were cut while they were captured, with their size so far in bytes.
    pub(crate) cut: Vec<(Field, u64)>,
    /// Those of them whose cut texts have no half secrets at their ends any more.
    pub(crate) trimmed: Vec<Field>,
    /// Bytes of the memory budget that this event holds.
    pub(crate) reserved: usize,
    pub(crate) buffers: RawBuffers,
}

/// The buffers of a raw event; emptied and used again.
#[derive(Default)]
pub(crate) struct RawBuffers {
    text: String,
    items: Vec<Item>,
}

/// One captured value.
pub(crate) enum Item {
    /// A text field, in the text buffer.
    Text(Field, Range<usize>),
    /// An input message of one text part, in the text buffer: the role and the text.
    Input(&'static str, Range<usize>),
    /// A part of the answer, in the text buffer: the type and the text.
    Output(&'static str, Range<usize>),
    /// A part of the answer.
    OutputPart(Box<Part>),
    /// A value of its own.
    Value(Field, Value),
}

impl RawBuffers {
    /// Returns empty buffers with room for a usual event: they would grow to it in a dozen steps.
    pub(crate) fn with_room() -> Self {
        Self {
            text: String::with_capacity(USUAL_TEXT),
            items: Vec::with_capacity(USUAL_ITEMS),
        }
    }

    /// Returns whether a text of so many bytes is put in without growing.
    #[inline]
    pub(crate) const fn has_room(&self, text: usize) -> bool {
        text <= self.text.capacity() - self.text.len() && self.has_room_for_item()
    }

    /// Returns whether an item is put in without growing.
    #[inline]
    pub(crate) const fn has_room_for_item(&self) -> bool {
        self.items.len() < self.items.capacity()
    }

    /// Returns the bytes that the buffers hold once they [have room](Self::grow_exactly) for so much
    /// more and no further.
    pub(crate) fn held_with(&self, text: usize, items: usize) -> usize {
        let text = self.text.len().saturating_add(text);
        let items = self.items.len().saturating_add(items);
        bytes(
            text.max(self.text.capacity()),
            items.max(self.items.capacity()),
        )
    }

    /// Returns the bytes that the buffers hold once they [have grown](Self::grow) to so much more.
    pub(crate) fn held_grown(&self, text: usize, items: usize) -> usize {
        let (text, items) = self.grown(text, items);
        bytes(text, items)
    }

    /// Makes room for so much more.
    pub(crate) fn grow_exactly(&mut self, text: usize, items: usize) {
        self.text.reserve_exact(text);
        self.items.reserve_exact(items);
    }

    /// Makes room for so much more, and for a quarter of it in reserve.
    pub(crate) fn grow(&mut self, text: usize, items: usize) {
        let (text, items) = self.grown(text, items);
        self.text.reserve_exact(text - self.text.len());
        self.items.reserve_exact(items - self.items.len());
    }

    /// Returns the capacities that make room for so much more.
    fn grown(&self, text: usize, items: usize) -> (usize, usize) {
        let grown = |capacity: usize, length: usize, more: usize, least: usize| {
            let needed = length.saturating_add(more);
            match needed <= capacity {
                true => capacity,
                false => needed.saturating_add(least.max(needed / 4)),
            }
        };
        let (of_text, of_items) = (&self.text, &self.items);
        (
            grown(of_text.capacity(), of_text.len(), text, USUAL_TEXT / 4),
            grown(of_items.capacity(), of_items.len(), items, USUAL_ITEMS / 4),
        )
    }

    /// Puts a copy of `text` in `field`.
    #[inline]
    pub(crate) fn push_text(&mut self, field: Field, text: &str) {
        let range = self.copy(text);
        self.items.push(Item::Text(field, range));
    }

    /// Adds an input message of one text part.
    pub(crate) fn push_input(&mut self, role: &'static str, text: &str) {
        let range = self.copy(text);
        self.items.push(Item::Input(role, range));
    }

    /// Adds a part of type `part_type` to the answer.
    pub(crate) fn push_output(&mut self, part_type: &'static str, text: &str) {
        let range = self.copy(text);
        self.items.push(Item::Output(part_type, range));
    }

    /// Adds `part` to the answer.
    pub(crate) fn push_output_part(&mut self, part: Part) {
        self.items.push(Item::OutputPart(Box::new(part)));
    }

    /// Puts `value` in `field`.
    pub(crate) fn push(&mut self, field: Field, value: Value) {
        self.items.push(Item::Value(field, value));
    }

    /// Returns the value of `field`, unless it grows with what is put beside it.
    pub(crate) fn replaceable(&mut self, field: Field) -> Option<&mut Value> {
        self.items.iter_mut().rev().find_map(|item| match item {
            Item::Value(of, present) if *of == field && !grows(present) => Some(present),
            _ => None,
        })
    }

    /// Forgets the texts that were put in `field`.
    pub(crate) fn forget_text(&mut self, field: Field) {
        let is_other = |item: &Item| !matches!(item, Item::Text(of, _) if *of == field);
        self.items.retain(is_other);
    }

    /// Returns the fields with their values, in the order of capture; of a field that was set
    /// more than once the last value counts, lists of records and maps grow.
    pub(crate) fn fields(&mut self, texts: &mut SpareTexts) -> Vec<(Field, Value)> {
        let mut fields = Collected::with_room(self.items.len());
        let mut answer: Vec<Part> = Vec::new();
        for item in self.items.drain(..) {
            let text = |range: Range<usize>| self.text.get(range).unwrap_or_default();
            match item {
                Item::Text(field, range) => {
                    fields.add(field, Value::Text(texts.copy(text(range))));
                }
                Item::Input(role, range) => {
                    let message = Message::text(role, text(range));
                    fields.add(Field::InputMessages, Value::Messages(vec![message]));
                }
                Item::Output(part_type, range) => {
                    answer.push(Part::default().r#type(part_type).content(text(range)));
                }
                Item::OutputPart(part) => answer.push(*part),
                Item::Value(field, value) => fields.add(field, value),
            }
        }
        let mut fields = fields.fields;
        if !answer.is_empty() {
            let mut choices = vec![Message::default().role("assistant").parts(answer)];
            let others = fields
                .iter()
                .position(|(field, _)| *field == Field::OutputMessages);
            if let Some((_, Value::Messages(more))) = others.map(|at| fields.swap_remove(at)) {
                choices.extend(more);
            }
            fields.push((Field::OutputMessages, Value::Messages(choices)));
        }
        fields
    }

    /// Takes out the parts of the answer, so that they can be put in order with those of a stream.
    pub(crate) fn take_output_parts(&mut self) -> Vec<Part> {
        let text = &self.text;
        let mut parts = Vec::new();
        self.items.retain_mut(|item| match item {
            Item::Output(part_type, range) => {
                let content = text.get(range.clone()).unwrap_or_default();
                parts.push(Part::default().r#type(*part_type).content(content));
                false
            }
            Item::OutputPart(part) => {
                parts.push(std::mem::take(&mut **part));
                false
            }
            _ => true,
        });
        parts
    }

    /// Copies into these buffers what `other` holds of fields that `accept` lets through.
    pub(crate) fn copy_from(&mut self, other: &Self, mut accept: impl FnMut(Field) -> bool) {
        for item in &other.items {
            match item {
                Item::Text(field, range) if accept(*field) => {
                    let range = self.copy(other.text.get(range.clone()).unwrap_or_default());
                    self.items.push(Item::Text(*field, range));
                }
                Item::Input(role, range) if accept(Field::InputMessages) => {
                    let range = self.copy(other.text.get(range.clone()).unwrap_or_default());
                    self.items.push(Item::Input(role, range));
                }
                Item::Value(field, value) if accept(*field) => self.push(*field, value.clone()),
                _ => {}
            }
        }
    }

    /// Returns copies of the fields whose facet `choose` accepts, in the order of capture.
    pub(crate) fn values_of(&self, choose: fn(Facet) -> bool) -> Vec<(Field, Value)> {
        let chosen = |field: &Field| field.facet().is_some_and(choose);
        let values = self.items.iter().filter_map(|item| match item {
            Item::Text(field, range) if chosen(field) => {
                let text = self.text.get(range.clone()).unwrap_or_default();
                Some((*field, Value::Text(text.to_owned())))
            }
            Item::Value(field, value) if chosen(field) => Some((*field, value.clone())),
            _ => None,
        });
        values.collect()
    }

    /// Returns the bytes of text in the buffers, and how many items.
    pub(crate) const fn size(&self) -> (usize, usize) {
        (self.text.len(), self.items.len())
    }

    /// Returns the last text that was put in `field`.
    pub(crate) fn text_of(&self, field: Field) -> Option<&str> {
        self.items.iter().rev().find_map(|item| match item {
            Item::Text(of, range) if *of == field => self.text.get(range.clone()),
            Item::Value(of, Value::Text(text)) if *of == field => Some(text.as_str()),
            _ => None,
        })
    }

    /// Empties the buffers and gives back what a large event made them grow to.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.text.shrink_to(MOVE_FROM);
        self.items.clear();
        self.items.shrink_to(MAX_POOLED_ITEMS);
    }

    #[inline]
    fn copy(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }
}

impl Reusable for RawBuffers {
    fn held(&self) -> usize {
        bytes(self.text.capacity(), self.items.capacity())
    }
}

/// Returns the bytes that buffers of these capacities hold.
const fn bytes(text: usize, items: usize) -> usize {
    text.saturating_add(items.saturating_mul(size_of::<Item>()))
}

/// Fields with their values, each field once.
struct Collected {
    fields: Vec<(Field, Value)>,
    /// Which fields are there, by their numbers: nearly every value is the first of its field.
    has: [bool; CATALOG.len()],
}

impl Collected {
    /// Returns room for so many values, and for what context and process add.
    fn with_room(values: usize) -> Self {
        Self {
            fields: Vec::with_capacity(values + AMBIENT_FIELDS),
            has: [false; CATALOG.len()],
        }
    }

    fn add(&mut self, field: Field, value: Value) {
        let is_new = |has: &mut bool| !std::mem::replace(has, true);
        if self.has.get_mut(field as usize).is_none_or(is_new) {
            self.fields.push((field, value));
        } else if let Some((_, present)) = self.fields.iter_mut().find(|(of, _)| *of == field) {
            merge(present, value);
        }
    }
}

/// Bytes of text and items of a usual event.
const USUAL_TEXT: usize = 4 * 1024;
const USUAL_ITEMS: usize = 48;

/// Fields that context and process add to an event.
const AMBIENT_FIELDS: usize = 16;

/// Items of an event of every field of the catalogue, so that no usual event allocates anew.
const MAX_POOLED_ITEMS: usize = 256;

impl fmt::Debug for RawEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawEvent")
            .field("event_id", &self.event_id)
            .field("kind", &self.kind)
            .field("items", &self.buffers.items.len())
            .field("text_bytes", &self.buffers.text.len())
            .finish_non_exhaustive()
    }
}
