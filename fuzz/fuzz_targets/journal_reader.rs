//! A reader goes through any bytes, and finds each good line of them.

#![no_main]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use llm_audit_core::Event;
use llm_audit_core::journal::Reader;
use llm_audit_core::vfs::MemVfs;

#[path = "../src/segment.rs"]
mod segment;

fuzz_target!(|data: &[u8]| {
    let content = segment::content(data);
    let vfs = MemVfs::new();
    vfs.put(&Path::new("/log").join(segment::NAME), content.clone());
    let reader = Reader::open_in(Arc::new(vfs), Path::new("/log")).expect("the directory is there");
    let entries: Vec<_> = reader.collect();
    let lines = content.split(|byte| *byte == b'\n').count();
    // A line may be an error and hold a good one behind it.
    assert!(
        entries.len() <= 2 * lines,
        "{} of {lines} lines",
        entries.len()
    );

    let good = segment::good_lines(&content);
    let events: Vec<_> = good
        .iter()
        .filter_map(|line| Event::from_json(line).ok())
        .collect();
    // What has the number of another event was written twice, and is read once.
    let numbered = events
        .iter()
        .filter_map(|event| Some((event.writer_id(), event.seq()?)));
    let others = events.iter().filter(|event| event.seq().is_none()).count();
    let expected = numbered.collect::<BTreeSet<_>>().len() + others;
    let read = entries.iter().filter(|entry| entry.is_ok()).count();
    assert!(read >= expected, "a good line was not read");
});
