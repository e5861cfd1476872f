//! How much personal data prompt and response hold, also where the log keeps none of their text.
//!
//! Only what the policy lets in is looked at, and only counts by type leave this module. Where
//! the redactor goes over all of a text anyway, what it found is counted; else the text is scanned
//! here. A field that is absent says that nothing was looked at, which is not the same as nothing found.

use super::parts::facet_of;
use super::treatment::Treatment;
use super::{derive, scrub};
use crate::catalog::Field;
use crate::event::{Absence, Event, Message, Part, Value};
use crate::facet::{Facet, FacetSet};
use crate::level::Level;
use crate::redact::{DataType, Families, Family, Finding, Session};
use crate::sorted::{SortedMap, tree};

/// A side of a conversation.
pub(super) struct Side {
    facet: Facet,
    messages: Field,
    detected: Field,
    counts: Field,
}

const SIDES: [Side; 2] = [
    Side {
        facet: Facet::Prompt,
        messages: Field::InputMessages,
        detected: Field::PromptPiiDetected,
        counts: Field::PromptPiiCounts,
    },
    Side {
        facet: Facet::Response,
        messages: Field::OutputMessages,
        detected: Field::ResponsePiiDetected,
        counts: Field::ResponsePiiCounts,
    },
];

/// What is known of the sides of one event.
#[derive(Default)]
pub(super) struct Sides {
    /// Those that the redactor goes over as a whole.
    redacted: Vec<&'static Side>,
    /// Personal data by field and type, as the redactor reports it.
    found: SortedMap<(Field, &'static str), u64>,
    failed: Vec<Field>,
}

impl Sides {
    /// Counts what the redactor found in `field`.
    pub(super) fn count(&mut self, field: Field, finding: &Finding) {
        // What a path of the policy hides may be anything.
        let is_known = finding.data_type != DataType::Redacted;
        if is_known && finding.data_type.family() == Family::Pii {
            let key = (field, finding.data_type.name());
            *self.found.or_default(key) += finding.count;
        }
    }

    /// Notes that not all of `field` could be looked at.
    pub(super) fn fail(&mut self, field: Field) {
        self.failed.push(field);
    }
}

impl Treatment<'_> {
    /// Looks at the sides that are captured and that the host said nothing about.
    pub(super) fn detect(&mut self, given: &[(Field, Value)], event: &mut Event) {
        if self.level(Facet::Detections) == Level::Off {
            return;
        }
        let is_given = |field| given.iter().any(|(present, _)| *present == field);
        for side in &SIDES {
            let messages = derive::messages(given, side.messages);
            if messages.is_empty()
                || self.level(side.facet) == Level::Off
                || is_given(side.detected)
                || is_given(side.counts)
            {
                continue;
            }
            let Some(mut session) = self.observer() else {
                continue;
            };
            if self.redacts_all(side, messages) {
                self.sides.redacted.push(side);
                continue;
            }
            let captured: FacetSet = Facet::ALL
                .iter()
                .copied()
                .filter(|facet| *facet != Facet::Media && self.level(*facet) > Level::Off)
                .collect();
            let looked = scrub::contained(|| {
                messages.iter().try_fold(false, |_, message| {
                    observe(&mut session, message, side.facet, captured)
                })
            });
            if looked.is_err() {
                self.absences.add(Absence::Failed, Facet::Detections);
                continue;
            }
            let mut sides = Sides::default();
            for finding in session.take_findings() {
                sides.count(side.messages, &finding);
            }
            self.say(side, &sides.found, event);
        }
    }

    /// Says what the redactor found in the sides that it went over.
    pub(super) fn say_redacted(&mut self, event: &mut Event) {
        let sides = std::mem::take(&mut self.sides);
        for side in sides.redacted {
            if !sides.failed.contains(&side.messages) {
                self.say(side, &sides.found, event);
            }
        }
    }

    fn say(
        &mut self,
        side: &Side,
        found: &SortedMap<(Field, &'static str), u64>,
        event: &mut Event,
    ) {
        let of_side = found
            .iter()
            .filter(|((field, _), _)| *field == side.messages);
        let counts = tree(of_side.map(|((_, data_type), count)| ((*data_type).to_owned(), *count)));
        self.apply(side.detected, Value::Bool(!counts.is_empty()), event);
        if !counts.is_empty() {
            self.apply(side.counts, Value::Counts(counts), event);
        }
    }

    /// Returns whether the detectors of personal data run on all that is captured of `messages`.
    fn redacts_all(&mut self, side: &Side, messages: &[Message]) -> bool {
        let parts = messages.iter().flat_map(|message| {
            let role = message.role.as_deref();
            message.parts.iter().flatten().map(move |part| (part, role))
        });
        let mut facets: FacetSet = parts
            .map(|(part, role)| facet_of(part, role, side.facet))
            .collect();
        facets.insert(side.facet);
        let container = self.level(side.facet);
        facets.iter().all(|facet| match self.level(facet) {
            Level::Off => true,
            level => level.min(container) == Level::Redacted && self.is_sampled(facet),
        })
    }
}

/// Has `session` count what stands in the parts of `message` whose facets are `captured`.
fn observe(
    session: &mut Session,
    message: &Message,
    container: Facet,
    captured: FacetSet,
) -> scrub::Scrubbed {
    let mut rest = message.clone();
    let role = rest.role.clone();
    let mut parts = rest.parts.take().unwrap_or_default();
    parts.retain(|part| captured.contains(facet_of(part, role.as_deref(), container)));
    let mut alone = Value::Messages(vec![rest]);
    scrub::scrub(session, Families::All, "message", &mut alone)?;
    let facet = |part: &Part| facet_of(part, role.as_deref(), container);
    for run in parts.chunk_by_mut(|one, next| {
        scrub::may_go_on(one) && scrub::may_go_on(next) && facet(one) == facet(next)
    }) {
        if run.len() > 1 {
            let texts = run.iter_mut().map(|part| part.content.take());
            let mut texts: Vec<_> = texts.map(Option::unwrap_or_default).collect();
            scrub::scrub_adjacent(session, Families::All, &mut texts)?;
            for (part, text) in run.iter_mut().zip(texts) {
                part.content = Some(text);
            }
        }
        for part in run {
            scrub::scrub_part(session, Families::All, part)?;
        }
    }
    Ok(false)
}
