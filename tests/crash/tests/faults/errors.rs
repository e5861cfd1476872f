//! Calls of the operating system fail, are interrupted, do half of what they are asked, or take long.

use std::process::Command;
use std::time::Duration;

use crate::program::{Program, Running};
use crate::row::{Row, needs, say};
use crate::sweep::strace;

/// Commits before a fault comes, and after it has passed.
const SOME: usize = 200;

/// Runs a program under each fault until `enough`, and looks at what is left.
fn endure(name: &'static str, faults: &[(&str, &str)], enough: impl Fn(&Running)) {
    if needs(name, strace()).is_none() {
        return;
    }
    let mut row = Row::new(name);
    for (call, fault) in faults {
        let dir = tempfile::tempdir().unwrap();
        let program = Program::crash("endure", dir.path()).inject(call, fault);
        let program = program.start();
        enough(&program);
        let said = program.end_well();
        row.look_after(dir.path(), &said, &format!("{call}:{fault}"));
    }
    row.end();
}

/// Nobody is refused: what the file did not take is confirmed in another.
#[test]
fn fsync_eio_once() {
    let faults = [
        ("fdatasync", "error=EIO:when=3"),
        ("fdatasync", "error=EIO:when=50"),
        ("fdatasync", "error=ENOSPC:when=50"),
    ];
    endure("fsync_eio_once", &faults, |program| {
        program.wait_for_acks(SOME);
        assert_eq!(program.said().refused, Vec::<String>::new());
    });
}

/// Everybody is refused, and the program lives on.
#[test]
fn fsync_eio_for_ever() {
    let faults = [
        ("fdatasync", "error=EIO:when=20+"),
        ("fdatasync,fsync", "error=EIO:when=30+"),
    ];
    endure("fsync_eio_for_ever", &faults, |program| {
        program.wait_for_refusals(10);
        let promised = program.said().acks.len();
        program.wait_for_refusals(10);
        assert_eq!(program.said().acks.len(), promised);
    });
}

/// New segments wait for their directory.
#[test]
fn directory_fsync_eio_for_a_while() {
    let faults = [
        ("fsync", "error=EIO:when=1..3"),
        ("fsync", "error=EIO:when=3..5"),
    ];
    endure("directory_fsync_eio_for_a_while", &faults, |program| {
        program.wait_for_acks(SOME);
    });
}

#[test]
fn write_fails_for_a_while() {
    let faults = [
        ("write", "error=EIO:when=60..66"),
        ("write", "error=ENOSPC:when=60..66"),
        ("write", "error=EDQUOT:when=60..66"),
    ];
    endure("write_fails_for_a_while", &faults, |program| {
        program.wait_for_acks(4 * SOME);
    });
}

#[test]
fn eintr() {
    let faults = [
        ("write", "error=EINTR:when=2+3"),
        ("fdatasync", "error=EINTR:when=5+2"),
        ("openat", "error=EINTR:when=30+5"),
    ];
    endure("eintr", &faults, |program| program.wait_for_acks(SOME));
}

/// A limit for the size of files stops a write half-way, in each segment again.
#[test]
fn short_write() {
    let name = "short_write";
    let mut row = Row::new(name);
    let dir = tempfile::tempdir().unwrap();
    let program = limited(Program::crash("endure", dir.path())).start();
    program.wait_for_acks(SOME);
    if needs(name, limit(&program, "fsize=100000:unlimited")).is_none() {
        return;
    }
    program.wait_for_acks(3 * SOME);
    // Now nothing can be written; then all again.
    limit(&program, "fsize=1000:unlimited").unwrap();
    program.wait_for_refusals(1);
    limit(&program, "fsize=unlimited").unwrap();
    program.wait_for_acks(SOME);
    let said = program.end_well();
    row.look_after(dir.path(), &said, "prlimit --fsize");
    row.end();
}

/// Ignores the signal that a limit of the size sends, as servers do; what is left is the error.
fn limited(program: Program) -> Program {
    program.under(&["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
}

/// Changes a limit of a running program.
pub(crate) fn limit(program: &Running, limit: &str) -> Result<(), String> {
    let pid = program.pid().to_string();
    let done = Command::new("prlimit")
        .args(["--pid", &pid])
        .arg(format!("--{limit}"))
        .status();
    match done {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("prlimit --{limit}: {status}")),
        Err(_) => Err("prlimit is not installed".into()),
    }
}

/// Each synchronisation takes 200 ms: what is acknowledged is there after a kill, and who only
/// records does not wait for the disk.
#[test]
fn slow_disk() {
    let name = "slow_disk";
    if needs(name, strace()).is_none() {
        return;
    }
    let mut row = Row::new(name);
    let dir = tempfile::tempdir().unwrap();
    let program = Program::crash("endure", dir.path()).slow_disk(Duration::from_millis(200));
    let program = program.start();
    program.wait_for_acks(20);
    let said = program.kill_alive();
    row.look(dir.path(), &said.acks, "200 ms");

    // So slow that even a busy machine records 2,000 events meanwhile.
    let dir = tempfile::tempdir().unwrap();
    let program = Program::crash("slow", dir.path()).slow_disk(Duration::from_secs(2));
    let said = program.start().end_well();
    row.read(dir.path(), &said.acks, "2 s");
    row.end();
    let [p50, p99, longest] = [0, 1, 2].map(|at| said.numbers[at] as f64 / 1000.0);
    say(&format!(
        "2,000 events during one fdatasync: p50 {p50:.1} µs, p99 {p99:.1} µs, longest {longest:.1} µs\n"
    ));
}
