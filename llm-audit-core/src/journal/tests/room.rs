//! A disk with a size.

use std::time::Duration;

use super::fixture::{World, writer_id};
use crate::journal::Journal;
use crate::pipeline::LossReason;

const SECOND: Duration = Duration::from_secs(1);

/// A journal that has written event 1 and set its ballast aside, with this many bytes free.
fn journal(free: u64, min_free: u64) -> (World, Journal) {
    let world = World::new();
    let config = World::config().min_free(min_free);
    let (mut journal, _) = world.open_with(config, 1);
    world.write(&mut journal, 1, 1..=1);
    world.clock.advance(SECOND);
    journal.set_room_aside();
    assert_eq!(ballast(&world), 1);
    world.vfs.resize(world.vfs.used() + free);
    world.clock.advance(SECOND);
    (world, journal)
}

fn ballast(world: &World) -> usize {
    let names = world.names().into_iter();
    names.filter(|name| name.ends_with(".ballast")).count()
}

/// Hands over one event of the host each second until they are given up; returns the next number.
fn lose(world: &World, journal: &mut Journal, reason: LossReason) -> u64 {
    for seq in 2.. {
        journal.append(seq, &world.event(1, seq, "model")).unwrap();
        let lost = journal.write().unwrap_err().lost;
        world.clock.advance(SECOND);
        if let Some(lost) = lost {
            assert_eq!((lost.reason, lost.seqs), (reason, vec![2..=seq]));
            return seq + 1;
        }
    }
    unreachable!("the journal holds what it cannot write for ever")
}

/// As [`World::write`], of an event of the log itself.
fn write_own(world: &World, journal: &mut Journal, seq: u64) {
    journal.let_through();
    world.write(journal, 1, [seq]);
}

#[test]
fn on_a_full_disk_the_log_tells_of_it_from_its_ballast_and_takes_nothing_else() {
    let (world, mut journal) = journal(0, 0);
    let next = lose(&world, &mut journal, LossReason::Enospc);
    assert_eq!(ballast(&world), 1, "the host's events do not take it");
    write_own(&world, &mut journal, next);
    assert_eq!(ballast(&world), 0);
    assert!(journal.is_short());
    // There is room now, and it is for the log's own events alone.
    let event = world.event(1, next + 1, "model");
    journal.append(next + 1, &event).unwrap();
    assert!(journal.write().is_err());
    world.clock.advance(SECOND);
    assert!(journal.write().is_err() && ballast(&world) == 0);
    let story = [1, next].map(|seq| seq.to_string());
    assert_eq!(world.story()[2..], story);

    world.vfs.heal();
    world.clock.advance(SECOND);
    assert_eq!(journal.write().unwrap().up_to, Some(next + 1));
    assert!(ballast(&world) == 1 && !journal.is_short());
    journal.close(SECOND).synced.unwrap();
    assert_eq!(ballast(&world), 0);
}

#[test]
fn the_log_leaves_the_disk_to_others_before_it_is_full_and_comes_back() {
    let (world, mut journal) = journal(99_999, 100_000);
    let next = lose(&world, &mut journal, LossReason::DiskBudget);
    assert!(journal.is_short());
    write_own(&world, &mut journal, next);
    assert_eq!(world.story()[2..], ["1".to_owned(), next.to_string()]);
    world.vfs.resize(world.vfs.used() + 200_000);
    world.clock.advance(SECOND);
    world.write(&mut journal, 1, [next + 1]);
    assert!(!journal.is_short());
}

#[test]
fn a_twentieth_of_a_small_disk_is_left_free() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.vfs.resize(1_000_000);
    world.write(&mut journal, 1, 1..=1);
    let file = crate::vfs::Vfs::create_new(&world.vfs, std::path::Path::new("/log/x")).unwrap();
    file.write_all(&vec![0; 960_000]).unwrap();
    world.clock.advance(SECOND);
    journal.append(2, &world.event(1, 2, "model")).unwrap();
    assert!(journal.write().is_err());
}

#[test]
fn a_ballast_that_a_crash_left_goes_with_the_next_start() {
    let (world, mut journal) = journal(1_000_000, 0);
    journal.reserve(1).unwrap();
    drop(journal);
    assert_eq!(ballast(&world), 1);
    drop(world.open(2));
    assert_eq!(ballast(&world), 0);
}

#[test]
fn the_ballast_holds_nothing_of_what_was_recorded_and_does_not_compress() {
    let (world, _journal) = journal(1_000_000, 0);
    let files = world.files();
    let (_, bytes) = files
        .iter()
        .find(|(path, _)| path.extension().is_some_and(|end| end == "ballast"))
        .unwrap();
    assert_eq!(bytes.len(), super::super::room::BALLAST_BYTES);
    let mut counts = [0_usize; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    assert!(counts.iter().all(|count| (800..1_250).contains(count)));
    let id = writer_id(1).to_string();
    assert!(
        !bytes
            .windows(id.len())
            .any(|window| window == id.as_bytes())
    );
}
