//! Looking for values in files that are there already, for those who turn redaction on late.

mod leaves;
mod text;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Redactor;
use super::scan::Hit;
use super::session::{Families, Session};
use crate::error::Error;
use crate::id::EventId;
use crate::journal::Lines;
use crate::sync::Arc;
use crate::vfs::{Access, FileKind, OsVfs, Vfs};
use text::TextBlock;

/// Directories within one another that are gone into.
const MAX_DEPTH: usize = 16;

/// Looks for personal data and secrets in files, and says how many of which type stand where; never
/// what they are.
///
/// A line that is a JSON object or array is looked at string by string, the names of members
/// included; all else as text, in which a value may go over lines. Journals, copies of them, other
/// JSON lines, settings and sources can be scanned. One line, or a mebibyte of text, is in memory at
/// a time. Damage is scanned as the text that it is; a line past 16 MiB is an error, and the scan
/// goes on behind it. Nothing is changed, and checksums are not looked at: that is
/// [`journal::check`](crate::journal::check).
///
/// # Examples
///
/// ```
/// use llm_audit_core::redact::{FileScan, Redactor};
///
/// # let temp = tempfile::tempdir()?;
/// # let path = temp.path().join("app.log");
/// std::fs::write(&path, "started\nmail from ada@example.org\n")?;
/// let found: Vec<_> = FileScan::open(&path, &Redactor::default())?.collect::<Result<_, _>>()?;
/// assert_eq!((found[0].line, found[0].data_type.as_str()), (2, "email"));
/// assert!(!format!("{found:?}").contains("ada@"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FileScan {
    vfs: Arc<dyn Vfs>,
    redactor: Redactor,
    root: PathBuf,
    /// What is left, the next one last: names below the root.
    left: Vec<(PathBuf, FileKind)>,
    current: Option<Current>,
    ready: VecDeque<Result<FileFinding, Error>>,
}

/// Values of one type that one detector found in one place of a line.
///
/// It serialises to a flat object, and holds nothing of what was found.
///
/// # Examples
///
/// ```
/// use llm_audit_core::redact::{FileFinding, FileScan, Redactor};
///
/// # let temp = tempfile::tempdir()?;
/// # let path = temp.path().join("calls.jsonl");
/// std::fs::write(&path, r#"{"input_messages":[{"ada":"ada@example.org"}]}"#)?;
/// let found: Vec<FileFinding> = FileScan::open(&path, &Redactor::default())?.collect::<Result<_, _>>()?;
/// assert_eq!(found[0].path.as_deref(), Some("input_messages[*].*"));
/// assert_eq!((found[0].detector.as_str(), found[0].count), ("email", 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileFinding {
    /// The file, from the directory that was opened on.
    pub file: String,
    /// The line in which the value begins, from 1.
    pub line: u64,
    /// The identifier of the event, where the line is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Where in the line's JSON it is: names that fields and records of events have, `*` for all
    /// others, `[*]` for the items of an array, `~` behind what is found in a name itself. `None`
    /// in text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The type of the data, such as `email`.
    pub data_type: String,
    /// The detector that found it.
    pub detector: String,
    /// How many.
    pub count: u64,
}

struct Current {
    name: String,
    lines: Lines,
    line: u64,
    block: TextBlock,
}

/// What was found, by line, path, type and detector.
type Counts = BTreeMap<(u64, Option<String>, &'static str, &'static str), u64>;

