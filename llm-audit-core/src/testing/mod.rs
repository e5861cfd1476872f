//! What tests of programs, of sinks and of policies need.
//!
//! # Tests of a program
//!
//! [`probe`] starts a log in memory and returns it with what looks into it. Each of its methods
//! flushes first, so a test never sleeps; checks are chained and name the field that is wrong.
//!
//! ```
//! use llm_audit_core::testing::probe;
//! use llm_audit_core::{Facet, Operation, Policy, Preset, Status};
//!
//! let (audit, probe) = probe(Policy::preset(Preset::Operations)?)?;
//!
//! let mut call = audit.begin(Operation::Chat); // in the program that is tested
//! call.request_model("small").prompt("Why?");
//! call.finish();
//!
//! probe.one().model("small").status(Status::Ok).absent(Facet::Prompt);
//! # Ok::<(), llm_audit_core::Error>(())
//! ```
//!
//! [`ManualClock`] and [`SequentialIds`] make time and identifiers the same in every run;
//! [`probe_with`] takes a builder with those, or with anything else. [`FaultSink`] fails on
//! request: it shows what a program does when its log has trouble.
//!
//! # Tests of a sink
//!
//! [`conformance`] runs a sink through its contract; [`MemorySink`] is one that keeps it.
//!
//! # Tests of a policy
//!
//! [`leak`] tries whether anything gets out that a policy keeps in.
//!
//! None of this changes what is captured: with and without the feature `testing` a policy gives the
//! same events.

mod check;
mod clock;
pub mod conformance;
mod expected;
mod fault;
mod ids;
pub mod leak;
mod memory;
mod probe;
#[cfg(test)]
mod tests;

pub use check::{EventCheck, check};
pub use clock::ManualClock;
pub use expected::Expected;
pub use fault::FaultSink;
pub use ids::SequentialIds;
pub use memory::MemorySink;
pub use probe::{Probe, probe, probe_with};
