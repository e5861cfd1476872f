//! Disks that are full, read-only or forbidden, and a process that may open no more files.

use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

use crate::errors::limit;
use crate::has_time;
use crate::mount::{Ext4, Tmpfs};
use crate::program::{Program, Running};
use crate::row::{Row, needs};

/// Commits before a fault comes, and after it has passed.
const SOME: usize = 200;

/// Lets a program run into a fault, takes the fault away, and looks whether it commits again and what
/// is left.
fn comes_and_goes(
    name: &'static str,
    dir: &Path,
    program: Running,
    come: impl Fn(&Running),
    go: impl Fn(&Running),
) {
    let mut row = Row::new(name);
    for _ in 0..2 {
        program.wait_for_acks(SOME);
        come(&program);
        wait_for_trouble(&program);
        go(&program);
        program.wait("recovery", |said| !said.is_degraded);
    }
    program.wait_for_acks(SOME);
    let said = program.end_well();
    row.look_after(dir, &said, "come and gone");
    row.end();
}

/// Waits until the fault is met: the log says that it is degraded, and a commit is refused, or what
/// needs no new file goes on.
fn wait_for_trouble(program: &Running) {
    program.wait("trouble", |said| said.is_degraded);
    let (refused, acks) = (program.said().refused.len(), program.said().acks.len());
    program.wait("way round the trouble, nor a refusal", |said| {
        said.refused.len() > refused || said.acks.len() > acks + SOME
    });
}

/// Fills a file until nothing more fits.
pub(crate) fn fill(path: &Path) {
    let mut file = File::options()
        .append(true)
        .create(true)
        .open(path)
        .unwrap();
    let mut chunk = 1 << 16;
    while chunk > 0 {
        if io::copy(&mut io::repeat(1).take(chunk), &mut file).is_err() {
            chunk /= 2;
        }
    }
}

/// Lets somebody else take all the room below `disk`, and give it back.
fn enospc(name: &'static str, disk: &Path) {
    let dir = disk.join("log");
    let other = disk.join("somebody else's");
    let program = Program::crash("endure", &dir).start();
    let come = |_: &Running| fill(&other);
    let go = |_: &Running| fs::remove_file(&other).unwrap();
    comes_and_goes(name, &dir, program, come, go);
}

#[test]
fn enospc_by_bytes() {
    let name = "enospc_by_bytes";
    if let Some(disk) = needs(name, Tmpfs::new("size=8m")) {
        enospc(name, disk.path());
    }
}

#[test]
fn enospc_on_ext4() {
    let name = "enospc_on_ext4";
    if let Some(disk) = needs(name, Ext4::new("16m", "32m", "noatime")) {
        enospc(name, disk.path());
    }
}

#[test]
fn enospc_by_inodes() {
    let name = "enospc_by_inodes";
    let Some(disk) = needs(name, Tmpfs::new("size=64m,nr_inodes=64")) else {
        return;
    };
    let dir = disk.path().join("log");
    let program = Program::crash("endure", &dir).start();
    let others = || (0..100).map(|number| disk.path().join(format!("other-{number}")));
    let come = |_: &Running| others().for_each(|other| drop(File::create(other)));
    let go = |_: &Running| others().for_each(|other| drop(fs::remove_file(other)));
    comes_and_goes(name, &dir, program, come, go);
}

/// As an error makes it: ext4 finds its metadata broken, and takes no more writes. The program is
/// stopped meanwhile: an `fdatasync` that is under way in this moment returns success, although its
/// data is not on the disk (Linux 6.18), which no program can tell from a true one.
#[test]
fn read_only_remount() {
    let name = "read_only_remount";
    let disk = Ext4::new("64m", "96m", "noatime,errors=remount-ro");
    let Some(disk) = needs(name, disk) else {
        return;
    };
    let mut row = Row::new(name);
    let dir = disk.path().join("log");
    let mut promised = Vec::new();
    for number in 0..if has_time() { 5 } else { 1 } {
        let program = Program::crash("endure", &dir).start();
        program.wait_for_acks(SOME);
        let trigger = format!("/sys/fs/ext4/{}/trigger_fs_error", disk.device());
        let mut triggered = Ok(());
        program.while_stopped(|| triggered = fs::write(&trigger, "1"));
        let triggered = triggered.map_err(|error| format!("{trigger}: {error}"));
        if needs(name, triggered).is_none() {
            return;
        }
        program.wait_for_refusals(2);
        promised.extend(program.end_well().acks);
        disk.check();
        row.look(&dir, &promised, &format!("loop {number}"));
    }
    row.end();
}

#[test]
fn eacces() {
    let name = "eacces";
    let temporary = tempfile::tempdir().unwrap();
    fs::set_permissions(temporary.path(), Permissions::from_mode(0o755)).unwrap();
    let dir = temporary.path().join("log");
    fs::create_dir(&dir).unwrap();
    // Where nobody can find it.
    let exe = temporary.path().join("crash");
    fs::copy(env!("CARGO_BIN_EXE_crash"), &exe).unwrap();
    let mut program = Program::new(&[&exe, "endure".as_ref(), &dir]);
    // Permissions mean nothing to root; anybody else is unprivileged already.
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        let given = chown(&dir, Some(NOBODY), Some(NOBODY));
        if needs(name, given.map_err(|error| format!("chown: {error}"))).is_none() {
            return;
        }
        let id = NOBODY.to_string();
        program = program.under(&["setpriv", "--reuid", &id, "--regid", &id, "--clear-groups"]);
    }
    let program = program.start();
    let mode = |mode| fs::set_permissions(&dir, Permissions::from_mode(mode)).unwrap();
    // No new segment can be begun; the one that is there can be written.
    let come = |_: &Running| mode(0o500);
    let go = |_: &Running| mode(0o700);
    comes_and_goes(name, &dir, program, come, go);
}

const NOBODY: u32 = 65534;

#[test]
fn emfile() {
    let name = "emfile";
    let dir = tempfile::tempdir().unwrap();
    let program = Program::crash("endure", dir.path()).start();
    if needs(name, limit(&program, "nofile=1024:1024")).is_none() {
        return;
    }
    // Fewer than are open already.
    let come = |program: &Running| limit(program, "nofile=3:1024").unwrap();
    let go = |program: &Running| limit(program, "nofile=1024:1024").unwrap();
    comes_and_goes(name, dir.path(), program, come, go);
}

/// A start in a place that cannot be used is an error, and none later.
#[test]
fn a_start_where_nothing_can_be_written() {
    let name = "a_start_where_nothing_can_be_written";
    let Some(disk) = needs(name, Tmpfs::new("size=1m")) else {
        return;
    };
    let mut row = Row::new(name);
    fill(&disk.path().join("somebody else's"));
    let dir = disk.path().join("log");
    let run = Program::durable_writer(&dir, 100, 4)
        .command()
        .output()
        .unwrap();
    row.problem_unless(!run.status.success() && run.stdout.is_empty(), "full", &run);
    fs::remove_file(disk.path().join("somebody else's")).unwrap();
    let acks = Program::durable_writer(&dir, 100, 4)
        .start()
        .end_well()
        .acks;
    row.look(&dir, &acks, "after it was full");
    row.end();
}
