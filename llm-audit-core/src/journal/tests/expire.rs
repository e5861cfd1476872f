use std::path::Path;
use std::time::Duration;

use super::fixture::{DAY, DIR, World, writer_id};
use crate::journal::{Cursor, Journal, JournalConfig, SinkStart};
use crate::vfs::{Fault, Op};

fn start(journal: &mut Journal, sinks: &[&str]) {
    journal.start_sinks(&starts(sinks)).unwrap();
}

fn starts(sinks: &[&str]) -> Vec<SinkStart> {
    let start = |name: &&str| SinkStart {
        name: (*name).to_owned(),
        from_start: false,
    };
    sinks.iter().map(start).collect()
}

const YEAR_MICROS: i64 = 365 * 86_400_000_000;

#[test]
fn segments_go_when_their_newest_event_is_older_than_the_retention() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=1);
    for _ in 0..30 {
        world.clock.advance(DAY);
        journal.roll_if_due();
        assert!(journal.expire().files.is_empty());
    }
    world.clock.advance(Duration::from_secs(1));
    let run = journal.expire();
    assert_eq!((run.files.len(), run.held_back), (1, false));
    assert!(run.bytes > 0 && world.segments().is_empty());
}

#[test]
fn segments_of_dead_writers_go_too_but_not_those_of_live_ones() {
    let world = World::new();
    let (mut dead, _) = world.open(1);
    world.write(&mut dead, 1, 1..=1);
    dead.close(Duration::ZERO);
    let (mut live, _) = world.open(2);
    world.write(&mut live, 2, 1..=1);
    let (mut journal, _) = world.open(3);
    for _ in 0..40 {
        world.clock.advance(DAY);
        journal.watch.look(
            crate::clock::Clock::now(&*world.clock),
            crate::clock::Clock::monotonic(&*world.clock),
        );
    }
    assert_eq!(journal.expire().files.len(), 1);
    let left = world.segments();
    assert_eq!(left.len(), 1);
    assert!(
        left[0]
            .to_str()
            .unwrap()
            .contains(&writer_id(2).to_string())
    );
}

#[test]
fn a_clock_a_year_ahead_deletes_nothing_until_it_stood_a_day() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=1);
    journal.roll();
    world.write(&mut journal, 1, 2..=2);
    world.clock.jump(YEAR_MICROS);
    let run = journal.expire();
    assert!(run.files.is_empty() && run.held_back);
    world.clock.advance(DAY / 2);
    assert!(journal.expire().files.is_empty());
    world.clock.jump(-YEAR_MICROS);
    let run = journal.expire();
    assert!(run.files.is_empty() && !run.held_back);
}

#[test]
fn a_start_under_a_clock_a_year_ahead_deletes_nothing() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=1);
    journal.close(Duration::ZERO);
    world.clock.jump(YEAR_MICROS);
    for writer in 2..5 {
        let (mut journal, _) = world.open(writer);
        world.write(&mut journal, writer, 1..=1);
        let run = journal.expire();
        assert!(run.files.is_empty() && run.held_back);
        journal.close(Duration::ZERO);
    }
    let (mut journal, _) = world.open(9);
    journal.expire();
    journal.confirm_clock();
    assert_eq!(journal.expire().files.len(), 1);
}

#[test]
fn own_events_written_under_a_clock_far_behind_are_kept_for_their_time() {
    let world = World::new();
    world.clock.jump(-50 * YEAR_MICROS);
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=1);
    world.clock.jump(50 * YEAR_MICROS);
    journal.roll_if_due();
    journal.expire();
    journal.confirm_clock();
    assert!(journal.expire().files.is_empty());
    world.clock.advance(DAY * 2);
    world.write(&mut journal, 1, 2..=2);
    journal.roll();
    world.clock.advance(DAY * 29);
    let run = journal.expire();
    assert_eq!(run.files.len(), 1, "{run:?}");
}

