//! Checks of one event.

use std::fmt::Write as _;

use super::expected::{Expected, found};
use crate::catalog::Field;
use crate::event::{Absence, Event, Kind, Message, Operation, Part, Status, ValueRef};
use crate::facet::Facet;
use crate::id::EventId;
use crate::redact::DataType;
use crate::seal::parts::facet_of;

/// Returns checks of `event`.
///
/// # Examples
///
/// ```
/// use llm_audit_core::testing::{check, probe};
/// use llm_audit_core::{Field, Operation, Policy, Preset};
///
/// let (audit, probe) = probe(Policy::preset(Preset::Operations)?)?;
/// for attempt in 1..=2 {
///     audit.begin(Operation::Chat).attempt(attempt);
/// }
/// for (event, attempt) in probe.events().iter().zip(1..) {
///     check(event).field(Field::Attempt, attempt);
/// }
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
pub fn check(event: &Event) -> EventCheck {
    EventCheck(event.clone())
}

/// Checks of one event, chained; each one panics where it does not hold.
///
/// A message names the field and what was expected of it. Values are shown where the catalogue
/// calls their field plain; of one that may hold content or personal data only the type and the
/// size, so that a failed test puts no content into the output of a build.
///
/// # Examples
///
/// ```
/// use llm_audit_core::testing::probe;
/// use llm_audit_core::redact::DataType;
/// use llm_audit_core::{Absence, Facet, Field, Level, Operation, Policy, Retention};
///
/// let policy = Policy::builder()
///     .facet(Facet::Prompt, Level::Redacted)
///     .retention(Retention::Days30)
///     .build()?;
/// let (audit, probe) = probe(policy)?;
/// let mut call = audit.begin(Operation::Chat);
/// call.prompt("Write to ada@example.org").response("Dear Ada");
/// call.finish();
///
/// let call = probe.one();
/// call.prompt("Write to [EMAIL]").redacted(Field::InputMessages, DataType::Email);
/// call.present(Facet::Prompt).absent(Facet::Response);
/// call.absent_because(Facet::Response, Absence::Withheld);
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct EventCheck(Event);

impl EventCheck {
    /// Returns the event.
    pub const fn event(&self) -> &Event {
        &self.0
    }

    /// Checks the kind.
    ///
    /// # Panics
    ///
    /// When the event is of another kind.
    #[track_caller]
    pub fn kind(&self, kind: Kind) -> &Self {
        self.field(Field::Kind, kind.as_str())
    }

    /// Checks what was done.
    ///
    /// # Panics
    ///
    /// When it was another operation, or none.
    #[track_caller]
    pub fn operation(&self, operation: Operation) -> &Self {
        self.field(Field::Operation, operation.as_str())
    }

    /// Checks how it ended.
    ///
    /// # Panics
    ///
    /// When it ended otherwise, or the event does not say how.
    #[track_caller]
    pub fn status(&self, status: Status) -> &Self {
        self.field(Field::Status, status.as_str())
    }

    /// Checks the class of the error.
    ///
    /// # Panics
    ///
    /// When it is another one, or there is none.
    #[track_caller]
    pub fn error_type(&self, error_type: &str) -> &Self {
        self.field(Field::ErrorType, error_type)
    }

    /// Checks the model: the one that answered, else the one that was asked for.
    ///
    /// # Panics
    ///
    /// When it is another one, or there is none.
    #[track_caller]
    pub fn model(&self, model: &str) -> &Self {
        let field = match self.0.response_model() {
            Some(_) => Field::ResponseModel,
            None => Field::RequestModel,
        };
        self.field(field, model)
    }

    /// Checks the text of the last user message, its text parts joined by newlines.
    ///
    /// # Panics
    ///
    /// When it is another one, or there is none.
    #[track_caller]
    pub fn prompt(&self, text: &str) -> &Self {
        self.text("prompt", self.0.prompt(), text)
    }

