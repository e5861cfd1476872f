//! Power cuts while much is written and little is synchronised.

use std::path::Path;
use std::time::Duration;

use super::fixture::{DIR, World, assert_whole, recover, writer_id};
use crate::journal::check::check_in;
use crate::journal::finding::Condition;
use crate::journal::{Cursor, Journal, JournalConfig, SinkStart};

const LONG: Duration = Duration::from_secs(60);
/// Numbers of this test are synchronised up to here.
const SYNCED: u64 = 6;

/// Twenty-four events in twelve segments, of which nine are not synchronised.
fn lagging() -> (World, Journal) {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    journal.reserve(1).unwrap();
    journal.syncer().sync(LONG).unwrap();
    for seq in 1..=24 {
        world.write(&mut journal, 1, [seq]);
        if seq == SYNCED {
            journal.syncer().sync(LONG).unwrap();
        }
        if seq % 2 == 0 {
            journal.roll();
        }
    }
    (world, journal)
}

fn assert_synced_is_there(world: &World, told: &str) {
    let story = world.story();
    for seq in 1..=SYNCED {
        assert!(story.contains(&seq.to_string()), "{told}: {story:?}");
    }
}

#[test]
fn a_power_cut_while_many_segments_wait_leaves_each_number_once_or_in_one_loss() {
    let (world, _journal) = lagging();
    let mut fewest = usize::MAX;
    for seed in 0..150 {
        let left = World::on(world.vfs.after_power_cut_by(seed));
        recover(&left, 2);
        let told = format!("seed {seed}");
        assert_whole(&left, &told);
        assert_synced_is_there(&left, &told);
        fewest = fewest.min(left.segments().len());
    }
    assert!(fewest < 8, "{fewest}");
}

#[test]
fn segments_that_a_power_cut_took_before_the_newest_four_are_told() {
    let (world, _journal) = lagging();
    for taken in 3..12 {
        let left = World::on(world.vfs.snapshot());
        for path in &world.segments()[3..taken] {
            crate::vfs::Vfs::unlink(&left.vfs, path).unwrap();
        }
        recover(&left, 2);
        assert_whole(&left, &format!("up to {taken}"));
        assert_synced_is_there(&left, "taken");
    }
}

#[test]
fn what_was_let_go_of_is_not_missed() {
    let world = World::new();
    let config = JournalConfig::spool(DIR).sync_thread(false);
    let (mut journal, _) = world.open_with(config, 1);
    journal.reserve(1).unwrap();
    let sink = SinkStart {
        name: "far".to_owned(),
        from_start: false,
    };
    journal.start_sinks(&[sink]).unwrap();
    for seq in 1..=5 {
        world.write(&mut journal, 1, [seq]);
        journal.roll();
    }
    let cursor = Cursor::from([(writer_id(1), 4)]);
    assert!(journal.save_cursor(0, cursor).unwrap());
    assert_eq!(journal.release().files.len(), 0, "it is to be noted first");
    journal.syncer().sync(LONG).unwrap();
    assert_eq!(journal.release().files.len(), 4);
    drop(journal);
    recover(&world, 2);
    let story = world.story().into_iter();
    let losses: Vec<_> = story.filter(|line| line.starts_with("loss")).collect();
    assert_eq!(losses, ["loss 6..=4096 process_crash"]);
}

/// Five events in five segments, and none that is written to; a sink has all of them.
fn delivered() -> (World, Journal) {
    let world = World::new();
    let config = JournalConfig::spool(DIR).sync_thread(false);
    let (mut journal, _) = world.open_with(config, 1);
    journal.reserve(1).unwrap();
    let sink = SinkStart {
        name: "far".to_owned(),
        from_start: false,
    };
    journal.start_sinks(&[sink]).unwrap();
    for seq in 1..=5 {
        world.write(&mut journal, 1, [seq]);
        journal.roll();
    }
    journal.syncer().sync(LONG).unwrap();
    let cursor = Cursor::from([(writer_id(1), 5)]);
    assert!(journal.save_cursor(0, cursor).unwrap());
    (world, journal)
}

fn losses(world: &World) -> Vec<String> {
    let story = world.story().into_iter();
    story.filter(|line| line.starts_with("loss")).collect()
}

#[test]
fn what_was_delivered_is_not_told_lost_by_a_start_that_finds_no_segment() {
    let (world, mut journal) = delivered();
    while !world.segments().is_empty() {
        journal.release();
        journal.syncer().sync(LONG).unwrap();
    }
    drop(journal);
    recover(&world, 2);
    assert_eq!(losses(&world), ["loss 6..=4096 process_crash"]);
    let check = check_in(&world.vfs, Path::new(DIR)).unwrap();
    assert_eq!(check.condition(), Condition::Lossy, "{check:?}");
    let before = world.files();
    recover(&world, 3);
    assert!(world.files() == before);
}

#[test]
fn a_power_cut_at_any_operation_of_a_release_tells_no_loss_of_what_was_delivered() {
    for operations in 0.. {
        let (world, mut journal) = delivered();
        let all = world.segments();
        world.vfs.halt_after(operations);
        for _ in 0..3 {
            journal.release();
            drop(journal.syncer().sync(LONG));
        }
        drop(journal);
        world.vfs.heal();
        let is_done = world.segments().is_empty();
        for seed in 0..24 {
            let left = World::on(world.vfs.after_power_cut_by(seed));
            if !all.ends_with(&left.segments()) {
                // A file system with a journal undoes no deletion and leaves a later one.
                continue;
            }
            recover(&left, 2);
            let losses = losses(&left);
            let from = |loss: &String| loss.strip_prefix("loss ")?.split('.').next()?.parse().ok();
            let mut firsts = losses.iter().map(from);
            assert!(
                firsts.all(|first: Option<u64>| first > Some(5)),
                "cut {seed} after {operations}: {losses:?}"
            );
        }
        if is_done {
            assert!(operations > 10, "{operations}");
            break;
        }
    }
}

#[test]
fn what_a_recovery_found_survives_a_power_cut_after_it() {
    let (world, journal) = lagging();
    drop(journal);
    recover(&world, 2);
    let before = world.story();
    let left = World::on(world.vfs.after_power_cut());
    recover(&left, 3);
    assert_eq!(left.story(), before);
    assert_whole(&left, "cut after recovery");
}

#[test]
fn a_power_cut_at_any_operation_of_a_recovery_is_made_up_for_by_the_next() {
    for start in 0..4 {
        let (world, journal) = lagging();
        drop(journal);
        let first = World::on(world.vfs.after_power_cut_by(start));
        let mut operations = 0;
        loop {
            let copy = World::on(first.vfs.snapshot());
            copy.vfs.halt_after(operations);
            let opened = copy.try_open(World::config(), 2);
            let done = opened.is_ok_and(|(_, opened)| {
                let mut findings = opened.findings.iter();
                findings.all(|finding| finding.error.is_none())
            });
            copy.vfs.heal();
            let left = World::on(copy.vfs.after_power_cut_by(operations));
            recover(&left, 3);
            let told = format!("from {start}, cut after {operations}");
            assert_whole(&left, &told);
            assert_synced_is_there(&left, &told);
            if done {
                break;
            }
            operations += 1;
        }
        assert!(operations > 20, "{operations}");
    }
}
