//! The power of a real file system is cut.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::disk::fill;
use crate::mount::{Cut, Ext4};
use crate::program::{Program, Promise, Running};
use crate::random::Random;
use crate::row::{Row, needs};
use crate::sweep::{CALLS, strace, stride, sweep};
use crate::{has_time, loops};

const LONGEST_LIFE: Duration = Duration::from_millis(700);
/// So many programs lose their power one after the other in one directory of the image.
const CUTS_IN_ONE_DIRECTORY: u64 = 20;

fn disk() -> Result<Ext4, String> {
    Ext4::new("96m", "128m", "noatime")
}

/// Each second cut lets the file system write its journal: then names are there whose data is not.
const fn how(number: u64) -> Cut {
    if number.is_multiple_of(2) {
        Cut::Hard
    } else {
        Cut::JournalFlushed
    }
}

/// Returns the directory for this cut. In a new one nothing has been promised yet.
fn directory(disk: &Ext4, number: u64, promised: &mut Vec<Promise>) -> PathBuf {
    if number.is_multiple_of(CUTS_IN_ONE_DIRECTORY) {
        promised.clear();
    }
    let log = number / CUTS_IN_ONE_DIRECTORY;
    disk.path().join(format!("log-{log}"))
}

/// Cuts the power, and returns what had been acknowledged before. Afterwards the machine is dead: an
/// `fdatasync` that is under way in that moment may return success, although its data is not on the
/// disk (Linux 6.18), and what is printed then is nothing that anybody could have read.
fn cut(disk: &mut Ext4, how: Cut, program: Running) -> Vec<Promise> {
    let acks = program.said().acks;
    disk.cut(how);
    program.kill();
    acks
}

#[test]
fn power_cut_after_ack() {
    let name = "power_cut_after_ack";
    let Some(mut disk) = needs(name, disk()) else {
        return;
    };
    let mut row = Row::new(name);
    let mut promised = Vec::new();
    for number in 0..loops() {
        let dir = directory(&disk, number, &mut promised);
        let program = Program::crash("endure", &dir).start();
        program.wait_for_acks(1 + number as usize % 50);
        promised.extend(cut(&mut disk, how(number), program));
        disk.restart();
        row.look(&dir, &promised, &format!("cut {number}, {:?}", how(number)));
    }
    row.end();
}

#[test]
fn power_cut_at_random_moments() {
    let name = "power_cut_at_random_moments";
    let Some(mut disk) = needs(name, disk()) else {
        return;
    };
    let mut row = Row::new(name);
    let mut random = Random::from_environment();
    let seed = random.seed();
    let mut promised = Vec::new();
    for number in 0..loops() {
        let dir = directory(&disk, number, &mut promised);
        let program = Program::durable_writer(&dir, 1_000_000, 8).start();
        program.live(number, &mut random, LONGEST_LIFE);
        promised.extend(cut(&mut disk, how(number), program));
        disk.restart();
        let place = format!("LLM_AUDIT_KILL_SEED={seed}, cut {number}");
        row.look(&dir, &promised, &place);
    }
    row.end();
}

/// Before an acknowledgement, around a rename, around the creation of a segment: a program is killed
/// before the nth call, so that there is no next, and then the power is cut.
#[test]
fn power_cut_at_the_nth_call() {
    let name = "power_cut_at_the_nth_call";
    let Some(mut disk) = needs(name, disk()) else {
        return;
    };
    let mut row = Row::new(name);
    let mut number = 0;
    let mut calls = CALLS.to_vec();
    calls.push("openat");
    let swept = sweep(&calls, stride(5), |fault| {
        number += 1;
        let dir = disk.path().join(number.to_string());
        let program = Program::crash("commit", &dir).arg("10");
        let killed = fault.run(program);
        disk.cut(how(number));
        disk.restart();
        let (said, place) = killed?;
        row.look(&dir, &said.acks, &format!("{place}, {:?}", how(number)));
        fs::remove_dir_all(&dir).unwrap();
        Some(())
    });
    if needs(name, swept).is_some() {
        row.end();
    }
}

/// Shows that the cuts are real: behind a disk that says `fdatasync` and does not do it, they lose what was
/// acknowledged.
#[test]
fn a_power_cut_loses_what_a_lying_disk_confirmed() {
    let name = "a_power_cut_loses_what_a_lying_disk_confirmed";
    let Some(mut disk) = needs(name, strace().and_then(|()| disk())) else {
        return;
    };
    let mut row = Row::new(name);
    let dir = disk.path().join("log");
    let program = Program::crash("endure", &dir).inject("fdatasync,fsync", "retval=0");
    let program = program.start();
    program.wait_for_acks(20);
    let acks = cut(&mut disk, Cut::Hard, program);
    disk.restart();
    fs::create_dir_all(&dir).unwrap();
    row.read(&dir, &acks, "a lying disk");
    assert!(row.has_problems(), "the power was not cut");
}

/// The disk below promises more than it has: pages that the file system has taken cannot be written,
/// `fdatasync` says so once, and then says that all is well.
#[test]
fn real_lost_write_back() {
    let name = "real_lost_write_back";
    let mut row = Row::new(name);
    for number in 0..if has_time() { 10_u64 } else { 2 } {
        let disk = Ext4::new("256m", "20m", "noatime,data=ordered");
        let Some(mut disk) = needs(name, disk) else {
            return;
        };
        let dir = disk.path().join("log");
        let program = Program::crash("endure", &dir).start();
        program.wait_for_acks(100);
        // Somebody else fills the rest of the store.
        let file = disk.store().path().join("somebody else's");
        fill(&file);
        program.wait_for_refusals(1 + number as usize);
        if number.is_multiple_of(2) {
            // There is room again, and the program goes on, or not if the file system does not.
            fs::remove_file(&file).unwrap();
            thread::sleep(Duration::from_millis(500));
        }
        let said = program.end_well();
        disk.cut(Cut::Hard);
        drop(fs::remove_file(&file));
        disk.restart();
        row.look(&dir, &said.acks, &format!("loop {number}"));
    }
    row.end();
}
