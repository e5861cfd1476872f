use std::path::{Path, PathBuf};
use std::time::Duration;

use super::fixture::{DIR, World, writer_id};
use crate::journal::JournalConfig;
use crate::journal::name::Name;
use crate::journal::reservation;
use crate::retention::Retention;
use crate::vfs::{Access, Fault, Op, Vfs};

const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_power_cut_leaves_the_directory_and_all_that_were_made_above_it() {
    for dir in ["/a/b/log", "/log", "a/b/log", "log"] {
        for made in [None, Some(dir)] {
            let world = World::new();
            // As a start leaves it that was killed before it synchronised anything.
            if let Some(dir) = made.map(Path::new) {
                let parent = dir.parent().unwrap();
                world.vfs.put(&parent.join("other"), Vec::new());
                world.vfs.create_dir(dir).unwrap();
            }
            let config = JournalConfig::keep(dir, Retention::Days30).sync_thread(false);
            let (mut journal, opened) = world.open_with(config, 1);
            assert!(opened.findings.is_empty());
            world.write(&mut journal, 1, 1..=1);
            journal.syncer().sync(LONG).unwrap();
            let left = world.vfs.after_power_cut().files().into_keys();
            let mut left = left.filter(|path| path.starts_with(dir));
            let is_segment = |path: PathBuf| path.extension().is_some_and(|end| end == "jsonl");
            assert!(left.any(is_segment), "{dir}, made: {made:?}");
        }
    }
}

#[test]
fn a_flush_waits_for_the_thread_and_tells_how_far_it_came() {
    let world = World::new();
    let (mut journal, _) = world.open_with(World::config().sync_thread(true), 1);
    world.write(&mut journal, 1, 1..=5);
    let status = journal.syncer().sync(LONG).unwrap();
    assert_eq!(status.up_to, Some(5));
    assert!(world.vfs.count(Op::SyncDir) > 0 && world.vfs.count(Op::SyncData) > 0);
    journal.close(LONG).synced.unwrap();
}

#[test]
fn nothing_dirty_is_nothing_to_do() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=1);
    journal.syncer().sync(LONG).unwrap();
    let before = world.vfs.count(Op::SyncData);
    journal.syncer().sync(LONG).unwrap();
    assert_eq!(world.vfs.count(Op::SyncData), before);
}

#[test]
fn a_journal_that_is_gone_promises_nothing_more() {
    for threaded in [false, true] {
        let world = World::new();
        let (mut journal, _) = world.open_with(World::config().sync_thread(threaded), 1);
        world.write(&mut journal, 1, 1..=1);
        journal.syncer().sync(LONG).unwrap();
        world.write(&mut journal, 1, 2..=3);
        let syncer = journal.syncer().clone();
        drop(journal);
        let said = syncer.sync(LONG);
        let up_to = syncer.status().up_to;
        let on_disk = world.vfs.count(Op::SyncData) > 1;
        assert_eq!(up_to == Some(3), on_disk, "threaded: {threaded}");
        assert_eq!(said.is_ok(), on_disk, "threaded: {threaded}");
    }
}

#[test]
fn a_file_that_failed_is_never_synchronised_again() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=2);
    journal.syncer().sync(LONG).unwrap();
    world.write(&mut journal, 1, 3..=4);
    world.vfs.fail_nth(Op::SyncData, Fault::Io, 0);
    assert!(journal.syncer().sync(LONG).unwrap_err().is_io());
    let status = journal.syncer().status();
    assert_eq!(status.durable_to(), Some(2));
    assert_eq!(
        (status.is_synced(2), status.is_synced(3)),
        (Some(true), None)
    );
    let before = world.vfs.count(Op::SyncData);
    assert!(journal.syncer().sync(LONG).is_err());
    assert_eq!(world.vfs.count(Op::SyncData), before);
}

#[test]
fn what_a_file_did_not_take_is_written_to_another_before_it_is_promised() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=2);
    journal.syncer().sync(LONG).unwrap();
    world.write(&mut journal, 1, 3..=4);
    world.vfs.fail_nth(Op::SyncData, Fault::Io, 0);
    assert!(journal.syncer().sync(LONG).is_err());
    journal.rewrite();
    // In the other file, and not yet confirmed.
    assert_eq!(journal.syncer().status().is_synced(4), None);
    world.write(&mut journal, 1, 5..=5);
    assert_eq!(journal.syncer().sync(LONG).unwrap().durable_to(), Some(5));
    // What is repeated has a segment of its own.
    assert_eq!(world.segments().len(), 3);

    // Of the first file a power cut leaves what was confirmed, and it is enough.
    let left = World::on(world.vfs.after_power_cut());
    let numbers: Vec<_> = left
        .undamaged_story("power cut")
        .into_iter()
        .filter(|line| line.parse::<u64>().is_ok())
        .collect();
    assert_eq!(numbers, ["1", "2", "3", "4", "5"]);
}

