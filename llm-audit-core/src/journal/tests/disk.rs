#![cfg(unix)]
//! The same on a real directory: modes, links, FIFOs and locks.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::fixture::{World, writer_id};
use crate::clock::SystemClock;
use crate::error::Error;
use crate::journal::finding::Problem;
use crate::journal::name::{DEAD_LETTERS, Day, DeadName, Name, QUARANTINE};
use crate::journal::open::Opened;
use crate::journal::subdirectory;
use crate::journal::{Journal, JournalConfig, Reader};
use crate::retention::Retention;
use crate::sync::Arc;
use crate::testing::SequentialIds;
use crate::vfs::OsVfs;

fn open(dir: &Path, writer: u8) -> Result<(Journal, Opened), Error> {
    let config = JournalConfig::keep(dir, Retention::Days30).schema(b"{}");
    Journal::open(
        config,
        Arc::new(OsVfs::new()),
        Arc::new(SystemClock::new()),
        Arc::new(SequentialIds::default()),
        writer_id(writer),
    )
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

/// A child that another test starts holds what was locked, until it is its program.
fn wait_until_free(dir: &Path, writer: u8) {
    let names = [Name::Lock, Name::Reservation].map(|name| name(writer_id(writer)).to_string());
    let is_free = |name: &String| fs::File::open(dir.join(name)).unwrap().try_lock().is_ok();
    let start = Instant::now();
    while !names.iter().all(is_free) && start.elapsed() < Duration::from_secs(60) {
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_real_journal_is_private_locked_synchronised_and_read_back() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("log");
    let (mut journal, _) = open(&dir, 1).unwrap();
    journal.reserve(1).unwrap();
    World::new().write(&mut journal, 1, 1..=3);
    assert_eq!(mode(&dir), 0o700);
    let files: Vec<_> = fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 4);
    assert!(files.iter().all(|path| mode(path) == 0o600), "{files:?}");
    // A second writer beside it leaves it alone.
    let (second, opened) = open(&dir, 2).unwrap();
    assert!(opened.findings.is_empty());
    assert!(second.close(Duration::from_secs(30)).synced.is_ok());
    let status = journal.syncer().sync(Duration::from_secs(30)).unwrap();
    assert_eq!(status.up_to, Some(3));
    drop(journal);
    wait_until_free(&dir, 1);
    // Dropped without an end, it is a crash for the third.
    let (third, opened) = open(&dir, 3).unwrap();
    assert_eq!(opened.findings.len(), 1);
    assert_eq!(opened.findings[0].problem, Problem::Crash);
    drop(third);
    let seqs: Vec<_> = Reader::open(&dir)
        .unwrap()
        .events()
        .filter_map(|event| event.unwrap().seq())
        .collect();
    assert_eq!(seqs, [1, 2, 3, 4_097]);
}

#[test]
fn links_and_fifos_in_place_of_files_lead_nowhere() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("log");
    let victim = temp.path().join("victim");
    fs::write(&victim, b"precious").unwrap();
    let (mut journal, _) = open(&dir, 1).unwrap();
    World::new().write(&mut journal, 1, 1..=1);
    drop(journal);
    let segment = fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "jsonl"))
        .unwrap();
    fs::remove_file(&segment).unwrap();
    symlink(&victim, &segment).unwrap();
    let fifo = dir.join(format!("{}.lock", writer_id(5)));
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    fs::remove_file(dir.join("schema.json")).unwrap();
    symlink(&victim, dir.join("schema.json")).unwrap();
    let (mut journal, opened) = open(&dir, 2).unwrap();
    assert!(opened.findings.len() >= 3, "{:?}", opened.findings);
    journal.expire();
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
}

#[test]
fn a_link_in_place_of_a_subdirectory_leads_nowhere() {
    let temp = tempfile::tempdir().unwrap();
    let (dir, victim) = (temp.path().join("log"), temp.path().join("victim"));
    fs::create_dir(&victim).unwrap();
    let (mut journal, _) = open(&dir, 1).unwrap();
    journal.reserve(1).unwrap();
    World::new().write(&mut journal, 1, 1..=3);
    drop(journal);
    wait_until_free(&dir, 1);
    // A damaged line in the midst, which recovery moves to the quarantine.
    let entries = fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let segment = entries.filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    let segment = segment.last().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, bytes).unwrap();

    let day = Day::of("2020-01-01T00:00:00Z".parse().unwrap());
    let expired = victim.join(DeadName::new(day, writer_id(1), "far").to_string());
    fs::write(&expired, b"precious").unwrap();
    for name in [DEAD_LETTERS, QUARANTINE] {
        symlink(&victim, dir.join(name)).unwrap();
    }
    let (mut journal, opened) = open(&dir, 2).unwrap();
    let problems: Vec<_> = opened.findings.iter().map(|found| &found.problem).collect();
    assert_eq!(problems, [&Problem::NotRecovered]);
    journal.expire();
    assert_eq!(fs::read(&expired).unwrap(), b"precious");
    assert_eq!(fs::read_dir(&victim).unwrap().count(), 1);
    let made = subdirectory::make(&OsVfs::new(), &dir, DEAD_LETTERS);
    assert_eq!(made.unwrap_err().kind(), ErrorKind::NotADirectory);
}

#[test]
fn a_directory_that_cannot_be_used_is_an_error_that_names_it() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("file");
    fs::write(&file, b"x").unwrap();
    let error = open(&file, 1).unwrap_err();
    assert!(
        error.is_io() && error.to_string().contains("file` cannot be used"),
        "{error}"
    );
}
