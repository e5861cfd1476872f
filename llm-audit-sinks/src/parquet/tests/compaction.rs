//! Small files of a day become few, and nobody misses an event.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use llm_audit_core::vfs::{Access, MemVfs, OsVfs, Vfs};
use llm_audit_core::{Batch, Event, Timestamp};

use super::super::maintenance::compact_in;
use super::super::reader::ParquetReader;
use super::super::{Compaction, CompactionOptions};
use super::killing::Killing;
use super::{Disk, ROOT, all};
use crate::fixture::{DAY, batches};

/// Two hours behind the end of the files' last day.
fn later() -> Timestamp {
    Timestamp::from_unix_micros(20_002 * DAY + DAY / 12)
}

fn compact(vfs: impl Vfs, now: Timestamp) -> Compaction {
    let options = CompactionOptions::new();
    compact_in(Arc::new(vfs), Path::new(ROOT), options, now).unwrap()
}

fn write(disk: &mut Disk, batches: &[Batch]) {
    for batch in batches {
        disk.writer.write(batch).unwrap();
        disk.writer.confirm().unwrap();
    }
}

/// A root with two writers, one of them with a file for each batch of two days.
fn lake() -> (MemVfs, Vec<Event>) {
    let mut disk = Disk::new();
    let first = batches(&[
        (20_000, 2),
        (20_000, 2),
        (20_000, 1),
        (20_001, 1),
        (20_001, 1),
    ]);
    write(&mut disk, &first);
    let second = batches(&[(20_001, 1), (20_001, 1)]);
    write(&mut disk, &second);
    disk.writer.close().unwrap();
    let mut events = all(&first);
    events.extend(all(&second));
    (disk.vfs.clone(), sorted(events))
}

/// A root with some files of one day.
fn day() -> (MemVfs, Vec<Event>) {
    let mut disk = Disk::new();
    let batches = batches(&[(20_000, 1), (20_000, 1), (20_000, 1)]);
    write(&mut disk, &batches);
    disk.writer.close().unwrap();
    assert!(final_names(&disk.vfs).len() > 2);
    (disk.vfs.clone(), sorted(all(&batches)))
}

fn sorted(mut events: Vec<Event>) -> Vec<Event> {
    events.sort_by_key(|event| (event.writer_id(), event.seq()));
    events
}

fn open(vfs: &MemVfs) -> ParquetReader {
    ParquetReader::open_in(Arc::new(vfs.clone()), Path::new(ROOT)).unwrap()
}

fn read(vfs: &MemVfs) -> Vec<Event> {
    sorted(open(vfs).map(Result::unwrap).collect())
}

fn final_names(vfs: &MemVfs) -> Vec<PathBuf> {
    let mut names: Vec<_> = vfs.files().into_keys().collect();
    names.retain(|name| name.extension().is_some_and(|end| end == "parquet"));
    names
}

/// How many files each writer has of each date.
fn counts(names: &[PathBuf]) -> Vec<usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        let text = name.to_str().unwrap();
        let (writer, _) = text.rsplit_once('-').unwrap();
        *counts.entry(writer).or_insert(0) += 1;
    }
    counts.into_values().collect()
}

#[test]
fn a_closed_day_becomes_one_file_of_each_writer_with_the_same_events() {
    let (vfs, events) = lake();
    let before = final_names(&vfs);
    let done = compact(vfs.clone(), later());
    let after = final_names(&vfs);
    let several = counts(&before).into_iter().filter(|count| *count > 1);
    let several: Vec<_> = several.collect();
    assert!(several.len() > 1);
    assert_eq!(done.written.len(), several.len());
    assert_eq!(done.merged, several.iter().sum::<usize>() as u64);
    assert_eq!(counts(&after), vec![1; counts(&before).len()]);
    assert!(done.skipped.is_empty() && done.freed > 0 && done.left_over == 0);
    assert!(after.iter().all(|name| before.contains(name)));
    assert!(read(&vfs) == events);
    // There is nothing more to do, and no byte changes.
    let files = vfs.files();
    assert_eq!(compact(vfs.clone(), later()), Compaction::default());
    assert!(vfs.files() == files);
    // Nothing unfinished stays.
    assert!(
        files
            .keys()
            .all(|name| name.extension().is_none_or(|end| end != "tmp"))
    );
}

#[test]
fn a_day_that_is_not_over_is_left_alone() {
    let (vfs, _) = lake();
    let files = vfs.files();
    let midnight = Timestamp::from_unix_micros(20_001 * DAY);
    assert_eq!(compact(vfs.clone(), midnight), Compaction::default());
    assert!(vfs.files() == files);
}

#[test]
fn a_sink_recognises_what_was_merged_and_writes_none_of_it_again() {
    let mut disk = Disk::new();
    let batches = batches(&[(20_000, 2), (20_000, 2), (20_001, 1)]);
    write(&mut disk, &batches);
    compact(disk.vfs.clone(), later());
    let names = final_names(&disk.vfs);
    let mut next = Disk::with(&disk.vfs, super::ParquetConfig::new(ROOT));
    write(&mut next, &batches);
    assert_eq!(final_names(&disk.vfs), names);
    assert!(read(&disk.vfs) == sorted(all(&batches)));
}

