//! The folded view of a text: what disguised characters stand for, and where they stand.
//!
//! Full-width letters and digits, digits of other scripts and letters of mathematics become those
//! of ASCII, spaces and hyphens of any kind the plain ones; characters without a width go; escapes
//! (`\u0040`, `\\n`, `%40`) become what they spell. Values are looked for in the view as in the text;
//! the text itself is never rewritten. Only a text that has such a mark is folded.

use std::ops::Range;

use memchr::memchr3;

use super::buffers::Buffers;
use super::bytes::{ByteSet, byte, run};
use super::disguise::is_marked;

/// A view of a text, with the way back.
pub(super) struct Folded {
    text: String,
    pieces: Vec<Piece>,
}

/// Bytes of the view that do not stand in the text as they are. Between pieces both are the same.
pub(super) struct Piece {
    /// Offset in the view.
    at: u32,
    /// Offset in the text.
    origin: u32,
    /// Bytes in the view; 0 where a character was left out.
    length: u8,
    /// Bytes in the text.
    origin_length: u8,
}

/// More backslashes than nested JSON has.
const MAX_BACKSLASHES: usize = 16;

impl Folded {
    /// Returns the view of `text`, or `None` when it is the text itself; `buffers` lend the memory.
    pub(super) fn of(text: &str, buffers: &mut Buffers) -> Option<Self> {
        if !is_marked(text.as_bytes()) || u32::try_from(text.len()).is_err() {
            return None;
        }
        let mut folded = Self {
            text: std::mem::take(&mut buffers.text),
            pieces: std::mem::take(&mut buffers.pieces),
        };
        folded.text.reserve(text.len());
        let bytes = text.as_bytes();
        let (mut copied, mut at) = (0, 0);
        while let Some(offset) = text.get(at..)?.bytes().position(may_fold) {
            at += offset;
            let (length, folds_to) = match bytes.get(at) {
                Some(b'\\') => escape(bytes, at).unwrap_or_else(|| {
                    let length = run(bytes, at, &ByteSet::of(b"\\"), usize::MAX) - at;
                    (length, FoldsTo::Itself)
                }),
                Some(b'%') => percent(bytes, at).unwrap_or((1, FoldsTo::Itself)),
                _ => {
                    let character = text.get(at..)?.chars().next()?;
                    (character.len_utf8(), folds_to(character))
                }
            };
            if folds_to != FoldsTo::Itself {
                folded.text.push_str(text.get(copied..at)?);
                folded.put(at, length, folds_to)?;
                copied = at + length;
            }
            at += length;
        }
        folded.text.push_str(text.get(copied..)?);
        Some(folded)
    }

    /// Gives the memory back.
    pub(super) fn end(self, buffers: &mut Buffers) {
        (buffers.text, buffers.pieces) = (self.text, self.pieces);
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns where the bytes of the view at `range` stand in the text: whole characters and
    /// whole escapes.
    pub(super) fn origin(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.origin_of(range.start).start;
        match range.end.checked_sub(1) {
            Some(last) if last >= range.start => start..self.origin_of(last).end,
            _ => start..start,
        }
    }

    /// Returns whether some of the view at `range` stands in the text as something else.
    pub(super) fn is_disguised(&self, range: &Range<usize>) -> bool {
        let ends_before =
            |piece: &Piece| piece.at as usize + usize::from(piece.length) <= range.start;
        let first = self.pieces.partition_point(ends_before);
        let piece = self.pieces.get(first);
        piece.is_some_and(|piece| (piece.at as usize) < range.end)
    }

    /// Returns where the byte of the view at `at` comes from.
    fn origin_of(&self, at: usize) -> Range<usize> {
        let next = self.pieces.partition_point(|piece| piece.at as usize <= at);
        let Some(piece) = next.checked_sub(1).and_then(|last| self.pieces.get(last)) else {
            return at..at + 1;
        };
        let start = piece.origin as usize;
        let end = start + usize::from(piece.origin_length);
        let behind = piece.at as usize + usize::from(piece.length);
        match at.checked_sub(behind) {
            Some(offset) => end + offset..end + offset + 1,
            None => start..end,
        }
    }

    fn put(&mut self, origin: usize, origin_length: usize, folds_to: FoldsTo) -> Option<()> {
        let at = self.text.len();
        if let FoldsTo::Character(character) = folds_to {
            self.text.push(character);
        }
        self.pieces.push(Piece {
            at: u32::try_from(at).ok()?,
            origin: u32::try_from(origin).ok()?,
            length: u8::try_from(self.text.len() - at).ok()?,
            origin_length: u8::try_from(origin_length).ok()?,
        });
        Some(())
    }
}

/// Calls `visit` with the parts of `text` that may hold disguises: at least [`PART`] bytes around
/// each, up to white space. A short text is one part.
pub(super) fn parts(text: &str, mut visit: impl FnMut(Range<usize>)) {
    let bytes = text.as_bytes();
    if bytes.len() <= 2 * PART {
        visit(0..bytes.len());
        return;
    }
    // The end of the part that begins at `start`.
    let end_of = |start: usize| {
        let least = start + PART;
        let rest = bytes.get(least..).unwrap_or_default();
        memchr3(b' ', b'\n', b'\t', rest).map_or(bytes.len(), |space| least + space)
    };
    let mut open: Option<Range<usize>> = None;
    let (mut before, mut start) = (0, 0);
    while start < bytes.len() {
        let end = end_of(start);
        if bytes.get(start..end).is_some_and(is_marked) {
            let behind = end_of(end);
            match &mut open {
                Some(part) if part.end >= before => part.end = behind,
                last => {
                    if let Some(part) = last.replace(before..behind) {
                        visit(part);
                    }
                }
            }
        }
        (before, start) = (start, end);
    }
    if let Some(part) = open {
        visit(part);
    }
}

/// Texts are looked through for disguises in parts of this size, as a value is not far from what
/// announces it.
const PART: usize = 4096;

/// What becomes of a character in the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FoldsTo {
    Itself,
    Nothing,
    Character(char),
}

