//! Lines of a file, streamed with bounded memory.

use std::io;

use super::line::MAX_LINE;
use crate::sync::Arc;
use crate::vfs::VfsFile;

const CHUNK: usize = 64 << 10;

/// Reads a file line by line; memory is bounded by the longest line allowed. It holds content: it
/// has no `Debug`.
pub(crate) struct Lines {
    file: Arc<dyn VfsFile>,
    /// Where in the file the buffer begins.
    base: u64,
    buffer: Vec<u8>,
    /// Up to where the buffer has been handed out, and up to where it is filled.
    start: usize,
    filled: usize,
    ended: bool,
}

/// One line of a file, or what stands in its place.
pub(crate) struct Piece<'a> {
    /// Where it begins in the file.
    pub(crate) offset: u64,
    /// How many bytes it has in the file, with its newline.
    pub(crate) size: u64,
    /// The bytes without the newline; `None` when there are too many to hold.
    pub(crate) bytes: Option<&'a mut [u8]>,
    /// Whether it has a newline.
    pub(crate) ended: bool,
}

impl Lines {
    pub(crate) const fn new(file: Arc<dyn VfsFile>) -> Self {
        Self {
            file,
            base: 0,
            buffer: Vec::new(),
            start: 0,
            filled: 0,
            ended: false,
        }
    }

    /// As [`Lines::new`], from the line that begins at `offset`.
    pub(crate) fn from_offset(file: Arc<dyn VfsFile>, offset: u64) -> Self {
        let mut lines = Self::new(file);
        lines.base = offset;
        lines
    }

    /// Returns the next line, or `None` at the end of the file.
    pub(crate) fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        let mut searched = self.start;
        let (end, ended) = loop {
            let rest = self.buffer.get(searched..self.filled).unwrap_or_default();
            if let Some(found) = memchr::memchr(b'\n', rest) {
                break (searched + found, true);
            }
            if self.ended {
                break (self.filled, false);
            }
            if self.filled - self.start >= MAX_LINE {
                return self.skip_long().map(Some);
            }
            searched = self.filled - self.start;
            self.fill()?;
        };
        if end == self.start && !ended {
            return Ok(None);
        }
        let start = std::mem::replace(&mut self.start, end + usize::from(ended));
        Ok(Some(Piece {
            offset: self.base + size(start),
            size: size(self.start - start),
            bytes: self.buffer.get_mut(start..end),
            ended,
        }))
    }

    /// Drops what was handed out, then reads on.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.filled, 0);
        self.base += size(self.start);
        self.filled -= self.start;
        self.start = 0;
        if self.buffer.len() - self.filled < CHUNK {
            let mut larger = vec![0; (self.buffer.len() * 2).max(CHUNK)];
            if let Some((held, _)) = larger.split_at_mut_checked(self.filled) {
                held.copy_from_slice(self.buffer.get(..self.filled).unwrap_or_default());
            }
            self.buffer = larger;
        }
        let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
        let read = retry(|| self.file.read_at(room, self.base + size(self.filled)))?;
        self.filled += read;
        self.ended = read == 0;
        Ok(())
    }

    /// Passes over a line that is too long to hold.
    fn skip_long(&mut self) -> io::Result<Piece<'_>> {
        let offset = self.base + size(self.start);
        loop {
            // Everything in the buffer belongs to the line.
            self.start = self.filled;
            self.fill()?;
            let held = self.buffer.get(..self.filled).unwrap_or_default();
            let newline = memchr::memchr(b'\n', held);
            if newline.is_some() || self.ended {
                self.start = newline.map_or(self.filled, |newline| newline + 1);
                return Ok(Piece {
                    offset,
                    size: self.base + size(self.start) - offset,
                    bytes: None,
                    ended: newline.is_some(),
                });
            }
        }
    }
}

/// Repeats an operation that a signal interrupts.
pub(crate) fn retry<T>(mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn size(bytes: usize) -> u64 {
    bytes as u64
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::vfs::{Access, Fault, MemVfs, Op, Vfs};

    type Found = (u64, u64, Option<Vec<u8>>, bool);

    fn lines(content: &[u8]) -> Vec<Found> {
        let vfs = MemVfs::new();
        vfs.put(Path::new("/d/f"), content.to_vec());
        vfs.fail_one_in(Op::Read, Fault::Interrupted, 3);
        let mut lines = Lines::new(vfs.open(Path::new("/d/f"), Access::Read).unwrap());
        let mut found = Vec::new();
        while let Some(piece) = lines.next().unwrap() {
            let bytes = piece.bytes.map(|bytes| bytes.to_vec());
            found.push((piece.offset, piece.size, bytes, piece.ended));
        }
        found
    }

    #[test]
    fn a_last_line_without_newline_is_told_apart() {
        let expected = vec![
            (0, 2, Some(b"a".to_vec()), true),
            (2, 1, Some(vec![]), true),
            (3, 2, Some(b"bc".to_vec()), false),
        ];
        assert_eq!(lines(b"a\n\nbc"), expected);
        assert_eq!(lines(b""), vec![]);
    }

    #[test]
    fn a_line_too_long_to_hold_is_passed_over() {
        let mut content = b"a\n".to_vec();
        content.resize(MAX_LINE + 100_000, b'x');
        content.extend_from_slice(b"\nb\n");
        let found = lines(&content);
        assert_eq!(found[0], (0, 2, Some(b"a".to_vec()), true));
        assert_eq!(found[1], (2, (MAX_LINE + 100_000 - 1) as u64, None, true));
        assert_eq!(found[2].2, Some(b"b".to_vec()));
    }

    #[test]
    fn lines_longer_than_a_chunk_are_whole() {
        let content: Vec<u8> = (0..5)
            .flat_map(|n| [vec![b'a' + n; CHUNK * usize::from(n) + 7], vec![b'\n']].concat())
            .collect();
        let joined: Vec<u8> = lines(&content)
            .into_iter()
            .flat_map(|line| [line.2.unwrap(), vec![b'\n']].concat())
            .collect();
        assert!(joined == content);
    }
}
