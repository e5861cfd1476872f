//! What a test expects of a field.

use crate::catalog::Field;
use crate::event::{Value, ValueRef};
use crate::id::EventId;
use crate::timestamp::Timestamp;

/// What a test can expect of a field's value; see [`EventCheck::field`](super::EventCheck::field).
///
/// The types that implement it are those listed here; it cannot be implemented elsewhere.
///
/// # Examples
///
/// ```
/// use llm_audit_core::testing::{Expected, check};
/// use llm_audit_core::{Event, Field};
///
/// fn has_tokens(event: &Event, tokens: impl Expected) {
///     check(event).field(Field::InputTokens, tokens);
/// }
///
/// let line = br#"{"schema_version":1,"event_id":"019b76da-a800-7000-8000-000000000001",
///     "kind":"interaction","writer_id":"019b76da-a800-7000-8000-000000000002",
///     "recorded_at":"2026-01-01T00:00:00.000000Z","input_tokens":7}"#;
/// has_tokens(&Event::from_json(line)?, 7);
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
pub trait Expected: sealed::Sealed {
    #[doc(hidden)]
    fn is(&self, value: ValueRef<'_>) -> bool;

    #[doc(hidden)]
    fn show(&self) -> String;
}

mod sealed {
    #[expect(
        unnameable_types,
        reason = "what cannot be named cannot be implemented"
    )]
    pub trait Sealed {}
}

macro_rules! expected {
    ($([$($generics:tt)*] $type:ty: |$this:ident, $value:ident| $is:expr, $show:expr;)+) => {
        $(
            impl<$($generics)*> sealed::Sealed for $type {}

            impl<$($generics)*> Expected for $type {
                fn is(&self, $value: ValueRef<'_>) -> bool {
                    let $this = self;
                    $is
                }

                fn show(&self) -> String {
                    let $this = self;
                    $show
                }
            }
        )+
    };
}

expected! {
    [] &str: |this, value| is_text(value, this), format!("`{this}`");
    [] String: |this, value| is_text(value, this), format!("`{this}`");
    [] bool: |this, value| value == ValueRef::Bool(*this), this.to_string();
    [] u64: |this, value| value == ValueRef::Int(*this), this.to_string();
    [] f64: |this, value| value == ValueRef::Float(*this), this.to_string();
    [] EventId: |this, value| is_id(value, *this), this.to_string();
    [] Timestamp: |this, value| value == ValueRef::Time(*this), this.to_string();
    [const N: usize] [&str; N]: |this, value| is_texts(value, this), format!("{this:?}");
    [] Value: |this, value| value == this.as_ref(), shown(this.as_ref());
}

/// Says what is wrong with `value`, showing it only where its field is plain.
pub(super) fn found(field: Field, value: Option<ValueRef<'_>>, expected: &impl Expected) -> String {
    match value {
        None if field.info().sensitive => format!("`{field}` is absent, expected a value"),
        None => format!("`{field}` is absent, expected {}", expected.show()),
        Some(value) if field.info().sensitive => {
            format!("`{field}` is {}, expected another value", sized(value))
        }
        Some(value) => format!(
            "`{field}` is {}, expected {}",
            shown(value),
            expected.show()
        ),
    }
}

fn is_text(value: ValueRef<'_>, expected: &str) -> bool {
    matches!(value, ValueRef::Text(text) | ValueRef::Json(text) if text == expected)
}

/// Late facts name their target in a text.
fn is_id(value: ValueRef<'_>, expected: EventId) -> bool {
    value == ValueRef::Id(expected) || is_text(value, &expected.to_string())
}

fn is_texts(value: ValueRef<'_>, expected: &[&str]) -> bool {
    matches!(value, ValueRef::Texts(texts) if texts == expected)
}

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Bool(value) => value.to_string(),
        ValueRef::Float(value) => value.to_string(),
        ValueRef::Id(value) => value.to_string(),
        ValueRef::Int(value) => value.to_string(),
        ValueRef::Text(value) => format!("`{value}`"),
        ValueRef::Texts(value) => format!("{value:?}"),
        ValueRef::Time(value) => value.to_string(),
        value => sized(value),
    }
}

fn sized(value: ValueRef<'_>) -> String {
    let bytes = crate::interaction::in_flight::size_of_value(value);
    format!("a value of type {:?} and {bytes} bytes", value.field_type())
}
