//! The binary event stream of AWS (`application/vnd.amazon.eventstream`): messages of two lengths, two
//! checksums, headers and a payload, which is the document.

use super::document::Document;

/// Lengths and their checksum.
const PRELUDE: usize = 12;

/// Bytes of the checksum at the end.
const CHECKSUM: usize = 4;

/// Bytes of headers in a message: as much as the format allows.
const MAX_HEADERS: usize = 128 * 1024;

/// Bytes of a message: as much as the format allows.
const MAX_MESSAGE: usize = 24 * 1024 * 1024;

/// Type of a header whose value is a string.
const STRING: u8 = 7;

/// Bytes of a value by the type of its header; those of bytes and strings say it themselves.
const VALUE_BYTES: [usize; 10] = [0, 0, 1, 2, 4, 8, 0, 0, 8, 16];

/// Names of the headers that say what a message is, those of failures first.
const NAMES: [&[u8]; 3] = [b":exception-type", b":error-code", b":event-type"];

/// What the name of a failure begins with.
pub(crate) const FAILURE: &str = "failure ";

/// A stream of which some of a message has come.
#[derive(Debug)]
pub(crate) struct EventStream {
    /// The prelude and the headers, then the last checksum.
    head: Vec<u8>,
    /// Bytes of the message that have come.
    taken: usize,
    crc: u32,
    name: String,
    is_damaged: bool,
}

impl EventStream {
    pub(crate) const fn new() -> Self {
        Self {
            head: Vec::new(),
            taken: 0,
            crc: !0,
            name: String::new(),
            is_damaged: false,
        }
    }

    /// Returns whether a length or a checksum was wrong: then nothing more is read.
    pub(crate) const fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    /// Takes `bytes` and calls `look` with the payload of each message that ends in them and its name.
    pub(crate) fn feed(
        &mut self,
        mut bytes: &[u8],
        document: &mut Document,
        look: &mut dyn FnMut(&str, &Document),
    ) {
        while !bytes.is_empty() && !self.is_damaged {
            let (total, headers) = self.lengths();
            let body = PRELUDE + headers;
            let end = total - CHECKSUM;
            let (most, is_payload) = match self.taken {
                taken if taken < PRELUDE => (PRELUDE - taken, false),
                taken if taken < body => (body - taken, false),
                taken if taken < end => (end - taken, true),
                taken => (total - taken, false),
            };
            let (part, rest) = bytes.split_at(most.min(bytes.len()));
            bytes = rest;
            if self.taken < end || self.taken < PRELUDE {
                self.crc = crc32(self.crc, part);
            }
            self.taken += part.len();
            if is_payload {
                document.feed(part);
            } else {
                self.head.extend_from_slice(part);
            }
            if self.taken == PRELUDE {
                self.check_prelude();
            }
            if self.taken >= PRELUDE && !self.is_damaged {
                self.step(document, look);
            }
        }
    }

    /// Does what is to be done where the headers end, and where the message does.
    fn step(&mut self, document: &mut Document, look: &mut dyn FnMut(&str, &Document)) {
        let (total, headers) = self.lengths();
        if self.taken == PRELUDE + headers {
            let headers = self.head.get(PRELUDE..).unwrap_or_default();
            self.name = name(headers).unwrap_or_default();
            self.head.truncate(PRELUDE);
        }
        if self.taken == total {
            let sum = number(self.head.get(PRELUDE..));
            if sum != Some(!self.crc) {
                self.is_damaged = true;
                return;
            }
            look(&self.name, document);
            document.clear();
            *self = Self::new();
        }
    }

    /// The bytes of the message and of its headers; those of an empty one before they are known.
    fn lengths(&self) -> (usize, usize) {
        if self.taken < PRELUDE {
            return (PRELUDE + CHECKSUM, 0);
        }
        let length = |range| number(self.head.get(range)).unwrap_or_default() as usize;
        (length(0..4), length(4..8))
    }

    fn check_prelude(&mut self) {
        // The checksum of the prelude is of the eight bytes before it.
        let sum = crc32(!0, self.head.get(..8).unwrap_or_default());
        let (total, headers) = self.lengths();
        let fits =
            total <= MAX_MESSAGE && headers <= MAX_HEADERS && PRELUDE + headers + CHECKSUM <= total;
        self.is_damaged = !fits || number(self.head.get(8..12)) != Some(!sum);
    }
}

