//! What an argument of `#[audit]` can set: every field that a host may set, and the roles.

use super::slot::{Slot, Target, kind};
use crate::catalog::{Field, with_catalog};
use crate::event::{
    Document, Evaluation, Guardrail, Link, MediaItem, Message, Part, ToolDefinition,
};

macro_rules! slots {
    (@kind Bool) => { kind::Bool };
    (@kind Counts) => { kind::Map<kind::Int> };
    (@kind Documents) => { kind::List<Document> };
    (@kind Evaluations) => { kind::List<Evaluation> };
    (@kind Float) => { kind::Float };
    (@kind Guardrails) => { kind::List<Guardrail> };
    (@kind Id) => { kind::Id };
    (@kind Int) => { kind::Int };
    (@kind Json) => { kind::Json };
    (@kind JsonMap) => { kind::Map<kind::Json> };
    (@kind Links) => { kind::List<Link> };
    (@kind Media) => { kind::List<MediaItem> };
    (@kind Messages) => { kind::List<Message> };
    (@kind Numbers) => { kind::Map<kind::Float> };
    (@kind Parts) => { kind::List<Part> };
    (@kind Text) => { kind::Text };
    (@kind TextMap) => { kind::Map<kind::Text> };
    (@kind Texts) => { kind::Texts };
    (@kind Time) => { kind::Time };
    (@kind ToolDefinitions) => { kind::List<ToolDefinition> };
    (@slot own $($rest:tt)*) => {};
    (@slot host $variant:ident $name:ident $type:ident $doc:literal) => {
        #[doc = $doc]
        #[allow(non_upper_case_globals, reason = "it has the name of its field")]
        pub const $name: Slot<slots!(@kind $type)> = Slot::new(Target::Field(Field::$variant));
    };
    ([] $($who:ident $section:ident {
        $($variant:ident $name:ident: $type:ident $sensitivity:ident $otel:literal $doc:literal;)+
    })+) => {
        $($(slots!(@slot $who $variant $name $type $doc);)+)+
    };
}

with_catalog!(slots);

macro_rules! roles {
    ($($name:ident $kind:ident $target:ident $doc:literal;)+) => {$(
        #[doc = $doc]
        #[allow(non_upper_case_globals, reason = "it has the name of its argument")]
        pub const $name: Slot<kind::$kind> = Slot::new(Target::$target);
    )+};
}

roles! {
    prompt Text Prompt "A user message of the input.";
    response Text Response "Text of the answer.";
    system Text System "A system message of the input.";
    usage Usage Usage "The tokens of the call.";
}