#[test]
fn what_two_files_did_not_take_is_given_up_and_later_events_are_not() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=2);
    for _ in 0..2 {
        world.vfs.fail_nth(Op::SyncData, Fault::Io, 0);
        assert!(journal.syncer().sync(LONG).is_err());
        journal.rewrite();
    }
    let status = journal.syncer().status();
    assert_eq!(status.failed, vec![1..=2]);
    assert_eq!(status.is_synced(1), Some(false));
    world.write(&mut journal, 1, 3..=3);
    assert!(journal.syncer().sync(LONG).is_err(), "some are not durable");
    let status = journal.syncer().status();
    assert_eq!(
        (status.is_synced(3), status.durable_to()),
        (Some(true), Some(0))
    );
}

#[test]
fn a_disk_that_fails_for_ever_takes_no_more_memory_each_time() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=1);
    journal.syncer().sync(LONG).unwrap();
    world.vfs.fail_one_in(Op::SyncData, Fault::Io, 1);
    for seq in 1..200 {
        world.write(&mut journal, 1, [seq * 3]);
        drop(journal.syncer().sync(LONG));
        journal.rewrite();
    }
    drop(journal.syncer().sync(LONG));
    journal.rewrite();
    let status = journal.syncer().status();
    assert!(status.failed.len() <= 64, "{}", status.failed.len());
    assert!(status.failed.is_sorted_by(|a, b| a.end() < b.start()));
    for seq in 1..200 {
        assert_eq!(status.is_synced(seq * 3), Some(false), "{seq}");
    }
    // What is told apart is told exactly.
    let (fine, failed) = (198 * 3 - 1, 198 * 3);
    assert_eq!(status.failed[62..], [failed..=failed, 597..=597]);
    assert_eq!(status.is_synced(fine), Some(true));
    assert_eq!(
        (status.is_synced(1), status.durable_to()),
        (Some(true), Some(2))
    );
}

#[test]
fn a_name_that_is_not_confirmed_holds_back_what_was_written_again() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=1);
    world.vfs.fail_nth(Op::SyncData, Fault::Io, 0);
    assert!(journal.syncer().sync(LONG).is_err());
    journal.rewrite();
    world.vfs.fail_nth(Op::SyncDir, Fault::Io, 0);
    assert!(journal.syncer().sync(LONG).is_err());
    assert_eq!(journal.syncer().status().is_synced(1), None);
    assert_eq!(
        journal.syncer().sync(LONG).unwrap().is_synced(1),
        Some(true)
    );
}

#[test]
fn a_disk_that_hangs_is_a_timeout() {
    let world = World::new();
    let (mut journal, _) = world.open_with(World::config().sync_thread(true), 1);
    world.write(&mut journal, 1, 1..=1);
    let error = journal.syncer().sync(Duration::ZERO).unwrap_err();
    let message = "journal `/log` was not synchronised in the time that was left";
    assert!(
        error.is_timeout() && error.to_string().contains(message),
        "{error}"
    );
}

#[test]
fn what_is_not_synchronised_at_the_end_is_checked_at_the_next_start() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    journal.reserve(1).unwrap();
    world.write(&mut journal, 1, 1..=1);
    world.vfs.fail_one_in(Op::SyncData, Fault::Io, 1);
    assert!(journal.close(LONG).synced.is_err());
    assert!(world.names().iter().any(|name| name.ends_with(".lock")));
    world.vfs.heal();
    let (journal, opened) = world.open(2);
    assert!(opened.findings.is_empty());
    drop(journal);
    let story = world.story();
    assert_eq!(story[2..4], ["1", "writer_closed"]);
    assert_eq!(story.last().unwrap(), "writer_closed");
}

#[test]
fn a_directory_that_failed_is_tried_again_and_holds_the_promise_back() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    journal.syncer().sync(LONG).unwrap();
    world.write(&mut journal, 1, 1..=1);
    world.vfs.fail_nth(Op::SyncDir, Fault::Io, 0);
    assert!(journal.syncer().sync(LONG).is_err());
    assert_eq!(journal.syncer().status().up_to, None);
    assert_eq!(journal.syncer().sync(LONG).unwrap().up_to, Some(1));
}

