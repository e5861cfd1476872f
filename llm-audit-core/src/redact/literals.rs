//! A search for many literals at once, by their first three bytes.
//!
//! Each position of the text costs a multiplication and a look into a table of 16 KiB, however many
//! literals there are; upper and lower case fall together. Positions that the table knows are
//! compared with the literals that begin so.

const BITS: u32 = 14;
const SIZE: usize = 1 << BITS;
const WORD: usize = 8;
/// Turns capitals into small letters; other bytes stay apart well enough.
const FOLD: u64 = u64::from_ne_bytes([0x20; 8]);
/// The golden ratio in 32 bits: neighbours fall far apart.
const SPREAD: u32 = 0x9e37_79b9;

/// Literals with a value each.
pub(super) struct Literals<T> {
    /// The bucket of each hash, from 1; 0 where no literal begins so.
    table: Box<[u8; SIZE]>,
    literals: Vec<Vec<(&'static str, T)>>,
}

impl<T> Literals<T> {
    pub(super) fn new(literals: impl Iterator<Item = (&'static str, T)>) -> Self {
        let mut table = Box::new([0; SIZE]);
        let mut buckets: Vec<Vec<(&'static str, T)>> = Vec::new();
        for (literal, value) in literals {
            let mut first = [0; WORD];
            for (to, from) in first.iter_mut().zip(literal.bytes()) {
                *to = from;
            }
            let hash = hash(u64::from_le_bytes(first) | FOLD);
            let Some(slot) = table.get_mut(hash) else {
                continue;
            };
            if *slot == 0 {
                // Beyond 255 buckets some are shared; the comparison tells their literals apart.
                *slot = u8::try_from(buckets.len() % 255 + 1).unwrap_or(1);
            }
            let bucket = usize::from(*slot) - 1;
            match buckets.get_mut(bucket) {
                Some(bucket) => bucket.push((literal, value)),
                None => buckets.push(vec![(literal, value)]),
            }
        }
        Self {
            table,
            literals: buckets,
        }
    }

    /// Calls `visit` for each literal at each of its positions.
    #[inline]
    pub(super) fn scan(&self, text: &[u8], mut visit: impl FnMut(&T, usize)) {
        if self.literals.is_empty() {
            return;
        }
        let (words, tail) = text.as_chunks::<WORD>();
        let mut last = [0; WORD];
        for (to, from) in last.iter_mut().zip(tail) {
            *to = *from;
        }
        let mut words = words.iter().chain(std::iter::once(&last));
        let Some(first) = words.next() else {
            return;
        };
        let mut word = u64::from_le_bytes(*first) | FOLD;
        let mut position = 0;
        for next in words {
            let next = u64::from_le_bytes(*next) | FOLD;
            self.word(text, word, next, position, &mut visit);
            word = next;
            position += WORD;
        }
        self.word(text, word, FOLD, position, &mut visit);
    }

    #[inline]
    fn word(
        &self,
        text: &[u8],
        word: u64,
        next: u64,
        position: usize,
        visit: &mut impl FnMut(&T, usize),
    ) {
        let buckets = self.buckets(word, next);
        // A fold stays in registers, where the bytes as one integer would go through memory.
        if buckets.iter().fold(0, |any, bucket| any | bucket) != 0 {
            self.compare(text, word, next, position, visit);
        }
    }

    /// Returns the buckets of the eight positions of `word`.
    #[inline]
    fn buckets(&self, word: u64, next: u64) -> [u8; WORD] {
        [
            self.bucket(word),
            self.bucket(word >> 8),
            self.bucket(word >> 16),
            self.bucket(word >> 24),
            self.bucket(word >> 32),
            self.bucket(word >> 40),
            self.bucket(word >> 48 | next << 16),
            self.bucket(word >> 56 | next << 8),
        ]
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a hash has BITS bits")]
    fn bucket(&self, bytes: u64) -> u8 {
        self.table[hash(bytes)]
    }

    /// Looks closer where the table knows one of eight positions. Out of line, so that the loop over
    /// the words stays in registers.
    #[inline(never)]
    fn compare(
        &self,
        text: &[u8],
        word: u64,
        next: u64,
        position: usize,
        visit: &mut impl FnMut(&T, usize),
    ) {
        for (at, bucket) in (position..).zip(self.buckets(word, next)) {
            let Some(bucket) = usize::from(bucket).checked_sub(1) else {
                continue;
            };
            let rest = text.get(at..).unwrap_or_default();
            for (literal, value) in self.literals.get(bucket).into_iter().flatten() {
                if rest.starts_with(literal.as_bytes()) {
                    visit(value, at);
                }
            }
        }
    }
}

/// Hashes the lowest three bytes.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the low bytes are meant")]
const fn hash(bytes: u64) -> usize {
    (((bytes as u32) << 8).wrapping_mul(SPREAD) >> (32 - BITS)) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LITERALS: [&str; 7] = ["abc", "abcd", "ABC", "b-c", "_ab", "cab", "aaa"];

    proptest! {
        #[test]
        fn literals_are_found_where_a_plain_search_finds_them(text in "[abcABC_-]{0,60}") {
            let literals = Literals::new(LITERALS.into_iter().zip(LITERALS));
            let mut found = Vec::new();
            literals.scan(text.as_bytes(), |literal, at| found.push((at, *literal)));
            found.sort_unstable();
            let mut expected: Vec<_> = LITERALS
                .iter()
                .flat_map(|literal| {
                    let rest = |at: &usize| text[*at..].starts_with(literal);
                    let found: Vec<_> = (0..text.len()).filter(rest).map(|at| (at, *literal)).collect();
                    found
                })
                .collect();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn more_literals_than_buckets_are_all_found() {
        let names: Vec<&'static str> = (0..700).map(|n| &*format!("{n:03}x").leak()).collect();
        let literals = Literals::new(names.iter().map(|name| (*name, *name)));
        for name in names {
            let mut found = Vec::new();
            literals.scan(name.as_bytes(), |literal, _| found.push(*literal));
            assert_eq!(found, [name]);
        }
    }
}
