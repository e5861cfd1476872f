//! A closed segment, written anew.
//!
//! What becomes of each event is a parameter; the rest is the same whatever the reason. A complete new
//! file is written beside the old one and synchronised, then takes its name, and the directory is
//! synchronised. Killed at any instant, the old file or the new one has the name, and a run that is
//! made again comes to the same end. Numbers, places and order stay, and lines that nothing is taken
//! out of stay byte for byte, so checks, cursors and recoveries find what they found.
//!
//! The first line counts how often that was done, so that nobody goes on in the new file where he
//! stopped in the old one ([`fingerprint`]), and says which facets are in none of the events any more.

use std::io;
use std::ops::Range;
use std::path::Path;

use super::envelope::Envelope;
use super::holds;
use super::line::{self, Place};
use super::name::{Day, Name, SegmentName};
use super::repair::{copy_out, create_over};
use super::scan::{Lines, retry};
use crate::catalog::Field;
use crate::event::{Absence, Event, Kind, Value};
use crate::expiry::Fate;
use crate::facet::{Facet, FacetSet};
use crate::id::EventId;
use crate::seal::absence::Absences;
use crate::sync::Arc;
use crate::timestamp::Timestamp;
use crate::vfs::{Access, Vfs, VfsFile};

/// What is written at a time.
const CHUNK: usize = 256 << 10;
/// A first line is far shorter.
const MAX_HEAD: usize = 4 << 10;

/// What a look through a segment found.
pub(super) struct Survey {
    /// When the newest event of the host in it was recorded. What a recovery tells of losses, months
    /// later perhaps, makes nothing younger that somebody said.
    pub(super) newest: Option<Timestamp>,
    /// When the newest of all was.
    pub(super) last: Option<Timestamp>,
    /// Facets that are in none of its events, as its first line says.
    pub(super) gone: FacetSet,
    pub(super) bytes: u64,
    /// The first line, when it is what it should be, and where it ends.
    head: Option<(Event, u64)>,
}

/// What came of writing a segment anew.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rewritten {
    /// Events that something was taken out of.
    pub(super) narrowed: u64,
    /// Events that a hold keeps as they are.
    pub(super) held: u64,
    /// Places of damage that stay.
    pub(super) damaged: u64,
    /// Damaged bytes that go to the quarantine.
    pub(super) bad: Vec<Range<u64>>,
    /// How many bytes the file is shorter.
    pub(super) freed: u64,
}

impl Rewritten {
    /// Returns whether there was anything to do.
    pub(super) const fn is_nothing(&self) -> bool {
        self.narrowed == 0 && self.bad.is_empty()
    }

    /// Returns how many bytes go to the quarantine.
    pub(super) fn quarantined(&self) -> u64 {
        self.bad.iter().map(|bad| bad.end - bad.start).sum()
    }

    fn quarantine(&mut self, bad: Range<u64>) {
        match self.bad.last_mut().filter(|last| last.end == bad.start) {
            Some(last) => last.end = bad.end,
            None => self.bad.push(bad),
        }
    }
}

/// How a segment is to be written anew.
pub(super) struct Change<'a> {
    /// What becomes of an event, and whether a hold says so.
    pub(super) fate: &'a dyn Fn(&Event) -> (Fate, bool),
    /// Facets that are in no event afterwards, unless one is held.
    pub(super) gone: FacetSet,
    /// Whether damaged bytes, which nothing can be taken out of, stay; else they are moved to the
    /// quarantine, as of `today`.
    pub(super) keeps_damage: bool,
    pub(super) today: Day,
    /// Whether nothing is written.
    pub(super) dry: bool,
    /// Whether it is still to be done; asked for each line.
    pub(super) goes_on: &'a dyn Fn() -> bool,
    /// Asked before the new file takes the name; what it gives is kept until it has.
    pub(super) may_replace: &'a dyn Fn() -> io::Result<holds::Guard>,
}

/// Tells a segment from what it was before it was written anew.
///
/// Zero is one whose first line is not there to tell.
pub(super) fn fingerprint(file: &Arc<dyn VfsFile>) -> io::Result<u32> {
    let mut buffer = [0; MAX_HEAD];
    let mut filled = 0;
    loop {
        let head = buffer.get(..filled).unwrap_or_default();
        if let Some(end) = memchr::memchr(b'\n', head) {
            return Ok(fingerprint_of(head.get(..end).unwrap_or_default()));
        }
        let room = buffer.get_mut(filled..).unwrap_or_default();
        match retry(|| file.read_at(room, filled as u64))? {
            0 => return Ok(0),
            read => filled += read,
        }
    }
}

