//! How much of a facet is kept.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::facet::Facet;

/// How much of a facet is kept; a higher level keeps more.
///
/// Layers of a policy combine by minimum, so a level can only fall on the way to the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Level {
    /// Nothing is kept, and the value is not even copied.
    #[default]
    Off,
    /// Size and keyed digest: equal values stay linkable, nothing can be read.
    Digest,
    /// Text in which the redactor has replaced personal data and secrets.
    Redacted,
    /// The value as it is, save for secrets.
    Full,
}

impl Level {
    /// Every level, lowest first.
    pub const ALL: &'static [Self] = &[Self::Off, Self::Digest, Self::Redacted, Self::Full];

    /// Returns the level's name in files and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Digest => "digest",
            Self::Redacted => "redacted",
            Self::Full => "full",
        }
    }

    const fn from_bits(bits: u64) -> Self {
        match bits & 0b11 {
            0 => Self::Off,
            1 => Self::Digest,
            2 => Self::Redacted,
            _ => Self::Full,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Level {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL
            .iter()
            .copied()
            .find(|level| level.name() == name)
            .ok_or_else(|| {
                Error::policy(format!(
                    "unknown level `{name}`; the levels are off, digest, redacted, full"
                ))
            })
    }
}

/// One level for each facet, in 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Levels(u64);

/// The low bit of every lane.
const LOW: u64 = u64::MAX / 3;

impl Levels {
    /// Every facet at [`Level::Off`].
    pub const OFF: Self = Self(0);

    /// Every facet at [`Level::Full`]: the neutral element of [`Levels::min`].
    pub const FULL: Self = Self(u64::MAX >> (64 - 2 * Facet::ALL.len()));

    /// Returns the level of `facet`.
    pub const fn get(self, facet: Facet) -> Level {
        Level::from_bits(self.0 >> (2 * facet.index()))
    }

    /// Returns these levels with `facet` at `level`.
    #[must_use]
    pub const fn with(self, facet: Facet, level: Level) -> Self {
        let shift = 2 * facet.index();
        Self(self.0 & !(0b11 << shift) | ((level as u64) << shift))
    }

    /// Returns the lower level of both, facet by facet.
    ///
    /// # Examples
    ///
    /// ```
    /// use llm_audit_core::{Facet, Level, Levels};
    ///
    /// let process = Levels::FULL.with(Facet::Prompt, Level::Redacted);
    /// let tenant = Levels::FULL.with(Facet::User, Level::Off);
    /// let both = process.min(tenant);
    /// assert_eq!(both.get(Facet::Prompt), Level::Redacted);
    /// assert_eq!(both.get(Facet::User), Level::Off);
    /// ```
    #[must_use]
    pub const fn min(self, other: Self) -> Self {
        // All lanes at once, as this runs for every event. The high bits decide; where they are
        // equal the low bits do, else the low bit of the side whose high bit is clear stays.
        let (a, b) = (self.0, other.0);
        let (high_a, high_b) = (a >> 1 & LOW, b >> 1 & LOW);
        let low = a & b & !(high_a ^ high_b) | a & !high_a & high_b | b & high_a & !high_b;
        Self((high_a & high_b) << 1 | low & LOW)
    }

    /// Returns whether every facet is off.
    pub const fn is_off(self) -> bool {
        self.0 == 0
    }

    /// Returns each facet with its level, in the order of the catalogue.
    pub fn iter(self) -> impl Iterator<Item = (Facet, Level)> {
        Facet::ALL
            .iter()
            .map(move |facet| (*facet, self.get(*facet)))
    }
}

impl fmt::Debug for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = self.iter().filter(|(_, level)| *level > Level::Off);
        f.debug_map()
            .entries(on.map(|(facet, level)| (facet.name(), level)))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_keep_each_facet_apart() {
        for facet in Facet::ALL {
            let levels = Levels::OFF.with(*facet, Level::Full);
            for other in Facet::ALL {
                let expected = if other == facet {
                    Level::Full
                } else {
                    Level::Off
                };
                assert_eq!(levels.get(*other), expected);
            }
            assert_eq!(Levels::FULL.get(*facet), Level::Full);
            assert_eq!(
                Levels::FULL.with(*facet, Level::Digest).get(*facet),
                Level::Digest
            );
        }
    }
    #[test]
    fn the_minimum_is_that_of_each_facet() {
        // Every pair of levels stands beside every other pair, so a lane that runs over shows.
        for shift in 0..16 {
            let mut levels = [Levels::OFF; 2];
            for (index, facet) in Facet::ALL.iter().enumerate() {
                let pair = index + shift;
                levels[0] = levels[0].with(*facet, Level::ALL[pair % 4]);
                levels[1] = levels[1].with(*facet, Level::ALL[pair / 4 % 4]);
            }
            let [a, b] = levels;
            for facet in Facet::ALL {
                assert_eq!(
                    a.min(b).get(*facet),
                    a.get(*facet).min(b.get(*facet)),
                    "{facet}"
                );
            }
            assert_eq!(a.min(Levels::FULL), a);
            assert_eq!(a.min(Levels::OFF), Levels::OFF);
        }
    }
}
