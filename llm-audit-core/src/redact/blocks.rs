//! A scan for what begins a check, in blocks of 64 bytes: single bytes, runs of digits, and long
//! runs of the characters that tokens are made of. A text without anything of that is passed at the
//! speed of vector instructions.

use super::bytes::{self, ByteSet};
use super::detectors::Trigger;

const BLOCK: usize = 64;
const WORD: usize = 8;

/// The characters of tokens: those of base64 and base64url (RFC 4648).
pub(super) const TOKEN: ByteSet = ByteSet::ALNUM.and(b"+/-_");
/// Every run of so many characters of tokens is found; some shorter ones are as well. Two words in
/// a row are part of it, wherever it begins.
pub(super) const LONG_RUN: usize = 3 * WORD - 1;

const LANE: usize = 16;

/// Calls `visit` with each trigger and its position, block by block: the first digit of a run, the
/// single bytes, and some position inside of a long run, once or more often. Returns whether
/// `text` holds bytes that disguise others: not of ASCII, `\` or `%`.
pub(super) fn scan(text: &[u8], mut visit: impl FnMut(Trigger, usize)) -> bool {
    let mut state = State {
        text,
        ..State::default()
    };
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
struct State<'t> {
    text: &'t [u8],
    position: usize,
    /// Whether the last byte of the block before is a digit.
    digit_before: u64,
    /// Whether the last word of the block before may have only characters of tokens.
    part_before: u64,
    /// That word.
    last: [u8; WORD],
    is_marked: bool,
}

impl State<'_> {
    #[inline(always)]
    fn block(&mut self, block: &[u8; BLOCK], visit: &mut impl FnMut(Trigger, usize)) {
        let glance = Glance::of(block);
        let full = full_words(glance.parts) << 1 | self.part_before;
        self.part_before = full >> WORD;
        if full & full >> 1 != 0 {
            self.long_runs(block, visit);
        }
        self.last = *block.last_chunk().unwrap_or(&[0; WORD]);
        if glance.may_hold {
            self.look(block, visit);
        } else {
            self.digit_before = 0;
        }
        self.position += BLOCK;
    }

    /// Looks at the triggers of a block.
    #[inline(never)]
    fn look(&mut self, block: &[u8; BLOCK], visit: &mut impl FnMut(Trigger, usize)) {
        let maps = Maps::of(block);
        self.is_marked |= maps.is_marked;
        let digits = in_order(maps.digits);
        let starts = digits & !(digits << 1 | self.digit_before);
        self.digit_before = digits >> (BLOCK - 1);
        let mut found = starts | in_order(maps.singles);
        while found != 0 {
            let offset = found.trailing_zeros() as usize;
            let at = self.position + offset;
            let trigger = match block.get(offset) {
                Some(b'@') => Trigger::At,
                Some(b'~') => Trigger::Tilde,
                Some(b':') => Trigger::Colon,
                _ => match (digits >> offset).trailing_ones() as usize {
                    length if offset + length < BLOCK => Trigger::Digits(length),
                    _ => Trigger::Digits(bytes::digits(self.text, at)),
                },
            };
            visit(trigger, at);
            found &= found - 1;
        }
    }

    /// Looks closer where two words in a row may be part of a long run.
    #[inline(never)]
    fn long_runs(&self, block: &[u8; BLOCK], visit: &mut impl FnMut(Trigger, usize)) {
        let before = self.last.iter().all(|byte| TOKEN.contains(*byte));
        let full = full_words(parts(block)) << 1 | u64::from(before);
        let mut pairs = full & full >> 1;
        while pairs != 0 {
            let word = self.position + pairs.trailing_zeros() as usize * WORD;
            visit(Trigger::LongRun, word - 1);
            pairs &= pairs - 1;
        }
    }
}

/// What of a block is looked at in every text. Prose without values has no more to look at in most
/// of its blocks.
struct Glance {
    /// Characters of tokens, and others that words of prose do not have: a bit for each, see [`join`].
    parts: u64,
    /// Whether some byte may be a trigger, or disguise others.
    may_hold: bool,
}

impl Glance {
    /// Without branches, so that it becomes vector instructions. How far bytes are from those looked
    /// for is kept and not whether they are: the least of two takes one instruction.
    #[inline(always)]
    fn of(block: &[u8; BLOCK]) -> Self {
        let mut parts = [0; LANE];
        let mut from_single = [u8::MAX; LANE];
        let mut from_0 = [u8::MAX; LANE];
        let mut highest = [0; LANE];
        for (lane, bit) in lanes(block) {
            let distances = from_single.iter_mut().zip(&mut from_0);
            let kept = parts.iter_mut().zip(distances).zip(&mut highest);
            for (((parts, (from_single, from_0)), highest), byte) in kept.zip(lane) {
                *parts |= part(*byte, bit);
                let nearest = (byte ^ b'@').min(byte ^ b'\\').min(byte ^ b'%');
                *from_single = nearest.min(*from_single);
                *from_0 = byte.wrapping_sub(b'0').min(*from_0);
                *highest = (*byte).max(*highest);
            }
        }
        let mut least = u8::MAX;
        for ((from_single, from_0), highest) in from_single.iter().zip(from_0).zip(highest) {
            let from_number = from_0.saturating_sub(b':' - b'0');
            let from_tilde = b'~'.saturating_sub(highest);
            least = least.min(*from_single).min(from_number).min(from_tilde);
        }
        Self {
            parts: join(parts),
            may_hold: least == 0,
        }
    }
}

