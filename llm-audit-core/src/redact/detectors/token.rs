//! Tokens that begin with a published prefix.

use std::ops::Range;

use crate::redact::blocks::{LONG_RUN, TOKEN};
use crate::redact::bytes::{ByteSet, Mix, byte, in_word, is_placeholder, run};
use crate::redact::literals::{Literal, starts_with};

/// A prefix and the form of what follows it.
#[derive(Clone, Copy)]
pub(crate) struct Token {
    pub(crate) prefix: &'static str,
    body: ByteSet,
    min: usize,
    max: usize,
    check: fn(&[u8]) -> bool,
}

impl Token {
    /// A body of at least `min` characters, of mixed kinds. A body longer than 512 is
    /// some other text.
    pub(super) const fn new(prefix: &'static str, body: ByteSet, min: usize) -> Self {
        Self {
            prefix,
            body,
            min,
            max: 512,
            check: mixed,
        }
    }

    /// A body of exactly `length` characters.
    pub(super) const fn exact(prefix: &'static str, body: ByteSet, length: usize) -> Self {
        Self {
            prefix,
            body,
            min: length,
            max: length,
            check: any,
        }
    }

    /// The token with another check of its body.
    pub(super) const fn checked(mut self, check: fn(&[u8]) -> bool) -> Self {
        self.check = check;
        self
    }

    /// Returns whether every such token lies within a long run.
    pub(crate) fn fills_long_run(&self) -> bool {
        let parts = self.prefix.bytes().all(|b| TOKEN.contains(b)) && self.body.is_within(&TOKEN);
        parts && self.prefix.len() + self.min >= LONG_RUN
    }

    /// Returns the prefix with what may stand beside it.
    pub(crate) fn literal(&self) -> Literal {
        Literal::new(self.prefix, (ByteSet::BOUNDARY, self.body))
    }

    /// Returns the token that begins at `at`.
    #[inline]
    pub(crate) fn at(&self, text: &[u8], at: usize) -> Option<Range<usize>> {
        let rest = text.get(at..)?;
        if !starts_with(rest, self.prefix.as_bytes()) || in_word(text, at) {
            return None;
        }
        self.body(text, at)
    }

    #[inline(never)]
    fn body(&self, text: &[u8], at: usize) -> Option<Range<usize>> {
        let start = at + self.prefix.len();
        let mut end = run(text, start, &self.body, self.max + 1);
        if end - start > self.max
            || byte(text, end).is_some_and(|next| next.is_ascii_alphanumeric())
        {
            return None;
        }
        // Full stops and dashes behind a token are the sentence's.
        while end > start + self.min && matches!(byte(text, end - 1), Some(b'.' | b'-')) {
            end -= 1;
        }
        let body = text.get(start..end)?;
        (body.len() >= self.min && !is_placeholder(body) && (self.check)(body)).then_some(at..end)
    }
}

pub(super) fn any(_: &[u8]) -> bool {
    true
}

/// Letters and digits, or capitals among small letters: some short bodies have no digit.
pub(super) fn mixed(body: &[u8]) -> bool {
    let mix = Mix::of(body);
    mix.has_letters_and_digits() || (mix.upper >= 3 && mix.lower >= 3)
}
