//! The attribute: one line above the function that makes the call.
//!
//! [`#[audit]`](macro@crate::audit) records each call of a function as one event, whichever way it
//! ends. Only what is named is captured, and an expression is not evaluated where its facet is off.
//!
//! ```
//! use std::time::Duration;
//!
//! use llm_audit::{Facet, Policy, Preset, Status, audit, journal};
//!
//! #[audit(chat, provider = "openai", model = model, prompt = question, output)]
//! fn ask(model: &str, question: &str) -> Result<String, std::fmt::Error> {
//!     if question.is_empty() { Err(std::fmt::Error) } else { Ok("Rayleigh.".to_owned()) }
//! }
//!
//! # let dir = tempfile::tempdir()?;
//! // A function has no handle of a log at hand, so it uses the one that is installed.
//! let policy = Policy::preset(Preset::Operations)?;
//! let log = llm_audit::builder().policy(policy).journal(dir.path()).install()?;
//! ask("small", "Why is the sky blue?")?;
//! ask("small", "").unwrap_err();
//! log.shutdown(Duration::from_secs(5));
//!
//! let events = journal::Reader::open(dir.path())?.events().flatten();
//! let events: Vec<_> = events.filter(|event| event.kind().is_capture()).collect();
//! assert_eq!(events[0].request_model(), Some("small"));
//! assert_eq!(events[0].prompt(), None); // `operations` captures no text
//! assert_eq!(events[1].status(), Some(Status::Error));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Where the function is not the whole call, or the answer is a stream, capture
//! [by hand](super::capture).