impl FileScan {
    /// Opens a file, or a directory with all files below it. Links are not followed.
    ///
    /// # Errors
    ///
    /// When there is nothing of this name, or it cannot be read. What is wrong with a file of a
    /// directory comes up when it is read.
    pub fn open(path: impl AsRef<Path>, redactor: &Redactor) -> Result<Self, Error> {
        let path = path.as_ref();
        let vfs: Arc<dyn Vfs> = Arc::new(OsVfs::new());
        let mut scan = Self {
            vfs,
            redactor: redactor.clone(),
            root: path.to_owned(),
            left: Vec::new(),
            current: None,
            ready: VecDeque::new(),
        };
        match scan.list(Path::new("")) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                let name = path.file_name().unwrap_or_default();
                let parent = path.parent().unwrap_or(Path::new(""));
                scan.root = parent.to_owned();
                scan.start(Path::new(name))?;
            }
            Err(error) => return Err(failed("list", path, error)),
        }
        Ok(scan)
    }

    /// Adds what is in a directory below the root.
    fn list(&mut self, dir: &Path) -> io::Result<()> {
        let entries = self.vfs.list(&self.root.join(dir))?;
        let entries = entries.into_iter().rev();
        let known = entries.filter(|entry| entry.kind != FileKind::Other);
        self.left
            .extend(known.map(|entry| (dir.join(entry.name), entry.kind)));
        Ok(())
    }

    fn start(&mut self, name: &Path) -> Result<(), Error> {
        let file = self.vfs.open(&self.root.join(name), Access::Read);
        let file = file.map_err(|error| failed("open", name, error))?;
        self.current = Some(Current {
            name: name.display().to_string(),
            lines: Lines::new(file),
            line: 0,
            block: TextBlock::default(),
        });
        Ok(())
    }

    /// Goes on to the next name; returns `None` when there is none.
    fn go_on(&mut self) -> Option<Result<(), Error>> {
        let (name, kind) = self.left.pop()?;
        Some(match kind {
            FileKind::Dir if name.components().count() >= MAX_DEPTH => {
                let error = io::Error::other("too many directories within one another");
                Err(failed("list", &name, error))
            }
            FileKind::Dir => self
                .list(&name)
                .map_err(|error| failed("list", &name, error)),
            _ => self.start(&name),
        })
    }

    /// Looks at one line of the current file; returns whether there was one.
    fn step(&mut self) -> Result<bool, Error> {
        let Some(current) = &mut self.current else {
            return Ok(false);
        };
        let piece = match current.lines.next() {
            Ok(Some(piece)) => piece,
            Ok(None) => {
                self.end_block();
                self.current = None;
                return Ok(false);
            }
            Err(error) => {
                let name = PathBuf::from(&current.name);
                self.end_block();
                self.current = None;
                return Err(failed("read", &name, error));
            }
        };
        current.line += 1;
        let line = current.line;
        let Some(bytes) = piece.bytes else {
            let (name, size) = (&current.name, piece.size);
            let message = format!("`{name}`, line {line} has {size} bytes and was not scanned");
            self.end_block();
            return Err(Error::damaged(message));
        };
        let text = String::from_utf8_lossy(bytes);
        let mut counts = Counts::new();
        let mut session = Session::direct(self.redactor.clone(), None);
        if let Some(event_id) = leaves::find(&mut session, line, &text, &mut counts) {
            let found: Vec<_> = findings(&current.name, event_id, counts).collect();
            self.end_block();
            self.ready.extend(found);
        } else {
            current.block.push(line, &text);
            current.block.find(&mut session, false, &mut counts);
            self.ready.extend(findings(&current.name, None, counts));
        }
        Ok(true)
    }

    /// Looks at the text that is left before something else.
    fn end_block(&mut self) {
        if let Some(current) = &mut self.current {
            let mut counts = Counts::new();
            let mut session = Session::direct(self.redactor.clone(), None);
            current.block.find(&mut session, true, &mut counts);
            self.ready.extend(findings(&current.name, None, counts));
        }
    }
}

impl Iterator for FileScan {
    type Item = Result<FileFinding, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            match self.step() {
                Ok(true) => {}
                Ok(false) if !self.ready.is_empty() => {}
                Ok(false) => match self.go_on()? {
                    Ok(()) => {}
                    Err(error) => return Some(Err(error)),
                },
                Err(error) => self.ready.push_back(Err(error)),
            }
        }
    }
}

impl fmt::Debug for FileScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileScan")
            .field("root", &self.root)
            .field("left", &self.left.len())
            .finish_non_exhaustive()
    }
}

fn findings(
    file: &str,
    event_id: Option<EventId>,
    counts: Counts,
) -> impl Iterator<Item = Result<FileFinding, Error>> {
    counts
        .into_iter()
        .map(move |((line, path, data_type, detector), count)| {
            Ok(FileFinding {
                file: file.to_owned(),
                line,
                event_id: event_id.map(|id| id.to_string()),
                path,
                data_type: data_type.to_owned(),
                detector: detector.to_owned(),
                count,
            })
        })
}

fn count(counts: &mut Counts, line: u64, path: Option<&str>, hit: &Hit) {
    let key = (
        line,
        path.map(str::to_owned),
        hit.data_type.name(),
        hit.detector,
    );
    *counts.entry(key).or_default() += 1;
}

fn failed(what: &str, name: &Path, error: io::Error) -> Error {
    Error::io(format!("failed to {what} `{}`", name.display()), error)
}

#[cfg(test)]
mod tests;