#[test]
fn quarantine_and_temporary_files_expire_and_strangers_never_do() {
    let world = World::new();
    let writer = writer_id(7);
    let bad = format!("quarantine/20260101-{writer}-000001-00000000000000000000-00000000.bad");
    let old = format!("20260101-{writer}-000001-00000000000000000001.jsonl");
    let temporary = format!("{old}.tmp");
    let strangers = [
        format!("{old}.bak"),
        "notes.txt".to_owned(),
        "quarantine/x.bad".to_owned(),
    ];
    for name in [&bad, &temporary, &old].into_iter().chain(&strangers) {
        world.vfs.put(&Path::new(DIR).join(name), b"bytes".to_vec());
    }
    let (mut journal, _) = world.open(1);
    journal.expire();
    journal.confirm_clock();
    journal.expire();
    let left = world.names();
    for gone in [&bad, &temporary, &old] {
        assert!(!left.contains(gone), "{gone}");
    }
    for stranger in &strangers {
        assert!(left.contains(stranger), "{stranger}");
    }
}

#[test]
fn a_spool_releases_what_every_sink_has_and_nothing_for_its_age() {
    let world = World::new();
    let (mut journal, _) = world.open_with(JournalConfig::spool(DIR).sync_thread(false), 1);
    start(&mut journal, &["a", "b"]);
    for seq in 1..=3 {
        world.write(&mut journal, 1, [seq]);
        journal.roll();
    }
    world.write(&mut journal, 1, [4]);
    world.clock.advance(DAY * 400);
    assert!(journal.expire().files.is_empty());
    let cursor = |seq| Cursor::from([(writer_id(1), seq)]);
    journal.save_cursor(0, cursor(3)).unwrap();
    assert!(journal.release().files.is_empty());
    journal.save_cursor(1, cursor(2)).unwrap();
    assert_eq!(journal.release().files.len(), 2);
    journal.save_cursor(1, cursor(4)).unwrap();
    assert_eq!(journal.release().files.len(), 1);
    assert_eq!(world.segments().len(), 1);
}

#[test]
fn a_segment_goes_only_when_its_cursor_survives_a_power_cut() {
    let config = || JournalConfig::spool(DIR).sync_thread(false);
    let cursor = Cursor::from([(writer_id(1), 1)]);
    for op in [Op::Create, Op::Write, Op::SyncData, Op::Rename, Op::SyncDir] {
        let world = World::new();
        let (mut journal, _) = world.open_with(config(), 1);
        start(&mut journal, &["a"]);
        world.write(&mut journal, 1, [1]);
        journal.roll();
        world.write(&mut journal, 1, [2]);
        world.vfs.fail_nth(op, Fault::Io, 0);
        assert!(journal.save_cursor(0, cursor.clone()).is_err(), "{op:?}");
        assert!(journal.release().files.is_empty(), "{op:?}");
        assert!(journal.save_cursor(0, cursor.clone()).unwrap(), "{op:?}");
        assert_eq!(journal.release().files.len(), 1, "{op:?}");
        journal.syncer().sync(DAY).unwrap();

        let world = World::on(world.vfs.after_power_cut());
        let (mut journal, _) = world.open_with(config(), 2);
        let (cursors, findings) = journal.start_sinks(&starts(&["a"])).unwrap();
        assert_eq!(cursors[0].get(&writer_id(1)), Some(&1), "{op:?}");
        assert!(findings.is_empty(), "{op:?}: {findings:?}");
    }
}

#[test]
fn a_writer_that_crashed_meanwhile_is_completed_before_the_deletion() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    let (mut other, _) = world.open(2);
    world.write(&mut other, 2, 1..=1);
    drop(other);
    let run = journal.expire();
    assert_eq!(run.findings.len(), 1);
    assert_eq!(world.story()[2..], ["1", "writer_closed"]);
    for _ in 0..31 {
        world.clock.advance(DAY);
        journal.expire();
    }
    assert!(world.segments().is_empty());
}
