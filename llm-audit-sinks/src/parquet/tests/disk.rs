//! When files become final, and what a failing disk does to them.

use std::sync::Arc;
use std::time::Duration;

use llm_audit_core::testing::ManualClock;
use llm_audit_core::vfs::{Fault, MemVfs, Op};
use llm_audit_core::{Batch, Durable};

use super::super::ParquetConfig;
use super::super::writer::RootWriter;
use super::{Disk, ROOT, all};
use crate::fixture::batches;

fn durable(batches: &[Batch]) -> Durable {
    let last = batches.last().unwrap();
    Durable::up_to(last.last_seq()).of(last.writer_id())
}

fn small() -> ParquetConfig {
    ParquetConfig::new(ROOT).file_max_bytes(64 << 10)
}

#[test]
fn an_event_is_durable_only_when_its_file_is_final() {
    let batches = batches(&[(20_000, 3); 3]);
    let mut disk = Disk::new();
    for batch in &batches {
        assert_eq!(disk.writer.write(batch).unwrap(), Durable::UNCHANGED);
    }
    assert_eq!((disk.names().len(), disk.temporary().len()), (0, 1));
    assert_eq!(disk.writer.confirm().unwrap(), durable(&batches));
    assert!(disk.events() == all(&batches));
    assert_eq!((disk.names().len(), disk.temporary().len()), (1, 0));
    assert_eq!(disk.names()[0].first_seq(), batches[0].first_seq());
    // There is nothing more to say, and nothing more to write.
    assert_eq!(disk.writer.confirm().unwrap(), Durable::UNCHANGED);
    let after = disk.vfs.after_power_cut();
    assert!(super::read_in(ROOT.as_ref(), &after) == all(&batches));
}

#[test]
fn a_file_becomes_final_when_it_is_large_enough() {
    let batches = batches(&[(20_000, 1_500); 4]);
    let mut disk = Disk::with(&MemVfs::new(), small());
    let mut said = Durable::UNCHANGED;
    for batch in &batches {
        let durable = disk.writer.write(batch).unwrap();
        if durable != Durable::UNCHANGED {
            said = durable;
        }
    }
    assert!(disk.names().len() > 1, "{:?}", disk.names());
    let last = disk.events().last().unwrap().seq();
    assert_eq!(said.up_to, last);
    disk.writer.confirm().unwrap();
    assert!(disk.events() == all(&batches));
}

#[test]
fn a_file_becomes_final_when_it_is_old_enough() {
    let batches = batches(&[(20_000, 2); 3]);
    let age = Duration::from_secs(60);
    let mut disk = Disk::with(&MemVfs::new(), ParquetConfig::new(ROOT).file_max_age(age));
    assert_eq!(disk.writer.limits().idle_flush, age);
    assert_eq!(disk.writer.write(&batches[0]).unwrap(), Durable::UNCHANGED);
    disk.clock.advance(age / 2);
    assert_eq!(disk.writer.write(&batches[1]).unwrap(), Durable::UNCHANGED);
    disk.clock.advance(age / 2);
    assert_eq!(
        disk.writer.write(&batches[2]).unwrap(),
        durable(&batches[..3])
    );
    assert_eq!(disk.names().len(), 1);
}

#[test]
fn every_event_is_in_the_directory_of_its_date_also_when_the_clock_goes_back() {
    let days = [20_000, 20_001, 20_000, 20_001].map(|day| (day, 3));
    let batches = batches(&days);
    let mut disk = Disk::new();
    for batch in &batches {
        disk.writer.write(batch).unwrap();
    }
    disk.writer.confirm().unwrap();
    assert!(disk.names().len() >= 4, "{:?}", disk.names());
    for (name, content) in super::final_contents(ROOT.as_ref(), &disk.vfs) {
        for event in super::decoded(content) {
            assert_eq!(event.recorded_at().date(), name.date());
        }
    }
    assert!(disk.events() == all(&batches));
}

#[test]
fn files_hold_the_events_of_one_writer() {
    let (first, second) = (batches(&[(20_000, 3)]), batches(&[(20_000, 3)]));
    let mut disk = Disk::new();
    disk.writer.write(&first[0]).unwrap();
    assert_eq!(disk.writer.write(&second[0]).unwrap(), durable(&first[..1]));
    assert_eq!(disk.writer.confirm().unwrap(), durable(&second[..1]));
    for (name, content) in super::final_contents(ROOT.as_ref(), &disk.vfs) {
        assert!(
            super::decoded(content)
                .iter()
                .all(|e| e.writer_id() == name.writer_id())
        );
    }
    assert_eq!(disk.events().len(), first[0].len() + second[0].len());
}

#[test]
fn events_that_come_again_are_written_once() {
    let batches = batches(&[(20_000, 5); 2]);
    let mut disk = Disk::new();
    for batch in [
        &batches[0],
        &batches[0],
        &batches[1],
        &batches[0],
        &batches[1],
    ] {
        disk.writer.write(batch).unwrap();
    }
    disk.writer.confirm().unwrap();
    for batch in &batches {
        disk.writer.write(batch).unwrap();
        disk.writer.confirm().unwrap();
    }
    for batch in batches.iter().skip(2) {
        disk.writer.write(batch).unwrap();
    }
    disk.writer.confirm().unwrap();
    assert!(disk.events() == all(&batches));
}

