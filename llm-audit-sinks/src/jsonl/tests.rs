//! The sink with batches of a real log, on disks and streams that fail.

mod retention;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use llm_audit_core::testing::ManualClock;
use llm_audit_core::vfs::{Fault, MemVfs, Op};
use llm_audit_core::{Batch, Durable, Event, Operation, Sink, builder, journal};
use proptest::prelude::*;

use super::stream::StreamWriter;
use super::writer::DirWriter;
use super::{JsonlConfig, JsonlFileName, JsonlSink};
use crate::fixture::{LONG, batches, policy};

/// Returns a batch of at least three events.
fn batch_of_three() -> Batch {
    // The log makes a batch of what it finds; on a busy machine that can be one event at a time.
    let found = || {
        batches(&[(20_000, 50)])
            .into_iter()
            .find(|batch| batch.len() >= 3)
    };
    std::iter::repeat_with(found).flatten().next().unwrap()
}

struct Disk {
    vfs: MemVfs,
    clock: ManualClock,
    writer: DirWriter,
}

fn dir() -> PathBuf {
    PathBuf::from("/copy")
}

fn disk(vfs: MemVfs, file_max_bytes: u64) -> Disk {
    let clock = ManualClock::new();
    let config = JsonlConfig::new(dir()).file_max_bytes(file_max_bytes);
    let writer = DirWriter::in_vfs(config, Arc::new(vfs.clone()), Arc::new(clock.clone())).unwrap();
    Disk { vfs, clock, writer }
}

fn new_disk() -> Disk {
    disk(MemVfs::new(), 64 << 20)
}

fn all_lines(batches: &[Batch]) -> Vec<u8> {
    batches
        .iter()
        .flat_map(|batch| batch.json_lines().to_vec())
        .collect()
}

/// The lines in all files, in the order of the names.
fn lines(vfs: &MemVfs) -> Vec<Vec<u8>> {
    let files = vfs.files();
    let content = files
        .values()
        .flat_map(|content| content.split_inclusive(|b| *b == b'\n'));
    content.map(<[u8]>::to_vec).collect()
}

fn last(batches: &[Batch]) -> Option<u64> {
    batches.last().map(Batch::last_seq)
}

#[test]
fn a_directory_holds_the_lines_as_they_are_in_files_of_the_owner() {
    use std::os::unix::fs::PermissionsExt;

    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("a/copy");
    let audit = builder()
        .policy(policy())
        .sink(JsonlSink::dir(&dir).unwrap())
        .spawn()
        .unwrap();
    for _ in 0..20 {
        audit.begin(Operation::Chat).finish();
    }
    let report = audit.shutdown(LONG);
    assert!(report.is_complete(), "{report}");
    assert_eq!(report.counters.sink("jsonl").unwrap().delivered, 20);

    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let files: Vec<_> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|file| file.unwrap())
        .collect();
    assert_eq!(
        (files.len(), mode(&dir), mode(&files[0].path())),
        (1, 0o700, 0o600)
    );
    let name: JsonlFileName = files[0].file_name().to_str().unwrap().parse().unwrap();
    assert_eq!(name.writer_id(), audit.writer_id());
    assert!(
        !std::fs::read_to_string(files[0].path())
            .unwrap()
            .contains("\"crc\"")
    );
    let events = journal::Reader::open(&dir).unwrap().events();
    let events: Vec<_> = events
        .map(Result::unwrap)
        .filter(|e| e.kind().is_capture())
        .collect();
    assert_eq!(events.len(), 20);
}