fn may_fold(byte: u8) -> bool {
    matches!(byte, b'\\' | b'%' | 0x80..)
}

/// Returns the length of the escape that begins with the backslash at `at`, in JSON of any depth,
/// and what it spells.
fn escape(text: &[u8], at: usize) -> Option<(usize, FoldsTo)> {
    let sign = run(text, at, &ByteSet::of(b"\\"), MAX_BACKSLASHES);
    let (end, character) = match byte(text, sign)? {
        b'u' => {
            let first = hex(text, sign + 1, 4)?;
            let end = sign + 5;
            match char::from_u32(first) {
                Some(character) => (end, character),
                None => surrogates(text, first, end)?,
            }
        }
        b'x' => (sign + 3, char::from_u32(hex(text, sign + 1, 2)?)?),
        b'n' => (sign + 1, '\n'),
        b'r' => (sign + 1, '\r'),
        b't' => (sign + 1, '\t'),
        quote @ (b'"' | b'\'' | b'`' | b'/') => (sign + 1, char::from(quote)),
        _ => return None,
    };
    Some((end - at, spelled(character)))
}

/// Returns what the surrogate `high` and the one escaped at `at` stand for.
fn surrogates(text: &[u8], high: u32, at: usize) -> Option<(usize, char)> {
    let sign = run(text, at, &ByteSet::of(b"\\"), MAX_BACKSLASHES);
    if byte(text, sign) != Some(b'u') {
        return None;
    }
    let high = high.checked_sub(0xd800).filter(|high| *high < 0x400)?;
    let low = hex(text, sign + 1, 4)?.checked_sub(0xdc00)?;
    let character = char::from_u32(0x1_0000 + (high << 10) + low)?;
    Some((sign + 5, character))
}

/// Returns the length of the percent-encoded character at `at` (RFC 3986, section 2.1), and what
/// it spells.
fn percent(text: &[u8], at: usize) -> Option<(usize, FoldsTo)> {
    let mut utf8 = [0; 4];
    let mut at_byte = at;
    for count in 1..=utf8.len() {
        if byte(text, at_byte) != Some(b'%') {
            return None;
        }
        let value = u8::try_from(hex(text, at_byte + 1, 2)?).ok()?;
        *utf8.get_mut(count - 1)? = value;
        at_byte += 3;
        if let Ok(decoded) = std::str::from_utf8(utf8.get(..count)?) {
            return Some((at_byte - at, spelled(decoded.chars().next()?)));
        }
    }
    None
}

/// An escaped character, which may be a disguised one itself.
fn spelled(character: char) -> FoldsTo {
    match folds_to(character) {
        FoldsTo::Itself => FoldsTo::Character(character),
        other => other,
    }
}

