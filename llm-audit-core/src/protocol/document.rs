//! One JSON document of any size in bounded memory: past a limit long texts and long lists are cut, and
//! what is left is still a document.

use memchr::memchr2;

/// Bytes that are kept past the limit: metadata is small, and comes last.
const METADATA_BYTES: usize = 64 * 1024;

/// Bytes of a string that are kept past the limit.
const SHORT_STRING: usize = 256;

/// Elements of a list that are kept past the limit.
const SHORT_LIST: u32 = 16;

/// Most characters of an escape: a backslash, `u` and four digits.
const LONGEST_ESCAPE: usize = 6;

/// The state after a backslash; smaller numbers are digits of an escape that are still to come.
const BACKSLASH: u8 = 5;

/// What stands at the end of a text that was cut, and of a list: an escape that nobody writes like this, of
/// a code point that no text has.
pub(crate) const CUT_MARK: &str = "\\uFdD0";

/// Members, of which no protocol reads anything in an answer, that are left out past the limit where they are: a server
/// says again what it was asked.
const UNREAD: &[(Place, &[u8])] = &[
    (Place::Document, b"\"tools\""),
    (Place::Document, b"\"metadata\""),
    (Place::Document, b"\"text\""),
    (Place::Document, b"\"logprobs\""),
    (Place::Choice, b"\"logprobs\""),
    (Place::Part, b"\"logprobs\""),
];

/// Where members lead to, from the document on.
const MEMBERS: &[(Place, &[u8], Place)] = &[
    (Place::Document, b"\"response\"", Place::Document),
    (Place::Document, b"\"choices\"", Place::Choices),
    (Place::Document, b"\"output\"", Place::Items),
    (Place::Document, b"\"item\"", Place::Item),
    (Place::Document, b"\"part\"", Place::Part),
    (Place::Item, b"\"content\"", Place::Parts),
];

/// What an array or object is. What a tool is called with is none of these, and has members of any name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// An answer, or the answer within an event.
    Document,
    Choices,
    Choice,
    Items,
    Item,
    Parts,
    Part,
    Other,
    /// A member that is left out.
    Unread,
}

impl Place {
    /// What an element of this is.
    const fn element(self) -> Self {
        match self {
            Self::Choices => Self::Choice,
            Self::Items => Self::Item,
            Self::Parts => Self::Part,
            _ => Self::Other,
        }
    }
}

/// Levels of nesting that are kept; no protocol has half as many.
const MAX_DEPTH: usize = 64;

/// Capacity that is kept for the next document.
const KEPT_CAPACITY: usize = 64 * 1024;

/// A JSON document that is being received. It does not check the grammar; who reads it does.
#[derive(Debug)]
pub(crate) struct Document {
    bytes: Vec<u8>,
    /// Bytes that are kept whole.
    limit: usize,
    /// The open arrays and objects that are kept.
    open: Vec<Open>,
    /// Arrays and objects that are open below those, and left out.
    below: usize,
    string: Option<InString>,
    /// Whether all up to the end of the innermost open list is left out.
    is_skipping: bool,
    /// Whether the document is an answer, and what the member is that comes next.
    is_answer: bool,
    next: Option<Place>,
    /// Bytes that were left out.
    cut: usize,
    is_lost: bool,
    is_whole: bool,
}

#[derive(Debug)]
struct Open {
    is_array: bool,
    place: Place,
    elements: u32,
}

#[derive(Debug, Default)]
struct InString {
    len: usize,
    /// `BACKSLASH` after one, then the digits that are still to come, else 0.
    escape: u8,
    is_kept: bool,
    is_full: bool,
}

