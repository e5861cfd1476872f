use std::path::Path;
use std::time::Duration;

use super::fixture::{DAY, DIR, World, writer_id};
use crate::pipeline::LossReason;
use crate::vfs::{Fault, Op, OsVfs, Vfs};

#[test]
fn what_is_written_is_read_back_in_order() {
    let world = World::new();
    let (mut journal, opened) = world.open(1);
    assert!(!opened.had_history && opened.findings.is_empty());
    world.write(&mut journal, 1, 1..=3);
    let closed = journal.close(Duration::ZERO);
    assert_eq!(closed.written.up_to, Some(3));
    assert_eq!(closed.lost, None);
    closed.synced.unwrap();
    let story = world.story();
    assert_eq!(
        story,
        [
            "segment_opened",
            "writer_opened",
            "1",
            "2",
            "3",
            "writer_closed"
        ]
    );
    assert_eq!(world.damaged_lines(), 0);
}

#[test]
fn a_closed_journal_leaves_segments_and_schema_alone() {
    let world = World::new();
    let config = World::config().schema(b"{\"x\":1}");
    let (mut journal, _) = world.open_with(config, 1);
    journal.reserve(1).unwrap();
    world.write(&mut journal, 1, 1..=1);
    assert_eq!(world.names().len(), 4, "{:?}", world.names());
    journal.close(Duration::ZERO);
    let writer = writer_id(1);
    let expected = [
        format!("20261121-{writer}-000001-00000000000000000001.jsonl"),
        "schema.json".to_owned(),
    ];
    assert_eq!(world.names(), expected);
}

#[test]
fn a_journal_without_events_leaves_no_segment() {
    let world = World::new();
    let (journal, _) = world.open(1);
    assert_eq!(journal.close(Duration::ZERO).written.up_to, None);
    assert!(world.names().is_empty(), "{:?}", world.names());
}

#[test]
fn one_write_is_one_call() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=1);
    let before = world.vfs.count(Op::Write);
    world.write(&mut journal, 1, 2..=100);
    assert_eq!(world.vfs.count(Op::Write), before + 1);
}

#[test]
fn on_a_share_a_journal_starts_where_it_was_said_to_be_one() {
    let world = World::new();
    world.vfs.share_as("nfs");
    let refused = world.try_open(World::config(), 1).unwrap_err();
    assert!(refused.is_configuration());
    let told = refused.to_string();
    assert!(
        told.contains("nfs") && told.contains("on_share(true)"),
        "{told}"
    );
    drop(world.open_with(World::config().on_share(true), 1));
    assert_eq!(OsVfs::new().share(&std::env::temp_dir()).unwrap(), None);
}

#[test]
fn an_oversize_event_is_refused_and_hurts_no_other() {
    let world = World::new();
    let (mut journal, _) = world.open_with(World::config().max_event_bytes(4_096), 1);
    let long = world.event(1, 2, &"x".repeat(5_000));
    world.write(&mut journal, 1, 1..=1);
    assert!(journal.append(2, &long).unwrap_err().is_refused());
    world.write(&mut journal, 1, 3..=3);
    assert_eq!(world.story()[2..], ["1", "3"]);
}

#[test]
fn segments_roll_by_size_and_stay_within_it() {
    let world = World::new();
    let most = 64 << 10;
    let (mut journal, _) = world.open_with(World::config().segment_max_bytes(most), 1);
    let text = "x".repeat(1_000);
    for seq in 1..=200 {
        journal.append(seq, &world.event(1, seq, &text)).unwrap();
    }
    journal.write().unwrap();
    let files = world.files();
    let sizes: Vec<_> = world
        .segments()
        .iter()
        .map(|path| files[path].len())
        .collect();
    assert!(sizes.len() >= 4, "{sizes:?}");
    assert!(sizes.iter().all(|size| *size as u64 <= most), "{sizes:?}");
    let seqs: Vec<_> = world
        .story()
        .into_iter()
        .filter_map(|s| s.parse::<u64>().ok())
        .collect();
    assert!(seqs.into_iter().eq(1..=200));
    assert_eq!(world.damaged_lines(), 0);
}

