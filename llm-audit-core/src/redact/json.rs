//! Redaction of JSON text (RFC 8259) that keeps it JSON.
//!
//! Strings are redacted one by one, each with the name of the member it belongs to as context; so
//! are the names of members, and long numbers, which become strings where they hold a value.
//! A string that is an object or an array itself is walked too, four levels down. All else is
//! copied as it stands. The walk keeps its own stack, as nesting may be deeper than the thread's.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2;
use serde::de::IgnoredAny;

use super::session::{Families, RedactError, Session};

const MAX_NESTED_TEXTS: usize = 4;
/// Shorter numbers hold no value that a detector knows without the name of the member.
const MIN_NUMBER: usize = 8;

/// Returns the redacted text, or `None` when it needs no change; what is not JSON is redacted as
/// text.
pub(super) fn redact(
    session: &mut Session,
    text: &str,
    families: Families,
    name: Option<&str>,
) -> Result<Option<String>, RedactError> {
    value(session, text, families, name, MAX_NESTED_TEXTS)
}

fn value(
    session: &mut Session,
    text: &str,
    families: Families,
    name: Option<&str>,
    nested: usize,
) -> Result<Option<String>, RedactError> {
    let may_be_json = text.trim_start().starts_with([
        '{', '[', '"', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
    ]);
    if !may_be_json || serde_json::from_str::<IgnoredAny>(text).is_err() {
        return session.text(text, families, name);
    }
    Walk {
        session,
        text,
        families,
        nested,
        outer: name,
        out: String::new(),
        copied: 0,
    }
    .run()
}

struct Walk<'w> {
    session: &'w mut Session,
    text: &'w str,
    families: Families,
    nested: usize,
    outer: Option<&'w str>,
    out: String,
    /// How far the text stands in `out`, or was replaced there.
    copied: usize,
}

/// An object or array that is open.
struct Open {
    is_object: bool,
    /// The literal with the name of the member that it is the value of.
    name: Option<Range<usize>>,
}

impl Walk<'_> {
    fn run(mut self) -> Result<Option<String>, RedactError> {
        let mut open: Vec<Open> = Vec::new();
        let mut name: Option<Range<usize>> = None;
        let mut expects_name = false;
        let mut at = 0;
        while let Some(byte) = self.text.as_bytes().get(at) {
            match byte {
                b'{' | b'[' => {
                    let is_object = *byte == b'{';
                    open.push(Open {
                        is_object,
                        name: name.clone(),
                    });
                    expects_name = is_object;
                    at += 1;
                }
                b'}' | b']' => {
                    name = open.pop().and_then(|closed| closed.name);
                    at += 1;
                }
                b',' => {
                    expects_name = open.last().is_some_and(|open| open.is_object);
                    at += 1;
                }
                b'"' => {
                    let end = string_end(self.text, at);
                    if expects_name {
                        self.string(at..end, None, false)?;
                        name = Some(at..end);
                        expects_name = false;
                    } else {
                        self.string(at..end, name.clone(), true)?;
                    }
                    at = end;
                }
                b'-' | b'0'..=b'9' => {
                    let end = number_end(self.text, at);
                    self.number(at..end, name.clone())?;
                    at = end;
                }
                _ => at += 1,
            }
        }
        if self.copied == 0 {
            return Ok(None);
        }
        self.out
            .push_str(self.text.get(self.copied..).unwrap_or_default());
        Ok(Some(self.out))
    }

    /// Redacts the string literal at `range`, quotes included.
    fn string(
        &mut self,
        range: Range<usize>,
        name: Option<Range<usize>>,
        is_value: bool,
    ) -> Result<(), RedactError> {
        let literal = self.text.get(range.clone()).unwrap_or_default();
        let content = decoded(literal);
        let redacted = if is_value {
            let name = self.name(name);
            let nested = content.trim_start().starts_with(['{', '[']) && self.nested > 0;
            if nested {
                let nested = self.nested - 1;
                value(
                    self.session,
                    &content,
                    self.families,
                    name.as_deref(),
                    nested,
                )?
            } else {
                self.session
                    .text(&content, self.families, name.as_deref())?
            }
        } else {
            self.session.text(&content, self.families, None)?
        };
        match redacted {
            Some(redacted) => self.put(range, &redacted),
            None => Ok(()),
        }
    }

    fn number(
        &mut self,
        range: Range<usize>,
        name: Option<Range<usize>>,
    ) -> Result<(), RedactError> {
        let literal = self.text.get(range.clone()).unwrap_or_default();
        let name = self.name(name);
        let is_whole = literal.bytes().all(|b| b.is_ascii_digit());
        let is_known = || is_whole && name.as_deref().is_some_and(|n| self.session.knows(n));
        if literal.len() < MIN_NUMBER && !is_known() {
            return Ok(());
        }
        match self.session.text(literal, self.families, name.as_deref())? {
            Some(redacted) => self.put(range, &redacted),
            None => Ok(()),
        }
    }

    /// Writes `content` as a string literal in the place of `range`.
    fn put(&mut self, range: Range<usize>, content: &str) -> Result<(), RedactError> {
        let between = self.text.get(self.copied..range.start).unwrap_or_default();
        self.out.push_str(between);
        let literal = serde_json::to_string(content).map_err(|_| RedactError::BadSpan("json"))?;
        self.out.push_str(&literal);
        self.copied = range.end;
        Ok(())
    }
}

impl<'w> Walk<'w> {
    fn name(&self, name: Option<Range<usize>>) -> Option<Cow<'w, str>> {
        match name {
            Some(name) => self.text.get(name).map(decoded),
            None => self.outer.map(Cow::Borrowed),
        }
    }
}

/// Returns where the string literal ends that begins at `at`, behind its closing quote.
fn string_end(text: &str, at: usize) -> usize {
    let mut end = at + 1;
    while let Some(offset) = memchr2(b'"', b'\\', text.as_bytes().get(end..).unwrap_or_default()) {
        end += offset;
        if text.as_bytes().get(end) == Some(&b'"') {
            return end + 1;
        }
        end += 2;
    }
    text.len()
}

fn number_end(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    let length = rest
        .iter()
        .position(|b| !matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
        .unwrap_or(rest.len());
    at + length.max(1)
}

/// Returns what a string literal stands for. A surrogate without its pair, which no text can hold,
/// becomes U+FFFD.
fn decoded(literal: &str) -> Cow<'_, str> {
    let content = literal
        .get(1..literal.len().saturating_sub(1))
        .unwrap_or_default();
    if !content.contains('\\') {
        return Cow::Borrowed(content);
    }
    if let Ok(content) = serde_json::from_str(literal) {
        return Cow::Owned(content);
    }
    let mut mended = String::with_capacity(literal.len());
    let mut rest = literal;
    while let Some(at) = rest.find('\\') {
        let (head, escape) = rest.split_at(at);
        mended.push_str(head);
        let surrogate = matches!(
            escape.as_bytes(),
            [
                _,
                b'u',
                b'd' | b'D',
                b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F',
                ..,
            ]
        );
        let length = if surrogate { 6 } else { 2 };
        let (escape, tail) = escape.split_at_checked(length).unwrap_or((escape, ""));
        mended.push_str(if surrogate { "\\ufffd" } else { escape });
        rest = tail;
    }
    mended.push_str(rest);
    serde_json::from_str(&mended).map_or(Cow::Borrowed(content), Cow::Owned)
}
