//! A search for many literals at once, by four of their bytes.
//!
//! Only every second position of the text is looked at, so that each literal is known by two of
//! its windows of four bytes, of which one is at an even position: those that are rarest in
//! texts. Where a window has a byte beside the literal, each one that may stand there is known. A
//! position costs a look into a table, however many literals there are, as eight are hashed at
//! once; upper and lower case fall together. What the table knows is then compared.

use super::bytes::{ByteSet, before, byte};

const SIZE: usize = 1 << 16;
const BLOCK: usize = 64;
const WINDOW: usize = 4;
/// A block, with what the last of its windows goes on to.
type Block = [u8; BLOCK + WINDOW / 2];
/// A hash of each window at an even position of a block.
type Hashes = [u16; BLOCK / 2];
/// How many hashes are looked up before what they are of is looked at.
const GROUP: usize = 8;
/// The windows that these are of.
type Windows = [u8; 2 * GROUP + WINDOW / 2];

/// The golden ratio in 32 bits: neighbours fall far apart.
const SPREAD: u32 = 0x9e37_79b9;
/// Odd, so that windows that differ in one half only never fall together. Of some thousand pairs,
/// that by which the fewest windows of prose and code fall together with those of literals.
const FIRST: u16 = 0xccd5;
const SECOND: u16 = 0x0435;

/// A text to search for, of at least three bytes.
#[derive(Clone, Copy)]
pub(super) struct Literal {
    pub(super) text: &'static str,
    /// What may stand before it; elsewhere it is not looked for.
    pub(super) before: ByteSet,
    pub(super) after: ByteSet,
}

/// Literals with values.
pub(super) struct Literals<T> {
    /// A bit for each window of that hash; see [`bit`].
    table: Box<[u8; SIZE]>,
    /// Windows and where their places are, by another hash; the empty ones have no place.
    slots: Box<[Slot]>,
    places: Vec<Place>,
    literals: Vec<(Literal, Vec<T>)>,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    window: u32,
    first: u32,
    count: u32,
}

/// A literal, and how far behind its beginning a window stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    literal: u32,
    offset: i32,
    /// The bytes of the literal in the window; most spellings of a word are told apart by them.
    own: u32,
    /// Which bytes of the window these are.
    mask: u32,
}

impl<T> Literals<T> {
    pub(super) fn new(values: impl Iterator<Item = (Literal, T)>) -> Self {
        let mut literals: Vec<(Literal, Vec<T>)> = Vec::new();
        for (literal, value) in values {
            let mut all = literals.iter_mut();
            match all.find(|(known, _)| known.text == literal.text) {
                Some((known, values)) => {
                    known.before = known.before.or(literal.before);
                    known.after = known.after.or(literal.after);
                    values.push(value);
                }
                None => literals.push((literal, vec![value])),
            }
        }
        let mut windows: Vec<(u32, Place)> = Vec::new();
        for (index, (literal, _)) in literals.iter().enumerate() {
            literal.windows(|window, offset| {
                let (own, mask) = literal.own(offset);
                let place = Place {
                    literal: narrow(index),
                    offset,
                    own,
                    mask,
                };
                windows.push((window, place));
            });
        }
        windows.sort_unstable();
        windows.dedup();
        let mut table = Box::new([0; SIZE]);
        let mut slots = vec![Slot::default(); (windows.len() * 2).next_power_of_two()];
        let mut places = Vec::with_capacity(windows.len());
        for of_window in windows.chunk_by(|(a, _), (b, _)| a == b) {
            let Some((window, _)) = of_window.first() else {
                continue;
            };
            if let Some(known) = table.get_mut(usize::from(hash_of(*window))) {
                *known |= bit(*window);
            }
            let new = Slot {
                window: *window,
                first: narrow(places.len()),
                count: narrow(of_window.len()),
            };
            places.extend(of_window.iter().map(|(_, place)| *place));
            let mask = slots.len() - 1;
            let mut at = slot(*window);
            // There are twice as many slots as windows.
            while slots.get(at & mask).is_some_and(|slot| slot.count > 0) {
                at += 1;
            }
            if let Some(empty) = slots.get_mut(at & mask) {
                *empty = new;
            }
        }
        Self {
            table,
            slots: slots.into_boxed_slice(),
            places,
            literals,
        }
    }