/// Where bytes of some kinds stand in a block, a bit for each byte; see [`join`] for their order.
struct Maps {
    digits: u64,
    singles: u64,
    /// Whether some byte disguises others.
    is_marked: bool,
}

impl Maps {
    /// Without branches, so that it becomes vector instructions.
    #[inline]
    fn of(block: &[u8; BLOCK]) -> Self {
        let mut digits = [0; LANE];
        let mut singles = [0; LANE];
        let mut marks = [0; LANE];
        for (lane, bit) in lanes(block) {
            let maps = digits.iter_mut().zip(&mut singles).zip(&mut marks);
            for (((digits, singles), marks), byte) in maps.zip(lane) {
                let is_mark = (*byte == b'\\') | (*byte == b'%');
                *marks |= *byte | if is_mark { 0xff } else { 0 };
                let is_single = (*byte == b'@') | (*byte == b'~') | (*byte == b':');
                *digits |= if is_digit(*byte) { bit } else { 0 };
                *singles |= if is_single { bit } else { 0 };
            }
        }
        Self {
            digits: join(digits),
            singles: join(singles),
            is_marked: !marks.is_ascii(),
        }
    }
}

/// Returns `bit` where the byte is a character of tokens, or another that words of prose do not have.
#[inline]
const fn part(byte: u8, bit: u8) -> u8 {
    if byte.cast_signed() >= b'+'.cast_signed() {
        bit
    } else {
        0
    }
}

/// Returns where the characters of tokens stand.
#[inline]
fn parts(block: &[u8; BLOCK]) -> u64 {
    let mut parts = [0; LANE];
    for (lane, bit) in lanes(block) {
        for (parts, byte) in parts.iter_mut().zip(lane) {
            let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
            let is_sign = (*byte == b'+') | (*byte == b'/') | (*byte == b'-') | (*byte == b'_');
            let is_part = is_digit(*byte) | is_letter | is_sign;
            *parts |= if is_part { bit } else { 0 };
        }
    }
    join(parts)
}

const fn is_digit(byte: u8) -> bool {
    byte.wrapping_sub(b'0') < 10
}

/// Returns the quarters of a block, each with the bit that its bytes have in a map.
#[inline]
fn lanes(block: &[u8; BLOCK]) -> impl Iterator<Item = (&[u8; LANE], u8)> {
    block.as_chunks().0.iter().zip([1, 4, 16, 64])
}

/// Joins what each quarter of a block has at a place: bit `b` of byte `n` is that of the byte at
/// `8 * b + n`. Bits are put together so in few instructions.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
const fn join(map: [u8; LANE]) -> u64 {
    let map = u128::from_le_bytes(map);
    map as u64 | ((map >> 64) as u64) << 1
}

/// Returns the map with a bit for each byte in the order of the bytes: a matrix of eight by eight
/// bits is turned over.
#[inline]
const fn in_order(map: u64) -> u64 {
    if map == 0 {
        return 0;
    }
    let map = swap(map, 7, 0x00aa_00aa_00aa_00aa);
    let map = swap(map, 14, 0x0000_cccc_0000_cccc);
    swap(map, 28, 0x0000_0000_f0f0_f0f0)
}

/// Swaps the bits at `places` with those so many places above.
#[inline]
const fn swap(map: u64, above: u32, places: u64) -> u64 {
    let differ = (map ^ map >> above) & places;
    map ^ differ ^ differ << above
}

/// Returns a bit for each word that has all its bits in the map.
#[inline]
const fn full_words(map: u64) -> u64 {
    let map = map & map >> 32;
    let map = map & map >> 16;
    map & map >> 8 & 0xff
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(text: &[u8]) -> Vec<(Trigger, usize)> {
        let mut found = Vec::new();
        for (position, byte) in text.iter().enumerate() {
            let after_digit = position > 0 && text[position - 1].is_ascii_digit();
            match byte {
                b'@' => found.push((Trigger::At, position)),
                b'~' => found.push((Trigger::Tilde, position)),
                b':' => found.push((Trigger::Colon, position)),
                b'0'..=b'9' if !after_digit => {
                    let run = text[position..].iter().take_while(|b| b.is_ascii_digit());
                    found.push((Trigger::Digits(run.count()), position));
                }
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
                match trigger {
                    Trigger::LongRun => {}
                    // What is as long as that is long enough.
                    Trigger::Digits(24..) => found.push((Trigger::Digits(24), position)),
                    _ => found.push((trigger, position)),
                }
            });
            let mut expected = naive(&text);
            for (trigger, _) in &mut expected {
                if let Trigger::Digits(length @ 24..) = trigger {
                    *length = 24;
                }
            }
            prop_assert_eq!(found, expected);
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