/// Returns what so many hex digits at `at` spell.
pub(super) fn hex(text: &[u8], at: usize, digits: usize) -> Option<u32> {
    let digits = text.get(at..at + digits)?;
    digits.iter().try_fold(0, |value, digit| {
        Some(value << 4 | char::from(*digit).to_digit(16)?)
    })
}

/// Ranges of characters that stand for ASCII, and the character that the first one stands for;
/// where the range is longer than the alphabet, it goes on from its beginning.
const ALPHABETS: &[(u32, u32, char)] = &[
    (0x0660, 0x0669, '0'),
    (0x06f0, 0x06f9, '0'),
    (0x0966, 0x096f, '0'),
    (0x09e6, 0x09ef, '0'),
    (0x0be6, 0x0bef, '0'),
    (0x0e50, 0x0e59, '0'),
    (0x24b6, 0x24cf, 'A'),
    (0x24d0, 0x24e9, 'a'),
    (0xff01, 0xff5e, '!'),
    (0x1d7ce, 0x1d7ff, '0'),
    (0xe0020, 0xe007e, ' '),
];

fn folds_to(character: char) -> FoldsTo {
    let code = u32::from(character);
    match code {
        0..0x80 => FoldsTo::Itself,
        0xa0 | 0x1680 | 0x2000..=0x200a | 0x202f | 0x205f | 0x3000 => FoldsTo::Character(' '),
        0x2010..=0x2013 | 0x2043 | 0x2212 | 0xfe58 | 0xfe63 => FoldsTo::Character('-'),
        0x2024 | 0xfe52 => FoldsTo::Character('.'),
        0xfe6b => FoldsTo::Character('@'),
        0xad
        | 0x34f
        | 0x180e
        | 0x200b..=0x200f
        | 0x202a..=0x202e
        | 0x2060..=0x2064
        | 0x2066..=0x206f
        | 0xfeff => FoldsTo::Nothing,
        0x1d400..=0x1d6a3 => {
            let letter = (code - 0x1d400) % 52;
            let letter = letter + if letter < 26 { 65 } else { 97 - 26 };
            char::from_u32(letter).map_or(FoldsTo::Itself, FoldsTo::Character)
        }
        0x2102..=0x2149 => letter_like(character).map_or(FoldsTo::Itself, FoldsTo::Character),
        _ => ALPHABETS
            .iter()
            .find(|(first, last, _)| (*first..=*last).contains(&code))
            .and_then(|(first, _, to)| {
                let offset = code - first;
                let offset = if *first == 0x1d7ce {
                    offset % 10
                } else {
                    offset
                };
                char::from_u32(u32::from(*to) + offset)
            })
            .map_or(FoldsTo::Itself, FoldsTo::Character),
    }
}

/// Letters of mathematics that stand outside of their block, as they are older than it.
const LETTER_LIKE: &[(char, &str)] = &[
    ('B', "ℬ"),
    ('C', "ℂℭ"),
    ('D', "ⅅ"),
    ('E', "ℰ"),
    ('F', "ℱ"),
    ('H', "ℋℌℍ"),
    ('I', "ℐℑ"),
    ('K', "\u{212a}"),
    ('L', "ℒ"),
    ('M', "ℳ"),
    ('N', "ℕ"),
    ('P', "ℙ"),
    ('Q', "ℚ"),
    ('R', "ℛℜℝ"),
    ('Z', "ℤℨ"),
    ('d', "ⅆ"),
    ('e', "ℯⅇ"),
    ('g', "ℊ"),
    ('h', "ℎ"),
    ('i', "ℹⅈ"),
    ('j', "ⅉ"),
    ('l', "ℓ"),
    ('o', "ℴ"),
];

