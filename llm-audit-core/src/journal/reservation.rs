//! Sequence numbers set aside, so that a crash bounds what it can have lost.
//!
//! ```text
//! file = *( line of {"reserved":number} )     ; the line format of a segment with number 0
//! ```
//!
//! The last good line counts; a torn one is as if it had never been.

use std::io;
use std::path::PathBuf;

use super::line::{self, Place};
use super::repair::replace;
use super::scan::{Lines, retry};
use crate::error::Error;
use crate::id::WriterId;
use crate::sync::Arc;
use crate::vfs::{Vfs, VfsFile};

/// How many numbers are set aside at once.
pub(crate) const BLOCK: u64 = 4_096;

/// The numbers that a live writer has set aside.
#[derive(Debug)]
pub(crate) struct Reservation {
    place: Place,
    path: PathBuf,
    temporary: PathBuf,
    file: Option<Arc<dyn VfsFile>>,
    size: u64,
    /// A torn line that could not be cut off is at the end.
    torn: bool,
    up_to: u64,
}

impl Reservation {
    pub(crate) fn new(writer: WriterId, path: PathBuf, temporary: PathBuf) -> Self {
        Self {
            place: Place::new(writer, 0),
            path,
            temporary,
            file: None,
            size: 0,
            torn: false,
            up_to: 0,
        }
    }

    /// Returns the highest number that is set aside; 0 when none is.
    pub(crate) const fn up_to(&self) -> u64 {
        self.up_to
    }

    /// Sets aside the block that `seq` is in; returns its file when it was written to.
    pub(crate) fn extend(
        &mut self,
        vfs: &dyn Vfs,
        seq: u64,
    ) -> Result<Option<Arc<dyn VfsFile>>, Error> {
        if seq <= self.up_to {
            return Ok(None);
        }
        let up_to = seq.div_ceil(BLOCK).saturating_mul(BLOCK);
        // A newline ends a torn line, so that it spoils no other.
        let mut bytes = if self.torn { vec![b'\n'] } else { Vec::new() };
        self.seal(up_to, &mut bytes)?;
        match self.write(vfs, &bytes) {
            Ok(file) => {
                self.up_to = up_to;
                self.torn = false;
                self.size = file.size().unwrap_or(self.size + bytes.len() as u64);
                Ok(Some(file))
            }
            Err(source) => Err(Error::io(
                format!("failed to write `{}`", self.path.display()),
                source,
            )),
        }
    }

    /// Returns its file, if there is one.
    pub(crate) const fn file(&self) -> Option<&Arc<dyn VfsFile>> {
        self.file.as_ref()
    }

    /// Writes the bound to a new file, which takes the place of one that was not synchronised.
    pub(crate) fn renew(&mut self, vfs: &dyn Vfs) -> Result<(), Error> {
        let mut bytes = Vec::new();
        self.seal(self.up_to, &mut bytes)?;
        let renewed = replace(vfs, &self.temporary, &self.path, |file| {
            retry(|| file.try_lock())?;
            file.write_all(&bytes)
        });
        let path = self.path.display();
        let file = renewed
            .map_err(|source| Error::io(format!("failed to write `{path}` anew"), source))?;
        self.file = Some(file);
        self.torn = false;
        self.size = bytes.len() as u64;
        Ok(())
    }

    fn seal(&self, up_to: u64, bytes: &mut Vec<u8>) -> Result<(), Error> {
        let json = format!("{{\"reserved\":{up_to}}}");
        line::seal(self.place, json.as_bytes(), bytes)
    }

    fn write(&mut self, vfs: &dyn Vfs, bytes: &[u8]) -> io::Result<Arc<dyn VfsFile>> {
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => {
                let file = vfs.create_new(&self.path)?;
                // A second sign of life, should someone remove the lock file.
                retry(|| file.try_lock())?;
                self.file = Some(Arc::clone(&file));
                file
            }
        };
        match file.write_all(bytes) {
            Ok(()) => Ok(file),
            Err(error) => {
                self.torn |= file.truncate(self.size).is_err();
                Err(error)
            }
        }
    }
}

/// Returns the highest number that a dead writer had set aside; 0 when none is known.
pub(crate) fn read(writer: WriterId, file: Arc<dyn VfsFile>) -> io::Result<u64> {
    let place = Place::new(writer, 0);
    let mut lines = Lines::new(file);
    let mut up_to = 0;
    while let Some(piece) = lines.next()? {
        let good = piece.bytes.filter(|_| piece.ended);
        let json = good.and_then(|bytes| line::open(place, bytes));
        let number = json
            .and_then(|json| json.strip_prefix(b"{\"reserved\":")?.strip_suffix(b"}"))
            .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        up_to = number.unwrap_or(up_to);
    }
    Ok(up_to)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::vfs::{Access, Fault, MemVfs, Op};

    const PATH: &str = "/d/r";

    fn reservation(vfs: &MemVfs) -> Reservation {
        vfs.create_dir(Path::new("/d")).unwrap();
        Reservation::new(WriterId::from_bytes([3; 16]), PATH.into(), "/d/t".into())
    }

    fn stored(vfs: &MemVfs) -> u64 {
        let file = vfs.open(Path::new(PATH), Access::Read).unwrap();
        read(WriterId::from_bytes([3; 16]), file).unwrap()
    }

    #[test]
    fn numbers_are_set_aside_by_blocks() {
        let vfs = MemVfs::new();
        let mut reservation = reservation(&vfs);
        assert!(reservation.extend(&vfs, 1).unwrap().is_some());
        assert_eq!((reservation.up_to(), stored(&vfs)), (4_096, 4_096));
        assert!(reservation.extend(&vfs, 4_096).unwrap().is_none());
        reservation.extend(&vfs, 4_097).unwrap();
        assert_eq!(stored(&vfs), 8_192);
    }

    #[test]
    fn a_torn_line_is_as_if_it_had_never_been() {
        let vfs = MemVfs::new();
        let mut reservation = reservation(&vfs);
        reservation.extend(&vfs, 1).unwrap();
        reservation.extend(&vfs, 5_000).unwrap();
        let whole = vfs.get(Path::new(PATH)).unwrap();
        for cut in 0..whole.len() {
            vfs.put(Path::new(PATH), whole[..cut].to_vec());
            let expected = if cut < whole.len() / 2 { 0 } else { 4_096 };
            assert_eq!(stored(&vfs), expected, "{cut}");
        }
    }

    #[test]
    fn after_a_failed_write_the_old_bound_stands_and_the_next_write_counts() {
        let vfs = MemVfs::new();
        let mut reservation = reservation(&vfs);
        reservation.extend(&vfs, 1).unwrap();
        vfs.limit(Some(60));
        vfs.fail_nth(Op::Truncate, Fault::Io, 0);
        assert!(reservation.extend(&vfs, 5_000).unwrap_err().is_io());
        assert_eq!((reservation.up_to(), stored(&vfs)), (4_096, 4_096));
        vfs.heal();
        reservation.extend(&vfs, 5_000).unwrap();
        assert_eq!(stored(&vfs), 8_192);
    }
}
