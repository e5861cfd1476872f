use std::path::Path;
use std::time::Duration;

use super::fixture::{DIR, World, writer_id};
use crate::journal::{Cursor, Journal, SinkStart};
use crate::vfs::{Fault, Op};

fn starts() -> Vec<SinkStart> {
    vec![sink("archive")]
}

fn sink(name: &str) -> SinkStart {
    SinkStart {
        name: name.to_owned(),
        from_start: false,
    }
}

fn start(journal: &mut Journal) -> Cursor {
    let (mut cursors, _) = journal.start_sinks(&starts()).unwrap();
    cursors.remove(0)
}

fn up_to(writer: u8, seq: u64) -> Cursor {
    Cursor::from([(writer_id(writer), seq)])
}

#[test]
fn a_save_that_is_killed_at_any_operation_leaves_the_old_cursor_or_the_new_one() {
    for operations in 0.. {
        let world = World::new();
        let (mut journal, _) = world.open(1);
        start(&mut journal);
        world.write(&mut journal, 1, 1..=9);
        journal.save_cursor(0, up_to(1, 5)).unwrap();
        world.vfs.halt_after(operations);
        let saved = journal.save_cursor(0, up_to(1, 9)).is_ok();
        drop(journal);
        world.vfs.heal();
        let (mut journal, opened) = world.open(2);
        let findings = format!("{:?}", opened.findings);
        let found = start(&mut journal).get(&writer_id(1)).copied();
        assert!(
            matches!(found, Some(5 | 9)),
            "{operations}: {found:?} {findings}"
        );
        if saved {
            assert_eq!(found, Some(9));
            assert!(operations > 3);
            return;
        }
    }
}

#[test]
fn a_take_over_that_is_killed_at_any_operation_forgets_nothing() {
    for operations in 0.. {
        let world = World::new();
        let (mut journal, _) = world.open(1);
        start(&mut journal);
        world.write(&mut journal, 1, 1..=9);
        journal.save_cursor(0, up_to(1, 5)).unwrap();
        drop(journal);
        let (mut journal, _) = world.open(2);
        world.vfs.halt_after(operations);
        let taken = journal.start_sinks(&starts()).is_ok();
        drop(journal);
        world.vfs.heal();
        let (mut journal, _) = world.open(3);
        assert_eq!(
            start(&mut journal).get(&writer_id(1)),
            Some(&5),
            "{operations}"
        );
        let left = world.names().into_iter();
        assert_eq!(left.filter(|name| name.ends_with(".cursor")).count(), 1);
        if taken {
            return;
        }
    }
}

#[test]
fn a_damaged_cursor_counts_as_none_of_the_events_delivered() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    start(&mut journal);
    world.write(&mut journal, 1, 1..=9);
    journal.save_cursor(0, up_to(1, 9)).unwrap();
    journal.close(Duration::ZERO);
    let name = world
        .names()
        .into_iter()
        .find(|name| name.ends_with(".cursor"));
    let path = Path::new(DIR).join(name.unwrap());
    let mut bytes = world.files()[&path].clone();
    bytes[20] ^= 1;
    world.vfs.put(&path, bytes);
    let (mut journal, _) = world.open(2);
    let (cursors, findings) = journal.start_sinks(&starts()).unwrap();
    assert_eq!(cursors[0].get(&writer_id(1)), Some(&0));
    assert_eq!(findings.len(), 1);
    assert!(
        findings[0].to_string().contains("once more"),
        "{}",
        findings[0]
    );
}

#[test]
fn the_cursor_of_a_writer_that_dies_is_taken_over_by_one_that_lives() {
    let world = World::new();
    let (mut first, _) = world.open(1);
    start(&mut first);
    let (mut second, _) = world.open(2);
    start(&mut second);
    world.write(&mut first, 1, 1..=9);
    first.save_cursor(0, up_to(1, 4)).unwrap();
    assert!(second.expire().adopted.is_empty());
    drop(first);
    assert_eq!(second.expire().adopted, [(0, writer_id(1), 4)]);
    assert!(second.expire().adopted.is_empty());
}

#[test]
fn a_take_over_that_fails_for_one_sink_forgets_nothing_of_any() {
    for op in [Op::Create, Op::Write, Op::SyncData, Op::Rename, Op::SyncDir] {
        for nth in 0..8 {
            let world = World::new();
            let sinks = [sink("archive"), sink("search")];
            let (mut first, _) = world.open(1);
            first.start_sinks(&sinks).unwrap();
            let (mut second, _) = world.open(2);
            second.start_sinks(&sinks).unwrap();
            world.write(&mut first, 1, 1..=9);
            first.save_cursor(0, up_to(1, 4)).unwrap();
            first.save_cursor(1, up_to(1, 6)).unwrap();
            drop(first);
            world.vfs.fail_nth(op, Fault::Io, nth);
            let mut adopted = second.expire().adopted;
            world.vfs.heal();
            adopted.extend(second.expire().adopted);
            adopted.sort_unstable();
            let due = [(0, writer_id(1), 4), (1, writer_id(1), 6)];
            assert_eq!(adopted, due, "{op:?} {nth}");
        }
    }
}

#[test]
fn a_cursor_of_another_process_that_cannot_be_read_holds_everything_until_it_can() {
    let world = World::new();
    let (mut dead, _) = world.open(1);
    start(&mut dead);
    world.write(&mut dead, 1, 1..=9);
    dead.save_cursor(0, up_to(1, 5)).unwrap();
    drop(dead);
    let (mut other, _) = world.open(2);
    start(&mut other);
    let (mut own, _) = world.open(3);
    own.start_sinks(&[sink("search")]).unwrap();
    world.vfs.fail_one_in(Op::Open, Fault::Io, 1);
    assert!(own.release().files.is_empty());
    world.vfs.heal();
    other.save_cursor(0, up_to(2, 0)).unwrap();
    assert_eq!(own.release().files.len(), 1);
}

#[test]
fn a_dead_cursor_that_nobody_can_read_lets_go_after_an_hour_and_the_sink_gets_everything() {
    let world = World::new();
    let (mut dead, _) = world.open(1);
    start(&mut dead);
    world.write(&mut dead, 1, 1..=9);
    dead.save_cursor(0, up_to(1, 5)).unwrap();
    dead.close(Duration::ZERO);
    let (mut own, _) = world.open(2);
    world.vfs.fail_one_in(Op::Read, Fault::Io, 1);
    let (cursors, findings) = own.start_sinks(&starts()).unwrap();
    assert_eq!((cursors[0].get(&writer_id(1)), findings.len()), (None, 1));
    own.save_cursor(0, up_to(2, 0)).unwrap();
    assert!(own.release().files.is_empty(), "perhaps it waits for them");

    world.clock.advance(Duration::from_secs(3_600));
    let run = own.expire();
    assert_eq!(run.adopted, [(0, writer_id(1), 0)]);
    assert!(own.expire().adopted.is_empty());
    let told: Vec<_> = run.findings.iter().map(ToString::to_string).collect();
    assert!(told[0].contains("once more"), "{told:?}");
    world.vfs.heal();
    own.save_cursor(0, up_to(2, 1)).unwrap();
    assert_eq!(own.release().files.len(), 1);
    let cursors = world.names().into_iter();
    assert_eq!(cursors.filter(|name| name.ends_with(".cursor")).count(), 1);
}
