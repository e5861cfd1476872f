//! Sequence numbers set aside, so that a crash bounds what it can have lost.
//!
//! ```text
//! file = *( line of ( {"reserved":number} / {"settled":number} ) )  ; the lines of a segment with number 0
//! ```
//!
//! The last good line of each counts; a torn one is as if it had never been.

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
    settled: u64,
    /// Passes of the disk that are not over, and what is settled once they are.
    waiting: Vec<(u64, u64)>,
    /// What a power cut leaves noted as settled.
    kept: u64,
}

/// What the reservation of a dead writer says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reserved {
    /// The highest number that was set aside; 0 when none is known.
    pub(crate) up_to: u64,
    /// Each event up to this number survives a power cut, or was let go of; `None` when a version
    /// wrote it that did not say.
    pub(crate) settled: Option<u64>,
}

/// What a line can say.
const UP_TO: &str = "reserved";
const SETTLED: &str = "settled";

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
            settled: 0,
            waiting: Vec::new(),
            kept: 0,
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
        let mut lines = Vec::new();
        if self.file.is_none() {
            // Ahead of the bound, so that a file which has one says this too.
            self.seal(SETTLED, self.settled, &mut lines)?;
        }
        self.seal(UP_TO, up_to, &mut lines)?;
        let file = self.append(vfs, lines)?;
        self.up_to = up_to;
        Ok(Some(file))
    }

    /// Notes that recovery need not look for events up to `seq`; returns its file when it was written
    /// to. A note that is not stored makes recovery read more, and tell more.
    pub(crate) fn settle(
        &mut self,
        vfs: &dyn Vfs,
        seq: u64,
    ) -> Result<Option<Arc<dyn VfsFile>>, Error> {
        if seq <= self.settled || self.file.is_none() {
            return Ok(None);
        }
        let mut line = Vec::new();
        self.seal(SETTLED, seq, &mut line)?;
        let file = self.append(vfs, line)?;
        self.settled = seq;
        Ok(Some(file))
    }

    /// Returns whether its file says that recovery need not look for events up to `seq`.
    pub(crate) const fn is_noted(&self, seq: u64) -> bool {
        seq <= self.settled
    }

    /// What is noted survives a power cut once pass `next` of the disk is over; the last that was good
    /// is `passed`.
    pub(crate) fn await_pass(&mut self, passed: Option<u64>, next: u64) {
        self.kept(passed);
        if passed.is_none() {
            self.waiting.clear();
        }
        self.waiting.retain(|(pass, _)| *pass != next);
        self.waiting.push((next, self.settled));
    }

    /// Returns up to which number it survives a power cut that events are settled.
    pub(crate) fn kept(&mut self, passed: Option<u64>) -> u64 {
        self.waiting.retain(|(pass, settled)| {
            let is_over = passed.is_some_and(|passed| passed >= *pass);
            if is_over {
                self.kept = self.kept.max(*settled);
            }
            !is_over
        });
        self.kept
    }

    fn append(&mut self, vfs: &dyn Vfs, mut lines: Vec<u8>) -> Result<Arc<dyn VfsFile>, Error> {
        if self.torn {
            // A newline ends a torn line, so that it spoils no other.
            lines.insert(0, b'\n');
        }
        let file = self.write(vfs, &lines).map_err(|source| {
            Error::io(format!("failed to write `{}`", self.path.display()), source)
        })?;
        self.torn = false;
        self.size = file.size().unwrap_or(self.size + lines.len() as u64);
        Ok(file)
    }

    /// Returns its file, if there is one.
    pub(crate) const fn file(&self) -> Option<&Arc<dyn VfsFile>> {
        self.file.as_ref()
    }

    /// Writes the bound to a new file, which takes the place of one that was not synchronised.
    pub(crate) fn renew(&mut self, vfs: &dyn Vfs) -> Result<(), Error> {
        let mut bytes = Vec::new();
        self.seal(SETTLED, self.settled, &mut bytes)?;
        self.seal(UP_TO, self.up_to, &mut bytes)?;
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

    fn seal(&self, what: &str, seq: u64, bytes: &mut Vec<u8>) -> Result<(), Error> {
        let json = format!("{{\"{what}\":{seq}}}");
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

/// Returns what a dead writer had set aside.
pub(crate) fn read(writer: WriterId, file: Arc<dyn VfsFile>) -> io::Result<Reserved> {
    let place = Place::new(writer, 0);
    let mut lines = Lines::new(file);
    let mut reserved = Reserved::default();
    while let Some(piece) = lines.next()? {
        let good = piece.bytes.filter(|_| piece.ended);
        let Some(json) = good.and_then(|bytes| line::open(place, bytes)) else {
            continue;
        };
        reserved.up_to = number(json, UP_TO).unwrap_or(reserved.up_to);
        reserved.settled = number(json, SETTLED).or(reserved.settled);
    }
    Ok(reserved)
}

fn number(json: &[u8], what: &str) -> Option<u64> {
    let json = std::str::from_utf8(json).ok()?.strip_prefix("{\"")?;
    let digits = json.strip_prefix(what)?.strip_prefix("\":")?;
    digits.strip_suffix('}')?.parse().ok()
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

    fn reserved(vfs: &MemVfs) -> Reserved {
        let file = vfs.open(Path::new(PATH), Access::Read).unwrap();
        read(WriterId::from_bytes([3; 16]), file).unwrap()
    }

    fn stored(vfs: &MemVfs) -> u64 {
        reserved(vfs).up_to
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
        reservation.settle(&vfs, 7).unwrap();
        let whole = vfs.get(Path::new(PATH)).unwrap();
        let said = [
            (0, None),
            (0, Some(0)),
            (4_096, Some(0)),
            (8_192, Some(0)),
            (8_192, Some(7)),
        ];
        for cut in 0..=whole.len() {
            let left = &whole[..cut];
            vfs.put(Path::new(PATH), left.to_vec());
            let lines = left.iter().filter(|byte| **byte == b'\n').count();
            let (up_to, settled) = said[lines];
            assert_eq!(reserved(&vfs), Reserved { up_to, settled }, "{cut}");
        }
    }

    #[test]
    fn the_file_of_a_version_that_did_not_say_what_is_settled_is_read() {
        let vfs = MemVfs::new();
        let mut line = Vec::new();
        let place = Place::new(WriterId::from_bytes([3; 16]), 0);
        line::seal(place, br#"{"reserved":4096}"#, &mut line).unwrap();
        vfs.put(Path::new(PATH), line);
        let expected = Reserved {
            up_to: 4_096,
            settled: None,
        };
        assert_eq!(reserved(&vfs), expected);
    }

    #[test]
    fn after_a_failed_write_the_old_bound_stands_and_the_next_write_counts() {
        let vfs = MemVfs::new();
        let mut reservation = reservation(&vfs);
        reservation.extend(&vfs, 1).unwrap();
        vfs.limit(Some(vfs.used() + 20));
        vfs.fail_nth(Op::Truncate, Fault::Io, 0);
        assert!(reservation.extend(&vfs, 5_000).unwrap_err().is_io());
        assert_eq!((reservation.up_to(), stored(&vfs)), (4_096, 4_096));
        vfs.heal();
        reservation.extend(&vfs, 5_000).unwrap();
        assert_eq!(stored(&vfs), 8_192);
    }
}
