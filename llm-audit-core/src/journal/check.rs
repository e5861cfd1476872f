//! Looking at a whole journal without touching it.

use std::io;
use std::path::Path;

use serde::Serialize;

use super::finding::{Condition, Finding, Problem};
use super::name::{Name, QUARANTINE, SegmentName};
use super::repair::Stream;
use crate::error::Error;
use crate::id::WriterId;
use crate::sorted::SortedMap;
use crate::vfs::{Access, FileKind, OsVfs, Vfs};

/// What a journal's directory holds, and what is wrong with it.
#[derive(Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// Writers that have a segment.
    pub writers: u64,
    /// Segments read.
    pub segments: u64,
    /// Events with a number, those of the log itself too.
    pub events: u64,
    /// Bytes of the segments.
    pub bytes: u64,
    /// What is wrong, or says that something is missing, writer by writer.
    pub findings: Vec<Finding>,
}

/// Reads every line of every segment in `dir` and returns what is wrong; nothing is changed.
///
/// It may run beside living writers: what they are about to write is no finding.
///
/// # Errors
///
/// When the directory cannot be listed. What is wrong with a file is a finding.
///
/// # Examples
///
/// ```
/// use llm_audit_core::journal::{self, Condition};
/// use llm_audit_core::{Operation, Policy, Preset};
///
/// # let directory = tempfile::tempdir()?;
/// # let dir = directory.path();
/// let policy = Policy::preset(Preset::Operations)?;
/// let audit = llm_audit_core::builder().policy(policy).journal(dir).spawn()?;
/// audit.begin(Operation::Chat).finish();
/// audit.shutdown(std::time::Duration::from_secs(5));
///
/// let check = journal::check(dir)?;
/// assert_eq!((check.writers, check.condition()), (1, Condition::Clean));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check(dir: impl AsRef<Path>) -> Result<Check, Error> {
    check_in(&OsVfs::new(), dir.as_ref())
}

impl Check {
    /// Returns the condition of the worst finding.
    pub fn condition(&self) -> Condition {
        let conditions = self.findings.iter().map(|finding| finding.condition);
        conditions.max().unwrap_or_default()
    }
}

/// Does what [`check`] does, in another file system.
pub(super) fn check_in(vfs: &dyn Vfs, dir: &Path) -> Result<Check, Error> {
    let list = |dir: &Path| {
        vfs.list(dir)
            .map_err(|error| Error::io(format!("failed to list `{}`", dir.display()), error))
    };
    let mut check = Check::default();
    let mut streams: SortedMap<WriterId, Vec<SegmentName>> = SortedMap::new();
    let mut locks: Vec<WriterId> = Vec::new();
    for entry in list(dir)? {
        match Name::parse(&entry.name) {
            Some(_) if entry.kind != FileKind::File => {
                check
                    .findings
                    .push(Finding::new(entry.name, Problem::NoFile));
            }
            Some(Name::Segment(name)) => streams.or_default(name.writer).push(name),
            Some(Name::Lock(writer) | Name::Reservation(writer)) => locks.push(writer),
            _ => {}
        }
    }
    for (writer, mut segments) in streams {
        SegmentName::sort(&mut segments);
        let life = match locks.contains(&writer) {
            true if is_alive(vfs, dir, writer) => Life::Alive,
            true => Life::Crashed,
            false => Life::Ended,
        };
        check.add(vfs, dir, writer, &segments, life);
    }
    // Without a quarantine nothing was ever put there.
    for entry in list(&dir.join(QUARANTINE)).unwrap_or_default() {
        let path = dir.join(QUARANTINE).join(&entry.name);
        let bytes = vfs.open(&path, Access::Read).and_then(|file| file.size());
        let file = format!("{QUARANTINE}/{}", entry.name);
        let bytes = bytes.unwrap_or_default();
        check
            .findings
            .push(Finding::new(file, Problem::Quarantined { bytes }));
    }
    Ok(check)
}

/// What the files beside the segments say of a writer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    Alive,
    Crashed,
    Ended,
}

impl Check {
    fn add(
        &mut self,
        vfs: &dyn Vfs,
        dir: &Path,
        writer: WriterId,
        segments: &[SegmentName],
        life: Life,
    ) {
        let mut stream = Stream::new(writer, segments, None);
        let newest = segments.last();
        let mut torn_bytes = 0;
        self.writers += 1;
        for name in segments {
            let damage = match stream.read(vfs, dir, *name) {
                Ok(damage) => damage,
                Err(error) => {
                    self.findings
                        .push(Finding::failed(name, Problem::Failed, error));
                    continue;
                }
            };
            self.segments += 1;
            self.bytes += damage.tail.end;
            let is_torn = life != Life::Ended && Some(name) == newest && !damage.tail_has_lines;
            if is_torn {
                torn_bytes = damage.tail.end - damage.tail.start;
            }
            let tail = (!is_torn && !damage.tail.is_empty()).then_some(&damage.tail);
            for bad in damage.bad.iter().chain(tail) {
                let problem = Problem::Damaged {
                    offset: bad.start,
                    bytes: bad.end - bad.start,
                };
                self.findings.push(Finding::new(name, problem));
            }
            let losses = stream.take_losses().into_iter();
            self.findings
                .extend(losses.map(|loss| Finding::new(name, loss)));
            let events = stream.take_repeated();
            if events > 0 {
                self.findings
                    .push(Finding::new(name, Problem::Repeated { events }));
            }
        }
        self.events += stream.events;
        let Some(newest) = newest else {
            return;
        };
        // What a live writer has not told yet, and what a crashed one could not, is told later.
        let missing = stream.untold().into_iter();
        let missing = missing.filter(|gap| gap.damaged || life == Life::Ended);
        self.findings.extend(missing.map(|gap| {
            let (from, to) = gap.range.into_inner();
            Finding::new(newest, Problem::Missing { from, to })
        }));
        match life {
            Life::Crashed if !stream.closed => {
                self.findings
                    .push(Finding::new(newest, Problem::Unfinished { torn_bytes }));
            }
            Life::Ended if !stream.closed => {
                self.findings.push(Finding::new(newest, Problem::NoEnd));
            }
            _ => {}
        }
    }
}

/// Returns whether somebody holds the writer's lock. Who may not look is told so.
fn is_alive(vfs: &dyn Vfs, dir: &Path, writer: WriterId) -> bool {
    let path = dir.join(Name::Lock(writer).to_string());
    match vfs.open(&path, Access::Append) {
        Ok(file) => !file.try_lock().unwrap_or(false),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}
