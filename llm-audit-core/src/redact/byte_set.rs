//! Sets of bytes.

/// A set of bytes.
#[derive(Clone, Copy)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    pub(super) const DIGIT: Self = Self::of(b"0123456789");
    pub(super) const HEX: Self = Self::DIGIT.and(b"abcdefABCDEF");
    pub(super) const LOWER_HEX: Self = Self::DIGIT.and(b"abcdef");
    pub(super) const UPPER: Self = Self::of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    pub(super) const ALPHA: Self = Self::UPPER.and(b"abcdefghijklmnopqrstuvwxyz");
    pub(super) const ALNUM: Self = Self::ALPHA.and(b"0123456789");
    pub(super) const WORD: Self = Self::ALNUM.and(b"_");
    /// Base32 (RFC 4648, section 6).
    pub(super) const BASE32: Self = Self::UPPER.and(b"234567");
    /// Base64 (RFC 4648, section 4), without the padding.
    pub(super) const BASE64: Self = Self::ALNUM.and(b"+/");
    /// Base64url (RFC 4648, section 5).
    pub(super) const BASE64URL: Self = Self::ALNUM.and(b"-_");
    /// `token68` of RFC 9110, section 11.2, without the padding.
    pub(super) const TOKEN68: Self = Self::ALNUM.and(b"-._~+/");
    /// Base64 with the percent encoding of a query (RFC 3986).
    pub(super) const QUERY: Self = Self::ALNUM.and(b"%+/-_");

    pub(super) const ANY: Self = Self([u64::MAX; 4]);

    pub(super) const fn of(bytes: &[u8]) -> Self {
        Self([0; 4]).and(bytes)
    }

    /// What may stand before a word: no letter or digit, but for those that end an escape.
    pub(super) const BOUNDARY: Self = Self::ALNUM.inverted().and(b"0123456789abcdefABCDEFnrt");

    /// Returns the set of all other bytes.
    pub(super) const fn inverted(self) -> Self {
        let [a, b, c, d] = self.0;
        Self([!a, !b, !c, !d])
    }

    /// Returns the set of the bytes of both.
    pub(super) fn or(self, other: Self) -> Self {
        let mut all = self;
        for (own, other) in all.0.iter_mut().zip(other.0) {
            *own |= other;
        }
        all
    }

    /// Returns whether `other` has every byte of this set.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0
            .iter()
            .zip(other.0)
            .all(|(own, other)| own & !other == 0)
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the position is below the length, and a byte has four groups of 64"
    )]
    pub(super) const fn and(mut self, bytes: &[u8]) -> Self {
        let mut position = 0;
        while position < bytes.len() {
            let byte = bytes[position];
            self.0[(byte >> 6) as usize] |= 1 << (byte & 63);
            position += 1;
        }
        self
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a byte has four groups of 64")]
    pub(super) const fn contains(&self, byte: u8) -> bool {
        self.0[(byte >> 6) as usize] & (1 << (byte & 63)) != 0
    }
}