#[test]
fn files_between_which_another_date_lies_are_not_merged() {
    let mut disk = Disk::new();
    // The clock went back over midnight.
    let batches = batches(&[(20_000, 1), (20_001, 1), (20_000, 1), (20_001, 1)]);
    write(&mut disk, &batches);
    let first = |vfs: &MemVfs| {
        let reader = open(vfs).map(Result::unwrap);
        reader
            .map(|event| event.recorded_at().date())
            .collect::<Vec<_>>()
    };
    let before = first(&disk.vfs);
    compact(disk.vfs.clone(), later());
    assert_eq!(first(&disk.vfs), before);
    assert!(final_names(&disk.vfs).len() >= 4);
    assert!(read(&disk.vfs) == sorted(all(&batches)));
}

#[test]
fn killed_or_cut_off_at_any_call_no_event_is_missing_and_our_reader_doubles_none() {
    let (vfs, events) = day();
    let end = {
        let done = vfs.snapshot();
        compact(done.clone(), later());
        final_names(&done)
    };
    let mut twice = false;
    for n in 0.. {
        let disk = vfs.snapshot();
        let options = CompactionOptions::new();
        let killed = Arc::new(Killing::at(&disk, n));
        let done = compact_in(killed, Path::new(ROOT), options, later());
        for left in [
            disk.snapshot(),
            disk.after_power_cut(),
            disk.after_power_cut_by(n as u64),
        ] {
            assert!(read(&left) == events, "killed at call {n}");
            // What engines see: every event, and now and then one twice.
            let rows: Vec<_> = super::read_in(Path::new(ROOT), &left);
            twice |= rows.len() > events.len();
            assert!(sorted(deduplicated(rows)) == events, "killed at call {n}");
            assert!(compact(left.clone(), later()).skipped.is_empty());
            assert!(read(&left) == events, "killed at call {n}");
            assert_eq!(final_names(&left), end, "killed at call {n}");
        }
        disk.heal();
        if done.is_ok_and(|done| done.skipped.is_empty()) && final_names(&disk) == end {
            assert!(n > 10 && twice, "{n}");
            return;
        }
    }
}

fn deduplicated(rows: Vec<Event>) -> Vec<Event> {
    let mut seen = BTreeSet::new();
    let is_new = |event: &Event| seen.insert((event.writer_id(), event.seq()));
    rows.into_iter().filter(is_new).collect()
}

#[test]
fn a_reader_that_began_before_returns_every_event_once() {
    let (vfs, events) = day();
    for read_before in 0..=events.len() {
        let disk = vfs.snapshot();
        let mut reader = open(&disk);
        let mut found: Vec<_> = reader
            .by_ref()
            .take(read_before)
            .map(Result::unwrap)
            .collect();
        compact(disk.clone(), later());
        found.extend(reader.map(Result::unwrap));
        assert!(sorted(found) == events, "after {read_before}");
    }
}

#[test]
fn readers_beside_a_compaction_never_miss_an_event() {
    let (vfs, events) = day();
    let temp = tempfile::tempdir().unwrap();
    let at = |path: &Path| temp.path().join(path.strip_prefix(ROOT).unwrap());
    for _ in 0..3 {
        for (path, content) in vfs.files() {
            std::fs::create_dir_all(at(&path).parent().unwrap()).unwrap();
            std::fs::write(at(&path), content).unwrap();
        }
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut rounds = 0;
                while !over.load(Ordering::SeqCst) || rounds == 0 {
                    let reader = ParquetReader::open(temp.path()).unwrap();
                    let found = sorted(reader.map(Result::unwrap).collect());
                    assert!(found == events);
                    rounds += 1;
                }
            });
            let options = CompactionOptions::new();
            let done = compact_in(Arc::new(OsVfs::new()), temp.path(), options, later());
            over.store(true, Ordering::SeqCst);
            assert_eq!(done.unwrap().written.len(), 1);
            reader.join().unwrap();
        });
    }
}

#[test]
fn what_cannot_be_read_is_told_and_divides_the_others() {
    let (vfs, _) = day();
    let names = final_names(&vfs);
    vfs.put(&names[1], b"no Parquet".to_vec());
    let done = compact(vfs.clone(), later());
    assert_eq!(done.skipped.len(), 1, "{done:?}");
    assert_eq!(vfs.get(&names[1]).unwrap(), b"no Parquet");
    assert_eq!(done.written.len(), usize::from(names.len() > 3), "{done:?}");
}

#[test]
fn a_second_program_leaves_a_root_alone_that_another_works_on() {
    let (vfs, _) = day();
    let lock = Path::new(ROOT).join("_inprogress/maintenance.lock");
    vfs.put(&lock, Vec::new());
    let other = vfs.open(&lock, Access::Append).unwrap();
    assert!(other.try_lock().unwrap());
    let files = vfs.files();
    assert!(compact(vfs.clone(), later()).is_busy);
    assert!(vfs.files() == files);
}

#[test]
fn files_that_are_large_enough_stay_and_a_target_out_of_range_is_named() {
    let (vfs, events) = day();
    let files = vfs.files();
    let options = CompactionOptions::new().target_bytes(64 << 10);
    let shared: Arc<dyn Vfs> = Arc::new(vfs.clone());
    let done = compact_in(Arc::clone(&shared), Path::new(ROOT), options, later()).unwrap();
    assert_eq!(done, Compaction::default());
    assert!(final_names(&vfs).len() == files.len() && read(&vfs) == events);
    let none = CompactionOptions::new().target_bytes(1);
    let error = compact_in(shared, Path::new(ROOT), none, later()).unwrap_err();
    assert!(
        error.is_configuration() && error.to_string().contains("65536"),
        "{error}"
    );
}
