//! What was captured and not yet sealed. It never leaves the crate.

mod item;

use std::fmt;

use item::{Form, Item, place};

use crate::catalog::{CATALOG, Field};
use crate::context::Frame;
use crate::event::{Kind, Message, Operation, Part, Status, Value};
use crate::facet::{Facet, FacetSet};
use crate::hidden::Hidden;
use crate::id::EventId;
use crate::level::Levels;
use crate::pipeline::Reusable;
use crate::policy::Policy;
use crate::protocol::answer::Piece;
use crate::put::{grows, merge};
use crate::seal::SpareTexts;
use crate::sync::Arc;
use crate::timestamp::Timestamp;

pub(crate) use item::{Role, Scalar};

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
    /// Values of more than one word that are no text in the buffer.
    values: Vec<Value>,
    /// Bytes of text in the event before.
    used: usize,
}

/// How much is in buffers, or has room in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) text: usize,
    pub(crate) items: usize,
    pub(crate) values: usize,
}

impl Size {
    /// Of a text of so many bytes; of a value of one word, which is no text, with none.
    pub(crate) const fn of_text(bytes: usize) -> Self {
        Self {
            text: bytes,
            items: 1,
            values: 0,
        }
    }

    /// Of another value.
    pub(crate) const OF_VALUE: Self = Self {
        text: 0,
        items: 1,
        values: 1,
    };

    /// Returns the bytes that buffers of this capacity hold.
    const fn bytes(self) -> usize {
        let items = self.items.saturating_mul(size_of::<Item>());
        let values = self.values.saturating_mul(size_of::<Value>());
        self.text.saturating_add(items).saturating_add(values)
    }

    /// Returns what `of` makes of each number and that of `other`.
    fn map2(self, other: Self, of: impl Fn(usize, usize) -> usize) -> Self {
        Self {
            text: of(self.text, other.text),
            items: of(self.items, other.items),
            values: of(self.values, other.values),
        }
    }
}

impl RawBuffers {
    /// Returns empty buffers with room for a usual event: they would grow to it in a dozen steps.
    pub(crate) fn with_room() -> Self {
        Self {
            text: String::with_capacity(USUAL.text),
            items: Vec::with_capacity(USUAL.items),
            values: Vec::new(),
            used: 0,
        }
    }

    /// Returns empty buffers after writing to each line of memory that the texts of the event before
    /// took. In a burst another processor had them last: so they come all at once while the event
    /// begins, not one after the other.
    pub(crate) fn touched(mut self) -> Self {
        let mut bytes = self.text.into_bytes();
        let (lines, _) = bytes.spare_capacity_mut().as_chunks_mut::<LINE>();
        for [first, ..] in lines.iter_mut().take(self.used / LINE) {
            first.write(0);
        }
        // There is no text yet.
        self.text = String::from_utf8(bytes).unwrap_or_default();
        self
    }

    /// Returns whether a text of so many bytes is put in without growing.
    #[inline]
    pub(crate) const fn has_room(&self, text: usize) -> bool {
        text <= self.text.capacity() - self.text.len() && self.items.len() < self.items.capacity()
    }

    /// Returns whether a value of more than one word is put in without growing.
    #[inline]
    pub(crate) const fn has_room_for_value(&self) -> bool {
        self.values.len() < self.values.capacity() && self.has_room(0)
    }

    /// Returns the bytes that the buffers hold once they [have room](Self::grow_exactly) for so much
    /// more and no further.
    pub(crate) fn held_with(&self, more: Size) -> usize {
        let needed = self.size().map2(more, usize::saturating_add);
        needed.map2(self.capacity(), usize::max).bytes()
    }

    /// Returns the bytes that the buffers hold once they [have grown](Self::grow) to so much more.
    pub(crate) fn held_grown(&self, more: Size) -> usize {
        self.grown(more).bytes()
    }

    /// Makes room for so much more.
    pub(crate) fn grow_exactly(&mut self, more: Size) {
        self.text.reserve_exact(more.text);
        self.items.reserve_exact(more.items);
        self.values.reserve_exact(more.values);
    }

    /// Makes room for so much more, and for a quarter of it in reserve.
    pub(crate) fn grow(&mut self, more: Size) {
        let grown = self.grown(more);
        self.grow_exactly(grown.map2(self.size(), usize::saturating_sub));
    }

    /// Returns the capacities that make room for so much more.
    fn grown(&self, more: Size) -> Size {
        let needed = self.size().map2(more, usize::saturating_add);
        let ample = needed.map2(USUAL, |needed, usual| {
            needed.saturating_add((usual / 4).max(needed / 4))
        });
        let capacity = self.capacity();
        let pick = |needed, capacity, ample| match needed <= capacity {
            true => capacity,
            false => ample,
        };
        Size {
            text: pick(needed.text, capacity.text, ample.text),
            items: pick(needed.items, capacity.items, ample.items),
            values: pick(needed.values, capacity.values, ample.values),
        }
    }

