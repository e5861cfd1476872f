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
//! Tools, agents, guardrails and evaluators are functions as well, and what they call is their
//! child:
//!
//! ```
//! use llm_audit::{Error, audit};
//!
//! #[audit(agent, name = "refunds", user = user, output)]
//! fn agent(user: &str, order: u64) -> Result<String, Error> {
//!     let answer = if refund(order)? { "It is on its way." } else { "No." };
//!     Ok(if check(answer) { answer.to_owned() } else { "…".to_owned() })
//! }
//!
//! #[audit(tool, args, output, fail_closed)] // it does not run unless it is recorded
//! fn refund(order: u64) -> Result<bool, Error> {
//!     Ok(order > 3)
//! }
//!
//! #[audit(guardrail, stage = "output", output = if *out { "pass" } else { "fail" })]
//! fn check(text: &str) -> bool {
//!     !text.contains('@')
//! }
//!
//! assert!(agent("u-17", 7).unwrap_err().is_not_durable()); // there is no log
//! assert!(check("no address"));
//! ```
//!
//! A stream is recorded until it ends, and types of one's own say of themselves what is to be recorded:
//!
//! ```
//! use std::pin::Pin;
//!
//! use futures_core::Stream;
//! use llm_audit::{AuditInput, AuditOutput, RequestRecorder, ResponseRecorder, audit};
//!
//! struct Question { rules: String, text: String }
//! struct Token(String);
//!
//! impl AuditInput for Question {
//!     fn describe(&self, request: &mut RequestRecorder<'_>) {
//!         request.system(&self.rules).user(&self.text);
//!     }
//! }
//!
//! impl AuditOutput for Token {
//!     fn describe(&self, response: &mut ResponseRecorder<'_>) {
//!         response.text(&self.0);
//!     }
//! }
//!
//! #[audit(model = "local", input = question, output)]
//! fn generate(question: Question) -> Pin<Box<dyn Stream<Item = Token> + Send>> {
//!     // …
//! #   struct Nothing(Question);
//! #   impl Stream for Nothing {
//! #       type Item = Token;
//! #       fn poll_next(
//! #           self: Pin<&mut Self>,
//! #           _: &mut std::task::Context<'_>,
//! #       ) -> std::task::Poll<Option<Token>> {
//! #           std::task::Poll::Ready(None)
//! #       }
//! #   }
//! #   Box::pin(Nothing(question))
//! }
//! # drop(generate(Question { rules: String::new(), text: String::new() }));
//! ```
//!
//! Where the function is not the whole call, capture [by hand](super::capture).