#[test]
fn every_start_and_every_date_begins_a_file() {
    let batches = batches(&[(20_000, 2), (20_001, 2)]);
    let mut first = new_disk();
    for batch in &batches {
        first.writer.write(batch).unwrap();
    }
    let mut second = disk(first.vfs.clone(), 64 << 20);
    second.writer.write(&batches[0]).unwrap();
    let names = first.vfs.files().into_keys();
    let names: Vec<_> = names
        .map(|path| path.file_name().unwrap().to_owned())
        .collect();
    let names: Vec<_> = names.iter().map(|name| name.to_str().unwrap()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(
        names[0].starts_with("20241004-") && names[1].ends_with("_2.jsonl"),
        "{names:?}"
    );
    assert!(names[2].starts_with("20241005-"), "{names:?}");
    assert!(
        names
            .iter()
            .all(|name| name.parse::<JsonlFileName>().is_ok())
    );
}

#[test]
fn a_file_rolls_before_it_is_too_large() {
    let batches = batches(&[(20_000, 200); 4]);
    let mut disk = disk(MemVfs::new(), 64 << 10);
    for batch in &batches {
        disk.writer.write(batch).unwrap();
    }
    let files = disk.vfs.files();
    assert!(files.len() > 1);
    let largest = batches
        .iter()
        .map(|batch| batch.json_lines().len())
        .max()
        .unwrap();
    assert!(
        files
            .values()
            .all(|content| content.len() <= largest.max(64 << 10))
    );
    assert_eq!(
        files.into_values().flatten().collect::<Vec<_>>(),
        all_lines(&batches)
    );
}

#[test]
fn an_event_is_durable_only_when_the_disk_has_confirmed_it() {
    let batches = batches(&[(20_000, 1); 4]);
    let mut disk = new_disk();
    // The start confirms the name of the directory.
    let started = disk.vfs.count(Op::SyncDir);
    assert_eq!(disk.writer.write(&batches[0]).unwrap(), Durable::UNCHANGED);
    assert_eq!(disk.vfs.count(Op::SyncData), 0);
    disk.clock.advance(Duration::from_secs(1));
    let durable = disk.writer.write(&batches[1]).unwrap();
    assert_eq!(
        durable,
        Durable::up_to(batches[1].last_seq()).of(batches[1].writer_id())
    );
    assert_eq!(
        (
            disk.vfs.count(Op::SyncData),
            disk.vfs.count(Op::SyncDir) - started
        ),
        (1, 1)
    );
    assert_eq!(disk.writer.write(&batches[2]).unwrap(), Durable::UNCHANGED);
    assert_eq!(
        disk.writer.confirm().unwrap(),
        Durable::up_to(batches[2].last_seq()).of(batches[2].writer_id())
    );
    assert_eq!(
        (
            disk.vfs.count(Op::SyncData),
            disk.vfs.count(Op::SyncDir) - started
        ),
        (2, 1)
    );
    assert_eq!(disk.writer.confirm().unwrap(), Durable::UNCHANGED);
    assert_eq!(disk.vfs.count(Op::SyncData), 2);
}

#[test]
fn a_failed_write_leaves_no_half_line_and_its_batch_comes_again() {
    let batches = batches(&[(20_000, 3); 2]);
    let mut disk = new_disk();
    disk.writer.write(&batches[0]).unwrap();
    disk.vfs
        .limit(Some(batches[0].json_lines().len() as u64 + 10));
    let error = disk.writer.write(&batches[1]).unwrap_err();
    assert!(
        error.is_retry() && error.to_string().contains(".jsonl"),
        "{error}"
    );
    assert_eq!(lines(&disk.vfs).concat(), batches[0].json_lines());
    disk.vfs.heal();
    for batch in &batches[1..] {
        disk.writer.write(batch).unwrap();
    }
    assert_eq!(disk.writer.confirm().unwrap().up_to, last(&batches));
    assert_eq!(disk.vfs.files().len(), 1);
    assert_eq!(lines(&disk.vfs).concat(), all_lines(&batches));
}

#[test]
fn a_half_line_that_cannot_be_cut_off_stays_the_end_of_its_file() {
    let batches = batches(&[(20_000, 3); 2]);
    let mut disk = new_disk();
    disk.writer.write(&batches[0]).unwrap();
    disk.vfs
        .limit(Some(batches[0].json_lines().len() as u64 + 10));
    disk.vfs.fail_nth(Op::Truncate, Fault::Io, 0);
    disk.writer.write(&batches[1]).unwrap_err();
    disk.vfs.heal();
    for batch in &batches[1..] {
        disk.writer.write(batch).unwrap();
    }
    assert_eq!(disk.writer.confirm().unwrap().up_to, last(&batches));
    let files: Vec<_> = disk.vfs.files().into_values().collect();
    assert_eq!(files.len(), 2);
    assert!(
        files
            .iter()
            .any(|content| content.len() == batches[0].json_lines().len() + 10)
    );
    assert!(files.contains(&all_lines(&batches)));
}

#[test]
fn what_a_failed_sync_left_open_is_written_to_a_new_file() {
    let batches = batches(&[(20_000, 3); 2]);
    let mut disk = new_disk();
    for batch in &batches {
        disk.writer.write(batch).unwrap();
    }
    disk.vfs.fail_nth(Op::SyncData, Fault::Io, 0);
    assert_eq!(disk.writer.confirm().unwrap().up_to, last(&batches));
    // One failed on the first file, one succeeded on the second.
    assert_eq!(disk.vfs.count(Op::SyncData), 2);
    let files = disk.vfs.files();
    assert_eq!(files.len(), 2);
    assert!(
        files
            .values()
            .all(|content| *content == all_lines(&batches))
    );
}

#[test]
fn a_disk_that_confirms_nothing_makes_nothing_durable_and_no_litter() {
    let batches = batches(&[(20_000, 3); 2]);
    let mut disk = new_disk();
    disk.vfs.fail_one_in(Op::SyncData, Fault::Io, 1);
    disk.writer.write(&batches[0]).unwrap();
    for _ in 0..5 {
        disk.clock.advance(Duration::from_secs(2));
        assert!(disk.writer.write(&batches[1]).unwrap_err().is_retry());
        assert!(disk.writer.confirm().unwrap_err().is_retry());
    }
    assert_eq!(disk.vfs.files().len(), 1);
    disk.vfs.heal();
    for batch in &batches[1..] {
        disk.writer.write(batch).unwrap();
    }
    assert_eq!(disk.writer.confirm().unwrap().up_to, last(&batches));
    let files = disk.vfs.files();
    assert_eq!(*files.values().next_back().unwrap(), all_lines(&batches));
}

/// Takes some bytes at a time and fails between.
#[derive(Clone, Default)]
struct Rough {
    out: Arc<Mutex<Vec<u8>>>,
    /// What the next calls do: take so many bytes, or fail.
    script: Arc<Mutex<Vec<io::Result<usize>>>>,
    flush_fails: Arc<Mutex<bool>>,
}

impl Write for Rough {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let step = self
            .script
            .lock()
            .unwrap()
            .pop()
            .unwrap_or(Ok(bytes.len()))?;
        let taken = step.min(bytes.len());
        self.out.lock().unwrap().extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        match *self.flush_fails.lock().unwrap() {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => Ok(()),
        }
    }
}

