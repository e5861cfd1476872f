//! The search for marks in whatever form they stand.

use std::collections::HashMap;
use std::fmt;

use memchr::{memchr_iter, memchr3_iter, memmem};

use super::marks::Mark;

/// How a mark was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// As it is.
    Plain,
    /// In another case.
    OtherCase,
    /// With bytes as `%XX` (RFC 3986), once or several times over.
    Percent,
    /// With characters as `\u00XX` (RFC 8259), in a text within a text too.
    JsonEscape,
    /// In UTF-16, of either byte order.
    Utf16,
    /// In hexadecimal.
    Hex,
    /// In base64 (RFC 4648), of either alphabet and at any alignment.
    Base64,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::OtherCase => "in another case",
            Self::Percent => "percent-encoded",
            Self::JsonEscape => "JSON-escaped",
            Self::Utf16 => "in UTF-16",
            Self::Hex => "in hex",
            Self::Base64 => "in base64",
        })
    }
}

/// Marks with one beginning and one length.
pub(super) struct Pattern<'a> {
    stem: &'a str,
    pub(super) marks: Vec<&'a Mark>,
    by_text: HashMap<&'a [u8], usize>,
    /// Whether the beginning alone is a finding.
    partly: bool,
}

/// A place where a mark stands.
pub(super) struct Hit {
    pub(super) offset: usize,
    pub(super) encoding: Encoding,
    /// The marks that it may be of, by index; several when the mark was cut off.
    pub(super) marks: Vec<usize>,
}

impl<'a> Pattern<'a> {
    pub(super) fn new(stem: &'a str, marks: Vec<&'a Mark>, partly: bool) -> Self {
        let texts = marks.iter().map(|mark| mark.text.as_bytes());
        Self {
            stem,
            by_text: texts.zip(0..).collect(),
            marks,
            partly,
        }
    }

    /// Returns the marks that begin as `text` does, for the longest beginning that any has.
    fn resolve(&self, text: &[u8], form: impl Fn(&str) -> Vec<u8>) -> Option<Vec<usize>> {
        let mut longest = 0;
        let mut found = Vec::new();
        let mut is_whole = false;
        for (index, mark) in self.marks.iter().enumerate() {
            let form = form(&mark.text);
            let mut pairs = form.iter().zip(text);
            let common = pairs.by_ref().take_while(|(a, b)| a == b).count();
            if common > longest {
                longest = common;
                found.clear();
            }
            if common == longest {
                found.push(index);
                is_whole |= common == form.len();
            }
        }
        (is_whole || (self.partly && !found.is_empty())).then_some(found)
    }
}

/// Returns every place in `bytes` where a mark of `pattern` stands.
pub(super) fn find(pattern: &Pattern<'_>, bytes: &[u8]) -> Vec<Hit> {
    if pattern.marks.is_empty() {
        return Vec::new();
    }
    let mut hits = as_text(pattern, bytes);
    hits.extend(as_hex(pattern, bytes));
    hits.extend(as_base64(pattern, bytes));
    hits
}

/// Finds marks whose characters stand one by one, each in a form of its own.
fn as_text(pattern: &Pattern<'_>, bytes: &[u8]) -> Vec<Hit> {
    let first = pattern.stem.bytes().next().unwrap_or(b'%');
    let starts = memchr3_iter(first, first.to_ascii_uppercase(), b'%', bytes);
    let starts = starts.chain(memchr_iter(b'\\', bytes));
    let length = pattern.marks.first().map_or(0, |mark| mark.text.len());
    let hit = |offset: usize| {
        let mut reader = Reader::new(bytes, offset);
        let mut text = Vec::new();
        for expected in pattern.stem.bytes() {
            text.push(reader.next().filter(|read| *read == expected)?);
        }
        let (encoding, end) = (reader.encoding, reader.at);
        text.extend(reader.take(length - text.len()));
        let marks = match pattern.by_text.get(text.as_slice()) {
            Some(index) => vec![*index],
            None => pattern.resolve(&text, |mark| mark.as_bytes().to_vec())?,
        };
        let hit = Hit {
            offset,
            encoding,
            marks,
        };
        Some((hit, end))
    };
    // One mark may begin to match at several of its bytes: at each backslash of a run, or at the
    // last digit of `%34`, which is `4`.
    let mut found: Vec<_> = starts.filter_map(hit).collect();
    found.sort_by_key(|(hit, _)| hit.offset);
    let mut hits: Vec<Hit> = Vec::new();
    let mut searched = 0;
    for (hit, end) in found {
        if hit.offset >= searched {
            searched = end;
            hits.push(hit);
        }
    }
    hits
}

