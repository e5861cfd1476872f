//! The sink keeps the contract of sinks.

use std::fs;

use llm_audit_core::testing::conformance;

use super::tests::read;
use super::{ParquetConfig, ParquetSink};

#[test]
fn a_root_keeps_the_contract() {
    conformance::check(|| {
        let temp = tempfile::tempdir().unwrap();
        // As many files as there can be.
        let config = ParquetConfig::new(temp.path()).file_max_bytes(64 << 10);
        (ParquetSink::with(config).unwrap(), move || {
            read(temp.path())
        })
    });
}

#[test]
fn errors_hold_no_content() {
    let temp = tempfile::tempdir().unwrap();
    conformance::check_errors(|| {
        let root = temp.path().join("root");
        fs::remove_dir_all(&root).ok();
        let sink = ParquetSink::dir(&root).unwrap();
        // Where the partitions would be, there is a file.
        fs::remove_dir(root.join("v1")).unwrap();
        fs::write(root.join("v1"), "").unwrap();
        sink
    });
}
