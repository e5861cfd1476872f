//! A scan for what begins a check, in blocks of 64 bytes: single bytes, runs of digits, and long
//! runs of the characters that tokens are made of.
//!
//! The compiler turns the test of a block into vector instructions; a text without anything of
//! that is passed at its speed.

use super::bytes::ByteSet;
use super::detectors::Trigger;

const BLOCK: usize = 64;
const WORD: usize = 8;

/// The characters of tokens: those of base64 and base64url (RFC 4648).
pub(super) const TOKEN: ByteSet = ByteSet::ALNUM.and(b"+/-_");
/// Every run of so many characters of tokens is found; some shorter ones are as well. Two words in
/// a row are part of it, wherever it begins.
pub(super) const LONG_RUN: usize = 3 * WORD - 1;

const DIGIT: u8 = 1;
const SINGLE: u8 = 2;
const PART: u8 = 4;
const MARK: u8 = 8;

const ONES: u64 = u64::from_ne_bytes([1; WORD]);
const PARTS: u64 = ONES * PART as u64;

/// Calls `visit` with each trigger and its position, block by block: the first digit of a run, the
/// single bytes, and some position inside of a long run, once or more often. Returns whether
/// `text` holds bytes that disguise others: not of ASCII, `\` or `%`.
pub(super) fn scan(text: &[u8], mut visit: impl FnMut(Trigger, usize)) -> bool {
    let mut state = State::default();
    let (blocks, tail) = text.as_chunks::<BLOCK>();
    for block in blocks {
        state.block(block, &mut visit);
    }
    if !tail.is_empty() {
        let mut last = [0; BLOCK];
        if let Some(head) = last.get_mut(..tail.len()) {
            head.copy_from_slice(tail);
        }
        state.block(&last, &mut visit);
    }
    state.is_marked
}

#[derive(Default)]
struct State {
    position: usize,
    is_marked: bool,
    /// Whether the last byte of the block before is a digit.
    digit_before: bool,
    /// Whether the last word of the block before has only characters of tokens.
    part_before: bool,
}

impl State {
    #[inline]
    fn block(&mut self, block: &[u8; BLOCK], visit: &mut impl FnMut(Trigger, usize)) {
        let mut kinds = [0_u8; BLOCK];
        let mut any = 0;
        for (to, byte) in kinds.iter_mut().zip(block) {
            *to = kinds_of(*byte);
            any |= *to;
        }
        self.is_marked |= any & MARK != 0;
        let words = kinds.as_chunks::<WORD>().0;
        let mut full = u16::from(self.part_before);
        for (index, word) in words.iter().enumerate() {
            let is_full = u64::from_ne_bytes(*word) & PARTS == PARTS;
            full |= u16::from(is_full) << (index + 1);
        }
        self.part_before = full >> WORD != 0;
        let mut pairs = full & full >> 1;
        while pairs != 0 {
            let word = self.position + pairs.trailing_zeros() as usize * WORD;
            visit(Trigger::LongRun, word - 1);
            pairs &= pairs - 1;
        }
        if any & (DIGIT | SINGLE) != 0 {
            let digits = mask(words, DIGIT);
            let starts = digits & !(digits << 1 | u64::from(self.digit_before));
            self.digit_before = digits >> (BLOCK - 1) != 0;
            let mut found = starts | mask(words, SINGLE);
            while found != 0 {
                let offset = found.trailing_zeros() as usize;
                let trigger = match block.get(offset) {
                    Some(b'@') => Trigger::At,
                    Some(b'~') => Trigger::Tilde,
                    Some(b':') => Trigger::Colon,
                    _ => Trigger::Digits,
                };
                visit(trigger, self.position + offset);
                found &= found - 1;
            }
        } else {
            self.digit_before = false;
        }
        self.position += BLOCK;
    }
}

/// Without branches, so that it becomes vector instructions.
#[inline]
fn kinds_of(byte: u8) -> u8 {
    let is_digit = byte.wrapping_sub(b'0') < 10;
    let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    let is_sign = (byte == b'+') | (byte == b'/') | (byte == b'-') | (byte == b'_');
    let is_mark = (byte >= 0x80) | (byte == b'\\') | (byte == b'%');
    let kind = |is: bool, kind: u8| if is { kind } else { 0 };
    kind(is_digit, DIGIT)
        | kind((byte == b'@') | (byte == b'~') | (byte == b':'), SINGLE)
        | kind(is_digit | is_letter | is_sign, PART)
        | kind(is_mark, MARK)
}

/// Returns a bit for each byte that is of `kind`.
#[inline]
fn mask(words: &[[u8; WORD]], kind: u8) -> u64 {
    /// Brings the lowest bit of each byte into the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let shift = kind.trailing_zeros();
    words.iter().rev().fold(0, |mask, word| {
        let bits = u64::from_le_bytes(*word) >> shift & ONES;
        mask << WORD | bits.wrapping_mul(GATHER) >> (BLOCK - WORD)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(text: &[u8]) -> Vec<(u8, usize)> {
        let mut found = Vec::new();
        for (position, byte) in text.iter().enumerate() {
            let after_digit = position > 0 && text[position - 1].is_ascii_digit();
            match byte {
                b'@' => found.push((Trigger::At as u8, position)),
                b'~' => found.push((Trigger::Tilde as u8, position)),
                b':' => found.push((Trigger::Colon as u8, position)),
                b'0'..=b'9' if !after_digit => found.push((Trigger::Digits as u8, position)),
                _ => {}
            }
        }
        found
    }

    proptest! {
        #[test]
        fn triggers_are_those_of_a_loop_over_the_bytes(
            text in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"@~K0189/:a".to_vec())], 0..300)
        ) {
            let mut found = Vec::new();
            scan(&text, |trigger, position| {
                if !matches!(trigger, Trigger::LongRun) {
                    found.push((trigger as u8, position));
                }
            });
            prop_assert_eq!(found, naive(&text));
        }

        #[test]
        fn every_long_run_is_met_and_no_short_one(
            parts in prop::collection::vec(("[ -~é]{0,3}", "[A-Za-z0-9+/_-]{0,60}"), 0..12)
        ) {
            let text: String = parts.iter().map(|(a, b)| format!("{a}{b}")).collect();
            let text = text.as_bytes();
            let mut met = vec![false; text.len()];
            scan(text, |trigger, position| {
                if matches!(trigger, Trigger::LongRun) {
                    met[position] = true;
                }
            });
            let mut start = 0;
            for part in text.split(|byte| !TOKEN.contains(*byte)) {
                let count = met[start..start + part.len()].iter().filter(|met| **met).count();
                prop_assert!(part.len() < LONG_RUN || count > 0);
                prop_assert!(part.len() >= 2 * WORD || count == 0);
                start += part.len() + 1;
            }
        }

        #[test]
        fn marks_are_seen_wherever_they_stand(text in "[a-z ]{0,200}", mark in "[é\\\\%]?", at in 0_usize..200) {
            let mut text = text;
            text.insert_str(at.min(text.len()), &mark);
            prop_assert_eq!(scan(text.as_bytes(), |_, _| {}), !mark.is_empty());
        }
    }
}
