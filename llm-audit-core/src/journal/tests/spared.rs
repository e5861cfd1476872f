//! What a run over closed files leaves alone, and what it must not leave.

use std::time::Duration;

use super::fixture::{DIR, World, writer_id};
use super::narrow::{LONG, config, events, pass, whole, write};
use crate::hold::Hold;
use crate::journal::{Cursor, JournalConfig, SinkStart};
use crate::retention::{Retention, Retentions};
use crate::vfs::{Fault, Op};

const YEAR_MICROS: i64 = 365 * 86_400_000_000;

#[test]
fn a_clock_set_back_in_the_life_of_a_writer_takes_nothing_young_away() {
    for of in [config, whole] {
        let world = World::new();
        let (mut dead, _) = world.open_with(of(), 1);
        dead.reserve(1).unwrap();
        write(&world, &mut dead, 1, 1..=3);
        dead.roll();
        world.clock.jump(-YEAR_MICROS);
        write(&world, &mut dead, 1, 4..=6);
        dead.close(LONG);
        world.clock.jump(YEAR_MICROS);
        let (mut journal, _) = world.open_with(of(), 2);
        journal.watch.confirm();
        for _ in 0..2 {
            let run = journal.expire();
            assert!(run.rewritten.is_empty() && run.files.is_empty(), "{run:?}");
        }
        assert!(events(&world).iter().all(|event| event.user_id().is_some()));
        // Once the segments before have expired, they have too.
        pass(&world, &mut journal, 31);
        journal.expire();
        assert!(events(&world).iter().all(|event| event.user_id().is_none()));
    }
}

#[test]
fn what_a_later_start_told_in_a_segment_keeps_no_run_busy_under_a_hold() {
    let week = || JournalConfig::keep(DIR, Retention::Days(7)).sync_thread(false);
    let world = World::new();
    let (mut dead, _) = world.open_with(week(), 1);
    dead.reserve(1).unwrap();
    write(&world, &mut dead, 1, 1..=1);
    drop(dead);
    world.clock.advance(Duration::from_secs(8 * 86_400));
    // The loss that it tells of is younger than the event by eight days.
    let (mut journal, _) = world.open_with(week(), 2);
    journal.set_hold(Hold::subject("m", "another")).unwrap();
    journal.watch.confirm();
    let run = journal.expire();
    assert!(!run.free && !run.more, "{run:?}");
    assert_eq!(run.rewritten.len(), 1, "{run:?}");
    assert!(events(&world).iter().all(|event| event.user_id().is_none()));
    let run = journal.expire();
    assert!(
        run.rewritten.is_empty() && !run.free && !run.more,
        "{run:?}"
    );
}

#[test]
fn a_segment_that_is_free_and_cannot_be_deleted_is_tried_once_a_run() {
    let world = World::new();
    let (mut journal, _) = world.open_with(whole(), 1);
    write(&world, &mut journal, 1, 1..=3);
    journal.roll();
    journal.set_hold(Hold::subject("m", "another")).unwrap();
    pass(&world, &mut journal, 31);
    world.vfs.fail_one_in(Op::Unlink, Fault::Io, 1);
    let run = journal.expire();
    assert!(run.files.is_empty() && !run.findings.is_empty(), "{run:?}");
    for _ in 0..2 {
        let before = world.vfs.count(Op::Unlink);
        let run = journal.expire_within(u64::MAX - 1);
        assert!(!run.more && run.files.is_empty(), "{run:?}");
        assert_eq!(world.vfs.count(Op::Unlink), before + 1);
    }
    world.vfs.heal();
    assert_eq!(journal.expire().files.len(), 1);
}

#[test]
fn in_a_spool_a_hold_keeps_what_it_is_on_and_the_rest_goes_with_its_delivery() {
    for retention in [Retention::Days30, Retention::Forever] {
        let spool = || {
            JournalConfig::spool(DIR)
                .retaining(Retentions::all(retention))
                .sync_thread(false)
        };
        let world = World::new();
        let (mut journal, _) = world.open_with(spool(), 1);
        let sink = SinkStart {
            name: "archive".to_owned(),
            from_start: true,
        };
        journal.start_sinks(&[sink]).unwrap();
        journal.reserve(1).unwrap();
        write(&world, &mut journal, 1, 1..=3);
        journal.roll();
        write(&world, &mut journal, 1, 4..=4);
        journal.roll();
        // It is on 1 and 3, of the first segment.
        let hold = Hold::subject("m", "user-1");
        journal.set_hold(hold.clone()).unwrap();
        let mut left = |delivered| {
            let cursor = Cursor::from([(writer_id(1), delivered)]);
            journal.save_cursor(0, cursor).unwrap();
            journal.expire();
            journal.release();
            journal.syncer().sync(LONG).unwrap();
            journal.release();
            let events = events(&world).into_iter();
            let told = events.map(|event| (event.seq().unwrap(), event.user_id().is_some()));
            told.collect::<Vec<_>>()
        };
        let all = [(1, true), (2, true), (3, true), (4, true)];
        assert_eq!(left(0), all, "{retention:?}");
        let rest = [(1, true), (2, false), (3, true), (4, true)];
        assert_eq!(left(3), rest, "{retention:?}");
        assert_eq!(left(4), rest[..3], "{retention:?}");
        assert!(journal.lift_hold(&hold).unwrap());
        journal.release();
        journal.syncer().sync(LONG).unwrap();
        journal.release();
        assert!(events(&world).is_empty(), "{retention:?}");
    }
}
