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
    pub(super) fn at(&self, text: &[u8], at: usize) -> Option<Range<usize>> {
        let start = at.checked_sub(self.anchor)?;
        let range = start..start + self.word.len();
        // Most words are told by their first byte.
        let first = self.word.as_bytes().first().zip(byte(text, start));
        first.filter(|(known, byte)| (*known ^ byte) & !0x20 == 0)?;
        let same = text
            .get(range.clone())?
            .eq_ignore_ascii_case(self.word.as_bytes());
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