fn storage_full() -> io::Result<usize> {
    Err(io::ErrorKind::StorageFull.into())
}

#[test]
fn a_line_that_a_stream_cut_goes_on_where_it_ended() {
    let whole = &batch_of_three();
    let first_line = whole.lines().next().unwrap().len() + 1;
    let rough = Rough::default();
    rough
        .script
        .lock()
        .unwrap()
        .extend([storage_full(), Ok(5), Ok(first_line)]);
    let mut stream = StreamWriter::new(rough.clone());
    let error = stream.write(whole).unwrap_err();
    assert!(error.is_retry());
    assert_eq!(rough.out.lock().unwrap().len(), first_line + 5);
    assert_eq!(stream.confirm().unwrap(), Durable::UNCHANGED);
    // The log gives the rest from the event that the error names; a log without that skill gives
    // the whole batch, whose first event is another one.
    let again = stream.write(whole);
    let out = rough.out.lock().unwrap().clone();
    assert_eq!(
        again.unwrap(),
        Durable::up_to(whole.last_seq()).of(whole.writer_id())
    );
    assert!(out.starts_with(&whole.json_lines()[..first_line + 5]));
    assert!(out[first_line + 5..].starts_with(b"\n{"));
    assert!(out.ends_with(whole.json_lines()));
}

#[test]
fn a_log_on_a_rough_stream_is_whole() {
    let rough = Rough::default();
    let script = [
        storage_full(),
        Ok(7),
        storage_full(),
        Ok(1_000),
        Ok(3),
        storage_full(),
        Ok(100),
    ];
    rough.script.lock().unwrap().extend(script);
    let sink = JsonlSink::writer(rough.clone()).named("rough");
    let log = builder().policy(policy()).sink(sink).on_diagnostic(|_| {});
    let audit = log.spawn().unwrap();
    for _ in 0..10 {
        audit.begin(Operation::Chat).finish();
    }
    let report = audit.shutdown(LONG);
    assert!(report.is_complete(), "{report}");
    let out = String::from_utf8(rough.out.lock().unwrap().clone()).unwrap();
    let events = out
        .lines()
        .map(|line| Event::from_json(line.as_bytes()).unwrap());
    assert_eq!(events.filter(|event| event.kind().is_capture()).count(), 10);
}

#[test]
fn what_a_stream_has_not_flushed_is_not_durable() {
    let batches = batches(&[(20_000, 3)]);
    let rough = Rough::default();
    *rough.flush_fails.lock().unwrap() = true;
    let mut stream = StreamWriter::new(rough.clone());
    assert!(stream.write(&batches[0]).unwrap_err().is_retry());
    assert!(stream.confirm().unwrap_err().is_retry());
    *rough.flush_fails.lock().unwrap() = false;
    assert_eq!(
        stream.confirm().unwrap(),
        Durable::up_to(batches[0].last_seq()).of(batches[0].writer_id())
    );
}