    /// Calls `visit` for each literal at each of its positions.
    #[inline]
    pub(super) fn scan(&self, text: &[u8], mut visit: impl FnMut(&T, usize)) {
        if self.literals.is_empty() {
            return;
        }
        let mut rest = text;
        let mut position = 0;
        while let Some((block, _)) = rest.split_first_chunk() {
            self.block(text, block, BLOCK, position, &mut visit);
            rest = rest.get(BLOCK..).unwrap_or_default();
            position += BLOCK;
        }
        // The rest is shorter than a block with what that goes on to.
        let mut last = [0; 2 * BLOCK + WINDOW];
        if let Some(head) = last.get_mut(..rest.len()) {
            head.copy_from_slice(rest);
        }
        let length = rest.len();
        for start in (0..length).step_by(BLOCK) {
            let rest = last.get(start..).unwrap_or_default();
            if let Some(block) = rest.first_chunk() {
                // Behind its end is no window.
                self.block(text, block, length - start, position + start, &mut visit);
            }
        }
    }

    #[inline(always)]
    fn block(
        &self,
        text: &[u8],
        block: &Block,
        length: usize,
        position: usize,
        visit: &mut impl FnMut(&T, usize),
    ) {
        let hashes = hashes(block);
        let groups = hashes.as_chunks::<GROUP>().0;
        let starts = (0..BLOCK.min(length)).step_by(2 * GROUP);
        for (hashes, start) in groups.iter().zip(starts) {
            let mut known = 0;
            for hash in hashes {
                known |= self.knows(*hash);
            }
            if known != 0
                && let Some(windows) = block.get(start..).and_then(<[u8]>::first_chunk)
            {
                self.compare(text, hashes, windows, position + start, visit);
            }
        }
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "the table has all of them")]
    fn knows(&self, hash: u16) -> u8 {
        self.table[usize::from(hash)]
    }

    /// Looks closer where the table knows one of some windows. Out of line, so that the loop over
    /// the blocks stays in registers.
    #[inline(never)]
    fn compare(
        &self,
        text: &[u8],
        hashes: &[u16; GROUP],
        windows: &Windows,
        position: usize,
        visit: &mut impl FnMut(&T, usize),
    ) {
        // The windows that the table has with the same hash, a byte for each.
        let mut found = 0_u64;
        for hash in hashes {
            found = found >> 8 | u64::from(self.knows(*hash)) << 56;
        }
        while found != 0 {
            let index = (found.trailing_zeros() / u8::BITS) as usize;
            let byte = found & 0xff << (index * 8);
            found ^= byte;
            let Some(window) = windows.get(2 * index..).and_then(<[u8]>::first_chunk) else {
                return;
            };
            if byte >> (index * 8) & u64::from(bit(fold(*window))) != 0 {
                self.compare_at(text, *window, position + 2 * index, visit);
            }
        }
    }

    /// Calls `visit` for the literals that have this window at `at`.
    fn compare_at(
        &self,
        text: &[u8],
        window: [u8; WINDOW],
        at: usize,
        visit: &mut impl FnMut(&T, usize),
    ) {
        let written = u32::from_le_bytes(window);
        for place in self.places(fold(window)) {
            if written & place.mask == place.own
                && let Some(start) = at.checked_add_signed(-(place.offset as isize))
                && let Some((literal, values)) = self.literals.get(place.literal as usize)
                && literal.is_at(text, start)
            {
                for value in values {
                    visit(value, start);
                }
            }
        }
    }

    #[inline]
    fn places(&self, window: u32) -> &[Place] {
        let mask = self.slots.len() - 1;
        let mut at = slot(window);
        loop {
            match self.slots.get(at & mask) {
                Some(slot) if slot.count > 0 && slot.window == window => {
                    let first = slot.first as usize;
                    let places = self.places.get(first..first + slot.count as usize);
                    return places.unwrap_or_default();
                }
                Some(slot) if slot.count > 0 => at += 1,
                _ => return &[],
            }
        }
    }
}

/// Shorter than a call of the system's comparison, for literals that mostly differ soon.
#[inline]
pub(super) fn starts_with(text: &[u8], literal: &[u8]) -> bool {
    text.len() >= literal.len() && text.iter().zip(literal).all(|(a, b)| a == b)
}

