use std::path::Path;

use super::fixture::{DIR, World, assert_whole, recover, writer_id};
use crate::journal::finding::Problem;
use crate::vfs::{Fault, MemVfs, Op};

/// A directory in which writer 1 crashed after four events, with 4,096 numbers set aside.
fn crashed() -> World {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    journal.reserve(1).unwrap();
    world.write(&mut journal, 1, 1..=4);
    drop(journal);
    world
}

/// The same, as it looks with other content in the first segment.
fn crashed_with(world: &World, content: Vec<u8>) -> World {
    let copy = World::on(world.vfs.snapshot());
    copy.vfs.put(&world.segments()[0], content);
    copy
}

fn segment(world: &World) -> Vec<u8> {
    world.files()[&world.segments()[0]].clone()
}

#[test]
fn a_crashed_writer_is_completed_in_its_own_stream() {
    let world = crashed();
    assert_eq!(recover(&world, 2), [Problem::Crash]);
    let expected = [
        "segment_opened",
        "writer_opened",
        "1",
        "2",
        "3",
        "4",
        "loss 5..=4096 process_crash",
        "writer_closed",
    ];
    assert_eq!(world.story(), expected);
    let loss = world.entries().remove(6).unwrap();
    assert_eq!(loss.event().seq(), Some(4_097));
    assert_eq!(loss.event().exact(), Some(false));
    assert_eq!(loss.event().writer_id(), writer_id(1));
    assert_eq!(world.names().len(), 1, "{:?}", world.names());
    assert_whole(&world, "crash");
}

#[test]
fn numbers_that_the_writer_had_no_time_to_tell_of_are_told() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    journal.reserve(1).unwrap();
    world.write(&mut journal, 1, [1, 3, 4]);
    drop(journal);
    recover(&world, 2);
    let losses = ["loss 2..=2 process_crash", "loss 5..=4096 process_crash"];
    assert_eq!(world.story()[5..7], losses);
    assert_whole(&world, "refused");
}

#[test]
fn a_live_writer_is_left_alone() {
    let world = World::new();
    let (mut first, _) = world.open(1);
    first.reserve(1).unwrap();
    world.write(&mut first, 1, 1..=1);
    let before = world.files();
    assert_eq!(recover(&world, 2), vec![]);
    assert!(world.files() == before);
    // Not even without its lock file.
    world.vfs.fail_nth(Op::Unlink, Fault::Interrupted, u64::MAX);
    let lock = Path::new(DIR).join(format!("{}.lock", writer_id(1)));
    crate::vfs::Vfs::unlink(&world.vfs, &lock).unwrap();
    assert_eq!(recover(&world, 2), vec![]);
    world.write(&mut first, 1, 2..=2);
    assert_eq!(world.story()[2..], ["1", "2"]);
}

#[test]
fn a_crash_before_the_first_event_is_bounded_too() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    journal.reserve(1).unwrap();
    drop(journal);
    recover(&world, 2);
    assert_eq!(
        world.story(),
        [
            "segment_opened",
            "loss 1..=4096 process_crash",
            "writer_closed"
        ]
    );
    assert_whole(&world, "nothing written");
}

#[test]
fn truncation_at_every_byte_leaves_whole_lines_and_one_loss() {
    let world = crashed();
    let whole = segment(&world);
    for cut in 0..whole.len() {
        let world = crashed_with(&world, whole[..cut].to_vec());
        let problems = recover(&world, 2);
        let torn = cut > 0 && whole[cut - 1] != b'\n';
        let found = problems
            .iter()
            .any(|p| matches!(p, Problem::TornTail { .. }));
        assert_eq!(found, torn, "{cut}");
        assert!(
            !problems
                .iter()
                .any(|p| matches!(p, Problem::Quarantined { .. })),
            "{cut}"
        );
        assert_whole(&world, &format!("cut at {cut}"));
    }
}

#[test]
fn a_tail_of_zeros_is_torn() {
    let world = crashed();
    for zeros in [1, 4_096, 100_000] {
        let mut content = segment(&world);
        let keep = content.len() - 50;
        content.truncate(keep);
        content.resize(keep + zeros, 0);
        let world = crashed_with(&world, content);
        recover(&world, 2);
        assert!(
            world
                .story()
                .contains(&"loss 4..=4096 torn_tail".to_owned())
        );
        assert_whole(&world, &format!("{zeros} zeros"));
    }
}

#[test]
fn a_flipped_bit_hides_no_other_line_and_its_line_is_kept_as_evidence() {
    let world = crashed();
    let whole = segment(&world);
    // Three is prime to eight, so every bit has its turn.
    for at in (0..whole.len()).step_by(3).chain([whole.len() - 1]) {
        let mut content = whole.clone();
        content[at] ^= 1 << (at % 8);
        let damaged = crashed_with(&world, content.clone());
        let problems = recover(&damaged, 2);
        let line = whole[..at].iter().filter(|byte| **byte == b'\n').count();
        let story = damaged.story();
        for seq in 1..=4 {
            // Lines 0 and 1 are structure; a lost newline may take the line before it along.
            let own = line == seq + 1;
            assert!(
                own || story.contains(&seq.to_string()),
                "bit at {at}: {story:?}"
            );
        }
        let quarantined = damaged
            .files()
            .into_iter()
            .find(|(path, _)| path.extension().is_some_and(|end| end == "bad"));
        match quarantined {
            Some((_, bad)) => {
                let found = content.windows(bad.len()).any(|window| window == bad);
                assert!(found, "bit at {at}");
            }
            // Only what looks like a line that was never finished is not kept.
            None => assert_eq!(at, whole.len() - 1, "{problems:?}"),
        }
        assert_whole(&damaged, &format!("bit at {at}"));
    }
}

