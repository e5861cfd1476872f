//! Words that name secrets, as the last part of a name.

use std::ops::Range;

use crate::redact::bytes::{ByteSet, before, byte, run, run_back};

/// A word that names a secret, at the end of an identifier or by itself.
pub(super) struct Word {
    word: &'static str,
    /// How far the anchor stands behind the word's beginning.
    anchor: usize,
    role: Role,
}

#[derive(Clone, Copy)]
enum Role {
    /// The word may end a longer one: `PGPASSWORD`.
    Part,
    /// A letter before it makes another word of it: `compass`.
    Whole,
    /// It counts behind a word that says what it is for: `api_key`.
    OfA,
}

/// Words, by the bytes at an anchor and behind it.
pub(super) struct Words {
    words: &'static [Word],
    /// A bit for each word that has such a byte at its anchor.
    by_first: [u32; KINDS],
    /// The same of the next byte; a word may end before it.
    by_second: [u32; KINDS],
}

/// Bytes are told apart by their lowest bits, in which upper and lower case are the same.
const KINDS: usize = 32;

impl Words {
    /// Indexes at most 32 words.
    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated at compile time, where a wrong index does not compile"
    )]
    pub(super) const fn new(words: &'static [Word]) -> Self {
        let mut by_first = [0; KINDS];
        let mut by_second = [0; KINDS];
        let mut index = 0;
        while index < words.len() {
            let word = words[index].word.as_bytes();
            let anchor = words[index].anchor;
            by_first[word[anchor] as usize % KINDS] |= 1 << index;
            let mut kind = 0;
            while kind < KINDS {
                if anchor + 1 == word.len() || word[anchor + 1] as usize % KINDS == kind {
                    by_second[kind] |= 1 << index;
                }
                kind += 1;
            }
            index += 1;
        }
        Self {
            words,
            by_first,
            by_second,
        }
    }

    /// Returns where the word stands whose anchor is at `at`: the one that reaches furthest.
    #[inline]
    pub(super) fn at(&self, text: &[u8], at: usize) -> Option<Range<usize>> {
        let kind = |at| usize::from(byte(text, at).unwrap_or(0)) % KINDS;
        let first = self.by_first.get(kind(at)).copied().unwrap_or(0);
        let mut candidates = first & self.by_second.get(kind(at + 1)).copied().unwrap_or(0);
        let mut longest: Option<Range<usize>> = None;
        while candidates != 0 {
            let word = self.words.get(candidates.trailing_zeros() as usize);
            if let Some(found) = word.and_then(|word| word.at(text, at))
                && longest.as_ref().is_none_or(|known| known.end <= found.end)
            {
                longest = Some(found);
            }
            candidates &= candidates - 1;
        }
        longest
    }
}

impl Word {
    pub(super) const fn part(word: &'static str, anchor: usize) -> Self {
        let role = Role::Part;
        Self { word, anchor, role }
    }

    pub(super) const fn whole(word: &'static str, anchor: usize) -> Self {
        let role = Role::Whole;
        Self { word, anchor, role }
    }

    pub(super) const fn of_a(word: &'static str, anchor: usize) -> Self {
        let role = Role::OfA;
        Self { word, anchor, role }
    }

    /// Returns where the word stands whose anchor is at `at`.
    fn at(&self, text: &[u8], at: usize) -> Option<Range<usize>> {
        let start = at.checked_sub(self.anchor)?;
        let range = start..start + self.word.len();
        let (word, written) = (self.word.as_bytes(), text.get(range.clone())?);
        // Most words are told by their first byte or their last.
        let ends = word
            .first()
            .zip(written.first())
            .zip(word.last().zip(written.last()));
        ends.filter(|((a, b), (c, d))| ((**a ^ **b) | (**c ^ **d)) & !0x20 == 0)?;
        let same = written.eq_ignore_ascii_case(word);
        let fits = same
            && match self.role {
                Role::Part => true,
                Role::Whole => !before(text, start).is_some_and(|b| b.is_ascii_alphabetic()),
                Role::OfA => is_for_secrets(text, start),
            };
        fits.then_some(range)
    }
}

/// What a key is for, where it is a secret.
const PURPOSES: &[&str] = &[
    "access",
    "account",
    "admin",
    "api",
    "app",
    "application",
    "auth",
    "cipher",
    "client",
    "consumer",
    "crypto",
    "deploy",
    "developer",
    "encryption",
    "geheimer",
    "hmac",
    "integration",
    "jwt",
    "license",
    "llm",
    "master",
    "private",
    "privater",
    "secret",
    "service",
    "session",
    "shared",
    "signing",
    "storage",
    "subscription",
    "webhook",
    "zugangs",
];

/// What may stand before a word behind a purpose: the last letter of one, or what parts words.
pub(super) const PURPOSE_END: ByteSet = {
    let mut set = ByteSet::of(b"_- ");
    let mut rest = PURPOSES;
    while let [purpose, tail @ ..] = rest {
        if let [.., last] = purpose.as_bytes() {
            set = set.and(&[*last, last.to_ascii_uppercase()]);
        }
        rest = tail;
    }
    set
};

fn is_for_secrets(text: &[u8], at: usize) -> bool {
    let end = run_back(text, at, &ByteSet::of(b"_- "), 1);
    let start = run_back(text, end, &ByteSet::ALPHA, 24);
    let word = text.get(start..end).unwrap_or_default();
    let last = word.last().map(u8::to_ascii_lowercase);
    let mut purposes = PURPOSES
        .iter()
        .filter(|purpose| purpose.as_bytes().last() == last.as_ref());
    purposes.any(|purpose| {
        word.len()
            .checked_sub(purpose.len())
            .and_then(|from| word.get(from..))
            .is_some_and(|tail| tail.eq_ignore_ascii_case(purpose.as_bytes()))
    })
}

/// Returns where a name ends whose word ends at `at`: behind the `s` of many, and a number or a word
/// that says no more than that there is a value.
pub(super) fn name_end(text: &[u8], at: usize) -> Option<usize> {
    let at = run(text, at, &ByteSet::of(b"sS"), 1);
    let rest = text.get(at..).unwrap_or_default();
    let tails: &[&[u8]] = match rest {
        [b'_', ..] => &[b"_base", b"_value", b"_text"],
        _ => &[],
    };
    let tail = tails.iter().find(|tail| {
        rest.get(..tail.len())
            .is_some_and(|rest| rest.eq_ignore_ascii_case(tail))
    });
    let end = match tail {
        Some(tail) => at + tail.len(),
        None => {
            let sign = run(text, at, &ByteSet::of(b"_"), 1);
            let digits = run(text, sign, &ByteSet::DIGIT, 3);
            if digits > sign { digits } else { at }
        }
    };
    let goes_on = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let dashed = byte(text, end) == Some(b'-')
        && byte(text, end + 1).is_some_and(|b| b.is_ascii_alphabetic());
    (!dashed && !byte(text, end).is_some_and(goes_on)).then_some(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIST: &[Word] = &[
        Word::part("ab", 0),
        Word::part("abc", 0),
        Word::whole("bab", 1),
        Word::part("cé", 0),
        Word::part("b", 0),
    ];

    proptest! {
        #[test]
        fn the_word_that_reaches_furthest_is_found(text in "[abcABCé ]{0,12}") {
            static WORDS: Words = Words::new(LIST);
            let text = text.as_bytes();
            for at in 0..text.len() {
                let found = LIST.iter().filter_map(|word| word.at(text, at));
                prop_assert_eq!(WORDS.at(text, at), found.max_by_key(|word| word.end));
            }
        }
    }
}