#[test]
fn bytes_written_to_a_failed_file_are_never_promised() {
    let world = World::new();
    let (journal, _) = world.open(1);
    journal.syncer().sync(LONG).unwrap();
    let path = Path::new(DIR).join("file");
    let file = world.vfs.create_new(&path).unwrap();
    journal.syncer().wrote(&file, Some(1..=1), 1);
    world.vfs.fail_nth(Op::SyncData, Fault::Io, 0);
    assert!(journal.syncer().sync(LONG).is_err());
    let before = world.vfs.count(Op::SyncData);
    journal.syncer().wrote(&file, Some(2..=2), 1);
    assert!(journal.syncer().sync(LONG).is_err());
    assert_eq!(world.vfs.count(Op::SyncData), before);
    assert_eq!(journal.syncer().take_owed(), vec![1..=1, 2..=2]);
}

#[test]
fn the_end_of_a_writer_is_never_written_to_a_failed_file() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=1);
    world.vfs.fail_nth(Op::SyncData, Fault::Io, 0);
    journal.close(LONG).synced.unwrap();
    let left = World::on(world.vfs.after_power_cut());
    // The first segment's beginning was not confirmed either.
    let story = ["segment_opened", "1", "segment_opened", "writer_closed"];
    assert_eq!(left.story(), story);
}

#[test]
fn a_journal_can_move_to_its_thread() {
    fn assert_send<T: Send>(_: &T) {}
    assert_send(&World::new().open(1).0);
}

#[test]
fn numbers_set_aside_in_a_file_that_failed_are_set_aside_in_a_new_one() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    journal.syncer().sync(LONG).unwrap();
    let stored = |world: &World| {
        let name = Name::Reservation(writer_id(1)).to_string();
        let file = world.vfs.open(&Path::new(DIR).join(name), Access::Read);
        reservation::read(writer_id(1), file.unwrap())
            .unwrap()
            .up_to
    };
    journal.reserve(1).unwrap();
    world.vfs.fail_nth(Op::SyncData, Fault::Io, 0);
    drop(journal.syncer().sync(LONG));
    assert_eq!(stored(&World::on(world.vfs.after_power_cut())), 0);
    journal.reserve(5_000).unwrap();

    // A new file that fails too is not taken, and not tried at once again.
    world.vfs.fail_nth(Op::SyncData, Fault::Io, 0);
    journal.rewrite();
    let before = world.vfs.count(Op::SyncData);
    journal.rewrite();
    assert_eq!(world.vfs.count(Op::SyncData), before);
    assert_eq!(stored(&world), 8_192);
    world.clock.advance(Duration::from_secs(1));
    journal.rewrite();
    journal.syncer().sync(LONG).unwrap();
    assert_eq!(stored(&World::on(world.vfs.after_power_cut())), 8_192);

    journal.reserve(9_000).unwrap();
    journal.syncer().sync(LONG).unwrap();
    let left = World::on(world.vfs.after_power_cut());
    assert_eq!(stored(&left), 12_288);
    // It is locked as the one before it was.
    world
        .vfs
        .unlink(&Path::new(DIR).join(Name::Lock(writer_id(1)).to_string()))
        .unwrap();
    assert!(world.open(2).1.findings.is_empty());
}

#[test]
fn a_disk_that_failed_once_is_in_order_again_although_nothing_is_owed() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    journal.syncer().sync(LONG).unwrap();
    // A file without events owes nothing.
    let file = world.vfs.create_new(&Path::new(DIR).join("file")).unwrap();
    journal.syncer().wrote(&file, None, 1);
    world.vfs.fail_nth(Op::SyncData, Fault::Io, 0);
    drop(journal.syncer().sync(LONG));
    assert!(journal.syncer().status().failing);
    journal.syncer().sync(LONG).unwrap();
    assert!(!journal.syncer().status().failing);

    // Nor do events that no other file took.
    world.write(&mut journal, 1, 1..=1);
    world.vfs.fail_nth(Op::SyncData, Fault::Io, 0);
    drop(journal.syncer().sync(LONG));
    drop(journal.syncer().sync(LONG));
    assert!(journal.syncer().status().failing, "one is still owed");
    world.vfs.fail_nth(Op::Create, Fault::Io, 0);
    journal.rewrite();
    drop(journal.syncer().sync(LONG));
    let status = journal.syncer().status();
    assert_eq!((status.failed, status.failing), (vec![1..=1], false));
}