#[test]
fn what_a_full_disk_does_not_take_is_written_when_there_is_room() {
    let batches = batches(&[(20_000, 1_500); 4]);
    let mut disk = Disk::with(&MemVfs::new(), small());
    disk.vfs.limit(Some(30 << 10));
    let mut refused = 0;
    for batch in &batches {
        while let Err(error) = disk.writer.write(batch) {
            assert!(
                error.is_retry() && error.to_string().contains(".parquet"),
                "{error}"
            );
            refused += 1;
            if refused == 3 {
                disk.vfs.heal();
            }
        }
    }
    assert_eq!(refused, 3);
    disk.writer.confirm().unwrap();
    assert!(disk.events() == all(&batches));
    assert_eq!(disk.temporary().len(), 0);
}

#[test]
fn a_disk_that_confirms_nothing_makes_nothing_final() {
    let batches = batches(&[(20_000, 3); 2]);
    let mut disk = Disk::new();
    disk.vfs.fail_one_in(Op::SyncData, Fault::Io, 1);
    disk.writer.write(&batches[0]).unwrap();
    for _ in 0..3 {
        assert!(disk.writer.confirm().unwrap_err().is_retry());
        assert!(disk.writer.write(&batches[1]).unwrap_err().is_retry());
    }
    assert_eq!((disk.names().len(), disk.temporary().len()), (0, 1));
    disk.vfs.heal();
    for batch in &batches[1..] {
        disk.writer.write(batch).unwrap();
    }
    disk.writer.confirm().unwrap();
    assert!(disk.events() == all(&batches));
    assert_eq!(disk.temporary().len(), 0);
}

#[test]
fn a_file_whose_sync_failed_is_never_asked_again() {
    let batches = batches(&[(20_000, 3)]);
    let mut disk = Disk::new();
    disk.writer.write(&batches[0]).unwrap();
    let before = disk.temporary();
    disk.vfs.fail_nth(Op::SyncData, Fault::Io, 0);
    disk.writer.confirm().unwrap_err();
    assert_eq!(disk.temporary(), before);
    let created = disk.vfs.count(Op::Create);
    assert_eq!(disk.writer.confirm().unwrap(), durable(&batches[..1]));
    assert_eq!(disk.vfs.count(Op::Create), created + 1);
    assert!(disk.events() == all(&batches[..1]));
}

#[test]
fn a_name_that_the_disk_did_not_confirm_is_given_again() {
    let batches = batches(&[(20_000, 3)]);
    for op in [Op::Rename, Op::SyncDir, Op::CreateDir, Op::Open] {
        let mut disk = Disk::new();
        disk.writer.write(&batches[0]).unwrap();
        // Of the two directories that are confirmed the second has the name.
        disk.vfs
            .fail_nth(op, Fault::Io, u64::from(op == Op::SyncDir));
        assert!(disk.writer.confirm().unwrap_err().is_retry(), "{op:?}");
        assert_eq!(
            (disk.names().len(), disk.temporary().len()),
            (0, 1),
            "{op:?}"
        );
        assert_eq!(
            disk.writer.confirm().unwrap(),
            durable(&batches[..1]),
            "{op:?}"
        );
        assert!(super::read_in(ROOT.as_ref(), &disk.vfs.after_power_cut()) == all(&batches[..1]));
    }
}

#[test]
fn what_is_under_a_final_name_is_never_replaced() {
    let batches = batches(&[(20_000, 3)]);
    let mut disk = Disk::new();
    disk.writer.write(&batches[0]).unwrap();
    let name = super::ParquetFileName::new(
        batches[0].events()[0].recorded_at().date(),
        batches[0].writer_id(),
        batches[0].first_seq(),
    );
    disk.vfs
        .put(&name.path(ROOT.as_ref()), b"of another".to_vec());
    assert!(disk.writer.confirm().unwrap_err().is_retry());
    assert_eq!(
        disk.vfs.get(&name.path(ROOT.as_ref())).unwrap(),
        b"of another"
    );
}

#[test]
fn a_limit_out_of_its_range_is_named() {
    let temp = tempfile::tempdir().unwrap();
    let config = ParquetConfig::new(temp.path());
    for (config, name) in [
        (config.clone().file_max_bytes(1), "file_max_bytes"),
        (config.file_max_age(Duration::ZERO), "file_max_age"),
    ] {
        let error = super::super::ParquetSink::with(config).unwrap_err();
        assert!(
            error.is_configuration() && error.to_string().contains(name),
            "{error}"
        );
    }
}

#[test]
fn a_power_cut_leaves_a_file_below_directories_that_the_sink_made() {
    let batches = batches(&[(20_000, 3)]);
    let vfs = MemVfs::new();
    let root = std::path::Path::new("/a/b/table");
    let (shared, clock) = (Arc::new(vfs.clone()), Arc::new(ManualClock::new()));
    let mut writer = RootWriter::in_vfs(ParquetConfig::new(root), shared, clock).unwrap();
    for batch in &batches {
        writer.write(batch).unwrap();
    }
    assert_eq!(writer.confirm().unwrap(), durable(&batches));
    assert!(super::read_in(root, &vfs.after_power_cut()) == all(&batches));
}
