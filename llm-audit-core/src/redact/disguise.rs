//! Whether a text may have characters or escapes that stand for others: most have none, and need no
//! view of what they spell.

use memchr::memchr2_iter;

use super::bytes::byte;
use super::fold::hex;

const BLOCK: usize = 32;
const LARGE: usize = 4 * BLOCK;

/// Returns whether `text` may have a character or an escape that folds.
pub(super) fn is_marked(text: &[u8]) -> bool {
    memchr2_iter(b'\\', b'%', text).any(|at| is_escape(text, at))
        || (!text.is_ascii() && has_disguise(text))
}

/// Quotes and line ends behind a backslash are no mark: the detectors know them.
fn is_escape(text: &[u8], at: usize) -> bool {
    match text.get(at..).unwrap_or_default() {
        [b'\\', b'u', ..] => hex(text, at + 2, 4).is_some(),
        [b'\\', b'x', ..] | [b'%', ..] => {
            let at = if byte(text, at) == Some(b'%') {
                at
            } else {
                at + 1
            };
            hex(text, at + 1, 2).is_some()
        }
        _ => false,
    }
}

/// Returns whether a character of `text` may fold.
fn has_disguise(text: &[u8]) -> bool {
    let mut rest = text;
    // Where there is no other letter for long, that costs a tenth.
    while let Some((large, _)) = rest.split_first_chunk::<{ LARGE + 2 }>() {
        let plain = large.get(..LARGE).is_some_and(<[u8]>::is_ascii);
        if !plain && blocks_have_disguise(large) {
            return true;
        }
        rest = rest.get(LARGE..).unwrap_or_default();
    }
    if blocks_have_disguise(rest) {
        return true;
    }
    let behind = rest.len().saturating_sub(2) / BLOCK * BLOCK;
    let rest = rest.get(behind..).unwrap_or_default();
    let mut last = [0; BLOCK + 2];
    if let Some(head) = last.get_mut(..rest.len()) {
        head.copy_from_slice(rest);
    }
    !rest.is_ascii() && block_has_disguise(&last)
}

/// Returns whether a character may fold that begins in one of the whole blocks of `text`, each of
/// which has two bytes behind it.
fn blocks_have_disguise(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some((block, _)) = rest.split_first_chunk::<{ BLOCK + 2 }>() {
        let bits = block.iter().take(BLOCK).fold(0, |bits, byte| bits | byte);
        if !bits.is_ascii() && block_has_disguise(block) {
            return true;
        }
        rest = rest.get(BLOCK..).unwrap_or_default();
    }
    false
}

/// Looks at 32 positions at a time, which the compiler turns into vector instructions.
#[inline]
fn block_has_disguise(block: &[u8; BLOCK + 2]) -> bool {
    let [_, second @ ..] = block;
    let [_, third @ ..] = second;
    let any = |is_found: fn(u8, u8, u8) -> bool| {
        let triples = block.iter().zip(second).zip(third);
        let found = triples.fold(0, |found, ((first, second), third)| {
            found | u8::from(is_found(*first, *second, *third))
        });
        found != 0
    };
    any(may_be_disguise) && any(is_disguise)
}

/// Returns whether [`is_disguise`] may hold, in a third of its instructions: of letters, quotation
/// marks and dashes of most scripts it does not.
#[inline]
const fn may_be_disguise(first: u8, second: u8, third: u8) -> bool {
    let space = (second == 0x80)
        & ((third.wrapping_sub(0x80) < 0x14) | (third == 0xa4) | (third.wrapping_sub(0xaa) < 6));
    let pair = second | 1;
    let sign = (second == 0x81) | (second == 0x88) | (pair == 0x85) | (pair == 0x93);
    (first == 0xe2) & (space | sign)
        | (first == 0xe3) & (second == 0x80) & (third == 0x80)
        | (first == 0xc2) & ((second == 0xa0) | (second == 0xad))
        | (first == 0xcd)
        | (first == 0xd9)
        | (first == 0xdb)
        | ((first | 1) == 0xe1)
        | (first == 0xef)
        | (first == 0xf0) & (second == 0x9d)
        | (first == 0xf3)
}