    /// Returns how much is in the buffers.
    pub(crate) const fn size(&self) -> Size {
        Size {
            text: self.text.len(),
            items: self.items.len(),
            values: self.values.len(),
        }
    }

    const fn capacity(&self) -> Size {
        Size {
            text: self.text.capacity(),
            items: self.items.capacity(),
            values: self.values.capacity(),
        }
    }

    /// Puts a copy of `text` in `field`.
    #[inline]
    pub(crate) fn push_text(&mut self, field: Field, text: &str) {
        match self.copy(text) {
            Some(word) => self.add(field, Form::Text, word),
            None => self.push_far(field, text, |text| Value::Text(text.to_owned())),
        }
    }

    /// Adds an input message of one text part.
    pub(crate) fn push_input(&mut self, role: Role, text: &str) {
        let field = Field::InputMessages;
        match self.copy(text) {
            Some(word) => self.add(field, Form::Input(role), word),
            None => self.push_far(field, text, |text| {
                Value::Messages(vec![Message::text(role.as_str(), text)])
            }),
        }
    }

    /// Adds a part to the answer.
    pub(crate) fn push_output(&mut self, piece: Piece, text: &str) {
        match self.copy(text) {
            Some(word) => self.add(Field::OutputMessages, Form::Output(piece), word),
            None => self.push_output_part(part(piece, text)),
        }
    }

    /// Puts in `field` what a text is that no item can say the place of.
    #[cold]
    fn push_far(&mut self, field: Field, text: &str, value: impl FnOnce(&str) -> Value) {
        self.push_value(field, Form::Value, value(text));
    }

    /// Adds `part` to the answer.
    #[inline(never)]
    pub(crate) fn push_output_part(&mut self, part: Part) {
        self.push_value(Field::OutputMessages, Form::Parts, Value::Parts(vec![part]));
    }

    /// Puts `value` in `field`.
    pub(crate) fn push(&mut self, field: Field, value: Value) {
        match Scalar::of(&value) {
            Some(scalar) => self.push_scalar(field, scalar),
            None => self.push_value(field, Form::Value, value),
        }
    }

    /// Puts `scalar` in `field`.
    #[inline]
    pub(crate) fn push_scalar(&mut self, field: Field, scalar: Scalar) {
        self.items.push(Item::scalar(field, scalar));
    }

    #[inline(never)]
    fn push_value(&mut self, field: Field, form: Form, value: Value) {
        let word = self.values.len() as u64;
        self.values.push(value);
        self.add(field, form, word);
    }

    #[inline]
    fn add(&mut self, field: Field, form: Form, word: u64) {
        self.items.push(Item { field, form, word });
    }

    /// Returns which item has the value of `field` that counts so far, unless that grows with what is
    /// put beside it.
    pub(crate) fn replaceable(&self, field: Field) -> Option<usize> {
        let has_value = |item: &Item| match item.form {
            Form::Value => self.value(*item).is_some_and(|value| !grows(value)),
            Form::Scalar(_) => true,
            _ => false,
        };
        let is_it = |item: &Item| item.field == field && has_value(item);
        self.items.iter().rposition(is_it)
    }

    /// Returns the value of item number `at`, if it is of more than one word.
    pub(crate) fn value_at(&self, at: usize) -> Option<&Value> {
        let item = self.items.get(at).copied();
        self.value(item.filter(|item| item.form == Form::Value)?)
    }

    /// Puts `value` in place of what item number `at` has.
    pub(crate) fn replace(&mut self, at: usize, value: Value) {
        let Some(item) = self.items.get_mut(at) else {
            return;
        };
        let present = match item.form {
            Form::Value => self.values.get_mut(item.number()),
            _ => None,
        };
        match (Scalar::of(&value), present) {
            (Some(scalar), _) => *item = Item::scalar(item.field, scalar),
            (None, Some(present)) => *present = value,
            (None, None) => {
                (item.form, item.word) = (Form::Value, self.values.len() as u64);
                self.values.push(value);
            }
        }
    }

    /// Forgets the texts that were put in `field`.
    pub(crate) fn forget_text(&mut self, field: Field) {
        let is_other = |item: &Item| item.form != Form::Text || item.field != field;
        self.items.retain(is_other);
    }

