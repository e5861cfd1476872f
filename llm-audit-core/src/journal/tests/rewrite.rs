//! Events that are written again, because the file that holds them was not synchronised.

use std::path::Path;
use std::time::Duration;

use super::fixture::{DIR, World, writer_id};
use crate::journal::check::check_in;
use crate::journal::finding::Problem;
use crate::journal::{Bookmark, Cursor, Journal, Portion, SinkStart, Spool};
use crate::pipeline::Run;
use crate::sink::SinkLimits;
use crate::sync::Arc;
use crate::vfs::{Fault, MemVfs, Op};

const LONG: Duration = Duration::from_secs(60);

/// Numbers 1 to 4 in a file whose synchronisation fails after 5 to 8 are in the next one.
fn behind_higher_numbers() -> (World, Journal) {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    journal.reserve(1).unwrap();
    journal.syncer().sync(LONG).unwrap();
    world.write(&mut journal, 1, 1..=2);
    journal.syncer().sync(LONG).unwrap();
    world.write(&mut journal, 1, 3..=4);
    journal.roll();
    world.write(&mut journal, 1, 5..=8);
    // Before it comes the reservation, in which a new segment is noted.
    world.vfs.fail_nth(Op::SyncData, Fault::Io, 1);
    assert!(journal.syncer().sync(LONG).is_err());
    journal.rewrite();
    world.write(&mut journal, 1, 9..=9);
    journal.syncer().sync(LONG).unwrap();
    (world, journal)
}

fn brought(vfs: &MemVfs, after: u64, limits: &SinkLimits) -> Vec<u64> {
    let spool = Spool::new(Arc::new(vfs.clone()), DIR.into());
    let mut bookmark = Bookmark::new(writer_id(1), after);
    let mut seqs = Vec::new();
    while let Some(batch) = spool.read(&mut bookmark, u64::MAX, limits).unwrap() {
        seqs.extend_from_slice(batch.seqs());
    }
    let mut bookmark = Bookmark::new(writer_id(1), after);
    let counted = |runs: Vec<Run>| runs.iter().map(|run| run.len).sum::<u64>();
    let mut all = Portion {
        events: usize::MAX,
        bytes: usize::MAX,
    };
    let runs = spool.runs(&mut bookmark, u64::MAX, &mut all).unwrap();
    assert_eq!(counted(runs), seqs.len() as u64);
    seqs
}

#[test]
fn what_is_counted_at_once_is_bounded_in_events_and_in_bytes() {
    let (world, _journal) = behind_higher_numbers();
    let spool = Spool::new(Arc::new(world.vfs.clone()), DIR.into());
    for (events, bytes, expected) in [(2, usize::MAX, 2), (usize::MAX, 1, 1), (1, 0, 1)] {
        let mut bookmark = Bookmark::new(writer_id(1), 0);
        let mut counted = Vec::new();
        loop {
            let mut portion = Portion { events, bytes };
            let runs = spool.runs(&mut bookmark, u64::MAX, &mut portion).unwrap();
            if runs.is_empty() {
                break;
            }
            counted.push(runs.iter().map(|run| run.len).sum::<u64>());
        }
        assert_eq!(counted.iter().sum::<u64>(), 9, "{counted:?}");
        assert_eq!(counted.iter().max(), Some(&expected));
    }
}

