//! The one function that removes data from an event.

use crate::catalog::{Field, FieldType};
use crate::event::{Absence, Event, Message, Part, Value};
use crate::facet::{Facet, FacetSet};
use crate::seal::absence::Absences;
use crate::seal::parts::{OF_PARTS, facet_of, is_known_role, without_content};

impl Event {
    /// Removes the data of `facets`, and says so under `reason`.
    ///
    /// Fields of the facets go; parts of messages that belong to them stay in place without their
    /// content. Removing the same facets again changes nothing.
    ///
    /// Under [`Absence::Expired`], a field whose facet goes keeps those parts whose own facets stay: they
    /// have their own time. Under any other reason they go with their field.
    pub fn withhold(&mut self, facets: FacetSet, reason: Absence) {
        let mut absences = Absences::default();
        for field in self.misfits() {
            if let Some(facet) = field.facet().filter(|facet| facets.contains(*facet)) {
                self.remove(field);
                absences.add(reason.clone(), facet);
            }
        }
        let present: Vec<Field> = self.present().collect();
        for field in present {
            let Some(container) = field.facet() else {
                continue;
            };
            let goes = facets.contains(container);
            let is_gone =
                reason == Absence::Expired && self.absence(container).as_ref() == Some(&reason);
            let mut is_left = false;
            if !goes || reason == Absence::Expired {
                let value = self.get_mut(field);
                is_left = withhold_parts(value, container, facets, &reason, &mut absences);
            }
            if goes {
                absences.add(reason.clone(), container);
            }
            if !is_left && (goes || is_gone) {
                self.remove(field);
            }
        }
        self.withhold_digests(facets);
        self.withhold_truncations(facets);
        absences.write_to(self);
    }

    /// A digest is data of its field's facet.
    fn withhold_digests(&mut self, facets: FacetSet) {
        let Some(Value::TextMap(digests)) = self.get_mut(Field::Digests) else {
            return;
        };
        digests.retain(|name, _| {
            let facet = Field::from_name(name).and_then(Field::facet);
            facet.is_none_or(|facet| !facets.contains(facet))
        });
        if digests.is_empty() {
            self.remove(Field::Digests);
        }
    }

    /// The size and the digest of what was cut are data of its field's facet, and of those of the
    /// parts in it.
    fn withhold_truncations(&mut self, facets: FacetSet) {
        let Some(Value::Truncations(truncations)) = self.get_mut(Field::Truncations) else {
            return;
        };
        truncations.retain(|truncation| {
            let field = truncation.field.as_deref().and_then(Field::from_name);
            field.is_none_or(|field| {
                let of_field = field.facet().is_some_and(|facet| facets.contains(facet));
                let holds_parts =
                    matches!(field.field_type(), FieldType::Messages | FieldType::Parts);
                let of_parts = OF_PARTS.iter().any(|facet| facets.contains(*facet));
                !(of_field || (holds_parts && of_parts))
            })
        });
        if truncations.is_empty() {
            self.remove(Field::Truncations);
        }
    }

    /// The fields whose values are not of their types; a newer version wrote them.
    fn misfits(&self) -> Vec<Field> {
        let names = self.unknown().iter();
        names
            .filter_map(|(name, _)| Field::from_name(name))
            .collect()
    }
}

/// Returns whether parts with content are left, or digests of them.
fn withhold_parts(
    value: Option<&mut Value>,
    container: Facet,
    facets: FacetSet,
    reason: &Absence,
    absences: &mut Absences,
) -> bool {
    let mut is_left = false;
    let mut strip = |parts: &mut Vec<Part>, role: Option<&str>| {
        for part in parts {
            let facet = facet_of(part, role, container);
            if !facets.contains(facet) {
                is_left |= part.absent.is_none() || part.digest.is_some();
                continue;
            }
            // What is absent already may have left its digest.
            let reason_before = part.absent.take();
            let left = without_content(part, reason_before.as_deref().unwrap_or(reason.as_str()));
            if reason_before.is_none() || part.digest.is_some() {
                absences.add(reason.clone(), facet);
            }
            *part = left;
        }
    };
    match value {
        Some(Value::Messages(messages)) => {
            for message in messages {
                if let Some(parts) = &mut message.parts {
                    strip(parts, message.role.as_deref());
                }
                if facets.contains(container) {
                    withhold_speaker(message);
                }
            }
        }
        Some(Value::Parts(parts)) => strip(parts, None),
        _ => {}
    }
    is_left
}

