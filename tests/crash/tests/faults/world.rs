//! What others do to a log: take memory away, turn the clock, touch its files, fork it.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use llm_audit_core::journal::{self, Condition};

use crate::kill::catch_up;
use crate::log::Log;
use crate::program::{Program, Promise, Running};
use crate::row::{Row, needs, say};

/// What is done to a file, and its name.
type Harm<'a> = (&'a str, &'a dyn Fn(&Path));

/// Commits before something happens, and after it.
const SOME: usize = 200;

#[test]
fn memory_limit_64_mb_while_the_sink_is_down() {
    let name = "memory_limit_64_mb_while_the_sink_is_down";
    let Some(group) = needs(name, Group::new(64 << 20)) else {
        return;
    };
    let mut row = Row::new(name);
    let dir = tempfile::tempdir().unwrap();
    // 58 MB of events, beside the 13 MB that the program takes by itself.
    let events = 7000;
    let program = Program::crash("memory", dir.path()).arg(&events.to_string());
    let said = group.run(program).start().end_well();
    let [admitted, written, lost, due] = [0, 1, 2, 3].map(|at| said.numbers[at]);
    assert_eq!((admitted, written, lost, due), (events, events, 0, events));
    row.look_after(dir.path(), &said, "the sink is down");
    let missing = catch_up(dir.path());
    if missing > 0 {
        row.problem("the sink is back", &format!("it has {missing} too few"));
    }
    row.end();
}

/// A memory cgroup of version 1 or 2.
struct Group(PathBuf);

impl Group {
    fn new(bytes: u64) -> Result<Self, String> {
        let name = format!("llm-audit-crash-{}", std::process::id());
        let one = Path::new("/sys/fs/cgroup/memory");
        let (parent, limit) = if one.is_dir() {
            (one, "memory.limit_in_bytes")
        } else {
            (Path::new("/sys/fs/cgroup"), "memory.max")
        };
        let group = Self(parent.join(name));
        let made = fs::create_dir(&group.0)
            .and_then(|()| fs::write(group.0.join(limit), bytes.to_string()));
        made.map_err(|error| format!("no memory cgroup: {error}"))?;
        Ok(group)
    }

    fn run(&self, program: Program) -> Program {
        let join = format!("echo $$ > '{}/cgroup.procs'", self.0.display());
        program.under(&["sh", "-c", &format!("{join} && exec \"$0\" \"$@\"")])
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        drop(fs::remove_dir(&self.0));
    }
}

/// By libfaketime, which turns the time of day and leaves the monotonic clock alone.
#[test]
fn clock_minus_1_day_plus_1_year() {
    let name = "clock_minus_1_day_plus_1_year";
    let Some(library) = needs(name, faketime()) else {
        return;
    };
    let mut row = Row::new(name);
    let dir = tempfile::tempdir().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let turn = |offset: &str| fs::write(file.path(), offset).unwrap();
    let start = || {
        Program::crash("endure", dir.path())
            .env("LD_PRELOAD", &library)
            .env("FAKETIME_TIMESTAMP_FILE", file.path().to_str().unwrap())
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .start()
    };
    let mut promised = Vec::new();
    // In the middle of a life, and between two.
    for (first, second) in [
        ("+0d", "-1d"),
        ("+0d", "+365d"),
        ("+365d", "-1d"),
        ("+730d", "+0d"),
    ] {
        turn(first);
        let program = start();
        program.wait_for_acks(SOME);
        turn(second);
        program.wait_for_acks(4 * SOME);
        promised.extend(program.end_well().acks);
        row.read(dir.path(), &promised, &format!("{first}, then {second}"));
    }
    let days = fs::read_dir(dir.path()).unwrap();
    let days = days.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut days: Vec<_> = days
        .filter_map(|name| Some(name.split_once('-')?.0.to_owned()))
        .collect();
    days.retain(|day| day.len() == 8 && day.starts_with("20"));
    days.sort_unstable();
    days.dedup();
    assert!(days.len() > 2, "the clock was not turned: {days:?}");
    row.look(dir.path(), &promised, "in the end");
    row.end();
}

fn faketime() -> Result<String, String> {
    let found = [
        "lib/x86_64-linux-gnu",
        "lib/aarch64-linux-gnu",
        "lib64",
        "lib",
    ]
    .map(|lib| format!("/usr/{lib}/faketime/libfaketimeMT.so.1"));
    let found = found.into_iter().find(|path| Path::new(path).exists());
    found.ok_or("libfaketime is not installed".into())
}

/// Somebody moves the segment that is written to, and puts it back when all is over.
#[test]
fn live_segment_renamed() {
    let mut row = Row::new("live_segment_renamed");
    let (dir, away) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program = Program::crash("endure", dir.path()).start();
    let mut moved = Vec::new();
    for _ in 0..3 {
        program.wait_for_acks(SOME);
        let segment = live(dir.path());
        let to = away.path().join(segment.file_name().unwrap());
        fs::rename(&segment, &to).unwrap();
        moved.push((to, segment.clone()));
        // Another is begun, which is seen, and what comes then is in it.
        wait_for_another(&program, dir.path(), &segment);
    }
    program.wait_for_acks(SOME);
    let said = program.end_well();
    for (from, to) in moved {
        // Another file system or not, both are under `/tmp`.
        fs::rename(from, to).unwrap();
    }
    row.look_after(dir.path(), &said, "moved back");
    row.end();
}

