//! The example `durable_writer` and those who mean it ill: each line that it prints is in the log.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::kill::copy;
use crate::loops;
use crate::mount::Tmpfs;
use crate::program::{Program, Promise};
use crate::random::Random;
use crate::row::{Row, needs, recover};
use crate::sweep::{CALLS, stride, sweep};

const LONGEST_LIFE: Duration = Duration::from_millis(500);
const PRODUCERS: [usize; 3] = [1, 8, 64];
/// More than one of them lives to record.
const MANY: usize = 1_000_000;

#[test]
fn durable_writer_killed_at_random_moments() {
    let mut row = Row::new("durable_writer_killed_at_random_moments");
    let mut random = Random::from_environment();
    let seed = random.seed();
    for producers in PRODUCERS {
        // One directory for all: the log of a service that crashes again and again.
        let dir = tempfile::tempdir().unwrap();
        let mut promised = Vec::new();
        for number in 0..loops().div_ceil(4) {
            let place = format!("LLM_AUDIT_KILL_SEED={seed}, {producers} producers, loop {number}");
            let program = Program::durable_writer(dir.path(), MANY, producers);
            let program = program.arg("--bytes").arg("500").start();
            program.live(number, &mut random, LONGEST_LIFE);
            promised.extend(program.kill_alive().acks);
            if number % 3 == 2 {
                // The next start comes at once, and is killed as well.
                let program = Program::durable_writer(dir.path(), MANY, producers).start();
                thread::sleep(random.up_to(LONGEST_LIFE / 20));
                promised.extend(program.kill_alive().acks);
            }
            row.look(dir.path(), &promised, &place);
        }
    }
    row.end();
}

#[test]
fn durable_writer_killed_at_the_nth_call() {
    let name = "durable_writer_killed_at_the_nth_call";
    let mut row = Row::new(name);
    for producers in PRODUCERS {
        let swept = sweep(&CALLS, stride(5), |fault| {
            let dir = tempfile::tempdir().unwrap();
            let program = Program::durable_writer(dir.path(), 64, producers);
            let (said, place) = fault.run(program)?;
            let place = format!("{producers} producers, {place}");
            row.look(dir.path(), &said.acks, &place);
            Some(())
        });
        if needs(name, swept).is_none() {
            return;
        }
    }
    row.end();
}

#[test]
fn two_durable_writers_at_once() {
    let mut row = Row::new("two_durable_writers_at_once");
    let dir = tempfile::tempdir().unwrap();
    let start = || Program::durable_writer(dir.path(), MANY, 8).start();
    let (first, second) = (start(), start());
    first.wait_for_acks(100);
    second.wait_for_acks(100);
    let mut promised = first.kill_alive().acks;
    // A third completes the first beside the second.
    let third = start();
    third.wait_for_acks(100);
    second.wait_for_acks(100);
    promised.extend(third.kill_alive().acks);
    promised.extend(second.kill_alive().acks);
    row.look(dir.path(), &promised, "three");
    row.end();
}

#[test]
fn sigterm() {
    let mut row = Row::new("sigterm");
    let dir = tempfile::tempdir().unwrap();
    let mut promised = Vec::new();
    for signal in [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGABRT,
    ] {
        let program = Program::durable_writer(dir.path(), MANY, 8);
        // Whoever runs the tests in the background has some of these ignored.
        let program = program.under(&["env", "--default-signal"]).start();
        program.wait_for_acks(50);
        kill(Pid::from_raw(program.pid().cast_signed()), signal).unwrap();
        promised.extend(program.end().1.acks);
        row.look(dir.path(), &promised, signal.as_str());
    }
    row.end();
}

