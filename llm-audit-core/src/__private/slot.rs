//! Places in an event, by the kind of their values.

use std::fmt;
use std::marker::PhantomData;

use super::author::AuditVerdict;
use super::value::{
    AuditBool, AuditFloat, AuditId, AuditInt, AuditJson, AuditList, AuditMap, AuditTexts,
    AuditTime, AuditUsage, AuditValue,
};
use crate::catalog::Field;
use crate::describe::{AuditInput, AuditOutput, RequestRecorder, ResponseRecorder};
use crate::event::{
    Document, Evaluation, Guardrail, Link, MediaItem, Message, Part, ToolDefinition, Value,
};
use crate::facet::Facet;
use crate::interaction::Interaction;
use crate::interaction::verdict::Verdict;
use crate::put::PutField;

/// A place for values of kind `K`.
pub struct Slot<K> {
    target: Target,
    kind: PhantomData<fn() -> K>,
}

/// A slot of an event whose facet is on.
pub struct Taken<'c, K> {
    interaction: &'c mut Interaction,
    target: Target,
    kind: PhantomData<fn() -> K>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    /// The answer, which says of itself what it is.
    Answer,
    Assistant,
    /// A column of the record that is put in the field when the call ends.
    Column(Field, &'static str),
    Field(Field),
    /// The request, which says of itself what it is.
    Input,
    Prompt,
    Reasoning,
    /// The answer, where it has to be made first.
    Response,
    System,
    Usage,
    Verdict(Field),
}

impl<K> Slot<K> {
    pub(super) const fn new(target: Target) -> Self {
        Self {
            target,
            kind: PhantomData,
        }
    }

    /// Returns the field that the value is put in, or the first of them.
    pub(super) const fn field(&self) -> Field {
        match self.target {
            Target::Column(field, _) | Target::Field(field) | Target::Verdict(field) => field,
            Target::Assistant | Target::Input | Target::Prompt | Target::System => {
                Field::InputMessages
            }
            Target::Answer | Target::Reasoning | Target::Response => Field::OutputMessages,
            Target::Usage => Field::InputTokens,
        }
    }

    /// Returns the slot of `interaction`, unless its facet is off.
    pub(super) fn take(self, interaction: &mut Interaction) -> Option<Taken<'_, K>> {
        let allowed = match self.target {
            Target::Field(Field::FinishReasons) => {
                interaction.accepts(Field::FinishReasons) || interaction.is_streamed()
            }
            Target::Column(field, _) | Target::Field(field) | Target::Verdict(field) => {
                interaction.accepts(field)
            }
            // Whatever is captured of it, a stream is asked whether it is complete.
            Target::Answer => says_something(interaction, &OF_ANSWERS) || interaction.is_streamed(),
            Target::Assistant | Target::Prompt => interaction.allows(Facet::Prompt),
            Target::Input => says_something(interaction, &OF_REQUESTS),
            Target::Reasoning => {
                interaction.allows(Facet::Response) && interaction.allows(Facet::Reasoning)
            }
            Target::Response => interaction.allows(Facet::Response),
            Target::System => {
                interaction.allows(Facet::Prompt) && interaction.allows(Facet::SystemPrompt)
            }
            Target::Usage => interaction.allows(Facet::Usage),
        };
        allowed.then_some(Taken {
            interaction,
            target: self.target,
            kind: PhantomData,
        })
    }
}

/// Facets of what a request may say of itself; the first is that of every one.
const OF_REQUESTS: [Facet; 4] = [
    Facet::Prompt,
    Facet::Model,
    Facet::RequestConfig,
    Facet::Tools,
];

/// Facets of what an answer may say of itself; the first is that of every one.
const OF_ANSWERS: [Facet; 4] = [
    Facet::Response,
    Facet::Model,
    Facet::Usage,
    Facet::RequestConfig,
];

/// Returns whether one of `facets` is on; the first counts as offered when none is.
fn says_something(interaction: &mut Interaction, facets: &[Facet; 4]) -> bool {
    let [first, ..] = facets;
    facets.iter().any(|facet| interaction.captures(*facet)) || interaction.allows(*first)
}

impl<K> Taken<'_, K> {
    fn put_value(self, value: Option<Value>) {
        match (self.target, value) {
            (Target::Field(Field::FinishReasons), Some(value)) => {
                self.interaction.told_why_it_ends();
                self.interaction
                    .put_with(Field::FinishReasons, || Some(value));
            }
            (Target::Field(field), Some(value)) => self.interaction.put(field, value),
            (Target::Column(_, column), Some(value)) => {
                self.interaction.put_in_verdict(column, value);
            }
            _ => {}
        }
    }
}