    /// Checks the text of the first choice, its text parts joined by newlines.
    ///
    /// # Panics
    ///
    /// When it is another one, or there is none.
    #[track_caller]
    pub fn response(&self, text: &str) -> &Self {
        self.text("response", self.0.response(), text)
    }

    /// Checks that the event happened within the event `parent`.
    ///
    /// # Panics
    ///
    /// When it has another parent, or none.
    #[track_caller]
    pub fn parent(&self, parent: &EventId) -> &Self {
        self.field(Field::ParentEventId, *parent)
    }

    /// Checks the value of a field: a text, a number, a truth value, an id, a time, texts, or a
    /// [`Value`](crate::schema::Value).
    ///
    /// # Panics
    ///
    /// When it has another value, or none.
    #[track_caller]
    pub fn field(&self, field: Field, expected: impl Expected) -> &Self {
        let fault = self.look(field, |value| match value {
            Some(value) if expected.is(value) => None,
            value => Some(found(field, value, &expected)),
        });
        self.must(fault.is_none(), || fault.unwrap_or_default())
    }

    /// Checks that a field is present.
    ///
    /// # Panics
    ///
    /// When it is absent.
    #[track_caller]
    pub fn has(&self, field: Field) -> &Self {
        let present = self.look(field, |value| value.is_some());
        self.must(present, || {
            format!("`{field}` is absent{}", self.why(field.facet()))
        })
    }

    /// Checks that a field is absent.
    ///
    /// # Panics
    ///
    /// When it is present.
    #[track_caller]
    pub fn lacks(&self, field: Field) -> &Self {
        let absent = self.look(field, |value| value.is_none());
        self.must(absent, || {
            format!("`{field}` is present, expected it to be absent")
        })
    }

    /// Checks that something of `facet` can be read: a field of the host, or a part of a message.
    ///
    /// # Panics
    ///
    /// When nothing can.
    #[track_caller]
    pub fn present(&self, facet: Facet) -> &Self {
        let readable = self.holdings(facet).iter().any(|held| held.is_readable);
        self.must(readable, || {
            format!(
                "nothing of facet `{facet}` is present{}",
                self.why(Some(facet))
            )
        })
    }

    /// Checks that nothing of `facet` is there: no field, no part of a message, no digest, no size.
    ///
    /// # Panics
    ///
    /// When something is.
    #[track_caller]
    pub fn absent(&self, facet: Facet) -> &Self {
        let held = self.holdings(facet);
        self.must(held.is_empty(), || {
            let names: Vec<_> = held.iter().map(|held| held.name.as_str()).collect();
            format!(
                "facet `{facet}` is present in {}, expected it to be absent",
                names.join(", ")
            )
        })
    }

    /// Checks why `facet` is absent or incomplete.
    ///
    /// # Panics
    ///
    /// When the event gives another reason, or none.
    #[track_caller]
    pub fn absent_because(&self, facet: Facet, reason: Absence) -> &Self {
        let said = self.0.absence(facet);
        self.must(said.as_ref() == Some(&reason), || {
            let said = said
                .as_ref()
                .map_or("no reason".to_owned(), |said| format!("`{said}`"));
            format!(
                "the event gives {said} for the absence of facet `{facet}`, expected `{reason}`"
            )
        })
    }

    /// Checks that a value of `data_type` was hidden in `field`.
    ///
    /// # Panics
    ///
    /// When none was.
    #[track_caller]
    pub fn redacted(&self, field: Field, data_type: DataType) -> &Self {
        let mut counts = self.0.redactions().unwrap_or_default().iter();
        let hidden = counts.any(|count| {
            count.field.as_deref() == Some(field.name())
                && count.data_type.as_deref() == Some(data_type.name())
        });
        self.must(hidden, || {
            let mut list = String::new();
            for count in self.0.redactions().unwrap_or_default() {
                let part = |part: &Option<String>| part.clone().unwrap_or_default();
                let (field, data_type) = (part(&count.field), part(&count.data_type));
                // Writing to a `String` cannot fail.
                write!(list, " `{data_type}` in `{field}`").unwrap_or_default();
            }
            format!("no `{data_type}` was redacted in `{field}`; redacted were:{list}")
        })
    }

