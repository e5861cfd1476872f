//! Processes are killed.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::Path;
use std::thread;
use std::time::Duration;

use llm_audit_core::journal::Reader;
use llm_audit_core::{Event, Kind, WriterId};
use llm_audit_sinks::JsonlSink;

use crate::log::Log;
use crate::loops;
use crate::program::Program;
use crate::random::Random;
use crate::row::{Row, builder, needs, recover};
use crate::sweep::{CALLS, stride, sweep};

/// So many programs are killed one after the other in one directory.
const KILLS_IN_ONE_DIRECTORY: u64 = 5;
/// A kill comes while the log opens, or soon after, or much later.
const LONGEST_LIFE: Duration = Duration::from_millis(700);

#[test]
fn kill_9_at_random_moments() {
    let mut row = Row::new("kill_9_at_random_moments");
    let mut random = Random::from_environment();
    let seed = random.seed();
    let mut dir = tempfile::tempdir().unwrap();
    let mut promised = Vec::new();
    for number in 0..loops() {
        if number % KILLS_IN_ONE_DIRECTORY == 0 {
            dir = tempfile::tempdir().unwrap();
            promised.clear();
        }
        let place = format!("LLM_AUDIT_KILL_SEED={seed}, loop {number}");
        let program = Program::crash("record", dir.path()).start();
        program.live(number, &mut random, LONGEST_LIFE);
        promised.extend(program.kill_alive().acks);
        row.look(dir.path(), &promised, &place);
        if has_quarantine(dir.path()) {
            row.problem(&place, "a kill damages nothing");
        }
        if number % KILLS_IN_ONE_DIRECTORY == KILLS_IN_ONE_DIRECTORY - 1 || number + 1 == loops() {
            let missing = catch_up(dir.path());
            if missing > 0 {
                row.problem(&place, &format!("the copy has {missing} too few"));
            }
        }
    }
    row.end();
}

#[test]
fn kill_9_at_the_nth_call() {
    let mut row = Row::new("kill_9_at_the_nth_call");
    let mut dir = tempfile::tempdir().unwrap();
    let swept = sweep(&CALLS, stride(1), |fault| {
        dir = tempfile::tempdir().unwrap();
        let program = Program::crash("commit", dir.path()).arg("10");
        let (said, place) = fault.run(program)?;
        row.look(dir.path(), &said.acks, &place);
        Some(())
    });
    if needs("kill_9_at_the_nth_call", swept).is_some() {
        row.end();
    }
}

#[test]
fn kill_9_during_recovery() {
    let mut row = Row::new("kill_9_during_recovery");
    let mut random = Random::from_environment();
    let crashed = tempfile::tempdir().unwrap();
    let mut promised = Vec::new();
    // Two dead writers, each perhaps in the middle of a line, and of a segment.
    for _ in 0..2 {
        let program = Program::crash("record", crashed.path()).start();
        program.wait_for_acks(50);
        thread::sleep(random.up_to(LONGEST_LIFE / 4));
        promised.extend(program.kill_alive().acks);
    }
    let swept = sweep(&CALLS, stride(3), |fault| {
        let dir = tempfile::tempdir().unwrap();
        copy(crashed.path(), dir.path());
        let (_, place) = fault.run(Program::crash("commit", dir.path()).arg("0"))?;
        // The start after that is killed too, at the same call, and the one after that is not.
        drop(fault.run(Program::crash("commit", dir.path()).arg("0")));
        row.look(dir.path(), &promised, &place);
        Some(())
    });
    if needs("kill_9_during_recovery", swept).is_some() {
        row.end();
    }
}

#[test]
fn two_processes_on_one_directory() {
    let mut row = Row::new("two_processes_on_one_directory");
    let mut random = Random::from_environment();
    let place = format!("LLM_AUDIT_KILL_SEED={}", random.seed());
    let dir = tempfile::tempdir().unwrap();
    let start = || Program::crash("record", dir.path()).start();
    let (first, second) = (start(), start());
    first.wait_until_ready();
    second.wait_until_ready();
    let writers = [&first, &second].map(|program| program.said().ready.unwrap());
    assert_ne!(writers[0], writers[1], "{place}");
    thread::sleep(random.up_to(LONGEST_LIFE));

    // The dead one is completed while the other goes on, and nobody touches the living.
    let mut promised = first.kill_alive().acks;
    recover(dir.path());
    let log = row.read(dir.path(), &promised, &place);
    assert!(log.is_closed(&writers[0]), "{place}");
    assert!(!log.is_closed(&writers[1]), "{place}");
    // A reader beside the living sees no damage.
    let damaged = Reader::open(dir.path()).unwrap().filter(Result::is_err);
    assert_eq!(damaged.count(), 0, "{place}");
    thread::sleep(random.up_to(LONGEST_LIFE));

    promised.extend(second.kill_alive().acks);
    let log = row.look(dir.path(), &promised, &place);
    assert!(log.is_closed(&writers[1]), "{place}");
    row.end();
}

