//! Capture by hand: telling the log of a call.
//!
//! [`Audit::begin`] gives an [`Interaction`]. Set what is known when it is known, and end it. However
//! it ends, there is one event of it: [`finish`](Interaction::finish), [`fail`](Interaction::fail),
//! [`block`](Interaction::block), a drop, a panic.
//!
//! ```
//! use std::time::Duration;
//!
//! use llm_audit::{Context, Fields, Operation, Policy, Preset, Status, Usage, journal};
//!
//! # let dir = tempfile::tempdir()?;
//! let policy = Policy::preset(Preset::Operations)?;
//! let audit = llm_audit::builder().policy(policy).journal(dir.path()).spawn()?;
//!
//! // What holds for a whole request goes into its context.
//! let request = Context::current().with(Fields::new().service_name("support"));
//! request.enter(|| {
//!     let agent = audit.begin(Operation::InvokeAgent);
//!     agent.enter(|| {
//!         // A child of the agent. A spawned task inherits nothing unless `propagate` is used.
//!         let mut call = audit.begin(Operation::Chat);
//!         call.request_model("small").sent();
//!         for piece in ["It ", "scatters."] {
//!             call.chunk(piece); // counted and timed; the text is kept where the policy says so
//!         }
//!         call.usage(Usage::openai(6, 2));
//!         call.finish();
//!
//!         let tool = audit.begin(Operation::ExecuteTool);
//!         tool.finish_with("seven".parse::<u8>()).ok(); // an error, by its type
//!     });
//!     drop(agent); // nobody said how it ended
//! });
//! audit.shutdown(Duration::from_secs(5));
//!
//! let events = journal::Reader::open(dir.path())?.events().flatten();
//! let events: Vec<_> = events.filter(|event| event.kind().is_capture()).collect();
//! let [call, tool, agent] = events.as_slice() else { unreachable!() };
//! assert_eq!(call.chunk_count(), Some(2));
//! assert_eq!(call.parent_event_id(), Some(agent.event_id()));
//! assert_eq!(tool.error_type(), Some("core::num::error::ParseIntError"));
//! assert_eq!(agent.status(), Some(Status::Abandoned));
//! assert!(events.iter().all(|event| event.service_name() == Some("support")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Records
//!
//! What has columns of its own is a record: messages and their parts, documents, tools, media,
//! links, verdicts, scores. Each is built by naming what it has.
//!
//! ```
//! use llm_audit::{Document, Evaluation, Link, MediaItem, Message, Part, ToolDefinition};
//!
//! let question = Message::default()
//!     .role("user")
//!     .parts([Part::text("What is this?"), Part::default().r#type("uri").uri("file:///cat.png")]);
//! let found = Document::default().id("d-7").score(0.9);
//! let tool = ToolDefinition::default().name("weather");
//! let image = MediaItem::default().modality("image").bytes(2_048);
//! let cause = Link::default().relation("retry_of");
//! let score = Evaluation::default().name("relevance").score(0.4);
//! assert_eq!(question.parts.map(|parts| parts.len()), Some(2));
//! assert_eq!((found.score, score.score), (Some(0.9), Some(0.4)));
//! assert_eq!((tool.name.as_deref(), image.bytes), (Some("weather"), Some(2_048)));
//! assert_eq!(cause.relation.as_deref(), Some("retry_of"));
//! ```
//!
//! # Later
//!
//! What is learnt later, minutes or months, from this process or another, is an event of its own
//! that names the first: [`Audit::feedback`], [`Audit::evaluation`], [`Audit::correction`],
//! [`Audit::oversight`], [`Audit::consent`]. Hand out [`Interaction::event_id`] for it, and do not
//! forget [`record`](crate::Recorder::record): until then nothing is recorded.
//!
//! A call that must not be made unless it is on record begins with [`Audit::begin_durable`], and an
//! event that must be on disk before the program goes on ends with [`Interaction::commit`].
//!
//! `docs/capture.md` in the repository is the manual: every way out, every setter's facets, what
//! happens without room, forks, and what each step costs.

#[cfg(doc)]
use crate::{Audit, Interaction};
