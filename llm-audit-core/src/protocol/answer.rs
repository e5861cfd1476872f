//! An answer as it comes: choices of ordered parts, in bounded memory.

use super::finish;
use super::results;
use crate::catalog::Field;
use crate::event::{Message, Part, Value, ValueRef};
use crate::facet::Facet;
use crate::interaction::Interaction;
use crate::interaction::in_flight::size_of_value;

/// Choices of one answer; providers allow far fewer, and a wrong index must not cost memory.
const MAX_CHOICES: usize = 128;

/// Parts of one choice: an agent's longest answer has some hundreds.
const MAX_PARTS: usize = 4096;

/// What a piece of an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text,
    Refusal,
    Reasoning,
    /// The signature of reasoning, which a provider wants back.
    Signature,
    /// Arguments of a tool call.
    Arguments,
}

impl Piece {
    pub(crate) const fn part_type(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Refusal => "refusal",
            Self::Reasoning | Self::Signature => "reasoning",
            Self::Arguments => "tool_call",
        }
    }

    pub(crate) const fn facet(self) -> Facet {
        match self {
            Self::Text | Self::Refusal => Facet::Response,
            Self::Reasoning | Self::Signature => Facet::Reasoning,
            Self::Arguments => Facet::ToolIo,
        }
    }
}

/// What has come of an answer.
#[derive(Default)]
pub(crate) struct Answer {
    choices: Vec<Choice>,
    /// Bytes of content that are kept, at most, and that came.
    kept: usize,
    limit: usize,
    offered: usize,
    is_cut: bool,
    /// Bytes that were cut before they got here.
    lost: usize,
}

#[derive(Default)]
struct Choice {
    /// Each part with the number that its protocol gives it.
    parts: Vec<(u64, Part)>,
    finish: Option<String>,
}

impl Answer {
    /// Appends `text` to the part number `slot` of a choice, in a part of its own when there is none of
    /// its type.
    pub(crate) fn append(
        &mut self,
        call: &mut Interaction,
        (choice, slot): (u64, u64),
        piece: Piece,
        text: &str,
    ) {
        if text.is_empty() || !self.takes(call, piece.facet(), text.len()) {
            return;
        }
        if let Some(part) = self.part(call, (choice, slot), piece.part_type()) {
            let column = match piece {
                Piece::Signature => &mut part.signature,
                Piece::Arguments => &mut part.arguments,
                Piece::Text | Piece::Refusal | Piece::Reasoning => &mut part.content,
            };
            column.get_or_insert_default().push_str(text);
        } else {
            self.is_cut = true;
        }
    }

    /// Adds parts for which there is room already.
    pub(crate) fn adopt(&mut self, parts: Vec<Part>) {
        if let Some(choice) = self.choice(0) {
            choice
                .parts
                .extend(parts.into_iter().map(|part| (WHOLE, part)));
        }
    }

    /// Says what tool the call number `slot` of a choice is of; what is known stays.
    pub(crate) fn name_tool(
        &mut self,
        call: &mut Interaction,
        at: (u64, u64),
        id: Option<&str>,
        name: Option<&str>,
    ) {
        let bytes = id.map_or(0, str::len) + name.map_or(0, str::len);
        if !self.takes(call, Facet::ToolIo, bytes) {
            return;
        }
        if let (Some(id), Some(_)) = (id, name.filter(|name| !name.is_empty())) {
            self.another_tool(call, at, id);
        }
        if let Some(part) = self.part(call, at, Piece::Arguments.part_type()) {
            for (column, text) in [(&mut part.id, id), (&mut part.name, name)] {
                if let Some(text) = text.filter(|text| !text.is_empty()) {
                    column.get_or_insert_with(|| text.to_owned());
                }
            }
        } else {
            self.is_cut = true;
        }
    }

    /// Notes that a choice has begun, also where nothing of it is kept.
    pub(crate) fn begin(&mut self, choice: u64) {
        self.choice(choice);
    }

    /// Begins another call at `at`, where one has an identifier that is not `id`: some servers number all
    /// calls alike.
    fn another_tool(&mut self, call: &mut Interaction, (choice, slot): (u64, u64), id: &str) {
        let Some(known) = self.choice(choice) else {
            return;
        };
        let is_tool =
            |(at, part): &&(u64, Part)| *at == slot && part.is_type(Piece::Arguments.part_type());
        let last = known.parts.iter().rfind(is_tool);
        let is_other = last.is_some_and(|(_, part)| part.id.as_deref().is_some_and(|i| i != id));
        if is_other
            && known.parts.len() < MAX_PARTS
            && call.make_room(Field::OutputMessages, size_of::<Part>())
            && let Some(choice) = self.choice(choice)
        {
            let part = Part::default().r#type(Piece::Arguments.part_type());
            choice.parts.push((slot, part));
        }
    }

    /// Returns whether anything of the part number `slot` has come.
    pub(crate) fn has(&self, (choice, slot): (u64, u64)) -> bool {
        let choice = usize::try_from(choice)
            .ok()
            .and_then(|choice| self.choices.get(choice));
        choice.is_some_and(|choice| choice.parts.iter().any(|(known, _)| *known == slot))
    }

    /// Returns whether arguments of the call number `slot` have come.
    pub(crate) fn has_arguments(&self, (choice, slot): (u64, u64)) -> bool {
        let choice = usize::try_from(choice)
            .ok()
            .and_then(|choice| self.choices.get(choice));
        choice.is_some_and(|choice| {
            let mut parts = choice.parts.iter();
            parts.any(|(known, part)| *known == slot && part.arguments.is_some())
        })
    }

