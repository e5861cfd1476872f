//! Which facet a part of a message belongs to.

use crate::event::Part;
use crate::facet::Facet;

/// Types of parts with a facet of their own: those of the conventions, then providers' own words.
const TYPES: &[(Facet, &[&str])] = &[
    (
        Facet::Reasoning,
        &["reasoning", "thinking", "redacted_thinking"],
    ),
    (
        Facet::ToolIo,
        &[
            "tool_call",
            "tool_call_response",
            "tool_use",
            "tool_result",
            "function_call",
            "function_call_output",
            "function_response",
        ],
    ),
    (
        Facet::Media,
        &[
            "blob",
            "uri",
            "file",
            "image",
            "image_url",
            "input_image",
            "input_audio",
            "input_file",
            "audio",
            "video",
            "document",
            "inline_data",
            "file_data",
        ],
    ),
];

/// Roles whose text has a facet of its own.
const ROLES: &[(Facet, &[&str])] = &[
    (Facet::SystemPrompt, &["system", "developer"]),
    (Facet::ToolIo, &["tool", "function"]),
];

/// Roles whose text is of the facet of its field.
const OTHER_ROLES: &[&str] = &["user", "assistant", "model"];

/// Facets that a part can belong to, whatever field it is in.
pub(crate) const OF_PARTS: &[Facet] = &[
    Facet::SystemPrompt,
    Facet::Reasoning,
    Facet::ToolIo,
    Facet::Media,
];

/// Bytes of the longest type that is kept of a part without its content.
const MAX_TYPE: usize = 32;

/// Returns the facet of `part` in a message of role `role` in the field of facet `container`.
///
/// The type decides; where it has no facet, what only a part of another facet has; then the role.
pub(crate) fn facet_of(part: &Part, role: Option<&str>, container: Facet) -> Facet {
    let of_columns = || {
        if part.arguments.is_some() || part.response.is_some() {
            Some(Facet::ToolIo)
        } else if part.uri.is_some() || part.file_id.is_some() {
            Some(Facet::Media)
        } else {
            None
        }
    };
    named(TYPES, part.r#type.as_deref())
        .or_else(of_columns)
        .or_else(|| named(ROLES, role))
        .unwrap_or(container)
}

/// Returns whether a role is one of those that are known, and no content.
pub(crate) fn is_known_role(role: &str) -> bool {
    let is_role = |known: &&str| known.eq_ignore_ascii_case(role);
    named(ROLES, Some(role)).is_some() || OTHER_ROLES.iter().any(is_role)
}

fn named(table: &[(Facet, &[&str])], word: Option<&str>) -> Option<Facet> {
    let word = word?;
    let is_word = |known: &&str| known.eq_ignore_ascii_case(word);
    table
        .iter()
        .find(|(_, words)| words.iter().any(is_word))
        .map(|(facet, _)| *facet)
}

/// Returns what is left of `part` when its content is absent for `reason`.
pub(crate) fn without_content(part: &Part, reason: &str) -> Part {
    let mut left = Part::default().absent(reason);
    // A type is a word; anything else may be content.
    left.r#type = part.r#type.clone().filter(|word| {
        word.len() <= MAX_TYPE
            && word
                .bytes()
                .all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b' ' | b'0'..=b'9'))
    });
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(part_type: &str, role: &str) -> Facet {
        facet_of(
            &Part::default().r#type(part_type),
            Some(role),
            Facet::Prompt,
        )
    }

    #[test]
    fn providers_own_words_have_the_facet_of_what_they_mean() {
        assert_eq!(of("text", "user"), Facet::Prompt);
        assert_eq!(of("text", "developer"), Facet::SystemPrompt);
        assert_eq!(of("text", "System"), Facet::SystemPrompt);
        assert_eq!(of("text", "tool"), Facet::ToolIo);
        assert_eq!(of("tool_use", "assistant"), Facet::ToolIo);
        assert_eq!(of("thinking", "assistant"), Facet::Reasoning);
        assert_eq!(of("image_url", "user"), Facet::Media);
    }

    #[test]
    fn arguments_and_references_decide_where_the_type_is_unknown() {
        let call = Part::default().r#type("custom").arguments(&[1]);
        assert_eq!(facet_of(&call, None, Facet::Response), Facet::ToolIo);
        let image = Part::text("").uri("https://example.org/cat");
        assert_eq!(facet_of(&image, None, Facet::Response), Facet::Media);
    }

    #[test]
    fn a_type_that_is_no_word_does_not_survive() {
        let part = Part::default().r#type("ada@example.org");
        assert_eq!(without_content(&part, "withheld").r#type, None);
    }
}