/// Whoever reads the output goes away, or the disk of the output is full: an error, no panic, and a
/// log that ends in good order.
#[test]
fn closed_stdout() {
    let mut row = Row::new("closed_stdout");
    let exe = env!("CARGO_BIN_EXE_durable_writer");
    for (place, lines, redirect) in [
        ("| head", 5, "| head -n 5"),
        ("> /dev/full", 0, "> /dev/full"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("not/there/yet");
        let script = format!("\"$0\" --dir \"$1\" --events {MANY} --producers 8 {redirect}");
        let run = Command::new("sh")
            .args(["-c", &script, exe])
            .arg(&dir)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let acks = acks(&String::from_utf8(run.stdout.clone()).unwrap());
        assert_eq!(acks.len(), lines);
        let errors = String::from_utf8_lossy(&run.stderr);
        row.problem_unless(!errors.contains("panicked"), place, &run);
        row.problem_unless(is_in_order(&dir), place, &run);
        row.look(&dir, &acks, place);
    }
    row.end();
}

/// It runs to its end, again and again in the same place, with strange numbers.
#[test]
fn durable_writer_ends_by_itself() {
    let mut row = Row::new("durable_writer_ends_by_itself");
    let dir = tempfile::tempdir().unwrap();
    let mut promised = Vec::new();
    for (events, producers, bytes, linger) in [
        (100, 1, "0", "0"),
        (100, 64, "200", "2"),
        (10, 64, "10", "1000"),
        (3, 2, "1000000", "0"),
        (0, 1, "1", "1"),
    ] {
        let program = Program::durable_writer(dir.path(), events, producers)
            .arg("--bytes")
            .arg(bytes)
            .arg("--linger-ms")
            .arg(linger);
        let acks = program.start().end_well().acks;
        assert_eq!(acks.len(), events);
        promised.extend(acks);
        assert!(is_in_order(dir.path()));
        row.read(dir.path(), &promised, &format!("{events} events"));
    }
    recover(dir.path());
    row.end();
}

/// It fills its disk, says so at its end, and goes on when it is started again where there is room.
#[test]
fn durable_writer_fills_the_disk() {
    let name = "durable_writer_fills_the_disk";
    let Some(disk) = needs(name, Tmpfs::new("size=4m")) else {
        return;
    };
    let mut row = Row::new(name);
    let (dir, other) = (disk.path().join("log"), disk.path().join("other"));
    // Recovery needs a little room too.
    fs::write(&other, vec![1; 1 << 20]).unwrap();
    let program = Program::durable_writer(&dir, MANY, 8)
        .arg("--bytes")
        .arg("2000");
    let (status, said) = program.start().end();
    assert!(!status.success(), "a full disk is an error");
    let mut promised = said.acks;
    fs::remove_file(&other).unwrap();
    promised.extend(
        Program::durable_writer(&dir, 100, 8)
            .start()
            .end_well()
            .acks,
    );
    row.look(&dir, &promised, "full, and room again");
    row.end();
}

/// Somebody copies the files of a log that is written to: what was acknowledged before is in the
/// copy, which is the log of a crashed writer.
#[test]
fn copied_while_alive() {
    let mut row = Row::new("copied_while_alive");
    let dir = tempfile::tempdir().unwrap();
    let program = Program::crash("endure", dir.path()).start();
    for number in 0..5 {
        program.wait_for_acks(100);
        let promised = program.said().acks;
        let backup = tempfile::tempdir().unwrap();
        copy(dir.path(), backup.path());
        row.look(backup.path(), &promised, &format!("copy {number}"));
    }
    let said = program.end_well();
    row.look_after(dir.path(), &said, "the original");
    row.end();
}

/// Returns whether nobody is left who would have to be completed.
fn is_in_order(dir: &Path) -> bool {
    let mut names = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    !names.any(|name| {
        name.extension()
            .is_some_and(|end| end == "lock" || end == "reserve")
    })
}

fn acks(lines: &str) -> Vec<Promise> {
    let words = lines
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>());
    words
        .map(|words| Promise {
            writer: words[1].to_owned(),
            event: words[2].to_owned(),
        })
        .collect()
}