    /// Adds a whole part.
    pub(crate) fn push(&mut self, call: &mut Interaction, choice: u64, part: Part) {
        let all = ValueRef::Parts(std::slice::from_ref(&part));
        let bytes = size_of_value(all);
        if !self.takes(call, Facet::Response, bytes) {
            return;
        }
        if let Some(choice) = self.choice(choice)
            && choice.parts.len() < MAX_PARTS
        {
            choice.parts.push((WHOLE, part));
        } else {
            self.is_cut = true;
        }
    }

    /// Says why the model stopped.
    pub(crate) fn finish(&mut self, choice: u64, reason: &str) {
        if let Some(choice) = self.choice(choice) {
            choice.finish = super::word(reason).map(str::to_owned);
        }
    }

    /// Returns the bytes of captured content that came, whether they are kept or not.
    pub(crate) const fn offered(&self) -> usize {
        self.offered
    }

    /// Returns whether each choice that has begun has ended.
    pub(crate) fn is_finished(&self) -> bool {
        !self.choices.is_empty() && self.choices.iter().all(|choice| choice.finish.is_some())
    }

    /// Sets the most bytes of content that are kept.
    pub(crate) fn limit(&mut self, bytes: usize) {
        self.limit = bytes;
    }

    /// Notes that `bytes` of what comes were cut before it got here.
    pub(crate) fn note_cut(&mut self, bytes: usize) {
        self.lost = self.lost.saturating_add(bytes);
    }

    /// Puts the answer in `call`.
    pub(crate) fn put(&mut self, call: &mut Interaction) {
        let choices = std::mem::take(&mut self.choices);
        let reasons: Vec<_> = choices.iter().filter_map(|c| c.finish.as_deref()).collect();
        if !reasons.is_empty() {
            call.finish_reasons(reasons);
        }
        if (self.is_cut || self.lost > 0) && call.allows(Facet::Response) {
            let bytes = self.offered.saturating_add(self.lost);
            match self.is_cut {
                true => call.note_cut(Field::OutputMessages, bytes),
                false => call.note_trimmed(Field::OutputMessages, bytes),
            }
        }
        let messages: Vec<_> = choices
            .into_iter()
            .map(|choice| message(call, choice))
            .collect();
        if messages.iter().any(|message| message.parts.is_some()) && call.allows(Facet::Response) {
            call.put_in_room(Field::OutputMessages, Value::Messages(messages));
        }
    }

    /// Returns whether content of `facet` is captured and there is room for `bytes` more.
    ///
    /// After a text for which there was none, nothing is taken: a text with a hole reads like a whole
    /// one.
    fn takes(&mut self, call: &mut Interaction, facet: Facet, bytes: usize) -> bool {
        if !call.allows(Facet::Response) || !call.allows(facet) {
            return false;
        }
        self.offered = self.offered.saturating_add(bytes);
        let total = self.kept.saturating_add(bytes);
        self.is_cut =
            self.is_cut || total > self.limit || !call.make_room(Field::OutputMessages, bytes);
        if !self.is_cut {
            self.kept = total;
        }
        !self.is_cut
    }

    fn part(
        &mut self,
        call: &mut Interaction,
        (choice, slot): (u64, u64),
        part_type: &'static str,
    ) -> Option<&mut Part> {
        let parts = &mut self.choice(choice)?.parts;
        let is_it = |(known, part): &(u64, Part)| *known == slot && part.is_type(part_type);
        // The last part is nearly always the one.
        let at = parts.iter().rposition(is_it);
        let at = match at.filter(|at| slot != IN_ORDER || at + 1 == parts.len()) {
            Some(at) => at,
            None if parts.len() == MAX_PARTS => return None,
            None => {
                if !call.make_room(Field::OutputMessages, size_of::<Part>()) {
                    self.is_cut = true;
                    return None;
                }
                parts.push((slot, Part::default().r#type(part_type)));
                parts.len() - 1
            }
        };
        self.choice(choice)?.parts.get_mut(at).map(|(_, part)| part)
    }

    fn choice(&mut self, choice: u64) -> Option<&mut Choice> {
        let index = usize::try_from(choice)
            .ok()
            .filter(|at| *at < MAX_CHOICES)?;
        if self.choices.len() <= index {
            self.choices.resize_with(index + 1, Choice::default);
        }
        self.choices.get_mut(index)
    }
}

/// The slot of what is whole when it comes.
const WHOLE: u64 = u64::MAX;

/// The slot of what a protocol does not number: it goes on with the last part if that is of its type.
pub(crate) const IN_ORDER: u64 = WHOLE - 1;

fn message(call: &mut Interaction, choice: Choice) -> Message {
    let mut parts: Vec<_> = choice.parts.into_iter().map(|(_, part)| part).collect();
    for part in &mut parts {
        // What came in pieces is text until it is complete, and stays text if it never is.
        if let Some(arguments) = &mut part.arguments {
            *arguments = results::text_of(call, arguments);
        }
    }
    let mut message = Message::default().role("assistant");
    if !parts.is_empty() {
        message = message.parts(parts);
    }
    match choice.finish {
        Some(reason) => message.finish_reason(finish::word_for(&reason)),
        None => message,
    }
}
