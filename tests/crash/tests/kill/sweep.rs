//! A program that commits events is killed at each call of the operating system that changes the disk.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::child::Promise;
use crate::{Table, check, say};

/// Calls that change what is on disk, or are to make it durable.
const CALLS: [&str; 5] = ["write", "fdatasync", "fsync", "rename", "unlink"];
const EVENTS: &str = "10";
/// No thread of the program makes more calls of one kind; a sweep that gets here would not end.
const MOST_CALLS: u64 = 500;

/// What became of one run.
enum End {
    /// It was killed; these events it had acknowledged.
    Killed(Vec<Promise>),
    /// It made fewer such calls, and ended by itself.
    Whole,
}

#[test]
fn a_kill_at_every_write_fdatasync_and_rename_loses_nothing_acknowledged() {
    let has_strace = Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .status();
    if has_strace.is_err() {
        return say("skipped: strace is not installed\n");
    }
    let mut table = Table::default();
    for call in CALLS {
        for when in 1.. {
            assert!(when < MOST_CALLS, "{call}: the program does not end");
            let dir = tempfile::tempdir().unwrap();
            let acknowledged = match run(dir.path(), call, when) {
                Ok(End::Killed(acknowledged)) => acknowledged,
                Ok(End::Whole) => break,
                Err(reason) => return say(&format!("skipped: strace cannot trace: {reason}\n")),
            };
            let state = check(dir.path(), &acknowledged, &format!("{call} number {when}"));
            table.add(acknowledged.len(), &state, &crate::State::default());
        }
    }
    table.print("killed at every call", 0);
    assert_eq!(table.silent, 0);
    assert!(
        table.acknowledged > 0,
        "no event was acknowledged before a kill"
    );
}

/// Runs the program until its `when`th call of `call` in one thread.
fn run(dir: &Path, call: &str, when: u64) -> Result<End, String> {
    let run = Command::new("strace")
        .args([
            "-f",
            "-qq",
            "-o",
            "/dev/null",
            "-e",
            &format!("trace={call}"),
        ])
        .args(["-e", &format!("inject={call}:signal=KILL:when={when}")])
        .args([
            Path::new(env!("CARGO_BIN_EXE_crash")),
            dir,
            Path::new(EVENTS),
        ])
        .output()
        .unwrap();
    if run.status.success() {
        return Ok(End::Whole);
    }
    if run.status.signal().is_none() {
        return Err(String::from_utf8_lossy(&run.stderr).into_owned());
    }
    let said = String::from_utf8(run.stdout).unwrap();
    // The kill may cut the last line; what is cut was not said.
    let lines = said
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    let acknowledged = lines.filter_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1).map(str::to_owned);
        Some((words.next()?, words.next()?))
    });
    Ok(End::Killed(acknowledged.collect()))
}
