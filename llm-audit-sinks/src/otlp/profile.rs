//! The one table of names: which attribute a field is, in which form, under which other names.

use std::sync::LazyLock;

use llm_audit_core::schema::{CATALOG, FieldInfo};
use llm_audit_core::{Facet, Field};

/// Whose names attributes have.
///
/// The names of the catalogue (`docs/fields.md`) are those of the OpenTelemetry GenAI conventions,
/// version 1.42.0-dev of August 2026; where they have no word, the name is under `llm_audit.`. A
/// profile adds names to them and takes none away.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::otlp::Profile;
///
/// assert_eq!("openinference".parse::<Profile>()?, Profile::OpenInference);
/// assert!(Profile::GenAi.schema_url().ends_with("1.42.0-dev"));
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// The GenAI conventions, with both names where one was changed since.
    #[default]
    GenAi,
    /// The same, and the names of OpenInference, by which Phoenix shows input, output, cost, tags
    /// and metadata.
    OpenInference,
}

impl Profile {
    /// Every profile.
    pub const ALL: &'static [Self] = &[Self::GenAi, Self::OpenInference];

    /// Returns the word for the profile in options.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GenAi => "genai",
            Self::OpenInference => "openinference",
        }
    }

    /// Returns the version of the conventions that names are of.
    pub const fn schema_url(self) -> &'static str {
        match self {
            Self::GenAi | Self::OpenInference => {
                "https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev"
            }
        }
    }
}

impl std::str::FromStr for Profile {
    type Err = llm_audit_core::Error;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let mut known = Self::ALL.iter().copied();
        known.find(|profile| profile.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|profile| profile.name()).collect();
            let message = format!("there is no such profile; there are {}", names.join(", "));
            llm_audit_core::Error::configuration(message)
        })
    }
}

/// Where a field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Among the attributes of the span or the log record.
    Attribute,
    /// Among those of the resource, which is what made the call.
    Resource,
    /// It is the span's own id; a log record has it as an attribute.
    Id,
}

/// In which form a value stands where that does not follow from its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As its type says.
    Plain,
    /// Microseconds as seconds.
    Seconds,
    /// Text as an integer, if it is one.
    Int,
    /// Text as a number with a fraction, or not at all.
    Decimal,
    /// One attribute for each member of a map.
    Members,
    /// A map as the text of one JSON object.
    Object,
}

/// Another name for a field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alias {
    pub(super) name: &'static str,
    pub(super) form: Form,
    /// The profile that has it; `None` is every one.
    pub(super) profile: Option<Profile>,
}

/// What the table says of a field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) info: &'static FieldInfo,
    pub(super) place: Place,
    pub(super) form: Form,
    pub(super) is_content: bool,
    pub(super) aliases: &'static [Alias],
}

/// Returns what the table says of `field`.
pub(super) fn row(field: Field) -> Row {
    static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| CATALOG.iter().map(make).collect());
    let row = ROWS.get(field as usize).copied();
    row.unwrap_or_else(|| make(field.info()))
}

fn make(info: &'static FieldInfo) -> Row {
    let found = EXCEPTIONS.iter().find(|(field, ..)| *field == info.field);
    let (place, form) = found.map_or((Place::Attribute, Form::Plain), |found| (found.1, found.2));
    let aliases = ALIASES.iter().find(|(field, _)| *field == info.field);
    Row {
        info,
        place,
        form,
        is_content: is_content(info),
        aliases: aliases.map_or(&[], |(_, aliases)| aliases),
    }
}

/// What was said, and what may quote it.
fn is_content(info: &FieldInfo) -> bool {
    let of_facet = info
        .facet
        .is_some_and(|facet| facet.is_content() || facet == Facet::ErrorDetail);
    let of_people = [
        Field::FeedbackComment,
        Field::Correction,
        Field::OversightReason,
    ];
    info.sensitive && (of_facet || of_people.contains(&info.field))
}

