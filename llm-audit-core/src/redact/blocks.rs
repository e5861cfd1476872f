//! A scan for single bytes that begin a check, eight bytes at a time within blocks of 32.
//!
//! Text without any such byte is passed at the speed of the block test, which the compiler turns
//! into vector instructions.

use super::detectors::Trigger;

const BLOCK: usize = 32;
const WORD: usize = 8;
const ONES: u64 = u64::from_ne_bytes([1; 8]);
const LOW: u64 = ONES * 0x7f;
const HIGH: u64 = ONES * 0x80;

/// Calls `visit` with each trigger and its position, in the order of the text.
pub(super) fn scan(text: &[u8], mut visit: impl FnMut(Trigger, usize)) {
    let mut digit_before = false;
    let mut position = 0;
    let (blocks, tail) = text.as_chunks::<BLOCK>();
    for block in blocks {
        if holds_trigger(block) {
            for word in block.as_chunks::<WORD>().0 {
                digit_before = scan_word(
                    u64::from_le_bytes(*word),
                    position,
                    digit_before,
                    &mut visit,
                );
                position += WORD;
            }
        } else {
            digit_before = false;
            position += BLOCK;
        }
    }
    let (words, rest) = tail.as_chunks::<WORD>();
    for word in words {
        digit_before = scan_word(
            u64::from_le_bytes(*word),
            position,
            digit_before,
            &mut visit,
        );
        position += WORD;
    }
    let mut last = [0; WORD];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    scan_word(u64::from_le_bytes(last), position, digit_before, &mut visit);
}

#[inline]
fn holds_trigger(block: &[u8; BLOCK]) -> bool {
    block.iter().fold(0_u8, |found, byte| {
        found
            | u8::from(*byte == b'@')
            | u8::from(*byte == b'~')
            | u8::from(*byte == b'K')
            | u8::from(byte.wrapping_sub(b'0') < 10)
    }) != 0
}

/// Visits the triggers of a word and returns whether it ends with a digit.
#[inline]
fn scan_word(
    word: u64,
    position: usize,
    digit_before: bool,
    visit: &mut impl FnMut(Trigger, usize),
) -> bool {
    let digits = digits(word);
    let starts = digits & !(digits << 8 | u64::from(digit_before) << 7);
    let single = equal(word, b'@') | equal(word, b'~') | equal(word, b'K');
    let mut found = starts | single;
    while found != 0 {
        let offset = found.trailing_zeros() / 8;
        let trigger = match word.to_le_bytes().get(offset as usize) {
            Some(b'@') => Trigger::At,
            Some(b'~') => Trigger::Tilde,
            Some(b'K') => Trigger::CapitalK,
            _ => Trigger::Digits,
        };
        visit(trigger, position + offset as usize);
        found &= found - 1;
    }
    digits >> 63 != 0
}

/// Sets the high bit of every byte that is `byte`; exact, no carry crosses a byte.
const fn equal(word: u64, byte: u8) -> u64 {
    let difference = word ^ (ONES * byte as u64);
    !(((difference & LOW) + LOW) | difference) & HIGH
}

/// Sets the high bit of every byte that is a digit; exact, no carry crosses a byte.
const fn digits(word: u64) -> u64 {
    let low = word & LOW;
    let from_0 = low + ONES * (0x80 - b'0' as u64);
    let past_9 = low + ONES * (0x80 - (b'9' + 1) as u64);
    from_0 & !past_9 & !word & HIGH
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
                b'K' => found.push((Trigger::CapitalK as u8, position)),
                b'0'..=b'9' if !after_digit => found.push((Trigger::Digits as u8, position)),
                _ => {}
            }
        }
        found
    }

    proptest! {
        #[test]
        fn triggers_are_those_of_a_loop_over_the_bytes(
            text in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"@~K0189/:a".to_vec())], 0..200)
        ) {
            let mut found = Vec::new();
            scan(&text, |trigger, position| found.push((trigger as u8, position)));
            prop_assert_eq!(found, naive(&text));
        }
    }
}