    /// Returns the fields with their values, in the order of capture; of a field that was set
    /// more than once the last value counts, lists of records and maps grow.
    pub(crate) fn fields(&mut self, texts: &mut SpareTexts) -> Vec<(Field, Value)> {
        let mut fields = Collected::with_room(self.items.len());
        let mut answer: Vec<Part> = Vec::new();
        let (text, values) = (&self.text, &mut self.values);
        for item in self.items.drain(..) {
            let mut taken = || values.get_mut(item.number()).map(take);
            let value = match item.form {
                Form::Text => Value::Text(texts.copy(item.text(text))),
                Form::Input(role) => {
                    Value::Messages(vec![Message::text(role.as_str(), item.text(text))])
                }
                Form::Scalar(of) => Scalar::new(of, item.word).value(),
                Form::Value => match taken() {
                    Some(value) => value,
                    None => continue,
                },
                Form::Output(piece) => {
                    answer.push(part(piece, item.text(text)));
                    continue;
                }
                Form::Parts => {
                    if let Some(Value::Parts(parts)) = taken() {
                        answer.extend(parts);
                    }
                    continue;
                }
            };
            fields.add(item.field, value);
        }
        values.clear();
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
        let (text, values) = (&self.text, &mut self.values);
        let mut answer = Vec::new();
        self.items.retain(|item| {
            match item.form {
                Form::Output(piece) => answer.push(part(piece, item.text(text))),
                Form::Parts => {
                    if let Some(Value::Parts(parts)) = values.get_mut(item.number()).map(take) {
                        answer.extend(parts);
                    }
                }
                _ => return true,
            }
            false
        });
        answer
    }

    /// Copies into these buffers what `other` holds of fields that `accept` lets through, save for the
    /// answer.
    pub(crate) fn copy_from(&mut self, other: &Self, mut accept: impl FnMut(Field) -> bool) {
        for item in &other.items {
            let is_answer = matches!(item.form, Form::Output(_) | Form::Parts);
            if is_answer || !accept(item.field) {
                continue;
            }
            match item.form {
                Form::Text => self.push_text(item.field, item.text(&other.text)),
                Form::Input(role) => self.push_input(role, item.text(&other.text)),
                Form::Value => {
                    if let Some(value) = other.value(*item) {
                        self.push_value(item.field, Form::Value, value.clone());
                    }
                }
                _ => self.items.push(*item),
            }
        }
    }

    /// Returns copies of the fields whose facet `choose` accepts, in the order of capture.
    pub(crate) fn values_of(&self, choose: fn(Facet) -> bool) -> Vec<(Field, Value)> {
        let chosen = |item: &&Item| item.field.facet().is_some_and(choose);
        let values = self.items.iter().filter(chosen).filter_map(|item| {
            let value = match item.form {
                Form::Text => Value::Text(item.text(&self.text).to_owned()),
                Form::Value => self.value(*item)?.clone(),
                Form::Scalar(of) => Scalar::new(of, item.word).value(),
                Form::Input(_) | Form::Output(_) | Form::Parts => return None,
            };
            Some((item.field, value))
        });
        values.collect()
    }

    /// Returns the last text that was put in `field`.
    pub(crate) fn text_of(&self, field: Field) -> Option<&str> {
        let mut items = self.items.iter().rev().filter(|item| item.field == field);
        items.find_map(|item| match item.form {
            Form::Text => Some(item.text(&self.text)),
            Form::Value => match self.value(*item) {
                Some(Value::Text(text)) => Some(text.as_str()),
                _ => None,
            },
            _ => None,
        })
    }

    fn value(&self, item: Item) -> Option<&Value> {
        self.values.get(item.number())
    }

    /// Empties the buffers and gives back what a large event made them grow to.
    pub(crate) fn clear(&mut self) {
        self.used = self.text.len();
        self.text.clear();
        self.text.shrink_to(MOVE_FROM);
        self.items.clear();
        self.items.shrink_to(MAX_POOLED_ITEMS);
        self.values.clear();
        self.values.shrink_to(MAX_POOLED_VALUES);
    }

    /// Copies `text`, and returns where it is; `None`, and no copy, beyond 4 GiB.
    #[inline]
    fn copy(&mut self, text: &str) -> Option<u64> {
        let word = place(self.text.len(), text.len())?;
        self.text.push_str(text);
        Some(word)
    }
}

impl Reusable for RawBuffers {
    fn held(&self) -> usize {
        self.capacity().bytes()
    }
}

fn part(piece: Piece, text: &str) -> Part {
    Part::default().r#type(piece.part_type()).content(text)
}

/// Takes a value out.
fn take(value: &mut Value) -> Value {
    std::mem::replace(value, Value::Bool(false))
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

/// What a usual event has.
const USUAL: Size = Size {
    text: 4 * 1024,
    items: 48,
    values: 16,
};

/// Bytes of a line of a processor's caches.
const LINE: usize = 64;

/// Fields that context and process add to an event.
const AMBIENT_FIELDS: usize = 16;

/// Items of an event of every field of the catalogue, so that no usual event allocates anew.
const MAX_POOLED_ITEMS: usize = 256;
const MAX_POOLED_VALUES: usize = 64;

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
