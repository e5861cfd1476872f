//! One captured value.

use std::ops::Range;

use crate::catalog::Field;
use crate::event::Value;
use crate::protocol::answer::Piece;
use crate::timestamp::Timestamp;

/// One captured value, or where it is.
///
/// Nothing but plain numbers, which are written where they belong one by one. What is put together on
/// the stack first is read back in wider pieces than it was written in, and such a read waits until
/// all that was written before, also texts in memory that is in no cache, has left the processor.
#[derive(Clone, Copy)]
pub(super) struct Item {
    pub(super) field: Field,
    pub(super) form: Form,
    pub(super) word: u64,
}

/// What the word of an item is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Where the text is.
    Text,
    /// Where the text of an input message of one text part is.
    Input(Role),
    /// Where the text of a part of the answer is.
    Output(Piece),
    /// Which of the values has parts of the answer.
    Parts,
    /// Which of the values it is.
    Value,
    /// The value itself.
    Scalar(ScalarType),
}

/// Who says something in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Assistant,
    System,
    User,
}

impl Role {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Assistant => "assistant",
            Self::System => "system",
            Self::User => "user",
        }
    }
}

/// A value of one word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scalar {
    of: ScalarType,
    word: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScalarType {
    Bool,
    Float,
    Int,
    Time,
}

impl Scalar {
    pub(super) const fn new(of: ScalarType, word: u64) -> Self {
        Self { of, word }
    }

    pub(crate) const fn bool(value: bool) -> Self {
        Self {
            of: ScalarType::Bool,
            word: value as u64,
        }
    }

    pub(crate) const fn float(value: f64) -> Self {
        Self {
            of: ScalarType::Float,
            word: value.to_bits(),
        }
    }

    pub(crate) const fn int(value: u64) -> Self {
        Self {
            of: ScalarType::Int,
            word: value,
        }
    }

    pub(crate) const fn time(value: Timestamp) -> Self {
        Self {
            of: ScalarType::Time,
            word: value.as_unix_micros().cast_unsigned(),
        }
    }

    /// Returns `value`, if it is of one word.
    pub(crate) const fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self::bool(*value)),
            Value::Float(value) => Some(Self::float(*value)),
            Value::Int(value) => Some(Self::int(*value)),
            Value::Time(value) => Some(Self::time(*value)),
            _ => None,
        }
    }

    pub(crate) const fn value(self) -> Value {
        match self.of {
            ScalarType::Bool => Value::Bool(self.word != 0),
            ScalarType::Float => Value::Float(f64::from_bits(self.word)),
            ScalarType::Int => Value::Int(self.word),
            ScalarType::Time => Value::Time(Timestamp::from_unix_micros(self.word.cast_signed())),
        }
    }
}

impl Item {
    #[inline]
    pub(super) const fn scalar(field: Field, scalar: Scalar) -> Self {
        Self {
            field,
            form: Form::Scalar(scalar.of),
            word: scalar.word,
        }
    }

    /// Returns the text of the item, which is in `text`.
    pub(super) fn text(self, text: &str) -> &str {
        let range = range(self.word);
        text.get(range).unwrap_or_default()
    }

    /// Returns which of the values it is.
    pub(super) const fn number(self) -> usize {
        self.word as usize
    }
}

/// Returns the word for `length` bytes from `start` on, or `None` beyond 4 GiB.
#[inline]
pub(super) fn place(start: usize, length: usize) -> Option<u64> {
    let start = u32::try_from(start).ok()?;
    let length = u32::try_from(length).ok()?;
    Some(u64::from(start) << 32 | u64::from(length))
}

fn range(word: u64) -> Range<usize> {
    let start = (word >> 32) as usize;
    start..start + (word as u32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scalar_is_what_it_was() {
        for value in [
            Value::Bool(true),
            Value::Bool(false),
            Value::Float(-0.5),
            Value::Int(u64::MAX),
            Value::Time(Timestamp::from_unix_micros(-1)),
        ] {
            assert!(Scalar::of(&value).unwrap().value() == value);
        }
        assert!(Scalar::of(&Value::Text(String::new())).is_none());
    }

    #[test]
    fn a_place_is_where_it_was() {
        assert_eq!(range(place(70_000, 3).unwrap()), 70_000..70_003);
        assert!(place(1 << 32, 1).is_none());
    }
}