fn number(bytes: Option<&[u8]>) -> Option<u32> {
    Some(u32::from_be_bytes(bytes?.try_into().ok()?))
}

/// The name of the message: its exception, its error or its event, whichever of them it has first; that of
/// a failure is marked as one.
fn name(mut headers: &[u8]) -> Option<String> {
    let mut found: [Option<&[u8]>; NAMES.len()] = [None; NAMES.len()];
    while let Some((length, rest)) = headers.split_first() {
        let (name, rest) = rest.split_at_checked(usize::from(*length))?;
        let (kind, rest) = rest.split_first()?;
        let (size, rest) = match kind {
            6 | 7 => {
                let (size, rest) = rest.split_at_checked(2)?;
                (usize::from(u16::from_be_bytes(size.try_into().ok()?)), rest)
            }
            kind => (*VALUE_BYTES.get(usize::from(*kind))?, rest),
        };
        let (value, rest) = rest.split_at_checked(size)?;
        headers = rest;
        if *kind == STRING {
            let slots = NAMES.iter().zip(&mut found);
            for (_, slot) in slots.into_iter().filter(|(known, _)| **known == name) {
                *slot = Some(value);
            }
        }
    }
    let is_failure = found.first()?.is_some() || found.get(1)?.is_some();
    let value = found.into_iter().flatten().next()?;
    let mark = if is_failure { FAILURE } else { "" };
    Some(mark.to_owned() + std::str::from_utf8(value).ok()?)
}

/// CRC-32 as zip and Ethernet have it, of what came before and of `bytes`; begin with all ones, and
/// invert the end.
pub(crate) fn crc32(crc: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(crc, |crc, byte| {
        let [low, ..] = crc.to_le_bytes();
        let entry = TABLE.get(usize::from(low ^ byte)).copied();
        entry.unwrap_or_default() ^ (crc >> 8)
    })
}

#[expect(
    clippy::indexing_slicing,
    reason = "a constant: an index out of bounds would not compile"
)]
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Returns a message with string headers.
    pub(crate) fn message(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
        let mut head = Vec::new();
        for (name, value) in headers {
            head.push(u8::try_from(name.len()).unwrap());
            head.extend(name.bytes());
            head.push(STRING);
            head.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
            head.extend(value.bytes());
        }
        let total = PRELUDE + head.len() + payload.len() + CHECKSUM;
        let mut bytes = Vec::new();
        bytes.extend(u32::try_from(total).unwrap().to_be_bytes());
        bytes.extend(u32::try_from(head.len()).unwrap().to_be_bytes());
        bytes.extend((!crc32(!0, &bytes)).to_be_bytes());
        bytes.extend(head);
        bytes.extend(payload.bytes());
        bytes.extend((!crc32(!0, &bytes)).to_be_bytes());
        bytes
    }

    fn read(parts: &[&[u8]]) -> (Vec<(String, String)>, bool) {
        let (mut stream, mut document) = (EventStream::new(), Document::new(1000));
        let mut seen = Vec::new();
        for part in parts {
            stream.feed(part, &mut document, &mut |name, document| {
                let text = String::from_utf8(document.bytes().to_vec()).unwrap();
                seen.push((name.to_owned(), text));
            });
        }
        (seen, stream.is_damaged())
    }

    fn two() -> Vec<u8> {
        let mut bytes = message(
            &[
                (":message-type", "event"),
                (":event-type", "contentBlockDelta"),
            ],
            r#"{"delta":{"text":"Hel"}}"#,
        );
        bytes.extend(message(&[(":exception-type", "throttlingException")], ""));
        bytes
    }

    #[test]
    fn the_checksum_is_the_standard_one() {
        assert_eq!(!crc32(!0, b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn messages_are_read_wherever_they_are_split() {
        let bytes = two();
        let expected = [
            ("contentBlockDelta", r#"{"delta":{"text":"Hel"}}"#),
            ("failure throttlingException", ""),
        ];
        let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
        for at in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(at);
            assert_eq!(
                read(&[head, tail]),
                (expected.to_vec(), false),
                "split at {at}"
            );
        }
    }

    #[test]
    fn a_wrong_byte_is_damage_and_its_message_is_not_read() {
        let bytes = message(
            &[(":event-type", "messageStop")],
            r#"{"stopReason":"end_turn"}"#,
        );
        for at in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[at] ^= 0x20;
            let (seen, _) = read(&[&wrong]);
            assert!(seen.is_empty(), "byte {at}");
        }
    }
}
