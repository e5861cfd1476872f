//! Lines that are no JSON, as one text: a value may go over several.

use super::{Counts, Families, Session, count};

/// So much text is looked at together.
const BLOCK: usize = 1 << 20;
/// What begins this far before a block's end is looked at with the next one: it may go on there.
const OVERLAP: usize = 64 << 10;
/// What stays before it, as context.
const BEFORE: usize = 4 << 10;

/// Text that waits for more.
#[derive(Default)]
pub(super) struct TextBlock {
    text: String,
    /// The number of the text's first line.
    line: u64,
    /// Up to where values have been counted.
    counted: usize,
}

impl TextBlock {
    /// Adds a line without its newline.
    pub(super) fn push(&mut self, line: u64, text: &str) {
        if self.text.is_empty() {
            self.line = line;
        }
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Counts what is in the text once it is long enough, or is `all` that there will be.
    pub(super) fn find(&mut self, session: &mut Session, all: bool, counts: &mut Counts) {
        if self.text.len() < BLOCK && !all {
            return;
        }
        let end = if all {
            self.text.len()
        } else {
            floor(&self.text, self.text.len() - OVERLAP)
        };
        let hits = session.find(&self.text, Families::All, None);
        let (mut line, mut at) = (self.line, 0);
        for hit in hits.unwrap_or_default() {
            if hit.start < self.counted || hit.start >= end {
                continue;
            }
            line += newlines(&self.text, at, hit.start);
            at = hit.start;
            count(counts, line, None, hit);
            self.counted = hit.end;
        }
        if all {
            *self = Self::default();
            return;
        }
        let counted = self.counted.max(end);
        let from = floor(&self.text, end.saturating_sub(BEFORE));
        self.line += newlines(&self.text, 0, from);
        self.text.drain(..from);
        self.counted = counted - from;
    }
}

fn newlines(text: &str, from: usize, to: usize) -> u64 {
    let bytes = text.as_bytes().get(from..to).unwrap_or_default();
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
