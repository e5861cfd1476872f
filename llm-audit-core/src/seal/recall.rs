//! Secrets that some text gave away, in the texts that came before it.

use super::parts::facet_of;
use super::report::place_of_part;
use super::scrub;
use super::treatment::Treatment;
use crate::catalog::Field;
use crate::event::{Event, Message, Part, Value};
use crate::facet::Facet;
use crate::level::Level;
use crate::redact::{DataType, Families, Session, names_in};

impl Treatment<'_> {
    /// Hides the secrets that some text gave away in those that came before it.
    pub(super) fn recall(&mut self, event: &mut Event) {
        if !self.sessions.iter().any(Session::has_proven) {
            return;
        }
        for session in &mut self.sessions {
            session.recall_only();
        }
        for field in std::mem::take(&mut self.kept) {
            let facet = field.facet();
            let Some(mut value) = event.remove(field) else {
                continue;
            };
            let looked = match &mut value {
                Value::Messages(messages) => self.recall_in(field, messages),
                Value::Parts(parts) => self.recall_in_parts(field, Some("system"), parts),
                value if self.is_searched(facet, None) => self.scrub(facet, &[], |session| {
                    scrub::scrub(session, Families::SecretsOnly, field.name(), value)
                }),
                _ => Ok(false),
            };
            if self.note(field, facet, looked) {
                event.set(field, value);
            }
        }
    }

    fn recall_in(&mut self, field: Field, messages: &mut [Message]) -> scrub::Scrubbed {
        let mut changed = false;
        for message in messages {
            let parts = message.parts.take();
            let role = message.role.clone();
            if self.is_searched(field.facet(), None) {
                let mut alone = Value::Messages(vec![std::mem::take(message)]);
                changed |= self.scrub(field.facet(), &[], |session| {
                    scrub::scrub(session, Families::SecretsOnly, "message", &mut alone)
                })?;
                if let Value::Messages(alone) = alone {
                    *message = alone.into_iter().next().unwrap_or_default();
                }
            }
            if let Some(mut parts) = parts {
                changed |= self.recall_in_parts(field, role.as_deref(), &mut parts)?;
                message.parts = Some(parts);
            }
        }
        Ok(changed)
    }

    fn recall_in_parts(
        &mut self,
        field: Field,
        role: Option<&str>,
        parts: &mut [Part],
    ) -> scrub::Scrubbed {
        let mut changed = false;
        for part in parts {
            let container = field.facet();
            let facet = container.map(|container| facet_of(part, role, container));
            if self.is_searched(facet, container) {
                changed |= self.scrub(facet, place_of_part(field), |session| {
                    scrub::scrub_part(session, Families::SecretsOnly, part)
                })?;
            }
        }
        Ok(changed)
    }

    /// Returns whether secrets are looked for in `facet`, within a message of `container`.
    fn is_searched(&self, facet: Option<Facet>, container: Option<Facet>) -> bool {
        let level = [facet, container].into_iter().flatten();
        let level = level.map(|facet| self.level(facet)).min();
        match (facet, level) {
            (Some(facet), Some(Level::Full)) => !self.verbatim.contains(facet),
            (_, Some(Level::Digest)) => false,
            _ => true,
        }
    }
}

/// Returns what the identifiers of the event's user say about the person.
pub(super) fn names_of_user(given: &[(Field, Value)]) -> Vec<(DataType, String)> {
    let of_user = given
        .iter()
        .filter(|(field, _)| field.facet() == Some(Facet::User));
    let texts = of_user.flat_map(|(_, value)| match value {
        Value::Text(text) => std::slice::from_ref(text),
        Value::Texts(texts) => texts,
        _ => &[],
    });
    texts.flat_map(|text| names_in(text)).collect()
}