impl Taken<'_, kind::Text> {
    /// Puts the text of `value`.
    pub fn put<V: AuditValue + ?Sized>(self, value: &V) {
        let Some(text) = value.text() else { return };
        match self.target {
            Target::Field(field) => self.interaction.put_text(field, &text),
            Target::Assistant => drop(self.interaction.assistant(text)),
            Target::Prompt => drop(self.interaction.prompt(text)),
            Target::Reasoning => {
                ResponseRecorder::new(self.interaction).reasoning(text);
            }
            Target::System => drop(self.interaction.system(text)),
            Target::Column(..) => self.put_value(Some(Value::Text(text.into_owned()))),
            Target::Answer
            | Target::Input
            | Target::Response
            | Target::Usage
            | Target::Verdict(_) => {}
        }
    }
}

impl Taken<'_, kind::Input> {
    /// Puts what the request `value` says.
    pub fn put<V: AuditInput + ?Sized>(self, value: &V) {
        value.describe(&mut RequestRecorder::new(self.interaction));
    }
}

impl Taken<'_, kind::Output> {
    /// Puts what the answer `value`, or the chunk of one, says.
    pub fn put<V: AuditOutput + ?Sized>(self, value: &V) {
        value.describe(&mut ResponseRecorder::new(self.interaction));
    }
}

impl Taken<'_, kind::Verdict<Guardrail>> {
    /// Puts the verdict `value`.
    pub fn put<V: AuditVerdict<Guardrail> + ?Sized>(self, value: &V) {
        if let Some(Verdict::Guardrail(record)) = self.interaction.verdict_mut() {
            value.add_to(record);
        }
    }
}

impl Taken<'_, kind::Verdict<Evaluation>> {
    /// Puts the score `value`.
    pub fn put<V: AuditVerdict<Evaluation> + ?Sized>(self, value: &V) {
        if let Some(Verdict::Evaluation(record)) = self.interaction.verdict_mut() {
            value.add_to(record);
        }
    }
}

impl Taken<'_, kind::Usage> {
    /// Puts the tokens of `value`.
    pub fn put<V: AuditUsage + ?Sized>(self, value: &V) {
        if let Some(usage) = value.usage() {
            self.interaction.usage(usage);
        }
    }
}

/// Kinds of values.
pub mod kind {
    use std::marker::PhantomData;

    macro_rules! kinds {
        ($($name:ident $doc:literal)+) => {$(
            #[doc = $doc]
            #[derive(Clone, Copy, Debug)]
            #[non_exhaustive]
            pub struct $name;
        )+};
    }

    kinds! {
        Bool "Yes or no."
        Float "A number."
        Id "The identifier of an event."
        Input "A request."
        Int "A count."
        Json "A value as JSON."
        Output "An answer, or a chunk of one."
        Text "A text."
        Texts "A list of texts."
        Time "A moment."
        Usage "Tokens."
    }

    /// A list of records.
    #[derive(Clone, Copy, Debug)]
    pub struct List<R>(PhantomData<fn() -> R>);

    /// A verdict, written as `R`.
    #[derive(Clone, Copy, Debug)]
    pub struct Verdict<R>(PhantomData<fn() -> R>);

    /// Values by name.
    #[derive(Clone, Copy, Debug)]
    pub struct Map<V>(PhantomData<fn() -> V>);
}

macro_rules! takes {
    ($($kind:ident $trait:ident $variant:ident;)+) => {$(
        impl Taken<'_, kind::$kind> {
            /// Puts `value`.
            pub fn put<V: $trait + ?Sized>(self, value: &V) {
                self.put_value(value.value().map(Value::$variant));
            }
        }
    )+};
}

takes! {
    Bool AuditBool Bool;
    Float AuditFloat Float;
    Id AuditId Id;
    Int AuditInt Int;
    Json AuditJson Json;
    Texts AuditTexts Texts;
    Time AuditTime Time;
}

macro_rules! takes_lists {
    ($($record:ident $variant:ident;)+) => {$(
        impl Taken<'_, kind::List<$record>> {
            /// Puts the records of `value`.
            pub fn put<V: AuditList<$record> + ?Sized>(self, value: &V) {
                self.put_value(value.list().map(Value::$variant));
            }
        }
    )+};
}

takes_lists! {
    Document Documents;
    Evaluation Evaluations;
    Guardrail Guardrails;
    Link Links;
    MediaItem Media;
    Message Messages;
    Part Parts;
    ToolDefinition ToolDefinitions;
}

macro_rules! takes_maps {
    ($($kind:ident $value:ty => $variant:ident;)+) => {$(
        impl Taken<'_, kind::Map<kind::$kind>> {
            /// Puts the entries of `value`.
            pub fn put<V: AuditMap<kind::$kind, $value> + ?Sized>(self, value: &V) {
                self.put_value(value.entries().map(Value::$variant));
            }
        }
    )+};
}

takes_maps! {
    Float f64 => Numbers;
    Int u64 => Counts;
    Json String => JsonMap;
    Text String => TextMap;
}

impl<K> fmt::Debug for Slot<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Slot").field(&self.target).finish()
    }
}

impl<K> fmt::Debug for Taken<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Taken").field(&self.target).finish()
    }
}
