//! JSON lines without checksums, without what has expired: dead letters, and the copies of sinks.

use std::io;

use serde::de::IgnoredAny;

use super::narrowing::Job;
use super::scan::Lines;
use crate::event::Event;
use crate::facet::FacetSet;
use crate::sync::Arc;
use crate::timestamp::Timestamp;
use crate::vfs::VfsFile;

/// One file, as it is before.
#[doc(hidden)]
#[derive(Debug)]
#[non_exhaustive]
pub struct Copies {
    /// The file, and how much of it is looked at.
    pub file: Arc<dyn VfsFile>,
    /// So many bytes of it.
    pub size: u64,
    /// None of its events is newer.
    pub newest: Timestamp,
    /// What is taken out of events that are not held.
    pub due: FacetSet,
}

/// What is in a file.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Found {
    /// Events that something is taken out of.
    pub narrowed: u64,
    /// Events that are held.
    pub held: u64,
    /// Lines that nobody can read and a hold may be on: they stay.
    pub unreadable: u64,
    /// Where the first of those begins that go, and how many bytes they have.
    pub lost: Option<(u64, u64)>,
    /// How many bytes are left.
    pub left: u64,
    /// When the newest event was recorded.
    pub latest: Option<Timestamp>,
}

impl Copies {
    /// Returns the first `size` bytes of a file; nothing is due yet.
    pub const fn new(file: Arc<dyn VfsFile>, size: u64, newest: Timestamp) -> Self {
        Self {
            file,
            size,
            newest,
            due: FacetSet::EMPTY,
        }
    }

    /// Hands what is left of the file to `take`, line by line.
    pub(super) fn each(
        &self,
        job: &Job,
        found: &mut Found,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let may_be_held = job.expiry.may_hold(self.newest);
        let mut lines = Lines::new(Arc::clone(&self.file));
        let mut line = Vec::new();
        while let Some(piece) = lines.next()? {
            if !job.goes_on() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            if piece.offset >= self.size {
                break;
            }
            let (offset, size, ended) = (piece.offset, piece.size, piece.ended);
            let Some(bytes) = piece.bytes.as_deref().or((!may_be_held).then_some(&[])) else {
                // It is too long to hold, and stays with the whole file.
                return Err(io::ErrorKind::InvalidData.into());
            };
            line.clear();
            match Event::from_json(bytes) {
                Ok(mut event) if ended => {
                    found.latest = found.latest.max(Some(event.recorded_at()));
                    let (fate, is_held) = job.fate(&event, self.due);
                    found.held += u64::from(is_held);
                    if fate.apply(&mut event) {
                        found.narrowed += 1;
                        event.encode(&mut line);
                    } else {
                        line.extend_from_slice(bytes);
                    }
                }
                // What nobody can read cannot be narrowed; what a newer version wrote stays until the
                // whole file goes.
                _ if may_be_held || (ended && is_object(bytes)) => {
                    found.unreadable += u64::from(may_be_held);
                    line.extend_from_slice(bytes);
                }
                _ => {
                    let (first, lost) = found.lost.unwrap_or((offset, 0));
                    found.lost = Some((first, lost + size));
                    continue;
                }
            }
            line.extend(ended.then_some(b'\n'));
            found.left += line.len() as u64;
            take(&line)?;
        }
        Ok(())
    }
}

fn is_object(json: &[u8]) -> bool {
    json.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(json).is_ok()
}
