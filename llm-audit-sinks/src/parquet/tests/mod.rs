//! The sink with batches of a real log, on disks that fail.

mod arbitrary;
mod boundary;
mod compaction;
mod disk;
mod exposure;
mod killing;
#[cfg(feature = "store")]
mod objects;
mod reader;
mod restart;
mod retention;
#[cfg(feature = "store")]
mod rounds;
mod roundtrip;
#[cfg(feature = "store")]
mod upload;
#[cfg(feature = "store")]
mod waiting;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use llm_audit_core::testing::ManualClock;
use llm_audit_core::vfs::{MemVfs, OsVfs, Vfs};
use llm_audit_core::{Batch, Event, Sink};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::file_name::ParquetFileName;
use super::row_groups::RowGroups;
use super::staging::final_files;
use super::writer::RootWriter;
use super::{ParquetConfig, decode};
use crate::fixture::LONG;

const ROOT: &str = "/root";

/// The final files of a root, each with its content, in the order of writers and numbers.
fn final_contents(root: &Path, vfs: &dyn Vfs) -> BTreeMap<ParquetFileName, Vec<u8>> {
    let names = final_files(root, vfs).unwrap().into_iter();
    let content = |name: ParquetFileName| {
        let file = vfs
            .open(&name.path(root), llm_audit_core::vfs::Access::Read)
            .unwrap();
        let mut content = vec![0; usize::try_from(file.size().unwrap()).unwrap()];
        assert_eq!(file.read_at(&mut content, 0).unwrap(), content.len());
        (name, content)
    };
    names.map(content).collect()
}

fn decoded(content: Vec<u8>) -> Vec<Event> {
    let rows = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(content)).unwrap();
    let rows = rows.build().unwrap();
    rows.flat_map(|rows| decode::events(&rows.unwrap()).unwrap())
        .collect()
}

/// Returns the events in the final files, by writer and number as the files' names have them.
fn read_in(root: &Path, vfs: &dyn Vfs) -> Vec<Event> {
    let mut files: Vec<_> = final_contents(root, vfs).into_iter().collect();
    files.sort_by_key(|(name, _)| (name.writer_id(), name.first_seq()));
    files
        .into_iter()
        .flat_map(|(_, content)| decoded(content))
        .collect()
}

pub(super) fn read(root: &Path) -> Vec<Event> {
    read_in(root, &OsVfs::new())
}

/// Returns a file of these events, which come a few at a time.
fn encoded(events: &[Event]) -> Vec<u8> {
    let mut groups = RowGroups::new(Vec::new()).unwrap();
    for events in events.chunks(7) {
        events.iter().for_each(|event| groups.push(event));
        groups.take_columns().unwrap();
    }
    groups.finish().unwrap();
    std::mem::take(groups.out().unwrap())
}

/// A sink on a disk in memory.
struct Disk {
    vfs: MemVfs,
    clock: ManualClock,
    writer: RootWriter,
}

impl Disk {
    fn new() -> Self {
        Self::with(&MemVfs::new(), ParquetConfig::new(ROOT))
    }

    fn with(vfs: &MemVfs, config: ParquetConfig) -> Self {
        let clock = ManualClock::new();
        let time = Arc::new(clock.clone());
        let writer = RootWriter::in_vfs(config, Arc::new(vfs.clone()), time).unwrap();
        Self {
            vfs: vfs.clone(),
            clock,
            writer,
        }
    }

    fn events(&self) -> Vec<Event> {
        read_in(Path::new(ROOT), &self.vfs)
    }

    fn names(&self) -> Vec<ParquetFileName> {
        final_files(Path::new(ROOT), &self.vfs).unwrap()
    }

    /// The unfinished files.
    fn temporary(&self) -> Vec<PathBuf> {
        let paths = self.vfs.files().into_keys();
        paths
            .filter(|path| path.extension().is_some_and(|e| e == "tmp"))
            .collect()
    }
}

fn all(batches: &[Batch]) -> Vec<Event> {
    batches.iter().flat_map(Batch::events).cloned().collect()
}

#[test]
fn a_log_writes_files_of_the_owner_that_hold_what_its_journal_holds() {
    use std::os::unix::fs::PermissionsExt;

    let temp = tempfile::tempdir().unwrap();
    let (journal, root) = (temp.path().join("journal"), temp.path().join("a/lake"));
    let sink = super::ParquetSink::dir(&root).unwrap();
    assert!(sink.limits().idle_flush > LONG);
    let audit = llm_audit_core::builder()
        .policy(crate::fixture::policy())
        .journal(&journal)
        .sink(sink)
        .spawn()
        .unwrap();
    for _ in 0..20 {
        audit.begin(llm_audit_core::Operation::Chat).finish();
    }
    // What a flush calls written is there to be read.
    assert!(audit.flush(LONG).is_complete());
    assert_eq!(
        read(&root).iter().filter(|e| e.kind().is_capture()).count(),
        20
    );
    audit.begin(llm_audit_core::Operation::Chat).finish();
    let report = audit.shutdown(LONG);
    assert!(report.is_complete(), "{report}");
    assert_eq!(report.counters.sink("parquet").unwrap().delivered, 21);

    let log = llm_audit_core::journal::Reader::open(&journal).unwrap();
    let written = read(&root);
    let of_journal = log.events().map(Result::unwrap);
    let of_journal: Vec<_> = of_journal
        .filter(|event| written.iter().any(|other| other.seq() == event.seq()))
        .collect();
    assert_eq!(of_journal.len(), written.len());
    assert!(of_journal == written);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for name in final_files(&root, &OsVfs::new()).unwrap() {
        assert_eq!(name.writer_id(), audit.writer_id());
        assert_eq!(mode(&name.path(&root)), 0o600);
        assert_eq!(mode(&name.partition(&root)), 0o700);
    }
    assert_eq!(mode(&root), 0o700);
    // Neither a lock nor a temporary file stays.
    assert_eq!(
        std::fs::read_dir(root.join("_inprogress")).unwrap().count(),
        0
    );
}
