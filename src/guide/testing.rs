//! Testing: what a program's own tests say about its log.
//!
//! With feature `testing`, [`probe`](crate::testing::probe()) starts a log in memory and returns
//! what looks into it. Tests then state both what is recorded and what must not be:
//!
//! ```
//! use llm_audit::testing::probe;
//! use llm_audit::{Absence, Audit, Facet, Level, Operation, Policy, Retention};
//!
//! /// What is tested: a function that reports its calls.
//! fn ask(audit: &Audit, question: &str) {
//!     let mut call = audit.begin(Operation::Chat);
//!     call.request_model("small").prompt(question).response("Dear Ada …");
//!     call.finish();
//! }
//!
//! let policy = Policy::builder()
//!     .facet(Facet::Model, Level::Full)
//!     .facet(Facet::Prompt, Level::Redacted)
//!     .retention(Retention::Days30)
//!     .build()?;
//! let (audit, probe) = probe(policy)?;
//! ask(&audit, "Write to ada@example.org");
//!
//! probe
//!     .one()
//!     .model("small")
//!     .prompt("Write to [EMAIL]")
//!     .absent_because(Facet::Response, Absence::Withheld);
//! # Ok::<(), llm_audit::Error>(())
//! ```
//!
//! The module [`testing`](crate::testing) has the rest: a clock and identifiers that are the same in
//! every run, a sink that fails on request, and the suite that every sink must pass.