impl Literal {
    pub(super) const fn new(text: &'static str, (before, after): (ByteSet, ByteSet)) -> Self {
        Self {
            text,
            before,
            after,
        }
    }

    /// Returns whether `text` has the literal at `at`, beside bytes that may stand there.
    #[inline]
    fn is_at(&self, text: &[u8], at: usize) -> bool {
        let end = at + self.text.len();
        text.get(at..)
            .is_some_and(|rest| starts_with(rest, self.text.as_bytes()))
            && before(text, at).is_none_or(|b| self.before.contains(b))
            && byte(text, end).is_none_or(|b| self.after.contains(b))
    }

    /// Calls `visit` with each window that the literal is known by, and how far behind its
    /// beginning that stands: of those at even places, and of the others, the rarest in texts.
    fn windows(&self, mut visit: impl FnMut(u32, i32)) {
        let mut rarest: [Option<(u64, i32, Vec<u32>)>; 2] = [None, None];
        for offset in -1.. {
            let Some(windows) = self.windows_at(offset) else {
                break;
            };
            let common = windows.iter().copied().map(commonness).sum();
            let [even, odd] = &mut rarest;
            let known = if offset % 2 == 0 { even } else { odd };
            if known.as_ref().is_none_or(|(least, ..)| common < *least) {
                *known = Some((common, offset, windows));
            }
        }
        for (_, offset, windows) in rarest.into_iter().flatten() {
            for window in windows {
                visit(window, offset);
            }
        }
    }

    /// Returns the windows that texts can have so far behind the literal's beginning, or `None`
    /// where they would reach further than one byte behind its end.
    fn windows_at(&self, offset: i32) -> Option<Vec<u32>> {
        let bytes = |set: ByteSet| (0..=u8::MAX).filter(move |byte| set.contains(*byte));
        let text = self.text.as_bytes();
        let Ok(start) = usize::try_from(offset) else {
            let [a, b, c] = *text.first_chunk()?;
            return Some(distinct(bytes(self.before).map(|byte| [byte, a, b, c])));
        };
        match *text.get(start..)? {
            [a, b, c, d, ..] => Some(vec![fold([a, b, c, d])]),
            // The end of the text reads as a byte 0.
            [a, b, c] => {
                let after = bytes(self.after).chain([0]);
                Some(distinct(after.map(|byte| [a, b, c, byte])))
            }
            _ => None,
        }
    }

    /// Returns the literal's own bytes in its window at `offset`, and which these are.
    fn own(&self, offset: i32) -> (u32, u32) {
        let (mut own, mut mask) = ([0; WINDOW], [0; WINDOW]);
        for ((own, mask), at) in own.iter_mut().zip(&mut mask).zip(offset..) {
            let byte = usize::try_from(at)
                .ok()
                .and_then(|at| byte(self.text.as_bytes(), at));
            if let Some(byte) = byte {
                (*own, *mask) = (byte, u8::MAX);
            }
        }
        (u32::from_le_bytes(own), u32::from_le_bytes(mask))
    }
}

/// Returns the windows of these bytes, each once; they differ in one byte, the same in all.
fn distinct(windows: impl Iterator<Item = [u8; WINDOW]>) -> Vec<u32> {
    let mut seen = [false; 256];
    let mut found: Vec<u32> = Vec::new();
    for window in windows.map(fold) {
        let other = window ^ found.first().copied().unwrap_or(window);
        let byte = other
            .to_le_bytes()
            .into_iter()
            .fold(0, |all, byte| all | byte);
        let seen = seen.get_mut(usize::from(byte));
        if seen.is_some_and(|seen| !std::mem::replace(seen, true)) {
            found.push(window);
        }
    }
    found
}

/// Returns how common a window is in texts, roughly, and what it costs that another one can have
/// the same hash.
fn commonness(window: u32) -> u64 {
    /// Of 1,000 bytes.
    const LETTERS: [u64; 26] = [
        67, 12, 25, 35, 104, 18, 16, 50, 57, 2, 7, 33, 20, 57, 62, 15, 1, 48, 52, 75, 23, 8, 19, 2,
        17, 2,
    ];
    /// A tenth of how often two of all windows have the same hash.
    const SAME_HASH: u64 = 1_000_000;
    let common = |byte: &u8| match byte {
        b' ' => 170,
        b'a'..=b'z' => {
            let letter = LETTERS.get(usize::from(byte - b'a'));
            letter.copied().unwrap_or(0)
        }
        // Rulers and tables are made of them.
        b'-' | b'=' => 60,
        _ => 10,
    };
    let bytes = window.to_le_bytes();
    bytes.iter().map(common).product::<u64>() + SAME_HASH
}