    #[track_caller]
    fn text(&self, name: &str, text: Option<String>, expected: &str) -> &Self {
        let same = text.as_deref() == Some(expected);
        self.must(same, || match &text {
            None => {
                let facet = name.parse().ok();
                format!("`{name}` is absent{}", self.why(facet))
            }
            Some(text) => {
                let mut pairs = text.bytes().zip(expected.bytes());
                let equal = pairs.by_ref().take_while(|(a, b)| a == b).count();
                format!(
                    "`{name}` is a text of {} bytes, expected one of {}; they differ from byte \
                     {equal} on",
                    text.len(),
                    expected.len()
                )
            }
        })
    }

    fn look<T>(&self, field: Field, look: impl Fn(Option<ValueRef<'_>>) -> T) -> T {
        let mut seen = None;
        self.0.visit(&mut |present, value| {
            if present == field {
                seen = Some(look(Some(value)));
            }
        });
        seen.unwrap_or_else(|| look(None))
    }

    fn why(&self, facet: Option<Facet>) -> String {
        let reason = facet.and_then(|facet| self.0.absence(facet));
        reason.map_or(String::new(), |reason| format!(" ({reason})"))
    }

    fn holdings(&self, facet: Facet) -> Vec<Held> {
        let mut held = Vec::new();
        self.0.visit(&mut |field, value| {
            let own = field.facet() == Some(facet);
            match (value, field.facet()) {
                (ValueRef::Messages(messages), Some(container)) => {
                    hold_messages(field, container, facet, messages, &mut held);
                }
                (ValueRef::Parts(parts), Some(container)) => {
                    hold_parts(field, container, facet, None, parts, &mut held);
                }
                (ValueRef::TextMap(digests), None) if field == Field::Digests => {
                    let mut names = digests.keys().filter_map(|name| name.parse::<Field>().ok());
                    if names.any(|digested| digested.facet() == Some(facet)) {
                        held.push(Held::new(field, false));
                    }
                }
                _ if own => held.push(Held::new(field, field.info().host)),
                _ => {}
            }
        });
        held
    }

    #[track_caller]
    #[expect(clippy::panic, reason = "a check that does not hold fails the test")]
    fn must(&self, holds: bool, message: impl FnOnce() -> String) -> &Self {
        if !holds {
            let (kind, id) = (self.0.kind(), self.0.event_id());
            panic!("{} (in {kind} {id})", message());
        }
        self
    }
}

/// Where something of a facet is.
struct Held {
    name: String,
    is_readable: bool,
}

impl Held {
    fn new(field: Field, is_readable: bool) -> Self {
        Self {
            name: format!("`{field}`"),
            is_readable,
        }
    }
}

fn hold_messages(
    field: Field,
    container: Facet,
    facet: Facet,
    messages: &[Message],
    held: &mut Vec<Held>,
) {
    for message in messages {
        let role = message.role.as_deref();
        let parts = message.parts.as_deref().unwrap_or_default();
        hold_parts(field, container, facet, role, parts, held);
        if container == facet && (message.name.is_some() || message.extra.is_some()) {
            held.push(Held::new(field, true));
        }
    }
}

fn hold_parts(
    field: Field,
    container: Facet,
    facet: Facet,
    role: Option<&str>,
    parts: &[Part],
    held: &mut Vec<Held>,
) {
    let of_facet = parts
        .iter()
        .filter(|part| facet_of(part, role, container) == facet);
    let there = of_facet.filter(|part| part.absent.is_none() || part.digest.is_some());
    held.extend(there.map(|part| Held::new(field, part.absent.is_none())));
}