/// What is done to a lock, and by whom it is held then.
type Harm<'a> = &'a dyn Fn(&Path) -> Option<File>;

/// What is left of the lock of a dead writer keeps nobody from starting, and nobody from completing it,
/// unless somebody else holds it.
#[test]
fn stale_lock() {
    let mut row = Row::new("stale_lock");
    let nothing = |_: &Path| None;
    let empty = |path: &Path| fs::write(path, "").map(|()| None).unwrap();
    let other = |path: &Path| fs::write(path, "1\n").map(|()| None).unwrap();
    let delete = |path: &Path| fs::remove_file(path).map(|()| None).unwrap();
    let stray = |path: &Path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let name = name.replace(char::is_numeric, "7");
        fs::write(path.with_file_name(name), "")
            .map(|()| None)
            .unwrap()
    };
    let held = |path: &Path| {
        let file = File::open(path).unwrap();
        file.lock().unwrap();
        Some(file)
    };
    let harms: [(&str, Harm<'_>); 6] = [
        ("left", &nothing),
        ("emptied", &empty),
        ("with another process's number", &other),
        ("deleted", &delete),
        ("beside one of a writer that never was", &stray),
        ("held by somebody else", &held),
    ];
    for (place, harm) in harms {
        let dir = tempfile::tempdir().unwrap();
        let program = Program::crash("record", dir.path()).start();
        program.wait_for_acks(50);
        let writer = program.said().ready.unwrap();
        let mut promised = program.kill_alive().acks;
        let holder = harm(&dir.path().join(format!("{writer}.lock")));
        let program = Program::crash("commit", dir.path()).arg("10").start();
        promised.extend(program.end().1.acks);
        let is_closed = Log::read(dir.path()).is_closed(&writer);
        if is_closed == holder.is_some() {
            row.problem(place, &format!("the dead one is completed: {is_closed}"));
        }
        drop(holder);
        let log = row.look(dir.path(), &promised, place);
        if !log.is_closed(&writer) {
            row.problem(place, "the dead one is not completed");
        }
    }
    row.end();
}

fn has_quarantine(dir: &Path) -> bool {
    fs::read_dir(dir.join("quarantine")).is_ok_and(|mut files| files.next().is_some())
}

/// Opens the log in `dir` with the copy that the dead had, so that the copy catches up, and returns
/// how many events that a dead writer left are not in it.
pub(crate) fn catch_up(dir: &Path) -> usize {
    let copy = dir.join("copy");
    // What a busy machine does not copy in the time of a shutdown is for the next start.
    for _ in 0..10 {
        let sink = JsonlSink::dir(&copy).unwrap();
        let audit = builder(dir).sink(sink).spawn().unwrap();
        if audit.shutdown(Duration::from_secs(60)).is_complete() {
            break;
        }
    }
    let copied = ids(&copy);
    let kept = Reader::open(dir).unwrap().map(Result::unwrap);
    let kept: Vec<_> = kept.map(|entry| entry.into_event()).collect();
    let calls = kept
        .iter()
        .filter(|event| *event.kind() == Kind::Interaction);
    // Starts that only repaired had no copy.
    let writers: HashSet<_> = calls.map(Event::writer_id).collect();
    let due = kept
        .iter()
        .filter(|event| writers.contains(&event.writer_id()));
    let missing = due.filter_map(|event| Some((event.writer_id(), event.seq()?)));
    missing.filter(|id| !copied.contains(id)).count()
}

fn ids(dir: &Path) -> HashSet<(WriterId, u64)> {
    let events = Reader::open(dir).unwrap().events();
    // A kill cuts the last line of a copy; the event comes again in the next file.
    let events = events.filter_map(Result::ok);
    events
        .filter_map(|event| Some((event.writer_id(), event.seq()?)))
        .collect()
}

/// Copies the files of a log.
pub(crate) fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
