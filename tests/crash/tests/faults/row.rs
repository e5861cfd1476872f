//! A row of the table: a fault, how often it was tried, and what became of what was promised.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, Instant};

use llm_audit_core::journal::{self, Condition};
use llm_audit_core::{AuditBuilder, Facet, Level, Policy, Retention};

use crate::environment;
use crate::log::Log;
use crate::program::{Promise, Said};

/// Problems that are shown.
const SHOWN: usize = 20;

/// A row of the table, named as its test.
pub(crate) struct Row {
    name: &'static str,
    start: Instant,
    loops: u64,
    acknowledged: usize,
    recovered: usize,
    problems: Vec<String>,
    /// What was counted already of a directory: promises and calls.
    seen: HashMap<PathBuf, (usize, usize)>,
}

impl Row {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            start: Instant::now(),
            loops: 0,
            acknowledged: 0,
            recovered: 0,
            problems: Vec::new(),
            seen: HashMap::new(),
        }
    }

    /// Starts the log in `dir` once more, which completes what is left there, and looks whether
    /// every promise is kept and every other number told; starts it again, and looks whether that
    /// changes anything.
    pub(crate) fn look(&mut self, dir: &Path, promised: &[Promise], place: &str) -> Log {
        recover(dir);
        let log = self.read(dir, promised, place);
        match journal::check(dir) {
            Ok(check) if check.condition() == Condition::Damaged => {
                let findings = check.findings.iter().take(SHOWN);
                let findings: Vec<_> = findings.map(|finding| format!("{finding:?}")).collect();
                self.problem(place, &format!("check: {}", findings.join(", ")));
            }
            Ok(_) => {}
            Err(error) => self.problem(place, &format!("check: {error}")),
        }
        let before = files(dir);
        recover(dir);
        let after = files(dir);
        for (name, bytes) in &before {
            if after.get(name) != Some(bytes) {
                self.problem(place, &format!("a second recovery changed {name}"));
            }
        }
        log
    }

    /// Does so for a program that has ended and said what it wrote, which must be there.
    pub(crate) fn look_after(&mut self, dir: &Path, said: &Said, place: &str) -> Log {
        let log = self.look(dir, &said.acks, place);
        let written = said.numbers[1];
        if (log.calls as u64) < written {
            self.problem(place, &format!("of {written} written, {} there", log.calls));
        }
        log
    }

    /// Looks at what is in `dir` as it is.
    pub(crate) fn read(&mut self, dir: &Path, promised: &[Promise], place: &str) -> Log {
        let log = Log::read(dir);
        let silent = log.silent(promised);
        let damage = log.damage.iter().map(|at| format!("damaged: {at}"));
        for problem in silent.into_iter().chain(damage) {
            self.problem(place, &problem);
        }
        self.count(dir, promised.len(), log.calls);
        log
    }

    /// Counts a loop in which so many were promised, and are there, in `dir` so far.
    pub(crate) fn count(&mut self, dir: &Path, promised: usize, calls: usize) {
        let before = self.seen.insert(dir.to_owned(), (promised, calls));
        let (acknowledged, recovered) = before.unwrap_or_default();
        self.loops += 1;
        self.acknowledged += promised.saturating_sub(acknowledged);
        self.recovered += calls.saturating_sub(recovered);
    }

    pub(crate) fn has_problems(&self) -> bool {
        !self.problems.is_empty()
    }

    pub(crate) fn problem(&mut self, place: &str, what: &str) {
        self.problems.push(format!("{place}: {what}"));
    }

    /// Notes what is wrong with a program that has run.
    pub(crate) fn problem_unless(&mut self, is_well: bool, place: &str, run: &Output) {
        if !is_well {
            let said = String::from_utf8_lossy(&run.stderr);
            self.problem(place, &format!("{}: {}", run.status, said.trim()));
        }
    }

    /// Prints the row, and fails when a promise was broken or nothing was promised.
    pub(crate) fn end(self) {
        let name = self.name;
        let (loops, acknowledged, recovered) = (self.loops, self.acknowledged, self.recovered);
        let silent = self.problems.len();
        line(&format!(
            "| {name} | {loops} | {acknowledged} | {recovered} | {silent} |\n"
        ));
        say(&format!(
            "{name} took {:.1} s\n",
            self.start.elapsed().as_secs_f64()
        ));
        let shown: Vec<_> = self.problems.iter().take(SHOWN).cloned().collect();
        assert!(silent == 0, "{name}:\n{}", shown.join("\n"));
        assert!(acknowledged > 0, "{name}: nothing was ever acknowledged");
    }
}

/// Returns what a test needs, or says why it cannot run here.
pub(crate) fn needs<T>(name: &str, what: Result<T, String>) -> Option<T> {
    what.map_err(|why| {
        line(&format!("| {name} | skipped: {why} | | | |\n"));
        say(&format!("skipped: {name}: {why}\n"));
    })
    .ok()
}

/// Prints a row, also into the file in which `tests/crash/run` collects them.
fn line(row: &str) {
    say(row);
    if let Some(table) = environment("LLM_AUDIT_CRASH_TABLE") {
        let mut table = File::options().append(true).create(true).open(table);
        table.as_mut().unwrap().write_all(row.as_bytes()).unwrap();
    }
}

/// Prints past the capture of the test harness.
pub(crate) fn say(text: &str) {
    io::stdout().write_all(text.as_bytes()).unwrap();
}

/// Opens the log in `dir`, which completes the streams of the dead, and closes it.
pub(crate) fn recover(dir: &Path) {
    let report = builder(dir)
        .spawn()
        .unwrap()
        .shutdown(Duration::from_secs(60));
    assert!(report.is_complete(), "{report}");
}

/// Returns a log in `dir`.
pub(crate) fn builder(dir: &Path) -> AuditBuilder {
    let policy = Policy::builder()
        .facet(Facet::Model, Level::Full)
        .retention(Retention::Days90)
        .build()
        .unwrap();
    llm_audit_core::builder().policy(policy).journal(dir)
}

/// Returns every file in `dir`, with its content.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}
