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
    answer Output Answer "The answer, where there is one already.";
    assistant Text Assistant "A message of the model in the input.";
    input Input Input "The request.";
    prompt Text Prompt "A user message of the input.";
    reasoning Text Reasoning "Reasoning of the answer.";
    response Output Response "The answer, where it has to be made.";
    system Text System "A system message of the input.";
    usage Usage Usage "The tokens of the call.";
}

macro_rules! columns {
    ($($field:ident { $($name:ident $kind:ident $column:literal;)+ })+) => {$($(
        #[doc = concat!("Column `", $column, "` of the record.")]
        #[allow(non_upper_case_globals, reason = "it has the name of its record and column")]
        pub const $name: Slot<kind::$kind> = Slot::new(Target::Column(Field::$field, $column));
    )+)+};
}

columns! {
    Evaluations {
        evaluation_annotator_kind Text "annotator_kind";
        evaluation_evaluator Text "evaluator";
        evaluation_explanation Text "explanation";
        evaluation_label Text "label";
        evaluation_name Text "name";
        evaluation_passed Bool "passed";
        evaluation_score Float "score";
        evaluation_version Text "version";
    }
    Guardrails {
        guardrail_action Text "action";
        guardrail_categories Texts "categories";
        guardrail_error Text "error";
        guardrail_id Text "id";
        guardrail_mode Text "mode";
        guardrail_name Text "name";
        guardrail_reached_model Bool "reached_model";
        guardrail_score Float "score";
        guardrail_severity Text "severity";
        guardrail_stage Text "stage";
        guardrail_verdict Text "verdict";
    }
}

/// The evaluation as a whole.
#[allow(non_upper_case_globals, reason = "it has the name of its record")]
pub const evaluation: Slot<kind::Verdict<Evaluation>> =
    Slot::new(Target::Verdict(Field::Evaluations));

/// The verdict of a guardrail as a whole.
#[allow(non_upper_case_globals, reason = "it has the name of its record")]
pub const guardrail: Slot<kind::Verdict<Guardrail>> = Slot::new(Target::Verdict(Field::Guardrails));
