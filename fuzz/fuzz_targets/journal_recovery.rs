//! Whatever a dead writer has left, a start completes it: every good line stays, in order, and a
//! second start changes nothing.

#![no_main]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use llm_audit_core::journal::Reader;
use llm_audit_core::vfs::{MemVfs, Vfs};

#[path = "../src/segment.rs"]
mod segment;

const DIR: &str = "/log";
const LOCK: &str = "00000000-0000-0000-0000-000000000001.lock";

fn start(vfs: &MemVfs) {
    let vfs: Arc<dyn Vfs> = Arc::new(vfs.clone());
    // The hook keeps the findings off standard error.
    let audit = llm_audit_core::builder()
        .vfs(vfs)
        .journal(DIR)
        .on_diagnostic(|_| {})
        .spawn()
        .expect("damage never fails a start");
    let report = audit.shutdown(Duration::from_secs(20));
    assert!(report.is_complete(), "{report}");
}

fn dead_writers_files(vfs: &MemVfs) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = vfs.files();
    files.retain(|path, _| path.ends_with(segment::NAME) || path.ends_with(LOCK));
    files
}

fuzz_target!(|data: &[u8]| {
    let content = segment::content(data);
    let vfs = MemVfs::new();
    vfs.put(&Path::new(DIR).join(segment::NAME), content.clone());
    vfs.put(&Path::new(DIR).join(LOCK), Vec::new());
    start(&vfs);

    let after = dead_writers_files(&vfs);
    assert!(!after.contains_key(&Path::new(DIR).join(LOCK)), "completed");
    let recovered = &after[&Path::new(DIR).join(segment::NAME)];
    let kept = segment::good_lines(recovered);
    let mut rest = kept.iter();
    for line in segment::good_lines(&content) {
        assert!(rest.any(|kept| *kept == line), "a good line is gone");
    }
    let lines = recovered.split_inclusive(|byte| *byte == b'\n').count();
    assert_eq!(lines, kept.len(), "each line is good");

    start(&vfs);
    assert!(
        dead_writers_files(&vfs) == after,
        "a second start changed something"
    );
    let reader = Reader::open_in(Arc::new(vfs), Path::new(DIR)).expect("the directory is there");
    drop(reader.collect::<Vec<_>>());
});
