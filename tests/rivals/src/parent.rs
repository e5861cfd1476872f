//! Runs a child, does to it what the scenario says, and looks at what is left.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::child::{self, MARK};
use crate::found::Found;
use crate::scenario::{Disk, End, LARGE, SMALL, Scenario};
use crate::systems::{Entry, Said, llm_audit, otel};
use crate::work::Offered;

/// One recorder in one scenario.
#[derive(Debug)]
pub struct Outcome {
    pub name: String,
    pub offered: Offered,
    pub found: Found,
    pub told: Told,
    /// In which words and where.
    pub words: String,
    /// Whether the files of llm-audit tell of fewer losses than there are, where they should not.
    pub is_untold_in_files: bool,
}

/// What a recorder said of its losses, held against the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    NothingLost,
    /// As many as are missing.
    Exactly,
    /// More than are missing.
    AtMost(u64),
    /// Fewer than are missing.
    Only(u64),
    /// That something was wrong, and not how many are missing.
    NoNumber,
    Nothing,
}

impl Outcome {
    pub fn lost(&self) -> u64 {
        self.offered.events.saturating_sub(self.found.events())
    }

    fn new(name: String, offered: Offered, found: Found, said: Said) -> Self {
        let mut outcome = Self {
            name,
            offered,
            found,
            told: Told::NothingLost,
            words: said.words,
            is_untold_in_files: false,
        };
        outcome.told = match (outcome.lost(), said.lost.unwrap_or(0)) {
            (0, 0) => Told::NothingLost,
            (lost, counted) if counted == lost => Told::Exactly,
            (lost, counted) if counted > lost => Told::AtMost(counted),
            (_, 0) if said.noticed => Told::NoNumber,
            (_, 0) => Told::Nothing,
            (_, counted) => Told::Only(counted),
        };
        outcome
    }
}

/// Runs `entry` in `scenario`; several outcomes where it has several outputs.
///
/// # Errors
///
/// When the machine does not let it be tried.
pub fn run(entry: &Entry, scenario: &Scenario) -> Result<Vec<Outcome>, Box<dyn Error>> {
    let outside = tempfile::tempdir()?;
    let dir = outside.path().join("files");
    fs::create_dir(&dir)?;
    let _mounted = match scenario.disk {
        Disk::Small { .. } => Some(Mounted::new(&dir)?),
        Disk::Normal | Disk::Slow => None,
    };
    let log = outside.path().join("stderr");
    let (offered, mut said) = watch(entry, scenario, &dir, &log)?;
    if entry.package != llm_audit::PACKAGE {
        let mut said = said.pop().unwrap_or_default();
        otel::said_in_log(&mut said, &fs::read_to_string(&log)?);
        let found = Found::under(&dir)?;
        return Ok(vec![Outcome::new(
            entry.name.to_owned(),
            offered,
            found,
            said,
        )]);
    }
    if matches!(scenario.disk, Disk::Small { .. }) {
        mount(&dir, &format!("remount,size={LARGE}"));
    }
    let next = this_program()?.arg("reopen").arg(&dir).output()?;
    if !next.status.success() {
        return Err(String::from_utf8_lossy(&next.stderr).into());
    }
    let mut said = said.into_iter();
    let mut outcomes = Vec::new();
    let found = Found::under(&dir.join(llm_audit::LOG))?;
    let in_events = found.told_as_lost;
    let of_log = match said.next() {
        Some(said) => Said {
            words: format!("{}; `loss` events: {in_events}", said.words),
            ..said
        },
        None => Said {
            lost: Some(in_events),
            noticed: in_events > 0,
            words: format!("`loss` events of the next start: {in_events}"),
        },
    };
    let name = |what: &str| format!("{}{what}", entry.name);
    let is_alone = !scenario.has_far_end();
    let of_log_name = name(if is_alone { "" } else { ", the log" });
    let mut of_log = Outcome::new(of_log_name, offered, found, of_log);
    // What is turned away without a wait, while nothing can be written, has no bound in the files.
    of_log.is_untold_in_files = !entry.only_for_overflow && in_events < of_log.lost();
    outcomes.push(of_log);
    if let Some(said) = said.next() {
        let found = Found::under(&dir.join(llm_audit::COLLECTOR))?;
        outcomes.push(Outcome::new(name(", the collector"), offered, found, said));
    }
    Ok(outcomes)
}

/// Starts the child and returns what it printed, having done to it what the scenario says.
fn watch(
    entry: &Entry,
    scenario: &Scenario,
    dir: &Path,
    log: &Path,
) -> Result<(Offered, Vec<Said>), Box<dyn Error>> {
    let mut child = this_program()?
        .args(["child", entry.name, scenario.word])
        .arg(dir)
        .stdout(Stdio::piped())
        .stderr(File::create(log)?)
        .spawn()?;
    let out = child.stdout.take().ok_or("the child has no output")?;
    let mut offered = None;
    let mut said = Vec::new();
    for line in BufReader::new(out).lines() {
        let line = line?;
        let Some(line) = line.strip_prefix(MARK).map(str::trim_start) else {
            continue;
        };
        if let (
            "started",
            Disk::Small {
                grows_after: Some(after),
            },
        ) = (line, &scenario.disk)
        {
            grow(dir, *after);
        }
        if let Some(calls) = child::offered(line) {
            offered = Some(calls);
            if scenario.end == End::Killed {
                child.kill()?;
            }
        }
        said.extend(child::said(line));
    }
    child.wait()?;
    match offered {
        Some(offered) => Ok((offered, said)),
        None => Err(fs::read_to_string(log)?.into()),
    }
}

fn this_program() -> Result<Command, Box<dyn Error>> {
    Ok(Command::new(std::env::current_exe()?))
}

fn grow(dir: &Path, after: Duration) {
    let dir = dir.to_owned();
    thread::spawn(move || {
        thread::sleep(after);
        mount(&dir, &format!("remount,size={LARGE}"))
    });
}

/// A file system of a few bytes in memory, until it is dropped.
struct Mounted(std::path::PathBuf);

impl Mounted {
    fn new(dir: &Path) -> Result<Self, Box<dyn Error>> {
        if !mount(dir, &format!("size={SMALL}")) {
            return Err("a small file system needs the right to mount one".into());
        }
        Ok(Self(dir.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let done = Command::new("umount").arg(&self.0).status();
        if !done.is_ok_and(|status| status.success()) {
            eprintln!("`{}` stays mounted", self.0.display());
        }
    }
}

fn mount(dir: &Path, options: &str) -> bool {
    let done = Command::new("mount")
        .args(["-t", "tmpfs", "-o", options, "tmpfs"])
        .arg(dir)
        .stderr(Stdio::null())
        .status();
    done.is_ok_and(|status| status.success())
}