fn letter_like(character: char) -> Option<char> {
    let (letter, _) = LETTER_LIKE
        .iter()
        .find(|(_, forms)| forms.contains(character))?;
    Some(*letter)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn view(text: &str) -> String {
        Folded::of(text, &mut Buffers::default()).map_or_else(|| text.to_owned(), |view| view.text)
    }

    #[test]
    fn disguises_are_seen_through() {
        for (text, expected) in [
            ("４１１１－１１１１　ａ＠ｂ．ｃ", "4111-1111 a@b.c"),
            ("٠٩ ۰۹ ०९ 𝟎𝟗 𝟶𝟿", "09 09 09 09 09"),
            ("𝐀𝐳𝙰𝚣 𝑔ℎ𝑖", "AzAz ghi"),
            ("ℋ𝒶ℓℓℴ ℭℝⅆⅉ ⒶⓏⓐⓩ 5 ℃ №", "Hallo CRdj AZaz 5 ℃ №"),
            ("০৯ ௦௯ ๐๙", "09 09 09"),
            ("a\u{200b}b\u{ad}c\u{feff}", "abc"),
            ("1\u{a0}2\u{2007}3\u{2011}4\u{2013}5", "1 2 3-4-5"),
            ("\u{e0061}\u{e0062}", "ab"),
            ("a%40b%2Ec%20%E9%9B%BB", "a@b.c 電"),
            ("%EF%BC%94", "4"),
            ("a\\u0040b\\\\u0040c\\x40", "a@b@c@"),
            ("\\ud835\\udfce \\\\ud835\\\\udfce", "0 0"),
            ("\\u0041\\n\\\\\\\"b\\/", "A\n\"b/"),
        ] {
            assert_eq!(view(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_disguise_is_not_folded() {
        for text in [
            "plain",
            "50% off, 100%zz",
            "C:\\dir\\file",
            "\\\"quoted\\\"\\n",
            "naïve — “fine” … 電話は",
            "👍🏽 🇩🇪",
            "\\ud835 \\u12",
        ] {
            let same =
                Folded::of(text, &mut Buffers::default()).is_none_or(|view| view.text == text);
            assert!(same, "{text}");
        }
        let text = "\\\"a\\\" — “b” 電話は、はい。";
        assert!(Folded::of(text, &mut Buffers::default()).is_none());
    }

    #[test]
    fn a_range_of_the_view_covers_whole_characters_and_escapes() {
        let text = "x ４１\u{200b}１%41\u{200b}y";
        let view = Folded::of(text, &mut Buffers::default()).unwrap();
        assert_eq!(view.text, "x 411Ay");
        assert_eq!(&text[view.origin(&(2..6))], "４１\u{200b}１%41");
        assert_eq!(&text[view.origin(&(4..5))], "１");
        assert_eq!(&text[view.origin(&(6..7))], "y");
    }

    #[test]
    fn of_a_long_text_only_what_stands_around_disguises_is_a_part() {
        let plain = "word ".repeat(2 * PART);
        let mut found = Vec::new();
        parts(&plain, |part| found.push(part));
        assert!(found.is_empty(), "{found:?}");
        let text = format!("{plain}a\u{200b}b {plain}c\u{200b}d");
        parts(&text, |part| found.push(part));
        let disguises: Vec<_> = text.match_indices('\u{200b}').map(|(at, _)| at).collect();
        assert_eq!(found.len(), 2);
        for (part, at) in found.iter().zip(disguises) {
            assert!(part.contains(&at) && part.len() <= 4 * PART, "{part:?}");
            assert!(at - part.start >= PART && (part.end - at >= PART || part.end == text.len()));
        }
    }

    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "\\PC{0,3}",
            "[ -~]{0,6}",
            "(\\\\){1,4}u[0-9a-fA-F]{4}",
            "%[0-9a-fA-F]{2}",
            "(%[eE][0-9a-fA-F])?(%[89abAB][0-9a-fA-F]){1,2}",
            prop::sample::select(vec!["４", "\u{200b}", "\u{a0}", "\u{e0041}", "𝟎", "\\n"])
                .prop_map(str::to_owned),
        ];
        prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn the_way_back_is_monotone_and_keeps_characters_whole(text in text()) {
            let Some(view) = Folded::of(&text, &mut Buffers::default()) else {
                return Ok(());
            };
            let mut last = 0..0;
            for at in 0..view.text.len() {
                let origin = view.origin(&(at..at + 1));
                prop_assert!(origin.start >= last.start && origin.end >= last.end);
                prop_assert!(origin.start == last.start || origin.start >= last.end);
                prop_assert!(origin.end <= text.len() && origin.start < origin.end);
                last = origin;
            }
            for (start, character) in view.text.char_indices() {
                let origin = view.origin(&(start..start + character.len_utf8()));
                prop_assert!(text.get(origin.clone()).is_some(), "{:?}", origin);
            }
        }

        #[test]
        fn whatever_folds_is_marked(text in text()) {
            let folds = text.chars().any(|c| folds_to(c) != FoldsTo::Itself);
            prop_assert!(!folds || is_marked(text.as_bytes()));
        }
    }
}