#[test]
fn damage_in_the_middle_keeps_the_lines_on_both_sides() {
    let world = crashed();
    let mut content = segment(&world);
    let lines: Vec<_> = content
        .split_inclusive(|b| *b == b'\n')
        .map(<[u8]>::len)
        .collect();
    let start: usize = lines[..3].iter().sum();
    content[start + 10..start + lines[3] + 20].fill(0);
    let world = crashed_with(&world, content);
    let problems = recover(&world, 2);
    let bytes = (lines[3] + lines[4]) as u64;
    assert_eq!(problems, [Problem::Quarantined { bytes }, Problem::Crash]);
    assert_eq!(
        world.story()[2..],
        [
            "1",
            "4",
            "loss 2..=3 corruption",
            "loss 5..=4096 process_crash",
            "writer_closed"
        ]
    );
    assert_whole(&world, "middle");
}

#[test]
fn a_lost_segment_in_the_middle_is_told_of() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    journal.reserve(1).unwrap();
    for seq in 1..=3 {
        world.write(&mut journal, 1, [seq]);
        journal.roll();
    }
    drop(journal);
    crate::vfs::Vfs::unlink(&world.vfs, &world.segments()[1]).unwrap();
    recover(&world, 2);
    assert!(world.story().contains(&"loss 2..=2 corruption".to_owned()));
    assert_whole(&world, "lost segment");
}

#[test]
fn a_good_line_of_a_newer_schema_is_never_damage() {
    let world = crashed();
    let place = super::super::line::Place::new(writer_id(1), 1);
    let mut content = segment(&world);
    let newer = br#"{"schema_version":99,"seq":"six","kind":["?"]}"#;
    super::super::line::seal(place, newer, &mut content).unwrap();
    let world = crashed_with(&world, content);
    recover(&world, 2);
    let text = String::from_utf8(segment(&world)).unwrap();
    assert!(text.contains("\"schema_version\":99"));
    assert!(
        !world
            .names()
            .iter()
            .any(|name| name.starts_with("quarantine"))
    );
}

#[test]
fn a_recovery_that_is_killed_at_any_operation_is_completed_by_the_next() {
    let world = crashed();
    let mut content = segment(&world);
    let middle = content.len() / 2;
    content[middle] ^= 1;
    content.truncate(content.len() - 3);
    let world = crashed_with(&world, content);
    let mut killed = 0;
    loop {
        let copy = World::on(world.vfs.snapshot());
        copy.vfs.halt_after(killed);
        let opened = copy.try_open(World::config(), 2);
        let done = opened.is_ok_and(|(_, opened)| {
            opened
                .findings
                .iter()
                .all(|finding| finding.error.is_none())
        });
        copy.vfs.heal();
        recover(&copy, 3);
        assert_whole(&copy, &format!("killed after {killed}"));
        if done {
            break;
        }
        killed += 1;
    }
    assert!(killed > 20, "{killed}");
}

#[test]
fn faults_during_recovery_never_fail_the_start() {
    let world = crashed();
    for seed in 0..60 {
        let vfs = MemVfs::seeded(seed);
        for (path, content) in world.files() {
            vfs.put(&path, content);
        }
        let copy = World::on(vfs);
        for op in [Op::Truncate, Op::SyncData, Op::Unlink, Op::Read] {
            copy.vfs.fail_one_in(op, Fault::Io, 3);
        }
        drop(copy.try_open(World::config(), 2).unwrap());
        copy.vfs.heal();
        recover(&copy, 3);
        assert_whole(&copy, &format!("seed {seed}"));
    }
}

#[test]
fn a_fifo_with_the_name_of_a_segment_is_a_finding() {
    let world = crashed();
    let name = world.segments()[0]
        .to_str()
        .unwrap()
        .replace("-000001-", "-000002-");
    world.vfs.put_other(Path::new(&name));
    let problems = recover(&world, 2);
    assert_eq!(problems, [Problem::NoFile, Problem::Crash]);
}

#[test]
fn a_segment_with_the_highest_number_is_read_as_any_other() {
    let world = crashed();
    let content = segment(&world);
    for day in ["20261121", "20261122"] {
        let name = format!("{day}-{}-{}-{:020}.jsonl", writer_id(1), u64::MAX, 5);
        world.vfs.put(&Path::new(DIR).join(name), content.clone());
    }
    assert!(recover(&world, 2).contains(&Problem::Crash));
}