/// Returns whether a character that begins with these bytes in UTF-8 may fold.
#[inline]
const fn is_disguise(first: u8, second: u8, third: u8) -> bool {
    // Without branches, so that it becomes vector instructions.
    let two = (first == 0xc2) & ((second == 0xa0) | (second == 0xad))
        | (first == 0xcd) & (second == 0x8f)
        | (first == 0xd9) & (second.wrapping_sub(0xa0) < 10)
        | (first == 0xdb) & (second.wrapping_sub(0xb0) < 10);
    let general = (second == 0x80)
        & ((third.wrapping_sub(0x80) < 0x14) | (third == 0xa4) | (third.wrapping_sub(0xaa) < 6))
        | (second == 0x81) & ((third == 0x9f) | (third >= 0xa0) | (third == 0x83))
        | (second == 0x88) & (third == 0x92);
    let full_width = (second == 0xbc) | (second == 0xbd) & (third < 0x9f);
    let three = (first == 0xe2) & general
        | (first == 0xef) & (full_width | (second == 0xb9) | (second == 0xbb) & (third == 0xbf))
        | (first == 0xe3) & (second == 0x80) & (third == 0x80)
        | (first == 0xe1)
            & ((second == 0x9a) & (third == 0x80) | (second == 0xa0) & (third == 0x8e))
        // Of the signs among the letters, `℃`, `№` and `™` are frequent.
        | (first == 0xe2)
            & ((second == 0x84) & (third != 0x83) & (third != 0x96) & (third != 0xa2)
                | (second == 0x85) & (third.wrapping_sub(0x85) < 5)
                | (second == 0x92) & (third >= 0xb6)
                | (second == 0x93) & (third < 0xaa))
        | (first == 0xe0)
            & (((second == 0xa5) | (second == 0xa7) | (second == 0xaf)) & (third >= 0xa6)
                | (second == 0xb9) & (third >= 0x90) & (third < 0x9a));
    let four = (first == 0xf0) & (second == 0x9d) & (third.wrapping_sub(0x90) < 0x10)
        | (first == 0xf3) & (second == 0xa0) & (third.wrapping_sub(0x80) < 2);
    two | three | four
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_a_disguise_may_be_one() {
        for first in 0x80..=u8::MAX {
            for second in 0x80..=0xbf {
                for third in [b'a'].into_iter().chain(0x80..=0xbf) {
                    assert!(
                        !is_disguise(first, second, third) || may_be_disguise(first, second, third),
                        "{first:x} {second:x} {third:x}"
                    );
                }
            }
        }
    }

    fn naive(text: &str) -> bool {
        let at = |at: usize| text.as_bytes().get(at).copied().unwrap_or(0);
        (0..text.len()).any(|first| is_disguise(at(first), at(first + 1), at(first + 2)))
    }

    #[test]
    fn characters_over_a_border_of_blocks_are_whole() {
        for first in ["", "é"] {
            for character in ["™ x", "ｱ", "№", "Ａ", "\u{a0}", "\u{200b}x", "日"] {
                for pad in 0..3 * LARGE {
                    let text = format!("{first}{:pad$}{character}", "");
                    assert_eq!(has_disguise(text.as_bytes()), naive(&text), "{text:?}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn disguises_are_those_of_a_loop_over_the_bytes(
            parts in prop::collection::vec("[a-z ]{0,140}|[éщ日™ｱ⓪№’]{0,40}|[\u{a0}Ａ\u{200b}]", 0..5)
        ) {
            let text = parts.concat();
            prop_assert_eq!(has_disguise(text.as_bytes()), naive(&text));
        }
    }
}