#[test]
fn segments_roll_by_age_and_by_date_but_not_when_the_clock_goes_back() {
    let world = World::new();
    let (mut journal, _) = world.open_with(World::config().segment_max_age(DAY * 2), 1);
    world.write(&mut journal, 1, 1..=1);
    assert!(!journal.roll_if_due());
    world.clock.advance(DAY / 2);
    assert!(journal.roll_if_due());
    world.write(&mut journal, 1, 2..=2);
    world.clock.jump(-3 * 86_400_000_000);
    assert!(!journal.roll_if_due());
    world.clock.advance(DAY * 2);
    assert!(journal.roll_if_due());
    world.write(&mut journal, 1, 3..=3);
    assert_eq!(world.segments().len(), 3);
    let seqs: Vec<_> = world
        .story()
        .into_iter()
        .filter(|s| s.parse::<u64>().is_ok())
        .collect();
    assert_eq!(seqs, ["1", "2", "3"]);
}

#[test]
fn a_moved_or_cut_segment_is_left_for_a_new_one() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=2);
    let moved = Path::new(DIR).join("elsewhere");
    world.vfs.rename(&world.segments()[0], &moved).unwrap();
    world.clock.advance(Duration::from_secs(1));
    assert!(journal.roll_if_due());
    world.write(&mut journal, 1, 3..=3);
    world.vfs.put(&world.segments()[0], Vec::new());
    world.clock.advance(Duration::from_secs(1));
    assert!(journal.roll_if_due());
}

#[test]
fn a_failed_write_is_mended_and_repeated_in_a_new_segment() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=1);
    world.vfs.fail_nth(Op::Write, Fault::Io, 0);
    world.write(&mut journal, 1, 2..=3);
    assert_eq!(world.segments().len(), 2);
    assert_eq!(world.story()[2..], ["1", "segment_opened", "2", "3"]);
    assert_eq!(world.damaged_lines(), 0);
}

#[test]
fn a_short_write_is_continued_where_it_ended() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=1);
    world.vfs.fail_one_in(Op::Write, Fault::Short, 2);
    world.write(&mut journal, 1, 2..=30);
    assert_eq!(world.damaged_lines(), 0);
    let seqs: Vec<_> = world
        .story()
        .into_iter()
        .filter_map(|s| s.parse::<u64>().ok())
        .collect();
    assert!(seqs.into_iter().eq(1..=30));
}

#[test]
fn a_full_disk_keeps_whole_lines_and_goes_on_when_there_is_room() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=1);
    let used: usize = world.files().values().map(Vec::len).sum();
    let line = world.event(1, 2, "model").len();
    world.vfs.limit(Some((used + 2 * line) as u64));
    for seq in 2..=4 {
        journal.append(seq, &world.event(1, seq, "model")).unwrap();
    }
    let failed = journal.write().unwrap_err();
    assert_eq!(journal.written().up_to, Some(2));
    assert_eq!(failed.lost, None);
    assert!(journal.is_failing());
    assert_eq!(world.damaged_lines(), 0);
    world.vfs.heal();
    assert!(journal.write().is_err(), "it waits before it tries again");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(journal.write().unwrap().up_to, Some(4));
    assert_eq!(world.segments().len(), 1);
    assert_eq!(world.story()[2..], ["1", "2", "3", "4"]);
}

#[test]
fn a_disk_that_stays_full_gives_back_exactly_what_is_lost() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.vfs.limit(Some(0));
    for seq in [1, 2, 5] {
        journal.append(seq, &world.event(1, seq, "model")).unwrap();
    }
    let mut lost = None;
    for _ in 0..100 {
        world.clock.advance(Duration::from_secs(1));
        lost = journal.write().unwrap_err().lost;
        if lost.is_some() {
            break;
        }
    }
    let lost = lost.unwrap();
    assert_eq!((lost.seqs, lost.count), (vec![1..=2, 5..=5], 3));
    assert_eq!(lost.reason, LossReason::Enospc);
    assert!(world.segments().is_empty());
    world.vfs.heal();
    world.clock.advance(Duration::from_secs(1));
    world.write(&mut journal, 1, 6..=6);
    assert_eq!(world.story()[2..], ["6"]);
}