#[test]
fn a_sink_is_named_after_its_target_unless_it_is_named() {
    let temp = tempfile::tempdir().unwrap();
    assert_eq!(JsonlSink::dir(temp.path()).unwrap().name(), "jsonl");
    assert_eq!(JsonlSink::stdout().name(), "stdout");
    assert_eq!(JsonlSink::stdout().named("console").name(), "console");
    let small = JsonlConfig::new(temp.path()).file_max_bytes(1);
    let error = JsonlSink::with(small).unwrap_err();
    assert!(
        error.is_configuration() && error.to_string().contains("file_max_bytes"),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever fails: what was said to be durable is there, every line is whole, and once the disk
    /// works everything that was taken is there.
    #[test]
    fn a_failing_disk_loses_nothing_that_was_taken(
        seed: u64, write in 1_u64..6, sync in 1_u64..6, other in 2_u64..8, short: bool,
    ) {
        thread_local! {
            static BATCHES: Vec<Batch> = batches(&[
                (20_000, 3), (20_000, 90), (20_000, 1), (20_001, 40), (20_001, 2), (20_001, 2),
            ]);
        }
        BATCHES.with(|batches| {
            let mut disk = disk(MemVfs::seeded(seed), 64 << 10);
            let fault = if short { Fault::Short } else { Fault::NoSpace };
            disk.vfs.fail_one_in(Op::Write, fault, write + 1);
            disk.vfs.fail_one_in(Op::SyncData, Fault::Io, sync + 1);
            for op in [Op::Create, Op::SyncDir, Op::Truncate, Op::CreateDir] {
                disk.vfs.fail_one_in(op, Fault::Io, other);
            }
            let mut durable = 0;
            for batch in batches {
                let mut tries = 0;
                loop {
                    disk.clock.advance(Duration::from_millis(400));
                    tries += 1;
                    if tries == 50 {
                        disk.vfs.heal();
                    }
                    match disk.writer.write(batch) {
                        Ok(said) => {
                            durable = durable.max(said.up_to.unwrap_or(0));
                            break;
                        }
                        Err(error) => assert!(error.is_retry()),
                    }
                }
                let found = lines(&disk.vfs);
                let taken = batches.iter().flat_map(|b| b.seqs().iter().copied().zip(b.lines()));
                for (_, line) in taken.filter(|(seq, _)| *seq <= durable) {
                    prop_assert!(found.iter().any(|found| found.strip_suffix(b"\n") == Some(line)));
                }
            }
            disk.vfs.heal();
            let said = disk.writer.confirm().unwrap();
            prop_assert!(said.up_to.unwrap_or(durable) == last(batches).unwrap());
            let found = lines(&disk.vfs);
            for line in batches.iter().flat_map(Batch::lines) {
                prop_assert!(found.iter().any(|found| found.strip_suffix(b"\n") == Some(line)));
            }
            Ok(())
        })?;
    }
}

#[test]
fn a_power_cut_leaves_a_copy_below_directories_that_the_sink_made() {
    let batches = batches(&[(20_000, 3)]);
    let vfs = MemVfs::new();
    let config = JsonlConfig::new("/a/b/copy");
    let clock = Arc::new(ManualClock::new());
    let mut writer = DirWriter::in_vfs(config, Arc::new(vfs.clone()), clock).unwrap();
    for batch in &batches {
        writer.write(batch).unwrap();
    }
    assert_eq!(writer.confirm().unwrap().up_to, last(&batches));
    let left: Vec<_> = vfs.after_power_cut().files().into_values().collect();
    assert!(left == [all_lines(&batches)]);
}

#[test]
fn a_directory_on_a_share_is_refused_unless_it_may_be_there() {
    let vfs = MemVfs::new();
    vfs.share_as("NFS");
    let start = |allowed| {
        let config = JsonlConfig::new("/copies").on_share(allowed);
        let clock = Arc::new(ManualClock::new());
        DirWriter::in_vfs(config, Arc::new(vfs.clone()), clock).map(drop)
    };
    let error = start(false).unwrap_err();
    assert!(error.is_configuration(), "{error}");
    assert!(error.to_string().contains("NFS"), "{error}");
    start(true).unwrap();
}

#[test]
fn what_a_killed_run_left_goes_with_the_next_start() {
    let vfs = MemVfs::new();
    let start = || {
        let clock = Arc::new(ManualClock::new());
        DirWriter::in_vfs(JsonlConfig::new("/copies"), Arc::new(vfs.clone()), clock).map(drop)
    };
    start().unwrap();
    let name = "20261121-019b76da-a800-7000-8000-000000000002-00000000000000000017.jsonl";
    assert!(name.parse::<JsonlFileName>().is_ok());
    let (left, notes) = (format!("/copies/.{name}.tmp"), "/copies/.notes.tmp");
    vfs.put(left.as_ref(), b"content".to_vec());
    vfs.put(notes.as_ref(), b"notes".to_vec());
    start().unwrap();
    assert!(vfs.get(left.as_ref()).is_none() && vfs.get(notes.as_ref()).is_some());
}
