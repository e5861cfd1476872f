//! The recorders, each set up as its documentation says.

pub mod emit_file;
pub mod llm_audit;
pub mod otel;
pub mod tracing_appender;

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use crate::scenario::{FarEnd, Scenario};
use crate::work::Call;

/// A recorder at work.
pub trait System {
    /// Records one call, as an application does on its own thread.
    fn record(&self, call: &Call);

    /// Lets an hour pass a little; for those whose clock can be moved.
    fn pass(&self, _: Duration) {}

    /// Ends the recorder as its documentation says, within `grace`; returns what it says of each
    /// of its outputs.
    fn end(self: Box<Self>, grace: Duration) -> Vec<Said>;
}

/// What a recorder said of its losses.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// How many events it counts as lost, if it counts them.
    pub lost: Option<u64>,
    /// Whether it noticed that something went wrong, counted or not.
    pub noticed: bool,
    /// In which words and where.
    pub words: String,
}

/// A name in the table and what it stands for.
pub struct Entry {
    pub name: &'static str,
    /// The crate whose version is shown.
    pub package: &'static str,
    pub start: Start,
    /// Whether it has an output beside its files.
    pub has_far_end: bool,
    /// Whether it shows another way of dealing with too many events, and nothing else.
    pub only_for_overflow: bool,
}

pub type Start = fn(&Path, &Scenario, &FarEnd) -> Result<Box<dyn System>, Box<dyn Error>>;

pub const ALL: &[Entry] = &[
    Entry {
        name: "llm-audit",
        package: "llm-audit",
        start: llm_audit::start,
        has_far_end: true,
        only_for_overflow: false,
    },
    Entry {
        name: "llm-audit, `DropNewest`",
        package: "llm-audit",
        start: llm_audit::start_dropping,
        has_far_end: false,
        only_for_overflow: true,
    },
    Entry {
        name: "tracing-appender",
        package: "tracing-appender",
        start: tracing_appender::start,
        has_far_end: false,
        only_for_overflow: false,
    },
    Entry {
        name: "tracing-appender, `lossy(false)`",
        package: "tracing-appender",
        start: tracing_appender::start_lossless,
        has_far_end: false,
        only_for_overflow: true,
    },
    Entry {
        name: "emit_file",
        package: "emit_file",
        start: emit_file::start,
        has_far_end: false,
        only_for_overflow: false,
    },
    Entry {
        name: "opentelemetry_sdk",
        package: "opentelemetry_sdk",
        start: otel::start,
        has_far_end: true,
        only_for_overflow: false,
    },
];
