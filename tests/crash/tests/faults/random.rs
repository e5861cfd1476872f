//! Random moments that a seed brings back.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

use crate::number_from_environment;

/// A SplitMix64 generator.
pub(crate) struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    /// Returns the generator of the seed in `LLM_AUDIT_KILL_SEED`, or of a new one.
    pub(crate) fn from_environment() -> Self {
        let new = || RandomState::new().hash_one(0) >> 32;
        let seed = number_from_environment("LLM_AUDIT_KILL_SEED").unwrap_or_else(new);
        Self { seed, state: seed }
    }

    pub(crate) const fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns a duration up to `longest`; short ones are as likely as long ones.
    pub(crate) fn up_to(&mut self, longest: Duration) -> Duration {
        let share = |bits: u64| (bits >> 11) as f64 / (1_u64 << 53) as f64;
        longest.mul_f64(share(self.next()) * share(self.next()))
    }

    const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
