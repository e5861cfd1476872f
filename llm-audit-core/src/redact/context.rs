//! What the words before a value say about it.
//!
//! The words are compared in a plain form: in lower case, without marks on letters, a space for all
//! that separates, so that `dateOfBirth`, `date_of_birth` and `"Date of birth": "` are the same.
//! Scripts without spaces are compared wherever a character begins.

use super::label::label_end;
use super::literals::starts_with;

/// How far back words are looked for.
const WINDOW: usize = 72;
/// A window in plain form is at most half as long again, where each letter begins a word.
const PLAIN: usize = WINDOW * 2;

/// Words that announce a value of some type.
#[derive(Clone, Copy)]
pub(super) struct Context {
    words: Words,
    reach: usize,
}

impl Context {
    /// Returns the context that these words make, which are in plain form, for a value at most
    /// five words behind.
    pub(super) const fn of(words: &'static [&'static str]) -> Self {
        Self {
            words: Words::new(words),
            reach: 6,
        }
    }

    /// Lets only the last words before a value count.
    pub(super) const fn reach(mut self, words: usize) -> Self {
        self.reach = words;
        self
    }

    /// Returns whether one of the words stands before `at` and no word between them says that
    /// something else is meant.
    pub(super) fn announces(&self, text: &[u8], at: usize) -> bool {
        let plain = Plain::before(text, at);
        let plain = plain.bytes();
        let mut end = plain.len();
        let mut other = 0;
        for _ in 0..self.reach {
            let head = plain.get(..end).unwrap_or_default().trim_ascii_end();
            if head.is_empty() {
                break;
            }
            let start = head.iter().rposition(|b| *b == b' ').map_or(0, |at| at + 1);
            let word = head.get(start..).unwrap_or_default();
            if self.begins(plain, start, word, other) {
                return true;
            }
            if other == 0 && is_other(word) {
                other = start + 1;
            }
            end = start;
        }
        false
    }

    /// Returns whether one of the words begins with or in the plain word at `start`, and ends
    /// behind `other`.
    fn begins(&self, plain: &[u8], start: usize, word: &[u8], other: usize) -> bool {
        for (offset, first) in word.iter().enumerate() {
            let begins = offset == 0 || *first >= 0xc0;
            if !begins {
                continue;
            }
            let rest = plain.get(start + offset..).unwrap_or_default();
            for known in self.words.that_begin(*first) {
                let known = known.as_bytes();
                if starts_with(rest, known)
                    && (*first >= 0x80 || !rest.get(known.len()).is_some_and(is_letter))
                    && start + offset + known.len() > other
                {
                    return true;
                }
            }
        }
        false
    }
}

/// Words in the order of their first letters, those of other scripts last.
#[derive(Clone, Copy)]
struct Words {
    words: &'static [&'static str],
    /// Where the words with each first letter begin.
    starts: [u8; LETTERS + 1],
}

/// Those from `a` to `z`, and one for all others.
const LETTERS: usize = 27;

impl Words {
    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated at compile time, where a wrong index does not compile"
    )]
    const fn new(words: &'static [&'static str]) -> Self {
        assert!(words.len() <= u8::MAX as usize);
        let mut starts = [0; LETTERS + 1];
        let mut last = 0;
        let mut at = 0;
        while at < words.len() {
            let letter = letter(words[at].as_bytes()[0]);
            assert!(last <= letter, "words stand in the order of their letters");
            last = letter;
            at += 1;
            let mut next = letter + 1;
            while next <= LETTERS {
                starts[next] += 1;
                next += 1;
            }
        }
        Self { words, starts }
    }

    /// Returns the words that begin with this byte, and those of other scripts for one of these.
    #[inline]
    fn that_begin(&self, first: u8) -> &'static [&'static str] {
        let start = self.starts.get(letter(first)).copied().unwrap_or(0);
        let end = self.starts.get(letter(first) + 1).copied().unwrap_or(0);
        let words = self.words.get(usize::from(start)..usize::from(end));
        words.unwrap_or_default()
    }
}

const fn letter(first: u8) -> usize {
    match first {
        b'a'..=b'z' => (first - b'a') as usize,
        _ => LETTERS - 1,
    }
}

fn is_letter(byte: &u8) -> bool {
    byte.is_ascii_alphabetic()
}

/// Returns whether `word` turns a number behind it into something else.
fn is_other(word: &[u8]) -> bool {
    let first = word.first().copied().unwrap_or(0);
    OTHER
        .that_begin(first)
        .iter()
        .any(|other| other.as_bytes() == word)
}

/// Words that turn a number behind them into something else than a person's.
static OTHER: Words = Words::new(&[
    "amount",
    "article",
    "bestellnummer",
    "bestellung",
    "build",
    "case",
    "commande",
    "commit",
    "count",
    "error",
    "facture",
    "factura",
    "fattura",
    "id",
    "invoice",
    "isbn",
    "item",
    "order",
    "ordine",
    "part",
    "pedido",
    "port",
    "price",
    "rechnung",
    "ref",
    "reference",
    "request",
    "seq",
    "serial",
    "size",
    "sku",
    "ticket",
    "time",
    "timestamp",
    "tracking",
    "transaction",
    "version",
    "zip",
]);

/// What the bytes become in plain form that are letters, digits and signs of ASCII; 0 for others and for
/// the signs `[` and `\`, which may begin something.
static SIMPLE: [u8; 256] = simple();