fn as_hex(pattern: &Pattern<'_>, bytes: &[u8]) -> Vec<Hit> {
    let lower = |text: &str| crate::encode::hex(text.as_bytes()).into_bytes();
    let upper = |text: &str| lower(text).to_ascii_uppercase();
    in_forms(pattern, bytes, Encoding::Hex, &[&lower, &upper])
}

fn as_base64(pattern: &Pattern<'_>, bytes: &[u8]) -> Vec<Hit> {
    let form = |alphabet, before| move |text: &str| base64(alphabet, before, text.as_bytes());
    let standard = [0, 1, 2].map(|before| form(STANDARD, before));
    let url = [0, 1, 2].map(|before| form(URL, before));
    let forms: Vec<_> = standard
        .iter()
        .chain(&url)
        .map(|form| form as &Form<'_>)
        .collect();
    in_forms(pattern, bytes, Encoding::Base64, &forms)
}

/// What a text becomes in an encoding.
type Form<'a> = dyn Fn(&str) -> Vec<u8> + 'a;

/// Finds marks that stand as a whole in one of `forms`.
fn in_forms(
    pattern: &Pattern<'_>,
    bytes: &[u8],
    encoding: Encoding,
    forms: &[&Form<'_>],
) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut looked_for = Vec::new();
    for form in forms {
        let stem = form(pattern.stem);
        if looked_for.contains(&stem) {
            continue;
        }
        for offset in memmem::find_iter(bytes, &stem) {
            let rest = bytes.get(offset..).unwrap_or_default();
            hits.extend(pattern.resolve(rest, form).map(|marks| Hit {
                offset,
                encoding,
                marks,
            }));
        }
        looked_for.push(stem);
    }
    hits
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Returns those characters of base64 that follow from `text` alone when `before` bytes of something
/// else stand before it in its group of three.
fn base64(alphabet: &[u8; 64], before: usize, text: &[u8]) -> Vec<u8> {
    let padded: Vec<u8> = std::iter::repeat_n(0, before)
        .chain(text.iter().copied())
        .collect();
    let bits = 8 * padded.len();
    let character = |place: usize| {
        let sextet = (0..6).fold(0, |sextet, bit| {
            let at = 6 * place + bit;
            let byte = padded.get(at / 8).copied().unwrap_or(0);
            sextet << 1 | usize::from(byte >> (7 - at % 8) & 1)
        });
        alphabet.get(sextet).copied().unwrap_or(b'=')
    };
    ((8 * before).div_ceil(6)..bits / 6)
        .map(character)
        .collect()
}

/// Reads characters that may each be written in a form of its own, in lower case.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    encoding: Encoding,
}

impl<'a> Reader<'a> {
    const fn new(bytes: &'a [u8], at: usize) -> Self {
        Self {
            bytes,
            at,
            encoding: Encoding::Plain,
        }
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    /// Returns the byte that two hex digits stand for.
    fn hex(&self, ahead: usize) -> Option<u8> {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let value = digit(self.byte(ahead)?)? << 4 | digit(self.byte(ahead + 1)?)?;
        u8::try_from(value).ok()
    }

    fn percent(&mut self) -> Option<u8> {
        let mut length = 1;
        let mut byte = self.hex(length)?;
        // `%2561` is `%61`, encoded once more.
        while byte == b'%' {
            length += 2;
            byte = self.hex(length)?;
        }
        self.at += length + 2;
        self.encoding = Encoding::Percent;
        Some(byte)
    }

    fn escape(&mut self) -> Option<u8> {
        let slashes = self.bytes.get(self.at..)?;
        let slashes = slashes.iter().take_while(|byte| **byte == b'\\').count();
        let is_low = self.byte(slashes) == Some(b'u') && self.hex(slashes + 1) == Some(0);
        let byte = self.hex(slashes + 3).filter(|_| is_low)?;
        self.at += slashes + 5;
        self.encoding = Encoding::JsonEscape;
        Some(byte)
    }

    fn plain(&mut self) -> Option<u8> {
        let byte = self.byte(0)?;
        self.at += 1;
        if self.byte(0) == Some(0) {
            self.at += 1;
            self.encoding = Encoding::Utf16;
        }
        Some(byte)
    }
}

impl Iterator for Reader<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let byte = match self.byte(0)? {
            b'%' => self.percent(),
            b'\\' => self.escape(),
            _ => self.plain(),
        }?;
        if byte.is_ascii_uppercase() && self.encoding == Encoding::Plain {
            self.encoding = Encoding::OtherCase;
        }
        Some(byte.to_ascii_lowercase())
    }
}
