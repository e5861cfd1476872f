//! What happens when the next segment cannot be begun.

use std::time::Duration;

use super::fixture::{DAY, World};
use crate::journal::Journal;
use crate::vfs::{Fault, Op};

const SECOND: Duration = Duration::from_secs(1);

/// Appends and writes events, each alone, of about a thousand bytes.
fn fill(world: &World, journal: &mut Journal, seqs: std::ops::RangeInclusive<u64>) {
    let text = "x".repeat(1_000);
    for seq in seqs {
        journal.append(seq, &world.event(1, seq, &text)).unwrap();
        journal.write().unwrap();
    }
}

fn seqs(world: &World) -> Vec<u64> {
    let story = world.story().into_iter();
    story.filter_map(|told| told.parse().ok()).collect()
}

#[test]
fn while_no_segment_can_be_begun_the_present_one_goes_on_and_nothing_is_lost() {
    for fault in [Fault::Io, Fault::NoSpace] {
        let world = World::new();
        let (mut journal, _) = world.open_with(World::config().segment_max_bytes(64 << 10), 1);
        fill(&world, &mut journal, 1..=1);
        world.vfs.fail_one_in(Op::Create, fault, 1);
        fill(&world, &mut journal, 2..=200);
        assert!(journal.stretched().is_some() && !journal.is_failing());
        assert_eq!(world.segments().len(), 1);

        // It is tried again, and not with each event.
        let tries = |world: &World| world.vfs.count(Op::Create);
        let before = tries(&world);
        fill(&world, &mut journal, 201..=210);
        assert!(!journal.roll_if_due() && tries(&world) == before);
        for _ in 0..10 {
            world.clock.advance(SECOND);
            assert!(!journal.roll_if_due());
        }
        assert_eq!(tries(&world), before + 10);
        fill(&world, &mut journal, 211..=220);
        assert_eq!(world.segments().len(), 1);

        world.vfs.heal();
        world.clock.advance(SECOND);
        journal.roll_if_due();
        assert_eq!(journal.stretched(), None);
        fill(&world, &mut journal, 221..=230);
        assert_eq!(world.segments().len(), 2);
        journal.close(SECOND).synced.unwrap();
        assert!(seqs(&world).into_iter().eq(1..=230));
        assert_eq!(world.damaged_lines(), 0);
        assert!(world.open(2).1.findings.is_empty());
    }
}

#[test]
fn a_segment_that_is_due_by_its_age_goes_on_too() {
    let world = World::new();
    let (mut journal, _) = world.open_with(World::config().segment_max_age(DAY), 1);
    world.write(&mut journal, 1, 1..=1);
    world.vfs.fail_one_in(Op::Create, Fault::Io, 1);
    world.clock.advance(DAY * 2);
    assert!(journal.roll_if_due());
    world.write(&mut journal, 1, 2..=2);
    assert_eq!((seqs(&world), world.segments().len()), (vec![1, 2], 1));
    world.vfs.heal();
    world.clock.advance(SECOND);
    journal.roll_if_due();
    world.write(&mut journal, 1, 3..=3);
    assert_eq!((seqs(&world), world.segments().len()), (vec![1, 2, 3], 2));
}

#[test]
fn a_segment_that_failed_itself_does_not_go_on() {
    for op in [Op::Write, Op::SyncData] {
        let world = World::new();
        let (mut journal, _) = world.open(1);
        world.write(&mut journal, 1, 1..=1);
        let before = world.files();
        world.vfs.fail_one_in(op, Fault::Io, 1);
        drop(journal.syncer().sync(SECOND));
        world.vfs.fail_one_in(Op::Create, Fault::Io, 1);
        journal.append(2, &world.event(1, 2, "model")).unwrap();
        assert!(journal.write().is_err());
        assert!(journal.stretched().is_none() && world.files() == before);
        world.vfs.heal();
        world.clock.advance(SECOND);
        journal.write().unwrap();
        assert_eq!(seqs(&world).last(), Some(&2));
        assert!(world.segments().len() >= 2);
    }
}

#[test]
fn a_segment_that_was_deleted_is_held_open_no_longer() {
    let world = World::new();
    let (mut journal, _) = world.open_with(World::config().segment_max_age(DAY), 1);
    world.write(&mut journal, 1, 1..=1);
    world.clock.advance(DAY * 2);
    assert!(journal.roll_if_due() && journal.resting.is_some());
    for _ in 0..20 {
        world.clock.advance(DAY * 2);
        journal.expire();
        journal.roll_if_due();
    }
    assert!(world.segments().is_empty() && journal.resting.is_none());
}
