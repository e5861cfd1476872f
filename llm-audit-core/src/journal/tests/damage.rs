//! What a run over closed files does with bytes that nobody can read.

use std::path::PathBuf;

use super::fixture::World;
use super::narrow::{LONG, config, events, pass, write};
use crate::event::Event;
use crate::hold::Hold;
use crate::journal::Journal;
use crate::journal::finding::Problem;

/// A segment with a bit that flipped in the line of event 2: in its body, or in its newline. Users
/// have expired.
fn damaged(in_newline: bool) -> (World, Journal, PathBuf) {
    let world = World::new();
    let (mut dead, _) = world.open_with(config(), 1);
    dead.reserve(1).unwrap();
    write(&world, &mut dead, 1, 1..=3);
    dead.roll();
    write(&world, &mut dead, 1, 4..=6);
    dead.close(LONG);
    let path = world.segments()[0].clone();
    let mut bytes = world.vfs.get(&path).unwrap();
    let mut at = memchr::memmem::find(&bytes, b"number 2").unwrap();
    if in_newline {
        at += memchr::memchr(b'\n', &bytes[at..]).unwrap();
    }
    bytes[at] ^= 1;
    world.vfs.put(&path, bytes);
    let (mut journal, _) = world.open_with(config(), 2);
    pass(&world, &mut journal, 8);
    (world, journal, path)
}

fn good(world: &World) -> Vec<Event> {
    let entries = world.entries().into_iter().flatten();
    let events = entries.map(|entry| entry.into_event());
    events.filter(|event| event.seq().is_some()).collect()
}

fn seqs(world: &World) -> Vec<u64> {
    good(world).iter().filter_map(Event::seq).collect()
}

fn quarantined(world: &World) -> Vec<Vec<u8>> {
    let files = world.files().into_iter();
    let bad = files.filter(|(path, _)| path.extension().is_some_and(|end| end == "bad"));
    bad.map(|(_, bytes)| bytes).collect()
}

#[test]
fn a_run_takes_no_event_away_that_a_reader_returned_and_tells_of_damage_that_it_moves() {
    for in_newline in [false, true] {
        let (world, mut journal, path) = damaged(in_newline);
        let before = seqs(&world);
        assert_eq!(before, [1, 3, 4, 5, 6]);
        let bytes = world.vfs.get(&path).unwrap();
        let plan = journal.plan().unwrap();
        assert!(plan.findings.is_empty() && quarantined(&world).is_empty());
        let run = journal.expire();
        assert_eq!(plan.rewritten, run.rewritten);
        assert_eq!(seqs(&world), before, "{in_newline}");
        assert!(good(&world).iter().all(|event| event.user_id().is_none()));
        assert_eq!(world.damaged_lines(), 0);
        let [bad] = &quarantined(&world)[..] else {
            panic!("{run:?}")
        };
        assert!(memchr::memmem::find(&bytes, bad).is_some());
        assert!(memchr::memmem::find(bad, b"user-0").is_some());
        let told = Problem::Quarantined {
            bytes: bad.len() as u64,
        };
        let found: Vec<_> = run
            .findings
            .iter()
            .map(|finding| &finding.problem)
            .collect();
        assert_eq!(found, [&told]);
        // It can be looked at for as long as the facet with the shortest retention is kept.
        pass(&world, &mut journal, 7);
        assert!(journal.expire().findings.is_empty());
        assert_eq!(quarantined(&world).len(), 1);
        pass(&world, &mut journal, 1);
        journal.expire();
        assert!(quarantined(&world).is_empty());
        assert_eq!(events(&world).len(), 5);
    }
}

#[test]
fn under_a_hold_damaged_bytes_stay_where_they_are_and_what_is_behind_them_too() {
    for in_newline in [false, true] {
        let (world, mut journal, path) = damaged(in_newline);
        let hold = Hold::subject("m", "user-0");
        journal.set_hold(hold).unwrap();
        let bytes = world.vfs.get(&path).unwrap();
        let marker = memchr::memmem::find(&bytes, b"number 1").unwrap();
        let start = marker + memchr::memchr(b'\n', &bytes[marker..]).unwrap() + 1;
        let end = start + memchr::memmem::find(&bytes[start..], b"\"}").unwrap();
        let run = journal.expire();
        assert!(run.findings.is_empty() && !run.rewritten.is_empty());
        assert_eq!(seqs(&world), [1, 3, 4, 5, 6]);
        assert_eq!(world.damaged_lines(), 1);
        let after = world.vfs.get(&path).unwrap();
        assert!(memchr::memmem::find(&after, &bytes[start..end]).is_some());
        for event in good(&world) {
            let is_held = event.seq().unwrap() % 2 == 0;
            assert_eq!(event.user_id().is_some(), is_held, "{in_newline}");
        }
        let files = world.files();
        assert!(journal.expire().rewritten.is_empty() && world.files() == files);
    }
}
