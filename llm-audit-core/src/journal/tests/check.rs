use std::path::{Path, PathBuf};
use std::time::Duration;

use super::fixture::{DIR, World};
use crate::journal::check::check_in;
use crate::journal::{Check, Condition, Problem};

const LONG: Duration = Duration::from_secs(60);

fn check(world: &World) -> Check {
    let before = world.files();
    let check = check_in(&world.vfs, Path::new(DIR)).unwrap();
    assert!(world.files() == before, "a check changed the directory");
    check
}

fn problems(check: &Check) -> Vec<&Problem> {
    check
        .findings
        .iter()
        .map(|finding| &finding.problem)
        .collect()
}

/// A log with events 1 to 5 that ended in good order, and its only segment.
fn ended() -> (World, PathBuf, Vec<u8>) {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    journal.reserve(1).unwrap();
    world.write(&mut journal, 1, 1..=5);
    journal.close(LONG).synced.unwrap();
    let (path, content) = world.files().into_iter().next().unwrap();
    (world, path, content)
}

#[test]
fn a_log_that_ended_is_clean() {
    let (world, _, content) = ended();
    let check = check(&world);
    assert_eq!(problems(&check), Vec::<&Problem>::new());
    assert_eq!(check.condition(), Condition::Clean);
    assert_eq!((check.writers, check.segments, check.events), (1, 1, 5));
    assert_eq!(check.bytes, content.len() as u64);
}

#[test]
fn every_changed_byte_is_found_at_its_place() {
    let (world, path, content) = ended();
    for at in 0..content.len() {
        let mut changed = content.clone();
        changed[at] ^= 0x01;
        world.vfs.put(&path, changed);
        let check = check(&world);
        assert_eq!(check.condition(), Condition::Damaged, "byte {at}");
        let holds = |problem: &&Problem| match problem {
            Problem::Damaged { offset, bytes } => (*offset..offset + bytes).contains(&(at as u64)),
            _ => false,
        };
        assert!(
            problems(&check).iter().any(holds),
            "byte {at}: {:?}",
            check.findings
        );
    }
}

#[test]
fn every_truncation_is_found() {
    let (world, path, content) = ended();
    for length in 0..content.len() {
        world.vfs.put(&path, content[..length].to_vec());
        let check = check(&world);
        assert!(check.condition() > Condition::Clean, "{length} bytes");
        let ends = problems(&check).contains(&&Problem::NoEnd);
        assert!(ends, "{length} bytes: {:?}", check.findings);
    }
}

#[test]
fn a_live_writer_is_clean_and_a_crashed_one_unfinished_until_it_is_completed() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    journal.reserve(1).unwrap();
    world.write(&mut journal, 1, [1, 2, 4]);
    let path = world.segments().remove(0);
    let whole = world.files()[&path].clone();
    let torn = [whole.clone(), b"{\"half".to_vec()].concat();
    world.vfs.put(&path, torn.clone());
    // Number 3 was refused; its loss would be told within a moment.
    assert_eq!(problems(&check(&world)), Vec::<&Problem>::new());
    world.vfs.put(&path, whole);

    drop(journal);
    world.vfs.put(&path, torn);
    let found = check(&world);
    assert_eq!(problems(&found), [&Problem::Unfinished { torn_bytes: 6 }]);
    assert_eq!(found.condition(), Condition::Lossy);

    drop(world.open(2));
    let found = check(&world);
    let lost = found.findings.iter().map(|finding| match &finding.problem {
        Problem::Lost {
            from, to, exact, ..
        } => (*from, *to, *exact),
        other => panic!("{other:?}"),
    });
    assert_eq!(lost.collect::<Vec<_>>(), [(3, 3, false), (5, 4_096, false)]);
    assert_eq!(found.condition(), Condition::Lossy);
}

#[test]
fn a_segment_that_is_gone_leaves_missing_numbers() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    for seqs in [1..=2, 3..=4, 5..=6] {
        world.write(&mut journal, 1, seqs);
        journal.roll();
    }
    journal.close(LONG).synced.unwrap();
    let segments = world.segments();
    crate::vfs::Vfs::unlink(&world.vfs, &segments[1]).unwrap();
    assert_eq!(
        problems(&check(&world)),
        [&Problem::Missing { from: 3, to: 4 }]
    );
    // The oldest go when they expire.
    crate::vfs::Vfs::unlink(&world.vfs, &segments[0]).unwrap();
    assert_eq!(problems(&check(&world)), Vec::<&Problem>::new());
}

#[test]
fn what_recovery_found_stays_to_be_seen() {
    let (world, path, mut content) = ended();
    let at = content.len() / 2;
    content[at] ^= 0x01;
    world.vfs.put(&path, content);
    world.vfs.put(
        &Path::new(DIR).join(format!("{}.lock", super::fixture::writer_id(1))),
        vec![],
    );
    drop(world.open(2));
    let found = check(&world);
    assert_eq!(found.condition(), Condition::Lossy);
    let words = ["Lost", "Quarantined"];
    let told = format!("{:?}", found.findings);
    assert!(words.iter().all(|word| told.contains(word)), "{told}");
}

#[test]
fn events_that_are_there_twice_are_counted() {
    let (world, path, content) = ended();
    let lines: Vec<_> = content.split_inclusive(|byte| *byte == b'\n').collect();
    let end = lines.len() - 1;
    let twice = [&lines[..end], &lines[end - 2..]].concat().concat();
    world.vfs.put(&path, twice);
    assert_eq!(problems(&check(&world)), [&Problem::Repeated { events: 2 }]);
}

#[test]
fn a_finding_is_a_flat_object_without_content() {
    let (world, path, mut content) = ended();
    content[700] ^= 0x01;
    world.vfs.put(&path, content);
    let check = check(&world);
    let json = serde_json::to_value(&check.findings[0]).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    assert_eq!(json["file"], name);
    assert_eq!(
        (&json["condition"], &json["problem"]),
        (&"damaged".into(), &"damaged".into())
    );
    assert!(json["bytes"].is_u64() && json["offset"].is_u64(), "{json}");
}
