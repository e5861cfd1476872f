//! What the next start finds, wherever the one before ended.

use std::path::Path;

use llm_audit_core::vfs::MemVfs;
use llm_audit_core::{Batch, Event};

use super::super::ParquetConfig;
use super::{Disk, ROOT, all, read_in};
use crate::fixture::batches;

fn config() -> ParquetConfig {
    ParquetConfig::new(ROOT).file_max_bytes(64 << 10)
}

/// Writes the batches, a flush after every second one, until the disk stops; returns up to which
/// number the log was told that its events are durable.
fn run(disk: &mut Disk, batches: &[Batch]) -> Option<u64> {
    let mut told = None;
    for (number, batch) in batches.iter().enumerate() {
        match disk.writer.write(batch) {
            Ok(durable) => told = told.max(durable.up_to),
            Err(_) => return told,
        }
        if number % 2 == 1 {
            match disk.writer.confirm() {
                Ok(durable) => told = told.max(durable.up_to),
                Err(_) => return told,
            }
        }
    }
    told.max(disk.writer.confirm().ok().and_then(|durable| durable.up_to))
}

/// Returns what is left of the batches above `seq`.
fn above(batches: &[Batch], seq: Option<u64>) -> Vec<Batch> {
    let cut = |batch: &&Batch| seq.is_none_or(|seq| batch.last_seq() > seq);
    // The log begins with the event after the last durable one; a whole batch is harder.
    batches.iter().filter(cut).cloned().collect()
}

fn check(after: MemVfs, batches: &[Batch], told: Option<u64>, what: &str) {
    // Whatever is under a final name can be read, and what was told to be durable is there.
    let found = read_in(Path::new(ROOT), &after);
    let has = |seq: &u64| found.iter().any(|event| event.seq() == Some(*seq));
    let durable = batches.iter().flat_map(|batch| batch.seqs().to_vec());
    for seq in durable.filter(|seq| told.is_some_and(|told| *seq <= told)) {
        assert!(has(&seq), "{what}: {seq} was durable and is gone");
    }
    let mut next = Disk::with(&after, config());
    assert_eq!(next.temporary().len(), 0, "{what}");
    for batch in above(batches, told) {
        next.writer.write(&batch).unwrap();
    }
    next.writer.confirm().unwrap();
    let mut events = next.events();
    events.sort_by_key(Event::seq);
    assert!(
        events == all(batches),
        "{what}: events are missing, doubled or changed"
    );
    // All of them count as delivered now, also those that the start before left in final files.
    let mut left = read_in(Path::new(ROOT), &after.after_power_cut());
    left.sort_by_key(Event::seq);
    assert!(
        left == events,
        "{what}: a later power cut takes what counts as delivered"
    );
}

/// A log of two dates, of few batches.
fn days() -> Vec<Batch> {
    batches(&[(20_000, 3), (20_001, 2)])
}

#[test]
fn a_restart_after_any_step_loses_and_doubles_nothing() {
    let batches = days();
    let last = batches.last().map(Batch::last_seq);
    for step in 0.. {
        let vfs = MemVfs::new();
        let mut disk = Disk::with(&vfs, config());
        vfs.halt_after(step);
        let told = run(&mut disk, &batches);
        let cut = vfs.after_power_cut();
        check(cut, &batches, told, &format!("power cut after step {step}"));
        // A kill leaves what was not synchronised yet where it is.
        drop(disk);
        vfs.heal();
        check(vfs, &batches, told, &format!("killed after step {step}"));
        if told == last {
            assert!(step > 20, "only {step} steps");
            break;
        }
    }
}

#[test]
fn a_cursor_that_is_lost_doubles_nothing() {
    let batches = days();
    let vfs = MemVfs::new();
    let mut disk = Disk::with(&vfs, config());
    run(&mut disk, &batches);
    disk.writer.confirm().unwrap();
    let files = disk.names();
    let mut next = Disk::with(&vfs, config());
    let mut told = None;
    for batch in &batches {
        told = told.max(next.writer.write(batch).unwrap().up_to);
    }
    assert_eq!(told, Some(batches.last().unwrap().last_seq()));
    assert_eq!(next.names(), files);
    assert!(next.events() == all(&batches));
}

#[test]
fn two_on_one_root_do_not_disturb_each_other() {
    let (of_first, of_second) = (days(), days());
    let vfs = MemVfs::new();
    let mut first = Disk::with(&vfs, config());
    first.writer.write(&of_first[0]).unwrap();
    let mut second = Disk::with(&vfs, config());
    assert_eq!(first.temporary().len(), 1);
    run(&mut second, &of_second);
    for batch in &of_first[1..] {
        first.writer.write(batch).unwrap();
    }
    first.writer.confirm().unwrap();
    second.writer.confirm().unwrap();
    let events = first.events();
    assert_eq!(events.len(), all(&of_first).len() + all(&of_second).len());
    for batches in [&of_first, &of_second] {
        assert!(all(batches).iter().all(|event| events.contains(event)));
    }
}

#[test]
fn a_damaged_file_of_a_writer_that_comes_again_is_named() {
    let batches = days();
    let vfs = MemVfs::new();
    let mut disk = Disk::with(&vfs, config());
    run(&mut disk, &batches);
    disk.writer.confirm().unwrap();
    let damaged = disk.names()[0].clone();
    vfs.put(&damaged.path(Path::new(ROOT)), b"PAR1 not".to_vec());
    let mut next = Disk::with(&vfs, config());
    let error = next.writer.write(&batches[0]).unwrap_err();
    assert!(
        error.is_retry() && error.to_string().contains(&damaged.to_string()),
        "{error}"
    );
    // Moved away, it stands in nobody's way.
    let moved = Path::new("/elsewhere");
    vfs.put(moved, Vec::new());
    llm_audit_core::vfs::Vfs::rename(&vfs, &damaged.path(Path::new(ROOT)), moved).unwrap();
    for batch in &batches {
        next.writer.write(batch).unwrap();
    }
    next.writer.confirm().unwrap();
    let mut events = next.events();
    events.sort_by_key(Event::seq);
    assert!(events == all(&batches));
}
