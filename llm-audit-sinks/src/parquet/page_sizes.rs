//! How much memory the pages of a file take, read from their headers before any is decompressed.
//!
//! A page says itself how large it becomes, and a reader believes it; so a small file could ask for
//! any amount of memory. Format: `PageHeader` of the Parquet format, in Thrift's compact protocol
//! (Apache Thrift, "Thrift Compact protocol encoding").

use std::io::{self, BufReader, Read};

use parquet::file::reader::ChunkReader;

use super::summary::Chunks;

/// A header is some tens of bytes; its statistics, where another program wrote it, are more.
const MAX_HEADER: u64 = 1 << 20;
/// Headers nest once.
const MAX_DEPTH: u32 = 4;

const UNCOMPRESSED_SIZE: i64 = 2;
const COMPRESSED_SIZE: i64 = 3;

/// Returns how many bytes the largest page of the column chunk at `start` becomes.
///
/// # Errors
///
/// When the headers are no headers, or lead out of the `length` bytes of the chunk.
pub(super) fn largest_page(chunks: &Chunks, start: u64, length: u64) -> io::Result<u64> {
    let end = start.checked_add(length).ok_or_else(odd)?;
    let mut at = start;
    let mut largest = 0;
    while at < end {
        let page = chunks.get_read(at).map_err(|_| odd())?;
        let mut header = Header {
            input: BufReader::with_capacity(256, page.take(MAX_HEADER)),
            read: 0,
        };
        let (uncompressed, compressed) = header.sizes()?;
        largest = largest.max(uncompressed);
        at = at
            .checked_add(header.read)
            .and_then(|at| at.checked_add(compressed))
            .filter(|at| *at <= end)
            .ok_or_else(odd)?;
    }
    Ok(largest)
}

fn odd() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a page has no header")
}

struct Header<R> {
    input: R,
    read: u64,
}

impl<R: Read> Header<R> {
    /// Reads one header; returns the uncompressed and the compressed size of its page.
    fn sizes(&mut self) -> io::Result<(u64, u64)> {
        let (mut uncompressed, mut compressed) = (None, None);
        let mut id = 0;
        while let Some((next, kind)) = self.field(id)? {
            id = next;
            match (id, kind) {
                (UNCOMPRESSED_SIZE, 5) => uncompressed = Some(self.zigzag()?),
                (COMPRESSED_SIZE, 5) => compressed = Some(self.zigzag()?),
                _ => self.skip(kind, 0)?,
            }
        }
        let size = |size: Option<i64>| size.and_then(|size| u64::try_from(size).ok());
        size(uncompressed).zip(size(compressed)).ok_or_else(odd)
    }

    /// Reads the identifier and type of the field after `last`, or `None` at the end of its struct.
    fn field(&mut self, last: i64) -> io::Result<Option<(i64, u8)>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Ok(None);
        }
        let id = match byte >> 4 {
            0 => self.zigzag()?,
            delta => last.saturating_add(delta.into()),
        };
        Ok(Some((id, byte & 0xf)))
    }

    fn skip(&mut self, kind: u8, depth: u32) -> io::Result<()> {
        if depth > MAX_DEPTH {
            return Err(odd());
        }
        match kind {
            // A boolean in a struct is its type.
            1 | 2 => Ok(()),
            3 => self.byte().map(drop),
            4..=6 => self.varint().map(drop),
            7 => self.pass(8),
            8 => {
                let length = self.varint()?;
                self.pass(length)
            }
            9 | 10 => {
                let byte = self.byte()?;
                let count = match byte >> 4 {
                    15 => self.varint()?,
                    few => few.into(),
                };
                for _ in 0..count {
                    match byte & 0xf {
                        1 | 2 => self.pass(1)?,
                        kind => self.skip(kind, depth + 1)?,
                    }
                }
                Ok(())
            }
            12 => {
                let mut id = 0;
                while let Some((next, kind)) = self.field(id)? {
                    id = next;
                    self.skip(kind, depth + 1)?;
                }
                Ok(())
            }
            // No header has a map.
            _ => Err(odd()),
        }
    }

    fn pass(&mut self, length: u64) -> io::Result<()> {
        let passed = io::copy(&mut self.input.by_ref().take(length), &mut io::sink())?;
        self.read += passed;
        if passed == length { Ok(()) } else { Err(odd()) }
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.input.read_exact(&mut byte)?;
        self.read += 1;
        let [byte] = byte;
        Ok(byte)
    }

    fn varint(&mut self) -> io::Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(odd())
    }

    fn zigzag(&mut self) -> io::Result<i64> {
        let value = self.varint()?;
        let half = i64::try_from(value >> 1).map_err(|_| odd())?;
        Ok(if value & 1 == 0 { half } else { !half })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(bytes: &[u8]) -> io::Result<(u64, u64)> {
        Header {
            input: bytes,
            read: 0,
        }
        .sizes()
    }

    #[test]
    fn the_sizes_are_found_behind_what_else_a_header_says() {
        // type 0, sizes 150 and 3, a data page header with a list, statistics, a double and a long id.
        let header = [
            0x15, 0x00, 0x15, 0xac, 0x02, 0x15, 0x06, 0x2c, 0x15, 0x02, 0x19, 0x21, 0x01, 0x02,
            0x18, 0x02, b'a', b'b', 0x00, 0x17, 0, 0, 0, 0, 0, 0, 0, 0, 0x05, 0x80, 0x01, 0x02,
            0x11, 0x00,
        ];
        assert_eq!(sizes(&header).unwrap(), (150, 3));
        for cut in 0..header.len() {
            assert!(sizes(&header[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn what_is_no_header_is_an_error_and_ends() {
        assert!(sizes(&[0]).is_err(), "nothing is said");
        assert!(
            sizes(&[0x15, 0x00, 0x15, 0x01, 0x15, 0x00, 0]).is_err(),
            "-1 bytes"
        );
        assert!(sizes(&[0x1c; 64]).is_err(), "structs without end");
        assert!(
            sizes(&[0x18, 0xff, 0xff, 0xff, 0xff, 0x0f]).is_err(),
            "a text beyond the end"
        );
        assert!(sizes(&[0xff; 64]).is_err());
        let list = [
            0x19, 0xf1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
        ];
        assert!(sizes(&list).is_err(), "a list beyond the end");
    }
}