/// What somebody cuts off or deletes is gone; what comes later is not, and a check misses what is
/// gone.
#[test]
fn live_segment_truncated_or_deleted() {
    let mut row = Row::new("live_segment_truncated_or_deleted");
    let cut = |path: &Path| {
        let file = File::options().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2 + 10)
            .unwrap();
    };
    let empty = |path: &Path| drop(File::create(path).unwrap());
    let delete = |path: &Path| fs::remove_file(path).unwrap();
    let harms: [Harm<'_>; 3] = [("cut", &cut), ("emptied", &empty), ("deleted", &delete)];
    for (place, harm) in harms {
        let dir = tempfile::tempdir().unwrap();
        let program = Program::crash("endure", dir.path()).start();
        program.wait_for_acks(SOME);
        let segment = live(dir.path());
        harm(&segment);
        wait_for_another(&program, dir.path(), &segment);
        let harmed = program.said().acks.len();
        program.wait_for_acks(SOME);
        let said = program.end_well();
        let log = Log::read(dir.path());
        for promise in said
            .acks
            .iter()
            .skip(harmed)
            .filter(|promise| !log.has(promise))
        {
            row.problem(
                place,
                &format!("{} is not there, and was not touched", promise.event),
            );
        }
        let gone = said.acks.iter().filter(|promise| !log.has(promise)).count();
        let found = journal::check(dir.path()).unwrap();
        if gone == 0 || found.condition() != Condition::Damaged {
            row.problem(
                place,
                &format!(
                    "{gone} are gone, and the check says {:?}",
                    found.condition()
                ),
            );
        }
        row.count(dir.path(), said.acks.len() - gone, log.calls);
        say(&format!(
            "{place}: {gone} events are gone; the check says so\n"
        ));
    }
    row.end();
}

/// Returns the segment that is written to.
fn live(dir: &Path) -> PathBuf {
    let names = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let segments = names.filter(|name| name.extension().is_some_and(|end| end == "jsonl"));
    segments.max().unwrap()
}

/// Waits until another segment is written to than `before`.
fn wait_for_another(program: &Running, dir: &Path, before: &Path) {
    while !fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        path.extension().is_some_and(|end| end == "jsonl") && path.as_path() > before
    }) {
        program.wait_for_acks(1);
    }
    // Those that were on their way.
    program.wait_for_acks(10);
}

#[test]
fn symlink_or_fifo_in_place_of_a_file() {
    let mut row = Row::new("symlink_or_fifo_in_place_of_a_file");
    let victims = tempfile::tempdir().unwrap();
    let victim = victims.path().join("victim");
    fs::write(&victim, "somebody else's\n").unwrap();
    let link = |path: &Path| symlink(&victim, path).unwrap();
    let fifo = |path: &Path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    let directory = |path: &Path| fs::create_dir(path).unwrap();
    let replacements: [Harm<'_>; 3] = [
        ("symlink", &link),
        ("fifo", &fifo),
        ("directory", &directory),
    ];
    for (what, put) in replacements {
        for end in ["jsonl", "lock", "reserve", "cursor", "json"] {
            let place = format!("a {what} in place of a {end}");
            let dir = tempfile::tempdir().unwrap();
            let program = Program::crash("record", dir.path()).start();
            program.wait_for_acks(SOME);
            let mut promised = program.kill_alive().acks;
            let names = fs::read_dir(dir.path())
                .unwrap()
                .map(|entry| entry.unwrap().path());
            let mut files = names.filter(|name| name.extension().is_some_and(|e| e == end));
            let Some(file) = files.next() else {
                row.problem(&place, "there is none");
                continue;
            };
            fs::remove_file(&file).unwrap();
            put(&file);
            // What is in it went with it, and is not asked for.
            let log = Log::read(dir.path());
            promised.retain(|promise| log.has(promise));
            // A start that opened it would hang, or write into the victim.
            let program = Program::crash("commit", dir.path()).arg("10").start();
            // Its end is not a good one when the copy lacks what was in the file.
            let acks = program.end().1.acks;
            if acks.len() != 10 {
                row.problem(&place, &format!("{} of 10 acknowledged", acks.len()));
            }
            promised.extend(acks);
            let log = Log::read(dir.path());
            for Promise { event, .. } in promised.iter().filter(|promise| !log.has(promise)) {
                row.problem(&place, &format!("{event} is not there"));
            }
            if fs::read(&victim).unwrap() != b"somebody else's\n" {
                row.problem(&place, "the victim was changed");
            }
            row.count(dir.path(), promised.len(), log.calls);
        }
    }
    row.end();
}

#[test]
fn fork() {
    let mut row = Row::new("fork");
    for number in 0..3 {
        let dir = tempfile::tempdir().unwrap();
        let said = Program::crash("fork", dir.path()).start().end_well();
        let log = row.look_after(dir.path(), &said, &format!("loop {number}"));
        if log.calls != said.acks.len() || log.repeated > 0 {
            row.problem(
                "fork",
                &format!("{} of {} calls", log.calls, said.acks.len()),
            );
        }
    }
    row.end();
}