#[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
const fn simple() -> [u8; 256] {
    let mut simple = [0; 256];
    let mut byte = 0;
    while byte < 0x80 {
        simple[byte as usize] = match byte {
            b'[' | b'\\' => 0,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => byte.to_ascii_lowercase(),
            _ => b' ',
        };
        byte += 1;
    }
    simple
}

/// Text in plain form.
struct Plain {
    bytes: [u8; PLAIN],
    length: usize,
}

impl Plain {
    /// Returns the plain form of what stands before `at`, without a word that the window cuts.
    fn before(text: &[u8], at: usize) -> Self {
        let from = at.saturating_sub(WINDOW);
        let mut window = text.get(from..at).unwrap_or_default();
        if from > 0 {
            let cut = |byte: &u8| byte.is_ascii_alphanumeric() || (0x80..0xc0).contains(byte);
            let whole = window.iter().position(|byte| !cut(byte));
            window = window.get(whole.unwrap_or(WINDOW)..).unwrap_or_default();
        }
        let mut plain = Self {
            bytes: [0; PLAIN],
            length: 0,
        };
        plain.extend(window);
        plain
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn extend(&mut self, mut text: &[u8]) {
        let mut lower = false;
        while let [byte, rest @ ..] = text {
            // Most bytes are of a kind that a look at a table tells.
            match SIMPLE.get(usize::from(*byte)) {
                Some(b' ') => {
                    self.separate();
                    lower = false;
                    text = rest;
                    continue;
                }
                Some(letter @ 1..) => {
                    let capital = letter != byte;
                    if capital && lower {
                        self.separate();
                    }
                    self.push(*letter);
                    lower = !capital && *letter >= b'a';
                    text = rest;
                    continue;
                }
                _ => {}
            }
            if *byte == b'['
                && let Some(end) = label_end(text, 0)
            {
                // What was replaced is what the words before it spoke of.
                self.length = 0;
                text = text.get(end..).unwrap_or_default();
                continue;
            }
            text = rest;
            match byte {
                b'\\' => text = self.escape(rest),
                0xc2 | 0xcc | 0xcd => {
                    // NBSP and signs separate; marks that combine belong to the letter before.
                    if *byte == 0xc2 {
                        self.separate();
                    }
                    text = rest.get(1..).unwrap_or_default();
                }
                0xc3 => {
                    if let [tail, rest @ ..] = rest {
                        self.latin(*tail);
                        text = rest;
                    }
                }
                0x80.. => self.push(*byte),
                _ => self.separate(),
            }
            lower = false;
        }
    }

    /// Takes what follows a backslash and returns the rest.
    fn escape<'t>(&mut self, text: &'t [u8]) -> &'t [u8] {
        match text {
            [b'u', digits @ ..] => {
                let code = digits
                    .get(..4)
                    .and_then(|digits| std::str::from_utf8(digits).ok())
                    .and_then(|digits| u32::from_str_radix(digits, 16).ok());
                let Some(character) = code.and_then(char::from_u32) else {
                    self.separate();
                    return text;
                };
                if character.is_ascii() {
                    self.separate();
                } else {
                    self.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                digits.get(4..).unwrap_or_default()
            }
            [b'n' | b'r' | b't', rest @ ..] => {
                self.separate();
                rest
            }
            _ => {
                self.separate();
                text
            }
        }
    }

    /// Takes the second byte of a letter from U+00C0 to U+00FF.
    fn latin(&mut self, tail: u8) {
        const LETTERS: &[u8; 32] = b"aaaaaaaceeeeiiiidnooooo ouuuuyts";
        match LETTERS.get(usize::from(tail & 0x1f)) {
            Some(letter) if *letter != b' ' => self.push(*letter),
            _ => self.separate(),
        }
    }

    fn separate(&mut self) {
        if self.bytes().last().is_some_and(|last| *last != b' ') {
            self.push(b' ');
        }
    }

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.length) {
            *slot = byte;
            self.length += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BIRTH: Context =
        Context::of(&["dob", "date of birth", "nascimento", "tax id", "生年月日"]);

    fn announces(text: &str) -> bool {
        BIRTH.announces(text.as_bytes(), text.len())
    }

    #[test]
    fn words_count_however_they_are_written() {
        for text in [
            "dob ",
            "DOB: ",
            "{\\\"dob\\\":\\\"",
            "line\\nDOB=",
            "dateOfBirth=",
            "DATE_OF_BIRTH = '",
            "user.date-of-birth\": \"",
            "data de nascimento: ",
            "生年月日は",
            "私の生年月日：",
            "\\u751f\\u5e74\\u6708\\u65e5: ",
            "date  of\u{a0}birth ",
            "tax id ",
            "dob of the elder son is ",
        ] {
            assert!(announces(text), "{text}");
        }
        let text = "Num\\u00e9ro de s\u{e9}curite\u{301}: ";
        assert!(Context::of(&["numero de securite"]).announces(text.as_bytes(), text.len()));
    }

    #[test]
    fn other_words_and_words_far_away_do_not_count() {
        for text in [
            "",
            "adobe ",
            "dobby ",
            "date of ",
            "dob: none, order ",
            "tax id of the order ",
            "dob is not what the next seven words are about ",
        ] {
            assert!(!announces(text), "{text}");
        }
        let far = format!("dob{}", " ".repeat(WINDOW));
        assert!(!announces(&far));
        assert!(!Context::of(&["a"]).reach(1).announces(b"a b ", 4));
    }
}
