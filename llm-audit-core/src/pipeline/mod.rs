//! From the host's threads to the journal and the sinks.

mod counters;
mod report;

pub use counters::{Counters, LossCounts, LossReason, SinkCounters};
pub use report::Report;