#[test]
fn a_stream_that_ends_on_an_untold_loss_is_completed_at_the_next_start() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    journal.reserve(4).unwrap();
    world.write(&mut journal, 1, 1..=2);
    world.vfs.fail_one_in(Op::Write, Fault::NoSpace, 1);
    journal.append(3, &world.event(1, 3, "model")).unwrap();
    assert!(journal.write().is_err());
    assert!(journal.give_up().is_some());
    world.vfs.heal();
    journal.close(Duration::from_secs(60)).synced.unwrap();
    assert_eq!(world.story()[2..], ["1", "2"]);
    drop(world.open(2));
    let told = ["1", "2", "loss 3..=4096 process_crash", "writer_closed"];
    assert_eq!(world.story()[2..], told);
}

#[test]
fn a_second_writer_finds_the_history_and_the_last_log_opened() {
    let world = World::new();
    let (mut journal, opened) = world.open(1);
    assert_eq!(opened.previous_log_opened, None);
    let event = world.event(1, 1, "model");
    let event = String::from_utf8(event)
        .unwrap()
        .replace("interaction", "log_opened");
    journal.append(1, event.as_bytes()).unwrap();
    journal.write().unwrap();
    journal.close(Duration::ZERO);
    let (_, opened) = world.open(2);
    assert!(opened.had_history);
    assert_eq!(
        opened.previous_log_opened.as_deref(),
        Some(event.as_bytes())
    );
}

#[test]
fn under_any_faults_every_event_is_written_once_or_given_back() {
    for seed in 0..100 {
        let world = World::on(crate::vfs::MemVfs::seeded(seed));
        let config = World::config().segment_max_bytes(64 << 10);
        let (mut journal, _) = world.open_with(config, 1);
        for op in [Op::Write, Op::Create, Op::Truncate, Op::Unlink, Op::Open] {
            let fault = [Fault::Io, Fault::NoSpace, Fault::Short, Fault::Interrupted];
            world.vfs.fail_one_in(op, fault[(seed % 4) as usize], 3);
        }
        let (mut expected, mut lost) = (Vec::new(), Vec::new());
        for seq in 1..=60 {
            let text = "x".repeat((seq as usize * 37) % 5_000);
            journal.append(seq, &world.event(1, seq, &text)).unwrap();
            if seq % 3 == 0 {
                let failed = journal.write().err().and_then(|failed| failed.lost);
                lost.extend(failed.into_iter().flat_map(|lost| lost.seqs).flatten());
                journal.roll_if_due();
                world.clock.advance(Duration::from_millis(700));
            }
            expected.push(seq);
        }
        let left = journal.give_up();
        lost.extend(left.into_iter().flat_map(|lost| lost.seqs).flatten());
        world.vfs.heal();
        let mut found: Vec<_> = world
            .story()
            .iter()
            .filter_map(|s| s.parse::<u64>().ok())
            .collect();
        assert!(found.is_sorted(), "seed {seed}: {found:?}");
        found.extend(lost);
        found.sort_unstable();
        assert_eq!(found, expected, "seed {seed}");
    }
}

#[test]
fn events_come_back_at_once_when_the_disk_does_after_a_long_failure() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.vfs.limit(Some(0));
    for seq in 1..=60 {
        journal.append(seq, &world.event(1, seq, "model")).unwrap();
        drop(journal.write());
        world.clock.advance(Duration::from_secs(1));
    }
    journal.give_up();
    world.vfs.heal();
    // Within the pause after the last failure nothing is tried, and nothing is given up.
    world.clock.advance(Duration::from_millis(1));
    journal.append(61, &world.event(1, 61, "model")).unwrap();
    let failed = journal.write().err().and_then(|failed| failed.lost);
    assert_eq!(failed, None);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(journal.write().unwrap().up_to, Some(61));
}

#[test]
fn debug_and_errors_hold_no_content() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    let secret = world.event(1, 1, "topsecret");
    journal.append(1, &secret).unwrap();
    assert!(!format!("{journal:?}").contains("topsecret"));
    world.vfs.limit(Some(0));
    let failed = journal.write().unwrap_err();
    assert!(!format!("{failed:?} {}", failed.error).contains("topsecret"));
    let error = journal.append(2, b"topsecret").unwrap_err();
    assert!(!format!("{error:?}").contains("topsecret"));
}