impl Document {
    /// Returns an empty document of which the first `limit` bytes are kept whole.
    pub(crate) const fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            limit,
            open: Vec::new(),
            below: 0,
            string: None,
            is_skipping: false,
            is_answer: false,
            next: None,
            cut: 0,
            is_lost: false,
            is_whole: false,
        }
    }

    /// Returns an empty document that is an answer, of which the first `limit` bytes are kept whole.
    pub(crate) const fn of_answer(limit: usize) -> Self {
        let mut document = Self::new(limit);
        document.is_answer = true;
        document
    }

    /// Takes `bytes` up to the end of the array or object, and returns how many those are.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while let Some((first, others)) = rest.split_first() {
            if self.is_whole {
                break;
            }
            rest = if self.string.is_some() {
                self.characters(rest)
            } else {
                self.token(*first);
                others
            };
        }
        bytes.len() - rest.len()
    }

    /// Returns what is kept of the document; nothing when there was too much of it.
    pub(crate) fn bytes(&self) -> &[u8] {
        if self.is_lost { &[] } else { &self.bytes }
    }

    /// Returns whether the array or object that the document is has ended.
    pub(crate) const fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Returns how many bytes were left out, beside space.
    pub(crate) const fn cut(&self) -> usize {
        self.cut
    }

    /// Begins the next document.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT_CAPACITY);
        self.open.clear();
        self.below = 0;
        self.string = None;
        self.is_skipping = false;
        self.next = None;
        self.cut = 0;
        self.is_lost = false;
        self.is_whole = false;
    }

    fn is_past(&self) -> bool {
        self.bytes.len() >= self.limit
    }

    fn push(&mut self, byte: u8) {
        self.extend(&[byte]);
    }

    fn extend(&mut self, bytes: &[u8]) {
        let most = self.limit.saturating_add(METADATA_BYTES);
        let room = most.saturating_sub(self.bytes.len());
        self.is_lost |= bytes.len() > room;
        self.bytes
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// Returns what the member is whose name has come.
    fn member(&self) -> Place {
        let place = self.open.last().map_or(Place::Other, |open| open.place);
        let is_here = |at: Place, name: &[u8]| at == place && self.bytes.ends_with(name);
        if place == Place::Other {
            return Place::Other;
        }
        if self.is_past() && UNREAD.iter().any(|(at, name)| is_here(*at, name)) {
            return Place::Unread;
        }
        let known = MEMBERS.iter().find(|(at, name, _)| is_here(*at, name));
        known.map_or(Place::Other, |(.., place)| *place)
    }

    /// Takes a byte that is not in a string.
    fn token(&mut self, byte: u8) {
        let is_left_out = self.is_skipping || self.below > 0;
        self.cut += usize::from(is_left_out);
        let next = self.next.take();
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => self.next = next,
            b'"' => {
                self.string = Some(InString {
                    is_kept: !is_left_out,
                    ..InString::default()
                });
                if !is_left_out {
                    self.push(byte);
                }
            }
            b'{' | b'[' if is_left_out => self.below += 1,
            b'{' | b'[' if self.open.len() == MAX_DEPTH || next == Some(Place::Unread) => {
                self.below = 1;
                self.cut += 1;
                self.extend(b"null");
            }
            b'{' | b'[' => {
                let is_array = byte == b'[';
                let element = || {
                    let around = self.open.last();
                    around.map_or(Place::Document, |open| open.place.element())
                };
                let place = next.unwrap_or_else(element);
                self.open.push(Open {
                    is_array,
                    place,
                    elements: 0,
                });
                self.push(byte);
            }
            b'}' | b']' if self.below > 0 => self.below -= 1,
            b'}' | b']' => {
                self.is_skipping = false;
                self.push(byte);
                self.open.pop();
                self.is_whole = self.open.is_empty();
            }
            _ if is_left_out => {}
            b',' => {
                let is_past = self.is_past();
                if let Some(open) = self.open.last_mut() {
                    open.elements = open.elements.saturating_add(1);
                    if is_past && open.is_array && open.elements >= SHORT_LIST {
                        self.is_skipping = true;
                        self.cut += 1;
                        self.extend(b",\"");
                        self.extend(CUT_MARK.as_bytes());
                        self.push(b'"');
                        return;
                    }
                }
                self.push(byte);
            }
            b':' => {
                self.next = self.is_answer.then(|| self.member());
                self.push(byte);
            }
            _ => self.push(byte),
        }
    }

    /// Takes the next bytes of a string: its end, one byte of an escape, or all up to the next of those.
    /// Returns the bytes after them.
    fn characters<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let Some(mut string) = self.string.take() else {
            return bytes;
        };
        let special = memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
        let is_escaped = string.escape > 0;
        let length = if is_escaped { 1 } else { special.max(1) };
        let (taken, rest) = bytes.split_at(length.min(bytes.len()));
        let first = taken.first().copied().unwrap_or_default();
        let of_limit = self.limit.saturating_sub(self.bytes.len());
        let room = of_limit.max(SHORT_STRING.saturating_sub(string.len));
        match (string.escape, first) {
            (0, b'"') => {
                if string.is_kept {
                    if string.is_full {
                        self.extend(CUT_MARK.as_bytes());
                    }
                    self.push(first);
                }
                return rest;
            }
            (0, b'\\') => {
                string.is_full |= room < LONGEST_ESCAPE;
                string.escape = BACKSLASH;
            }
            (0, _) => {}
            (BACKSLASH, b'u') => string.escape = BACKSLASH - 1,
            (BACKSLASH, _) => string.escape = 0,
            (digits, _) => string.escape = digits - 1,
        }
        let most = match string.is_full || !string.is_kept {
            true => 0,
            false if is_escaped => 1,
            false => room,
        };
        let head = taken.get(..most).unwrap_or(taken);
        self.extend(head);
        string.len += head.len();
        string.is_full |= head.len() < taken.len();
        self.cut = self.cut.saturating_add(taken.len() - head.len());
        self.string = Some(string);
        rest
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept(limit: usize, text: &str) -> (String, bool) {
        let mut document = Document::new(limit);
        document.feed(text.as_bytes());
        let text = String::from_utf8(document.bytes().to_vec()).unwrap();
        (text, document.cut() > 0)
    }

    #[test]
    fn past_the_limit_long_texts_are_cut_and_what_follows_is_kept() {
        let text = format!(r#"{{"a":"{}","usage":{{"n":7}}}}"#, "x".repeat(100_000));
        let (kept, is_cut) = kept(1000, &text);
        assert!(is_cut && kept.len() < 1100);
        assert!(kept.ends_with(r#"x\uFdD0","usage":{"n":7}}"#));
    }

    #[test]
    fn past_the_limit_long_lists_are_cut_and_what_follows_is_kept() {
        let text = format!(r#"{{"a":[{}0],"usage":7}}"#, "[0.25, 1], ".repeat(100_000));
        let (kept, is_cut) = kept(0, &text);
        assert!(is_cut);
        assert_eq!(kept.matches("0.25").count(), 16);
        assert!(kept.ends_with(r#","\uFdD0"],"usage":7}"#));
    }

    #[test]
    fn an_escape_is_kept_whole_or_not_at_all() {
        for limit in 0..40 {
            let text = format!(r#"["{}"]"#, r#"\u00e9\\\""#.repeat(200));
            let (kept, _) = kept(limit, &text);
            assert!(
                serde_json::from_str::<Vec<String>>(&kept).is_ok(),
                "{limit}"
            );
        }
    }

    #[test]
    fn what_nobody_reads_of_an_answer_is_left_out_past_the_limit() {
        let text = r#"{"type":"x","tools" : [{"a":{"b":[1]}}],"usage":{"n":7},"text":"t"}"#;
        let expected = r#"{"type":"x","tools":null,"usage":{"n":7},"text":"t"}"#;
        for at in 0..text.len() {
            let mut document = Document::of_answer(0);
            let (head, tail) = text.as_bytes().split_at(at);
            document.feed(head);
            document.feed(tail);
            assert_eq!(document.bytes(), expected.as_bytes(), "{at}");
        }
        assert_eq!(kept(0, text).0, text.replace(' ', ""));
    }

    #[test]
    fn only_where_nobody_reads_it_a_member_of_an_answer_is_left_out() {
        let kept = |text: &str| {
            let mut document = Document::of_answer(0);
            document.feed(text.as_bytes());
            String::from_utf8(document.bytes().to_vec()).unwrap()
        };
        let arguments = r#"{"metadata":{"to":"x"},"text":["a"],"tools":[1],"logprobs":{"a":1}}"#;
        for around in [
            r#"{"content":[{"type":"tool_use","input":@}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"args":@}}]}}]}"#,
            r#"{"message":{"tool_calls":[{"function":{"arguments":@}}]}}"#,
            r#"{"output":{"message":{"content":[{"toolUse":{"input":@}}]}}}"#,
        ] {
            let text = around.replace('@', arguments);
            assert_eq!(kept(&text), text);
        }
        for around in [
            r#"{"choices":[{"logprobs":@,"index":0}]}"#,
            r#"{"output":[{"content":[{"logprobs":@,"text":"t"}]}]}"#,
            r#"{"response":{"output":[{"content":[{"logprobs":@}]}],"tools":@}}"#,
            r#"{"item":{"content":[{"logprobs":@}]}}"#,
        ] {
            assert_eq!(
                kept(&around.replace('@', arguments)),
                around.replace('@', "null")
            );
        }
    }

    #[test]
    fn deep_nesting_is_left_out() {
        let text = format!(r#"{{"a":{}{},"b":1}}"#, "[".repeat(9000), "]".repeat(9000));
        let (kept, is_cut) = kept(1 << 20, &text);
        assert!(is_cut && kept.len() < 200 && kept.ends_with(r#""b":1}"#));
    }

    #[test]
    fn a_document_that_does_not_end_takes_bounded_memory() {
        for endless in [
            "[1,",
            r#"{"a":"#,
            "9",
            r#"{"aaaaaaaa":1,"#,
            "\"\\\\",
            "\u{fe}",
        ] {
            let mut document = Document::new(1000);
            for _ in 0..200_000 {
                document.feed(endless.as_bytes());
            }
            assert!(document.bytes.len() <= 1000 + METADATA_BYTES, "{endless}");
            assert!(document.open.len() <= MAX_DEPTH);
        }
    }

    #[test]
    fn it_takes_no_byte_after_its_end() {
        let mut document = Document::new(100);
        assert_eq!(document.feed(b" {\"a\":[1]} {"), 10);
        assert!(document.is_whole());
    }

    proptest! {
        #[test]
        fn where_the_bytes_are_split_does_not_matter(
            bytes in r#"[\[\]{},"\\u09a: ]{0,200}"#, limit in 0_usize..100, at in 0_usize..200,
        ) {
            let bytes = bytes.as_bytes();
            let (mut whole, mut split) = (Document::new(limit), Document::new(limit));
            whole.feed(bytes);
            let (head, tail) = bytes.split_at(at.min(bytes.len()));
            split.feed(head);
            split.feed(tail);
            prop_assert_eq!(whole.bytes(), split.bytes());
            prop_assert_eq!(whole.cut(), split.cut());
        }
    }
}
