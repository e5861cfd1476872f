//! What is in a directory, and what it breaks of the promises: a reader that shares no line with the
//! journal, written from `docs/journal.md`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::crc::crc32c;
use crate::program::Promise;

/// A log as it lies on the disk.
#[derive(Default)]
pub(crate) struct Log {
    /// Calls that are in it.
    pub(crate) calls: usize,
    /// Numbers that losses tell of: exact ones, and upper bounds after a crash.
    pub(crate) told: u64,
    /// Lines that stand in two segments, with the same content.
    pub(crate) repeated: usize,
    /// What is no line of a segment: where it is.
    pub(crate) damage: Vec<String>,
    /// What is there twice and differs.
    forged: Vec<String>,
    streams: BTreeMap<String, Stream>,
    lines: HashMap<(String, String), String>,
}

/// One writer's numbers.
#[derive(Default)]
struct Stream {
    numbers: BTreeSet<u64>,
    losses: Vec<Loss>,
    is_closed: bool,
}

struct Loss {
    from: u64,
    to: u64,
    count: u64,
    exact: bool,
}

/// The members of a line that matter here.
#[derive(Deserialize)]
struct Line {
    kind: String,
    event_id: String,
    writer_id: String,
    seq: Option<u64>,
    loss_writer_id: Option<String>,
    loss_sink: Option<String>,
    seq_from: Option<u64>,
    seq_to: Option<u64>,
    count: Option<u64>,
    exact: Option<bool>,
}

impl Log {
    /// Reads the segments in `dir`. An unfinished line at the end of a file is damage only when
    /// nobody writes the file any more.
    pub(crate) fn read(dir: &Path) -> Self {
        let mut log = Self::default();
        let mut names: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.file_type().unwrap().is_file())
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        for name in &names {
            if let Some((writer, number)) = segment(name) {
                let is_alive = names.contains(&format!("{writer}.lock"));
                let bytes = fs::read(dir.join(name)).unwrap();
                log.add_segment(name, writer, number, &bytes, is_alive);
            }
        }
        log
    }

    /// Returns whether the writer has ended, or was completed by another.
    pub(crate) fn is_closed(&self, writer: &str) -> bool {
        self.streams
            .get(writer)
            .is_some_and(|stream| stream.is_closed)
    }

    /// Returns whether the event of this promise is there.
    pub(crate) fn has(&self, promise: &Promise) -> bool {
        match promise.event.parse() {
            Ok(seq) => self
                .streams
                .get(&promise.writer)
                .is_some_and(|stream| stream.numbers.contains(&seq)),
            Err(_) => self
                .lines
                .contains_key(&(promise.writer.clone(), promise.event.clone())),
        }
    }

    /// Returns every event that was promised and is not there, and every number that is neither an
    /// event nor in one loss: what was lost silently.
    pub(crate) fn silent(&self, promised: &[Promise]) -> Vec<String> {
        let mut silent = self.forged.clone();
        let lost = promised.iter().filter(|promise| !self.has(promise));
        silent.extend(lost.map(|promise| {
            let Promise { writer, event } = promise;
            format!("{event} of {writer} was acknowledged and is not there")
        }));
        for (writer, stream) in &self.streams {
            stream.check(writer, &mut silent);
        }
        silent
    }

    fn add_segment(&mut self, name: &str, writer: &str, number: u64, bytes: &[u8], is_alive: bool) {
        let mut offset = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let is_cut = !line.ends_with(b"\n");
            match parse(line, writer, number) {
                Some((line, body)) => self.add(line, body),
                None if is_cut && is_alive => {}
                None => self.damage.push(format!("{name} at byte {offset}")),
            }
            offset += line.len();
        }
    }

    fn add(&mut self, line: Line, body: &str) {
        let key = (line.writer_id.clone(), line.event_id.clone());
        if let Some(first) = self.lines.insert(key, body.to_owned()) {
            if first == body {
                self.repeated += 1;
            } else {
                let twice = format!("event {} is there in two versions", line.event_id);
                self.forged.push(twice);
            }
            return;
        }
        let stream = self.streams.entry(line.writer_id.clone()).or_default();
        if let Some(seq) = line.seq
            && !stream.numbers.insert(seq)
        {
            let twice = format!("two events are number {seq} of {}", line.writer_id);
            self.forged.push(twice);
        }
        match line.kind.as_str() {
            "interaction" => self.calls += 1,
            "writer_closed" => stream.is_closed = true,
            "loss" if line.loss_sink.is_none() => self.add_loss(&line),
            _ => {}
        }
    }

    fn add_loss(&mut self, line: &Line) {
        let loss = Loss {
            from: line.seq_from.unwrap_or(0),
            to: line.seq_to.unwrap_or(0),
            count: line.count.unwrap_or(0),
            exact: line.exact.unwrap_or(false),
        };
        self.told += loss.count;
        if let Some(writer) = &line.loss_writer_id {
            let stream = self.streams.entry(writer.clone()).or_default();
            stream.losses.push(loss);
        }
    }
}

impl Stream {
    /// Each number up to the highest is an event or in one loss; losses do not overlap, and an exact
    /// one counts what is absent.
    fn check(&self, writer: &str, silent: &mut Vec<String>) {
        let told = self.losses.iter().map(|loss| loss.to);
        let highest = told.chain(self.numbers.last().copied()).max().unwrap_or(0);
        for seq in 1..=highest {
            let losses = self.losses.iter();
            let times = losses
                .filter(|loss| (loss.from..=loss.to).contains(&seq))
                .count();
            let is_there = self.numbers.contains(&seq);
            if times != 1 && !(is_there && times == 0) {
                let what = if is_there { "an event" } else { "no event" };
                let wrong = format!("{seq} of {highest} of {writer}: {what}, in {times} losses");
                silent.push(wrong);
            }
        }
        for Loss {
            from,
            to,
            count,
            exact,
        } in &self.losses
        {
            let numbers = *from..=*to;
            let absent = numbers.filter(|seq| !self.numbers.contains(seq)).count() as u64;
            if absent > *count || (*exact && absent != *count) {
                let wrong =
                    format!("the loss {from} to {to} of {writer} counts {count} of {absent}");
                silent.push(wrong);
            }
        }
    }
}

/// Returns writer and number of a segment of that name.
fn segment(name: &str) -> Option<(&str, u64)> {
    let rest = name.strip_suffix(".jsonl")?;
    let (date, rest) = rest.split_at_checked(9)?;
    let (writer, rest) = rest.split_at_checked(36)?;
    let (number, seq) = rest.strip_prefix('-')?.split_once('-')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = date.ends_with('-') && digits(&date[..8]) && digits(seq) && seq.len() == 20;
    is_name.then_some((writer, number.parse().ok()?))
}

/// Returns a line with a checksum that is right, and its content without it.
fn parse<'a>(line: &'a [u8], writer: &str, number: u64) -> Option<(Line, &'a str)> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix("\"}\n")?;
    let (body, crc) = line.split_at_checked(line.len().checked_sub(8)?)?;
    let body = body.strip_suffix(",\"crc\":\"")?;
    let writer = writer.replace('-', "");
    let hex = |at: usize| u8::from_str_radix(writer.get(at..at + 2)?, 16).ok();
    let writer: Option<Vec<u8>> = (0..16).map(|at| hex(2 * at)).collect();
    let sum = crc32c(&[&writer?, &number.to_le_bytes(), body.as_bytes()]);
    if format!("{sum:08x}") != crc {
        return None;
    }
    let line = serde_json::from_str(&format!("{body}}}")).ok()?;
    Some((line, body))
}
