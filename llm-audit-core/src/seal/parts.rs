//! Which facet a part of a message belongs to.

use crate::event::Part;
use crate::facet::Facet;

/// Part types of media, whose content is never kept inline.
const MEDIA: &[&str] = &["blob", "uri", "file"];

/// Roles whose text is the program's own instruction; newer models of OpenAI call it developer.
const SYSTEM: &[&str] = &["system", "developer"];

/// Returns the facet of `part` in a message of role `role` in the field of facet `container`.
pub(crate) fn facet_of(part: &Part, role: Option<&str>, container: Facet) -> Facet {
    match part.r#type.as_deref() {
        Some("reasoning") => Facet::Reasoning,
        Some("tool_call" | "tool_call_response") => Facet::ToolIo,
        Some(name) if MEDIA.contains(&name) => Facet::Media,
        _ if role.is_some_and(|role| SYSTEM.contains(&role)) => Facet::SystemPrompt,
        _ => container,
    }
}

/// Returns what is left of `part` when its content is absent for `reason`.
pub(crate) fn without_content(part: &Part, reason: &str) -> Part {
    let mut left = Part::default().absent(reason);
    left.r#type.clone_from(&part.r#type);
    left
}