fn numbers(world: &World) -> Vec<u64> {
    let story = world.story().into_iter();
    let mut numbers: Vec<_> = story.filter_map(|line| line.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn a_power_cut_after_a_rewrite_behind_higher_numbers_is_told_no_loss_too_many() {
    let (world, journal) = behind_higher_numbers();
    let left = World::on(world.vfs.after_power_cut());
    drop(journal);
    drop(left.open(2));
    let losses: Vec<_> = left
        .story()
        .into_iter()
        .filter(|line| line.starts_with("loss"))
        .collect();
    assert_eq!(losses, ["loss 10..=4096 process_crash"]);
    assert_eq!(numbers(&left), (1..=9).collect::<Vec<_>>());
    let check = check_in(&left.vfs, Path::new(DIR)).unwrap();
    let problems: Vec<_> = check.findings.iter().map(|found| &found.problem).collect();
    assert!(
        matches!(problems.as_slice(), [Problem::Lost { from: 10, .. }]),
        "{problems:?}"
    );
}

#[test]
fn a_sink_is_brought_what_was_rewritten_once_and_in_order() {
    let (world, _journal) = behind_higher_numbers();
    let left = world.vfs.after_power_cut();
    for vfs in [&world.vfs, &left] {
        for most in [1, 2, 3, 100] {
            let limits = SinkLimits::default().max_batch_events(most);
            for after in 0..9 {
                let expected: Vec<_> = (after + 1..=9).collect();
                assert_eq!(brought(vfs, after, &limits), expected, "{most} {after}");
            }
        }
    }
}

#[test]
fn a_file_that_lost_lines_in_its_middle_is_filled_up_from_the_second() {
    let (world, _journal) = behind_higher_numbers();
    let first = world.segments()[0].clone();
    let mut content = world.files()[&first].clone();
    let at = content.windows(8).position(|w| w == b"\"seq\":3,").unwrap();
    content[at + 6] = b'7';
    world.vfs.put(&first, content);
    let limits = SinkLimits::default().max_batch_events(2);
    assert_eq!(brought(&world.vfs, 0, &limits), (1..=9).collect::<Vec<_>>());
}

#[test]
fn a_segment_is_not_taken_for_delivered_because_a_later_one_repeats_lower_numbers() {
    let (world, journal) = behind_higher_numbers();
    journal.close(LONG).synced.unwrap();
    let (mut next, _) = world.open(2);
    let sink = SinkStart {
        name: "archive".to_owned(),
        from_start: true,
    };
    next.start_sinks(&[sink]).unwrap();
    let before = world.segments();
    next.save_cursor(0, Cursor::from([(writer_id(1), 4), (writer_id(2), 0)]))
        .unwrap();
    assert_eq!(next.release().files.len(), 1);
    assert_eq!(world.segments(), before[1..]);
    let cursor = Cursor::from([(writer_id(1), 8), (writer_id(2), 0)]);
    next.save_cursor(0, cursor).unwrap();
    assert_eq!(next.release().files.len(), 2);
}

#[test]
fn a_rewrite_that_fails_leaves_no_segment_that_hides_another() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    journal.reserve(1).unwrap();
    journal.syncer().sync(LONG).unwrap();
    world.write(&mut journal, 1, 1..=4);
    journal.roll();
    world.write(&mut journal, 1, 5..=8);
    world.vfs.fail_nth(Op::SyncData, Fault::Io, 0);
    assert!(journal.syncer().sync(LONG).is_err());
    // The beginning of the segment is written, its lines are not.
    world.vfs.fail_nth(Op::Write, Fault::Io, 1);
    journal.rewrite();
    assert!(journal.syncer().status().is_synced(2) == Some(false));
    world.write(&mut journal, 1, 9..=12);
    let limits = SinkLimits::default();
    assert_eq!(
        brought(&world.vfs, 4, &limits),
        (5..=12).collect::<Vec<_>>()
    );
    assert_eq!(
        brought(&world.vfs, 8, &limits),
        (9..=12).collect::<Vec<_>>()
    );
    drop(journal);
    drop(world.open(2));
    let losses: Vec<_> = world
        .story()
        .into_iter()
        .filter(|line| line.starts_with("loss"))
        .collect();
    assert_eq!(losses, ["loss 13..=4096 process_crash"]);
}

#[test]
fn a_crashed_writer_whose_old_segments_are_gone_lost_nothing_that_was_repeated() {
    let (world, mut journal) = behind_higher_numbers();
    // As it is noted when they are let go of.
    journal.settle(8);
    drop(journal);
    for path in &world.segments()[..2] {
        crate::vfs::Vfs::unlink(&world.vfs, path).unwrap();
    }
    drop(world.open(2));
    let story = world.story();
    assert!(
        !story.iter().any(|line| line.starts_with("loss 5")),
        "{story:?}"
    );
}