/// What is not an attribute under the catalogue's name in the form of its type.
#[rustfmt::skip]
const EXCEPTIONS: &[(Field, Place, Form)] = &[
    (Field::TraceId, Place::Id, Form::Plain),
    (Field::SpanId, Place::Id, Form::Plain),
    (Field::ParentSpanId, Place::Id, Form::Plain),
    (Field::ServiceName, Place::Resource, Form::Plain),
    (Field::ServiceVersion, Place::Resource, Form::Plain),
    (Field::Environment, Place::Resource, Form::Plain),
    (Field::Region, Place::Resource, Form::Plain),
    (Field::Absent, Place::Attribute, Form::Members),
    (Field::Digests, Place::Attribute, Form::Members),
    (Field::Reasons, Place::Attribute, Form::Members),
    (Field::ModalityTokens, Place::Attribute, Form::Members),
    (Field::Metrics, Place::Attribute, Form::Members),
    (Field::PromptTemplateVariables, Place::Attribute, Form::Members),
    (Field::PromptPiiCounts, Place::Attribute, Form::Members),
    (Field::ResponsePiiCounts, Place::Attribute, Form::Members),
    (Field::Seed, Place::Attribute, Form::Int),
    (Field::TimeToFirstChunkUs, Place::Attribute, Form::Seconds),
];

const fn also(name: &'static str) -> Alias {
    Alias {
        name,
        form: Form::Plain,
        profile: None,
    }
}

const fn open(name: &'static str, form: Form) -> Alias {
    Alias {
        name,
        form,
        profile: Some(Profile::OpenInference),
    }
}

/// Names of 1.42.0-dev that were changed since, and those of OpenInference.
#[rustfmt::skip]
const ALIASES: &[(Field, &[Alias])] = &[
    (Field::CacheWriteInputTokens, &[
        also("gen_ai.usage.cache_creation.input_tokens"),
        open("llm.token_count.prompt_details.cache_write", Form::Plain),
    ]),
    (Field::CacheReadInputTokens, &[open("llm.token_count.prompt_details.cache_read", Form::Plain)]),
    (Field::InputTokens, &[open("llm.token_count.prompt", Form::Plain)]),
    (Field::OutputTokens, &[open("llm.token_count.completion", Form::Plain)]),
    (Field::TotalTokens, &[open("llm.token_count.total", Form::Plain)]),
    (Field::ReasoningOutputTokens, &[open("llm.token_count.completion_details.reasoning", Form::Plain)]),
    (Field::InputCost, &[open("llm.cost.prompt", Form::Decimal)]),
    (Field::OutputCost, &[open("llm.cost.completion", Form::Decimal)]),
    (Field::TotalCost, &[open("llm.cost.total", Form::Decimal)]),
    (Field::Provider, &[open("llm.provider", Form::Plain)]),
    (Field::RequestModel, &[open("llm.model_name", Form::Plain)]),
    (Field::PromptTemplateVersion, &[open("llm.prompt_template.version", Form::Plain)]),
    (Field::PromptTemplateVariables, &[open("llm.prompt_template.variables", Form::Object)]),
    (Field::ToolName, &[open("tool.name", Form::Plain)]),
    (Field::ToolCallId, &[open("tool.id", Form::Plain)]),
    (Field::ToolArguments, &[open("tool.parameters", Form::Plain)]),
    (Field::AgentName, &[open("agent.name", Form::Plain)]),
    (Field::Tags, &[open("tag.tags", Form::Plain)]),
    (Field::Metadata, &[open("metadata", Form::Object)]),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_fields_have_one_name() {
        let mut names = HashSet::new();
        for info in CATALOG {
            assert!(names.insert(info.otel_name), "{}", info.otel_name);
            for alias in row(info.field).aliases {
                assert!(names.insert(alias.name), "{}", alias.name);
            }
        }
    }

    #[test]
    fn everything_that_was_said_is_content() {
        for info in CATALOG {
            let of_content = info.facet.is_some_and(Facet::is_content);
            if of_content && info.sensitive {
                assert!(row(info.field).is_content, "{}", info.name);
            }
        }
        assert!(row(Field::ErrorMessage).is_content);
        assert!(row(Field::Correction).is_content);
        assert!(!row(Field::PromptChars).is_content);
        assert!(!row(Field::UserId).is_content);
    }
}