/// Removes what of a message is of its field's facet, beside the parts.
fn withhold_speaker(message: &mut Message) {
    let role = message.role.take().filter(|role| is_known_role(role));
    let parts = message.parts.take();
    *message = Message::default();
    message.role = role;
    message.parts = parts;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Kind, Message, Truncation};
    use crate::id::{EventId, WriterId};
    use crate::timestamp::Timestamp;

    fn event() -> Event {
        let mut event = Event::new(
            Kind::Interaction,
            EventId::from_bytes([1; 16]),
            WriterId::from_bytes([2; 16]),
            Timestamp::default(),
        );
        let parts = [
            Part::text("sunny"),
            Part::tool_call("c1", "weather", &["Oslo"]),
        ];
        let message = Message::default().role("assistant").parts(parts);
        event.set(Field::OutputMessages, Value::Messages(vec![message]));
        event.set(Field::RequestModel, Value::Text("small".to_owned()));
        event.set(Field::UserId, Value::Text("u-1".to_owned()));
        event
    }

    #[test]
    fn a_withheld_field_is_gone_and_listed() {
        let mut event = event();
        event.withhold([Facet::User].into_iter().collect(), Absence::Withheld);
        assert_eq!(event.user_id(), None);
        assert_eq!(event.absence(Facet::User), Some(Absence::Withheld));
        assert_eq!(event.request_model(), Some("small"));
    }

    #[test]
    fn a_withheld_part_stays_in_place_without_its_content() {
        let mut event = event();
        event.withhold([Facet::ToolIo].into_iter().collect(), Absence::Expired);
        assert!(!event.to_json().contains("Oslo") && !event.to_json().contains("weather"));
        let parts = event.output_messages().unwrap()[0].parts.as_ref().unwrap();
        assert_eq!(parts[0].content.as_deref(), Some("sunny"));
        assert_eq!(parts[1].r#type.as_deref(), Some("tool_call"));
        assert_eq!(parts[1].absent.as_deref(), Some("expired"));
        assert_eq!(event.absence(Facet::ToolIo), Some(Absence::Expired));
    }

    fn asked() -> Event {
        let mut event = event();
        let mut user = Message::default().role("user").parts([Part::text("ask")]);
        user.name = Some("ada".to_owned());
        let earlier = [
            Part::text("earlier answer"),
            Part::default().r#type("reasoning"),
            Part::tool_call("c1", "weather", &["Oslo"]),
        ];
        let mut earlier = earlier.to_vec();
        earlier[1].content = Some("thought".to_owned());
        let messages = vec![
            Message::default()
                .role("system")
                .parts([Part::text("rules")]),
            user,
            Message::default().role("assistant").parts(earlier),
        ];
        event.set(Field::InputMessages, Value::Messages(messages));
        event
    }

    #[test]
    fn parts_are_kept_for_the_time_of_their_own_facets_and_not_of_their_field() {
        let said = ["rules", "ask", "earlier answer", "ada", "thought", "Oslo"];
        let kept = |event: &Event| {
            let messages = event
                .input_messages()
                .map(|messages| format!("{messages:?}"));
            let json = match messages {
                Some(_) => event.to_json(),
                None => String::new(),
            };
            said.map(|text| json.contains(text))
        };
        let expired = |facet| [facet].into_iter().collect::<FacetSet>();
        let mut event = asked();
        event.withhold(expired(Facet::Prompt), Absence::Expired);
        assert_eq!(kept(&event), [true, false, false, false, true, true]);
        assert_eq!(event.absence(Facet::Prompt), Some(Absence::Expired));
        assert_eq!(event.absence(Facet::ToolIo), None);
        let once = event.clone();
        event.withhold(expired(Facet::Prompt), Absence::Expired);
        assert!(once == event);
        event.withhold(expired(Facet::SystemPrompt), Absence::Expired);
        event.withhold(expired(Facet::Reasoning), Absence::Expired);
        assert_eq!(kept(&event), [false, false, false, false, false, true]);
        // With the last part its field goes, as when all of it expires at once.
        event.withhold(expired(Facet::ToolIo), Absence::Expired);
        assert_eq!(event.input_messages(), None);
        let all = [
            Facet::Prompt,
            Facet::SystemPrompt,
            Facet::Reasoning,
            Facet::ToolIo,
        ];
        let mut at_once = asked();
        at_once.withhold(all.into_iter().collect(), Absence::Expired);
        assert_eq!(at_once.input_messages(), None);
        for facet in all {
            assert_eq!(at_once.absence(facet), Some(Absence::Expired), "{facet}");
        }
        // Who is to have no prompts gets none of what came with them.
        let mut sent = asked();
        sent.withhold(expired(Facet::Prompt), Absence::Withheld);
        assert_eq!(sent.input_messages(), None);
    }

    #[test]
    fn a_digest_of_a_part_goes_with_its_facet() {
        let mut event = event();
        let mut left = Part::default().r#type("tool_call").absent("withheld");
        left.digest = Some("h:k1:abc".to_owned());
        let message = Message::default().role("assistant").parts([left]);
        event.set(Field::OutputMessages, Value::Messages(vec![message]));
        event.withhold([Facet::ToolIo].into_iter().collect(), Absence::Erased);
        assert!(!event.to_json().contains("h:k1:abc"));
        assert_eq!(event.absence(Facet::ToolIo), Some(Absence::Erased));
    }

    #[test]
    fn size_and_digest_of_what_was_cut_go_with_the_facet() {
        let cut = Truncation::default()
            .field("output_messages")
            .bytes(9)
            .digest("h:k1:abc");
        for facet in [Facet::Response, Facet::ToolIo] {
            let mut event = event();
            event.set(Field::Truncations, Value::Truncations(vec![cut.clone()]));
            event.withhold([facet].into_iter().collect(), Absence::Erased);
            assert_eq!(event.truncations(), None);
        }
    }

    #[test]
    fn a_value_of_a_newer_type_goes_with_its_facet() {
        let json = event().to_json().replace(r#""u-1""#, r#"{"id":"u-1"}"#);
        let mut event = Event::from_json(json.as_bytes()).unwrap();
        event.withhold([Facet::User].into_iter().collect(), Absence::Erased);
        assert!(!event.to_json().contains("u-1"));
        assert_eq!(event.absence(Facet::User), Some(Absence::Erased));
    }

    #[test]
    fn what_was_redacted_and_then_erased_is_said_to_be_erased() {
        let mut event = event();
        let absent = [("redacted".to_owned(), vec!["response".to_owned()])];
        event.set(Field::Absent, Value::TextsMap(absent.into()));
        event.withhold([Facet::Response].into_iter().collect(), Absence::Withheld);
        assert_eq!(event.absence(Facet::Response), Some(Absence::Withheld));
    }

    #[test]
    fn withholding_twice_changes_nothing() {
        let facets: FacetSet = [Facet::ToolIo, Facet::User].into_iter().collect();
        let mut once = event();
        once.withhold(facets, Absence::Withheld);
        let mut twice = once.clone();
        twice.withhold(facets, Absence::Withheld);
        assert!(once == twice);
    }
}
