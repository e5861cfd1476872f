//! Identifiers of events and writers.

use std::cell::Cell;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;

use uuid::{Builder, Uuid};

use crate::catalog::Field;
use crate::error::Error;
use crate::sync::thread_local;
use crate::timestamp::Timestamp;

/// Bytes of an identifier as text.
pub(crate) const TEXT: usize = 36;

/// Bytes of an identifier as hex digits.
const DIGITS: usize = 32;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// Returns the identifier of these 16 bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// Returns the 16 bytes of the identifier.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// Returns the identifier as text, written in `buffer`.
            pub(crate) fn encode(self, buffer: &mut [u8; TEXT]) -> &str {
                self.0.hyphenated().encode_lower(buffer)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.encode(&mut [0; TEXT]))
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                // Only the form that is written: others would not be read back as they stood.
                let canonical = text.len() == TEXT && !text.bytes().any(|b| b.is_ascii_uppercase());
                Uuid::try_parse(text).ok().filter(|_| canonical).map(Self).ok_or_else(|| {
                    Error::invalid("an identifier is not a UUID in lower case with hyphens")
                })
            }
        }
    };
}

uuid_id! {
    /// The identifier of an event: a UUID of version 7 (RFC 9562), so it sorts by time.
    EventId
}

uuid_id! {
    /// The identifier of a writer: one for each spawned log, new at every start.
    WriterId
}

/// Where new identifiers come from.
///
/// [`RandomIds`] is the default; tests inject their own.
/// # Examples
///
/// ```
/// use llm_audit_core::{Ids, RandomIds};
///
/// let ids = RandomIds::new();
/// assert_ne!(ids.unique(), ids.unique());
/// ```
pub trait Ids: fmt::Debug + Send + Sync + 'static {
    /// Returns a number that no other call returns.
    ///
    /// An identifier takes the lower 80 bits, save for bits 62, 63 and 76 to 79: its version and
    /// variant stand there.
    fn unique(&self) -> u128;
}

/// Identifiers from a generator for each thread, seeded by the operating system's randomness.
///
/// They are unique, not secret: nothing is protected by an identifier being hard to guess.
#[derive(Debug, Default)]
pub struct RandomIds {
    _private: (),
}

impl RandomIds {
    /// Returns the default source of identifiers.
    pub fn new() -> Self {
        Self { _private: () }
    }
}

impl Ids for RandomIds {
    fn unique(&self) -> u128 {
        thread_local! {
            static STATE: Cell<[u64; 2]> = Cell::new(seed());
        }
        // After the thread-local was destroyed a fresh seed serves as well, only slower.
        STATE
            .try_with(|state| {
                let [seed, counter] = state.get();
                state.set([seed, counter.wrapping_add(1)]);
                u128::from(mix(seed ^ counter)) << 64 | u128::from(mix(seed.wrapping_add(counter)))
            })
            .unwrap_or_else(|_| {
                let [high, low] = seed();
                u128::from(high) << 64 | u128::from(low)
            })
    }
}

fn seed() -> [u64; 2] {
    // `RandomState` is the standard library's own access to the system's randomness.
    let state = RandomState::new();
    [state.hash_one(1_u8), state.hash_one(2_u8)]
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
/// generators, 2014): a bijection, so distinct counters stay distinct.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

pub(crate) fn event_id(ids: &dyn Ids, at: Timestamp) -> EventId {
    EventId(v7(ids, at))
}

pub(crate) fn writer_id(ids: &dyn Ids, at: Timestamp) -> WriterId {
    WriterId(v7(ids, at))
}

/// The trace of an event without a parent: its own identifier, so that it is the same wherever the
/// event is sent.
pub(crate) fn trace_id(event_id: EventId) -> String {
    event_id
        .0
        .simple()
        .encode_lower(&mut [0; DIGITS])
        .to_owned()
}

/// The span of an event: the half of its identifier that is not time.
pub(crate) fn span_id(event_id: EventId) -> String {
    let mut digits = [0; DIGITS];
    let digits = event_id.0.simple().encode_lower(&mut digits);
    digits.get(DIGITS / 2..).unwrap_or_default().to_owned()
}

/// Returns whether `field` takes `text`: the ids of traces and spans are those of W3C Trace Context,
/// level 1, section 3.2.2, lower-case hex digits that are not all zero.
#[inline]
pub(crate) fn is_of_w3c(field: Field, text: &str) -> bool {
    match field {
        Field::TraceId => is_hex::<DIGITS>(text),
        Field::ParentSpanId | Field::SpanId => is_hex::<{ DIGITS / 2 }>(text),
        _ => true,
    }
}

/// Returns whether `text` is `N` lower-case hex digits that are not all zero. All of them are looked
/// at, and of a length that the compiler knows: that takes it a few vectors.
#[inline(never)]
fn is_hex<const N: usize>(text: &str) -> bool {
    let Ok(digits) = <&[u8; N]>::try_from(text.as_bytes()) else {
        return false;
    };
    let (all, any) = digits.iter().fold((true, false), |(all, any), b| {
        let is_digit = b.is_ascii_digit() | matches!(b, b'a'..=b'f');
        (all & is_digit, any | (*b != b'0'))
    });
    all & any
}

fn v7(ids: &dyn Ids, at: Timestamp) -> Uuid {
    let millis = u64::try_from(at.as_unix_micros() / 1_000).unwrap_or(0);
    let [.., a, b, c, d, e, f, g, h, i, j] = ids.unique().to_be_bytes();
    Builder::from_unix_timestamp_millis(millis, &[a, b, c, d, e, f, g, h, i, j]).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_of_version_7() {
        let at = Timestamp::from_unix_micros(1_767_225_600_000_000);
        let ids: HashSet<_> = (0..10_000)
            .map(|_| event_id(&RandomIds::new(), at))
            .collect();
        assert_eq!(ids.len(), 10_000);
        assert!(ids.iter().all(|id| id.0.get_version_num() == 7));
    }

    #[test]
    fn ids_of_traces_and_spans_are_those_of_w3c() {
        for (field, text, expected) in [
            (Field::TraceId, "4bf92f3577b34da6a3ce929d0e0e4736", true),
            (Field::TraceId, "4BF92F3577B34DA6A3CE929D0E0E4736", false),
            (Field::TraceId, "00000000000000000000000000000000", false),
            (Field::TraceId, "00f067aa0ba902b7", false),
            (Field::SpanId, "00f067aa0ba902b7", true),
            (Field::ParentSpanId, "of ada@example.o", false),
            (Field::UserId, "ada", true),
        ] {
            assert_eq!(is_of_w3c(field, text), expected, "{field} {text}");
        }
    }

    #[test]
    fn only_the_written_form_is_read() {
        let id = event_id(&RandomIds::new(), Timestamp::default());
        assert_eq!(id.to_string().parse::<EventId>().unwrap(), id);
        assert!(id.to_string().to_uppercase().parse::<EventId>().is_err());
        assert!(id.to_string().replace('-', "").parse::<EventId>().is_err());
    }
}
