//! Why a text could not be redacted.

use std::fmt;

use super::data_type::DataType;

/// Why a text could not be redacted. It must then be withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RedactError {
    /// An operator needs a key and there is none.
    NoKey(DataType),
    /// A detector named bytes that are no part of the text.
    BadSpan(&'static str),
    /// A detector named a type that it did not declare.
    BadType(&'static str),
    /// A detector found more than there can be.
    TooMany(&'static str),
    /// A detector panicked.
    Panicked(&'static str),
    /// A detector took so long that the time for the event is over.
    Slow(&'static str),
    /// The host named more values to hide than are looked for.
    TooManyHidden,
    /// Rules by path cannot be applied to a text, as it is no whole JSON.
    NotJson,
    /// The event has more content than is redacted in one.
    OverBudget,
    /// The redaction of the event took too long.
    Late,
}

impl RedactError {
    /// Returns who failed, as the report names it.
    pub(crate) const fn culprit(&self) -> &'static str {
        match self {
            Self::NoKey(_) => "key",
            Self::BadSpan(detector)
            | Self::BadType(detector)
            | Self::TooMany(detector)
            | Self::Panicked(detector)
            | Self::Slow(detector) => detector,
            Self::TooManyHidden => "known_value",
            Self::NotJson => "path",
            Self::OverBudget => "max_bytes",
            Self::Late => "max_time",
        }
    }
}

impl fmt::Display for RedactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey(data_type) => write!(f, "the operator of `{data_type}` has no key"),
            Self::BadSpan(detector) => write!(
                f,
                "detector `{detector}` named bytes that are no part of the text; ranges are byte \
                 offsets at characters' borders"
            ),
            Self::BadType(detector) => write!(
                f,
                "detector `{detector}` named a type that its `data_types` does not"
            ),
            Self::TooMany(detector) => write!(f, "detector `{detector}` found too much in a text"),
            Self::Panicked(detector) => write!(f, "detector `{detector}` panicked"),
            Self::Slow(detector) => write!(
                f,
                "detector `{detector}` took longer than an event has; make it quicker, or raise \
                 `redaction.max_time_ms`"
            ),
            Self::TooManyHidden => f.write_str(
                "more than 64 values of an event are to be hidden, or one is longer than 1,024 \
                 bytes",
            ),
            Self::NotJson => f.write_str(
                "a text begins as JSON does and is cut, is several documents or no JSON at all, so \
                 that the policy's paths cannot be found in it",
            ),
            Self::OverBudget => f.write_str(
                "an event has more content than is redacted in one; raise `redaction.max_bytes`",
            ),
            Self::Late => f.write_str(
                "the redaction of an event took too long; raise `redaction.max_time_ms`",
            ),
        }
    }
}
