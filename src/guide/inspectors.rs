//! Inspectors: looking at events as they are written.
//!
//! A guardrail stands in the way of a call; an inspector looks at what the log is about to write. It
//! is for what shall be known soon and need not stop anything: a competitor that is recommended, a
//! price that is promised, signs of distress, an attempt to inject instructions.
//!
//! # What it sees, and what comes of it
//!
//! An [`Inspector`] gets each event of the host after policy and redaction: what the log keeps, and
//! nothing else. What it finds becomes an event of kind `guardrail` or `evaluation` about that event,
//! under the same policy and layers, with the next number; where the facet of a finding is off, it is
//! not kept.
//!
//! ```
//! use std::time::Duration;
//!
//! use llm_audit::{
//!     Evaluation, Event, Facet, Inspection, Inspector, Kind, Level, Operation, Policy, Retention,
//!     journal,
//! };
//!
//! struct Distress;
//!
//! impl Inspector for Distress {
//!     fn name(&self) -> &str {
//!         "distress"
//!     }
//!
//!     fn inspect(&mut self, event: &Event, inspection: &mut Inspection) {
//!         let said = event.prompt().unwrap_or_default().to_lowercase();
//!         let score = f64::from(said.contains("hopeless"));
//!         inspection.evaluation(Evaluation::default().name("distress").score(score));
//!         if score > 0.5 {
//!             inspection.escalate();
//!         }
//!     }
//! }
//!
//! # let temp = tempfile::tempdir()?;
//! # let dir = temp.path();
//! let policy = Policy::builder()
//!     .facet(Facet::Prompt, Level::Redacted)
//!     .facet(Facet::Evaluation, Level::Redacted)
//!     .retention(Retention::Days30)
//!     .build()?;
//! let audit = llm_audit::builder()
//!     .policy(policy)
//!     .journal(dir)
//!     .inspector(Distress)
//!     .on_escalation(|escalation| eprintln!("somebody should look: {escalation:?}"))
//!     .spawn()?;
//! let mut call = audit.begin(Operation::Chat);
//! call.prompt("It all seems hopeless.");
//! let asked = call.event_id().map(|id| id.to_string());
//! call.finish();
//! assert!(audit.shutdown(Duration::from_secs(5)).is_complete());
//!
//! let mut events = journal::Reader::open(dir)?.events().filter_map(Result::ok);
//! let score = events.find(|event| *event.kind() == Kind::Evaluation).unwrap();
//! assert_eq!(score.target_event_id(), asked.as_deref());
//! assert_eq!(score.evaluations().unwrap()[0].score, Some(1.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it may cost
//!
//! It runs on the log's thread, so a look has a budget, [`Inspector::budget`]. It cannot be cut short,
//! but one that takes longer is left alone for ten times as long as it took, and the events that pass
//! meanwhile are counted. A model that takes longer than milliseconds belongs behind a
//! [`Sink`], which has a thread and a backlog of its own, or a channel that the inspector fills.
//! A panic costs that one look. [`Counters`] has [`InspectorCounters`] for each; the
//! diagnostics hook is told `inspector_failing`.
//!
//! # Who is told at once
//!
//! [`Inspection::escalate`] hands the sealed finding to the hook of
//! [`AuditBuilder::on_escalation`], on a thread of its own, which holds up nothing: where 256
//! findings wait, more are left out and counted. The log has them all. Nothing that an inspector or
//! this hook records through the log is written; it would be looked at again.

#[cfg(doc)]
use crate::{AuditBuilder, Counters, Inspection, Inspector, InspectorCounters, Sink};