/// As [`fingerprint`], of the first line without its newline.
pub(super) fn fingerprint_of(head: &[u8]) -> u32 {
    crc32c::crc32c(head)
}

/// Looks through a segment; no event is decoded as a whole.
pub(super) fn survey(vfs: &dyn Vfs, dir: &Path, name: SegmentName) -> io::Result<Survey> {
    let place = Place::new(name.writer, name.number);
    let mut lines = Lines::new(vfs.open(&dir.join(name.to_string()), Access::Read)?);
    let mut survey = Survey {
        newest: None,
        last: None,
        gone: FacetSet::EMPTY,
        bytes: 0,
        head: None,
    };
    while let Some(piece) = lines.next()? {
        let end = piece.offset + piece.size;
        let is_first = piece.offset == 0;
        survey.bytes = end;
        let Some(bytes) = piece.bytes else { continue };
        let start = line::find(place, bytes);
        let good = start.and_then(|start| bytes.get_mut(start..));
        let Some(json) = good.and_then(|line| line::open(place, line)) else {
            continue;
        };
        if is_first
            && start == Some(0)
            && let Ok(event) = Event::from_json(json)
            && *event.kind() == Kind::SegmentOpened
        {
            survey.gone = gone(&event);
            survey.last = Some(event.recorded_at());
            survey.head = Some((event, end));
            continue;
        }
        if let Some(envelope) = Envelope::read(json) {
            let at = envelope.recorded_at();
            survey.last = survey.last.max(at);
            if envelope.is_hosts() {
                survey.newest = survey.newest.max(at);
            }
        }
    }
    Ok(survey)
}

/// Returns the facets that the first line of a segment says to be in none of its events, without
/// looking at the others.
pub(super) fn said_gone(vfs: &dyn Vfs, dir: &Path, name: SegmentName) -> io::Result<FacetSet> {
    let place = Place::new(name.writer, name.number);
    let mut lines = Lines::new(vfs.open(&dir.join(name.to_string()), Access::Read)?);
    let first = lines.next()?.and_then(|piece| piece.bytes);
    let json = first.and_then(|bytes| line::open(place, bytes));
    let event = json.and_then(|json| Event::from_json(json).ok());
    let event = event.filter(|event| *event.kind() == Kind::SegmentOpened);
    Ok(event.as_ref().map(gone).unwrap_or_default())
}

fn gone(head: &Event) -> FacetSet {
    let is_gone = |facet: &Facet| head.absence(*facet) == Some(Absence::Expired);
    Facet::ALL.iter().copied().filter(is_gone).collect()
}

/// Writes a segment anew, if there is anything to do.
///
/// # Errors
///
/// `Interrupted` when it is not to be done any more. Whatever the error, the segment is as it was, or
/// as it is to be.
pub(super) fn rewrite(
    vfs: &dyn Vfs,
    dir: &Path,
    name: SegmentName,
    survey: &Survey,
    change: &Change<'_>,
) -> io::Result<Rewritten> {
    let path = dir.join(name.to_string());
    let place = Place::new(name.writer, name.number);
    let mut rewritten = Rewritten::default();
    each(
        vfs,
        &path,
        place,
        survey,
        change,
        &mut rewritten,
        &mut |_| Ok(()),
    )?;
    rewritten.freed = rewritten.quarantined();
    if change.dry || rewritten.is_nothing() {
        return Ok(rewritten);
    }
    if !rewritten.bad.is_empty() {
        let file = vfs.open(&path, Access::Read)?;
        for bad in &rewritten.bad {
            copy_out(vfs, dir, (name, change.today), &file, bad)?;
        }
    }
    let temporary = dir.join(Name::SegmentTemporary(name).to_string());
    let file = create_over(vfs, &temporary)?;
    let written = fill(vfs, &path, &file, name, survey, change, &rewritten);
    let written = written.and_then(|()| {
        file.sync_data()?;
        rewritten.freed = survey.bytes.saturating_sub(file.size()?);
        let _unchanged = (change.may_replace)()?;
        vfs.rename(&temporary, &path)
    });
    if let Err(error) = written {
        // What stays is removed by the next run.
        drop(vfs.unlink(&temporary));
        return Err(error);
    }
    vfs.sync_dir(dir)?;
    Ok(rewritten)
}