/// The compiler turns it into vector instructions.
#[inline]
fn hashes(block: &Block) -> Hashes {
    let [first @ .., _, _] = block;
    let [_, _, second @ ..] = block;
    let halves = first.as_chunks().0.iter().zip(second.as_chunks().0);
    let mut hashes = [0; BLOCK / 2];
    for (to, (first, second)) in hashes.iter_mut().zip(halves) {
        *to = hash(fold_pair(*first), fold_pair(*second));
    }
    hashes
}

#[inline]
const fn hash(first: u16, second: u16) -> u16 {
    let second = second.wrapping_mul(SECOND);
    first.wrapping_mul(FIRST).wrapping_add(second)
}

#[inline]
const fn fold(window: [u8; WINDOW]) -> u32 {
    let [a, b, c, d] = window;
    (fold_pair([c, d]) as u32) << 16 | fold_pair([a, b]) as u32
}

/// Turns capitals into small letters, and takes the highest bit: that leaves few kinds of byte
/// beside a short literal. Other bytes stay apart well enough.
#[inline]
const fn fold_pair(pair: [u8; 2]) -> u16 {
    (u16::from_le_bytes(pair) | 0x2020) & 0x7f7f
}

#[expect(clippy::cast_possible_truncation, reason = "halves are meant")]
const fn hash_of(window: u32) -> u16 {
    hash(window as u16, (window >> 16) as u16)
}

/// Returns which bit of its byte in the table a window has, by another hash: of windows that only
/// share the first, most are told apart by it.
#[inline]
const fn bit(window: u32) -> u8 {
    1 << (window.wrapping_mul(SPREAD) >> 29)
}

/// A third hash.
#[inline]
const fn slot(window: u32) -> usize {
    ((window ^ window >> 15).wrapping_mul(SPREAD) >> 8) as usize
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANY: ByteSet = ByteSet::ANY;
    const LITERALS: [&str; 8] = [
        "abc", "abca", "ABC", "b-c", "_abc-", "cab", "aaa", "b-cabc_a",
    ];

    fn literal(text: &'static str) -> Literal {
        Literal {
            text,
            before: ANY,
            after: ANY,
        }
    }

    proptest! {
        #[test]
        fn literals_are_found_where_a_plain_search_finds_them(text in "[abcABC_-]{0,60}") {
            let literals = Literals::new(LITERALS.into_iter().map(|text| (literal(text), text)));
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

        #[test]
        fn literals_are_found_beside_the_bytes_that_may_stand_there_and_no_others(
            text in "[abcABC_-]{0,60}"
        ) {
            let after = ByteSet::of(b"ab");
            for known in ["abc", "abca", "cabca"] {
                let only = Literal { before: ByteSet::of(b"c_"), after, ..literal(known) };
                let literals = Literals::new([(only, ())].into_iter());
                let mut found = Vec::new();
                literals.scan(text.as_bytes(), |_, at| found.push(at));
                for at in (0..text.len()).filter(|at| text[*at..].starts_with(known)) {
                    let before = at == 0 || matches!(text.as_bytes()[at - 1], b'c' | b'_');
                    let next = text.as_bytes().get(at + known.len());
                    let after = next.is_none_or(|b| matches!(b, b'a' | b'b'));
                    prop_assert_eq!(before && after, found.contains(&at), "{} at {}", known, at);
                }
            }
        }
    }

    #[test]
    fn more_literals_than_the_table_has_room_for_are_all_found() {
        let names: Vec<&'static str> = (0..700).map(|n| &*format!("{n:03}x").leak()).collect();
        let literals = Literals::new(names.iter().map(|name| (literal(name), *name)));
        for name in names {
            let mut found = Vec::new();
            literals.scan(name.as_bytes(), |literal, _| found.push(*literal));
            assert_eq!(found, [name]);
        }
    }
}
