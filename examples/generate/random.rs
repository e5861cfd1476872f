//! Numbers that the seed decides.

#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    /// A number, by SplitMix64.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from `from` to before `to`.
    pub(crate) fn within(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from).max(1)
    }

    /// A number from 0 to before 1.
    pub(crate) fn share(&mut self) -> f64 {
        self.within(0, 10_000) as f64 / 10_000.0
    }

    /// Whether something happens that does once in `n` times.
    pub(crate) fn once_in(&mut self, n: u64) -> bool {
        self.within(0, n) == 0
    }

    /// One of `choices`, the first ones far more often.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        let share = self.share();
        let place = share * share * choices.len() as f64;
        choices.get(place as usize)
    }

    /// One of `words`, the first ones far more often.
    pub(crate) fn word(&mut self, words: &[&'static str]) -> &'static str {
        self.pick(words).copied().unwrap_or_default()
    }
}
