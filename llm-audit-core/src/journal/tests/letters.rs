//! Dead letters, of which something has expired.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::fixture::{DIR, World, writer_id};
use super::narrow::{MARK, config, pass, write};
use crate::batch::Batch;
use crate::hold::Hold;
use crate::journal::finding::Problem;
use crate::journal::{Bookmark, Journal, Spool};
use crate::sink::SinkLimits;
use crate::sync::Arc;
use crate::vfs::Op;

/// The dead letters of a sink, which a bit in the first line has spoilt, with a line of a newer
/// version behind them.
fn spoilt(days: u32) -> (World, Journal, Batch, PathBuf) {
    let world = World::new();
    let (mut journal, _) = world.open_with(config(), 1);
    journal.reserve(1).unwrap();
    write(&world, &mut journal, 1, 1..=6);
    journal.roll();
    let spool = Spool::new(Arc::new(world.vfs.clone()), DIR.into());
    let mut bookmark = Bookmark::new(writer_id(1), 0);
    let limits = SinkLimits::default();
    let batch = spool.read(&mut bookmark, u64::MAX, &limits);
    let batch = batch.unwrap().unwrap();
    journal.dead_letters().keep("far", &batch).unwrap();
    let files = world.files().into_keys();
    let is_letters = |path: &PathBuf| path.to_str().unwrap().contains("dead-letters");
    let path = files.into_iter().find(is_letters).unwrap();
    let text = read(&world, &path);
    let first = text.lines().next().unwrap();
    let text = text.replacen(first, &first.replacen(':', ";", 1), 1);
    let newer = "{\"envelope\":{\"of\":\"a newer version\"}}\n";
    world.vfs.put(&path, format!("{text}{newer}").into_bytes());
    pass(&world, &mut journal, days);
    (world, journal, batch, path)
}

fn read(world: &World, path: &Path) -> String {
    String::from_utf8(world.vfs.get(path).unwrap()).unwrap()
}

#[test]
fn letters_that_nobody_can_read_stay_under_a_hold() {
    let (world, mut journal, _, path) = spoilt(32);
    let before = read(&world, &path);
    journal.set_hold(Hold::subject("m", "user-1")).unwrap();
    let run = journal.expire();
    assert!(run.findings.is_empty(), "{run:?}");
    let after = read(&world, &path);
    assert_eq!(after.lines().next(), before.lines().next());
    assert_eq!(after.lines().last(), before.lines().last());
    // Numbers 1, 3 and 5 are held; of 1 nobody knows.
    assert_eq!((after.lines().count(), after.matches(MARK).count()), (7, 3));
}

#[test]
fn a_spoilt_letter_goes_and_is_told_and_one_of_a_newer_version_stays_with_the_file() {
    let (world, mut journal, _, path) = spoilt(8);
    let before = read(&world, &path);
    let first = before.lines().next().unwrap().len() as u64 + 1;
    let run = journal.expire();
    let told = Problem::Damaged {
        offset: 0,
        bytes: first,
    };
    let found: Vec<_> = run
        .findings
        .iter()
        .map(|finding| &finding.problem)
        .collect();
    assert_eq!(found, [&told]);
    let after = read(&world, &path);
    assert_eq!((after.lines().count(), after.matches(MARK).count()), (6, 5));
    assert!(!after.contains("user-"));
    assert_eq!(after.lines().last(), before.lines().last());
    assert!(journal.expire().rewritten.is_empty());
}

#[test]
fn a_sink_adds_letters_while_a_file_is_written_anew_and_none_is_lost() {
    let (world, mut journal, batch, path) = spoilt(8);
    let letters = journal.dead_letters();
    // Segments first, so that the letters alone are left to do.
    let bytes = world.vfs.get(&path).unwrap();
    journal.expire();
    world.vfs.put(&path, bytes.clone());
    let unfinished = path.with_extension("jsonl.tmp");
    let until = |holds: &dyn Fn() -> bool| {
        for _ in 0..10_000 {
            if holds() {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("it waits for ever: {:?}", world.names());
    };
    world.vfs.hang(Op::SyncData);
    std::thread::scope(|scope| {
        scope.spawn(|| journal.expire());
        until(&|| {
            world
                .vfs
                .get(&unfinished)
                .is_some_and(|bytes| !bytes.is_empty())
        });
        scope.spawn(|| letters.keep("far", &batch).unwrap());
        until(&|| world.vfs.get(&path).unwrap().len() > bytes.len());
        world.vfs.heal();
    });
    assert_eq!(read(&world, &path).lines().count(), 13);
    assert!(world.vfs.get(&unfinished).is_none());
    journal.expire();
    let after = read(&world, &path);
    assert_eq!(
        (after.lines().count(), after.contains("user-")),
        (12, false)
    );
}