fn fill(
    vfs: &dyn Vfs,
    path: &Path,
    file: &Arc<dyn VfsFile>,
    name: SegmentName,
    survey: &Survey,
    change: &Change<'_>,
    found: &Rewritten,
) -> io::Result<()> {
    let place = Place::new(name.writer, name.number);
    let mut buffer = Vec::new();
    let head = head(name, survey, change, found);
    line::seal(place, head.to_json().as_bytes(), &mut buffer).map_err(io::Error::other)?;
    let mut again = Rewritten::default();
    each(vfs, path, place, survey, change, &mut again, &mut |line| {
        buffer.extend_from_slice(line);
        if buffer.len() >= CHUNK {
            file.write_all(&buffer)?;
            buffer.clear();
        }
        Ok(())
    })?;
    again.freed = found.freed;
    if again != *found {
        // Somebody else wrote to it: what is said of it would not be true.
        return Err(io::Error::other("the segment changed while it was read"));
    }
    file.write_all(&buffer)
}

/// The first line of the new file. It is as old as the old one: it must not make the segment young.
fn head(name: SegmentName, survey: &Survey, change: &Change<'_>, found: &Rewritten) -> Event {
    let before = survey.head.as_ref().map(|(event, _)| event.clone());
    let mut event = before.unwrap_or_else(|| {
        let id = EventId::from_bytes([0; 16]);
        let mut event = Event::new(Kind::SegmentOpened, id, name.writer, name.day.start());
        event.set(Field::Segment, Value::Int(name.number));
        event.set(Field::FirstSeq, Value::Int(name.first_seq));
        event
    });
    let rewrites = event.rewrites().unwrap_or_default().saturating_add(1);
    event.set(Field::Rewrites, Value::Int(rewrites));
    if found.held == 0 {
        let mut absences = Absences::default();
        absences.add_all(Absence::Expired, change.gone);
        absences.write_to(&mut event);
    }
    event
}

/// Hands the lines of the new file to `take`, each with its newline, save the first.
fn each(
    vfs: &dyn Vfs,
    path: &Path,
    place: Place,
    survey: &Survey,
    change: &Change<'_>,
    found: &mut Rewritten,
    take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let head_end = survey.head.as_ref().map_or(0, |(_, end)| *end);
    let mut lines = Lines::from_offset(vfs.open(path, Access::Read)?, head_end);
    let mut line = Vec::new();
    while let Some(piece) = lines.next()? {
        if !(change.goes_on)() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let (offset, size, ended) = (piece.offset, piece.size, piece.ended);
        let Some(bytes) = piece.bytes else {
            if change.keeps_damage {
                // It is longer than any line of ours, and stays with the whole file.
                return Err(io::ErrorKind::InvalidData.into());
            }
            found.quarantine(offset..offset + size);
            continue;
        };
        // As readers do, it goes on behind a newline that is damaged.
        let start = line::find(place, bytes).filter(|_| ended);
        let (bad, good) = bytes.split_at_mut(start.unwrap_or(bytes.len()));
        if start != Some(0) && change.keeps_damage {
            found.damaged += 1;
            take(bad)?;
            if start.is_none() && ended {
                take(b"\n")?;
            }
        } else if start != Some(0) {
            let bytes = start.map_or(size, |start| start as u64);
            found.quarantine(offset..offset + bytes);
        }
        if start.is_none() {
            continue;
        }
        line.clear();
        line.extend_from_slice(good);
        let json = line::open(place, good).unwrap_or_default();
        line.push(b'\n');
        // What a newer version wrote, and this one cannot read, stays until the whole file goes.
        if let Ok(mut event) = Event::from_json(json) {
            let (fate, is_held) = (change.fate)(&event);
            found.held += u64::from(is_held);
            if fate.apply(&mut event) {
                found.narrowed += 1;
                line.clear();
                line::seal(place, event.to_json().as_bytes(), &mut line)
                    .map_err(io::Error::other)?;
            }
        }
        take(&line)?;
    }
    Ok(())
}
