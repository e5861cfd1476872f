//! What the tests of the whole have in common.

use std::path::Path;

use llm_audit::{Event, journal};

/// Returns every event in the log in `dir`, oldest first.
pub(crate) fn read(dir: &Path) -> Vec<Event> {
    let reader = journal::Reader::open(dir).expect("the log opens");
    reader
        .events()
        .collect::<Result<_, _>>()
        .expect("the log is whole")
}
