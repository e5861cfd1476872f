//! Room on the disk: what is left to others, and what is set aside so that a full disk can be told of.
//!
//! The ballast is a file without content. When the disk is full it is removed, and the log's own
//! events, which tell what is lost, are written where it was. Until it can be made again the events of
//! the host wait, for they would take that room too.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::repair::create_over;
use super::writer::{Failing, Journal, RETRY_FIRST, WriteFailed};
use crate::error::Error;
use crate::pipeline::LossReason;
use crate::vfs::{Space, Vfs};

/// The ballast: some hundred `loss` events, a new segment and a cursor for each sink.
pub(super) const BALLAST_BYTES: usize = 256 << 10;
/// With events of the log itself, at most this many bytes are written although the disk is short.
const MOST_OWN_BYTES: usize = BALLAST_BYTES / 2;
/// What is left free unless the host says otherwise …
const DEFAULT_MIN_FREE: u64 = 64 << 20;
/// … but no more than this part of the disk.
const PART_OF_DISK: u64 = 20;
/// How often the disk is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Room {
    dir: PathBuf,
    ballast: PathBuf,
    state: Ballast,
    min_free: Option<u64>,
    looked: Option<Duration>,
    short: Option<LossReason>,
    /// Whether an event of the log itself waits to be written.
    own: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ballast {
    None,
    Held,
    Spent,
}

impl Journal {
    /// An event of the log itself is among those that wait: it is written also when the disk is short.
    pub(crate) const fn let_through(&mut self) {
        self.room.own();
    }

    /// Sets room aside for such events, once anything was written.
    pub(crate) fn set_room_aside(&mut self) {
        if self.opened {
            self.room.make(&*self.vfs, self.clock.monotonic());
        }
    }

    /// Returns whether events of the host wait for room on the disk.
    pub(crate) fn is_short(&mut self) -> bool {
        let now = self.clock.monotonic();
        self.room.short(&*self.vfs, now).is_some()
    }

    /// Leaves the disk to others when there is little room, save for what the log has to say itself:
    /// for that the ballast goes when the disk is full.
    pub(super) fn make_way(&mut self, now: Duration) -> Result<(), WriteFailed> {
        let short = self.room.short(&*self.vfs, now);
        let own = self.room.lets_through(self.pending.bytes());
        if let Some(reason) = short.filter(|_| !own) {
            let since = self.failing.as_ref().map_or(now, |failing| failing.since);
            self.failing = Some(Failing {
                since,
                next: now,
                delay: RETRY_FIRST,
                reason,
            });
            let dir = self.dir().display();
            let message = format!("journal `{dir}` waits for room on its disk");
            let error = Error::io(message, io::ErrorKind::StorageFull.into());
            return Err(self.failed(error, Some(now)));
        }
        let full = self.failing.as_mut();
        let full = full.filter(|failing| failing.reason == LossReason::Enospc);
        if let Some(failing) = full.filter(|_| own)
            && self.room.spend(&*self.vfs)
        {
            failing.next = now;
        }
        Ok(())
    }
}

impl Room {
    /// Leaves `min_free` bytes of the disk free; `None` is the default.
    pub(super) fn new(dir: &Path, ballast: PathBuf, min_free: Option<u64>) -> Self {
        Self {
            dir: dir.to_owned(),
            ballast,
            state: Ballast::None,
            min_free,
            looked: None,
            short: None,
            own: false,
        }
    }

    /// Returns why nothing of the host is to be written. It looks at the disk once a second.
    pub(super) fn short(&mut self, vfs: &dyn Vfs, now: Duration) -> Option<LossReason> {
        let due = |looked| now.saturating_sub(looked) >= LOOK_EVERY;
        if self.looked.is_none_or(due) {
            self.looked = Some(now);
            self.short = self.look(vfs);
        }
        self.short
    }

    /// Makes the ballast, unless there is one or the disk is short.
    pub(super) fn make(&mut self, vfs: &dyn Vfs, now: Duration) {
        if self.state == Ballast::None && self.short(vfs, now).is_none() && self.looked == Some(now)
        {
            self.fill(vfs);
        }
    }

    /// An event of the log itself waits to be written.
    pub(super) const fn own(&mut self) {
        self.own = true;
    }

    /// Nothing waits any more.
    pub(super) const fn written(&mut self) {
        self.own = false;
    }

    /// Returns whether what waits, so many bytes, is written although the disk is short.
    pub(super) const fn lets_through(&self, bytes: usize) -> bool {
        self.own && bytes <= MOST_OWN_BYTES
    }

    /// Removes the ballast, for the disk is full; returns whether there was one.
    pub(super) fn spend(&mut self, vfs: &dyn Vfs) -> bool {
        let spent = self.state == Ballast::Held && self.remove(vfs);
        if spent {
            self.state = Ballast::Spent;
            self.short = Some(LossReason::Enospc);
        }
        spent
    }

    /// Removes the ballast for good.
    pub(super) fn clear(&mut self, vfs: &dyn Vfs) {
        if self.state == Ballast::Held {
            // One that stays is removed by the next start.
            self.remove(vfs);
        }
        self.state = Ballast::None;
    }

    fn look(&mut self, vfs: &dyn Vfs) -> Option<LossReason> {
        // Where nobody tells how much is free, there is no minimum.
        if let Ok(Some(Space { free, total })) = vfs.space(&self.dir) {
            let default = DEFAULT_MIN_FREE.min(total / PART_OF_DISK);
            if free < self.min_free.unwrap_or(default) {
                return Some(LossReason::DiskBudget);
            }
        }
        if self.state == Ballast::Spent && !self.fill(vfs) {
            return Some(LossReason::Enospc);
        }
        None
    }

    fn fill(&mut self, vfs: &dyn Vfs) -> bool {
        let made = create_over(vfs, &self.ballast).and_then(|file| file.write_all(&noise()));
        if made.is_err() {
            // Half of one would take the room that is left for the log's own events.
            self.remove(vfs);
            return false;
        }
        self.state = Ballast::Held;
        true
    }

    fn remove(&self, vfs: &dyn Vfs) -> bool {
        match vfs.unlink(&self.ballast) {
            Err(error) => error.kind() == io::ErrorKind::NotFound,
            Ok(()) => true,
        }
    }
}

/// Bytes that say nothing and that no file system compresses (xorshift64, Marsaglia, 2003).
fn noise() -> Vec<u8> {
    let mut x = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(BALLAST_BYTES);
    while bytes.len() < BALLAST_BYTES {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        bytes.extend_from_slice(&x.to_le_bytes());
    }
    bytes
}
