//! Where retention meets the last instant of a hold, and files that others wrote anew.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use llm_audit_core::testing::{ManualClock, MemorySink};
use llm_audit_core::upkeep::Trial;
use llm_audit_core::vfs::{MemVfs, Vfs};
use llm_audit_core::{
    Batch, Event, Facet, Hold, Level, Operation, Policy, Retention, Retentions, Timestamp, builder,
};

use super::super::CompactionOptions;
use super::super::maintenance::{RootUpkeep, compact_in};
use super::{Disk, ROOT, all, read_in};
use crate::fixture::{DAY, LONG, batches, policy};

/// Models for 30 days, everything else for a year.
fn retentions() -> Retentions {
    let policy = Policy::builder()
        .facet(Facet::Model, Level::Full)
        .retention(Retention::Days(365))
        .retain(Facet::Model, Retention::Days30);
    policy.build().unwrap().retentions()
}

fn at(days: i64) -> Timestamp {
    Timestamp::from_unix_micros(days * DAY)
}

fn written(batches: &[Batch]) -> MemVfs {
    let mut disk = Disk::new();
    for batch in batches {
        disk.writer.write(batch).unwrap();
        disk.writer.confirm().unwrap();
    }
    disk.writer.close().unwrap();
    disk.vfs.clone()
}

fn upkeep(vfs: &MemVfs) -> RootUpkeep {
    RootUpkeep::new(PathBuf::from(ROOT), Arc::new(vfs.clone()), false)
}

#[test]
fn a_hold_that_begins_at_a_files_last_instant_keeps_its_event() {
    let last = Timestamp::from_unix_micros(20_001 * DAY - 1);
    let memory = MemorySink::new();
    let log = builder()
        .policy(policy())
        .sink(memory.clone())
        .clock(ManualClock::at(last));
    let audit = log.spawn().unwrap();
    audit.begin(Operation::Chat).finish();
    assert!(audit.shutdown(LONG).is_complete());
    let batches = memory.batches();
    let events = all(&batches);
    assert!(events.iter().all(|event| event.recorded_at() == last));
    let vfs = written(&batches);
    let trial = Trial::new(Arc::new(MemVfs::new()));
    trial.hold(vec![Hold::between("m", last, at(20_001))]);
    let plan = trial
        .run(&mut upkeep(&vfs), &retentions(), at(20_500), false)
        .0;
    assert!(plan.held_events > 0, "{plan:?}");
    assert!(read_in(Path::new(ROOT), &vfs) == events);
}

#[test]
fn what_a_compaction_put_under_the_name_of_a_narrowed_file_is_narrowed_too() {
    let mut batches = batches(&[(20_000, 1), (20_000, 1)]);
    let has_model = |batch: &Batch| batch.events().iter().any(|e| e.request_model().is_some());
    let first = batches.iter().position(has_model).unwrap();
    let vfs = written(&batches.split_off(first));
    let files: Vec<_> = vfs.files().into_iter().collect();
    let files: Vec<_> = files
        .iter()
        .filter(|(_, content)| !content.is_empty())
        .collect();
    let (_, others) = files.split_first().unwrap();
    let with_models = |vfs: &MemVfs| {
        let events: Vec<Event> = read_in(Path::new(ROOT), vfs);
        let models = events
            .iter()
            .filter(|event| event.request_model().is_some());
        models.count()
    };
    // The run comes as far as the first.
    for (path, _) in others {
        vfs.unlink(path).unwrap();
    }
    let trial = Trial::new(Arc::new(MemVfs::new()));
    let mut upkeep = upkeep(&vfs);
    let mut run = || trial.run(&mut upkeep, &retentions(), at(20_032), false).0;
    assert_eq!(run().rewritten.len(), 1);
    for (path, content) in others {
        vfs.put(path, content.clone());
    }
    assert!(with_models(&vfs) > 0);
    let (root, options) = (Path::new(ROOT), CompactionOptions::new());
    let done = compact_in(Arc::new(vfs.clone()), root, options, at(20_032)).unwrap();
    assert_eq!(done.written.len(), 1);
    assert_eq!(run().rewritten.len(), 1);
    assert_eq!(with_models(&vfs), 0);
}

#[test]
fn a_root_on_a_share_is_refused_unless_it_may_be_there() {
    use super::super::ParquetConfig;
    use super::super::writer::RootWriter;

    let vfs = MemVfs::new();
    vfs.share_as("NFS");
    let start = |allowed| {
        let config = ParquetConfig::new(ROOT).on_share(allowed);
        let clock = Arc::new(ManualClock::new());
        RootWriter::in_vfs(config, Arc::new(vfs.clone()), clock).map(drop)
    };
    let error = start(false).unwrap_err();
    assert!(error.is_configuration(), "{error}");
    assert!(error.to_string().contains("NFS"), "{error}");
    start(true).unwrap();
}

#[test]
fn what_another_file_does_not_hold_as_it_is_is_not_removed_as_left_over() {
    let mut batches = batches(&[(20_000, 1), (20_000, 1)]);
    let has_model = |batch: &Batch| batch.events().iter().any(|e| e.request_model().is_some());
    let first = batches.iter().position(has_model).unwrap();
    let batches = batches.split_off(first);
    let (vfs, root) = (written(&batches), Path::new(ROOT));
    let compact = || {
        let options = CompactionOptions::new();
        compact_in(Arc::new(vfs.clone()), root, options, at(20_032)).unwrap()
    };
    let files = || super::final_contents(root, &vfs);
    let before = files();
    assert_eq!(compact().written.len(), 1);
    // It was killed before it removed the others, and retention came as far as the first.
    let second = before.into_iter().nth(1).unwrap();
    vfs.put(&second.0.path(root), second.1.clone());
    let trial = Trial::new(Arc::new(MemVfs::new())).budget(1);
    let mut upkeep = upkeep(&vfs);
    let mut run = || trial.run(&mut upkeep, &retentions(), at(20_032), false).0;
    assert_eq!(run().rewritten.len(), 1);
    let done = compact();
    assert_eq!(
        (done.left_over, done.skipped),
        (0, vec![second.0.to_string()])
    );
    assert!(files()[&second.0] == second.1);
    run();
    assert_eq!(compact().left_over, 1);
    assert_eq!(files().len(), 1);
}

#[test]
fn what_a_killed_compaction_left_goes_with_the_next_also_when_there_is_nothing_to_merge() {
    let vfs = written(&batches(&[(20_000, 1)]));
    let left = "_inprogress/019b76da-a800-7000-8000-000000000002-1.tmp";
    let left = Path::new(ROOT).join(left);
    vfs.put(&left, b"content".to_vec());
    let options = CompactionOptions::new();
    compact_in(Arc::new(vfs.clone()), Path::new(ROOT), options, at(20_000)).unwrap();
    assert!(vfs.get(&left).is_none());
}
