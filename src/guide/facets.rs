//! Facets and levels: what can be kept of a call, and how much.
//!
//! Every field of an event belongs to one [`Facet`], and a policy puts each facet at a
//! [`Level`]. A facet that is not named is [`Level::Off`]: its values are neither built nor copied.
//!
//! | level | a prompt becomes | a user id becomes |
//! |---|---|---|
//! | [`Off`](Level::Off) | nothing | nothing |
//! | [`Digest`](Level::Digest) | its size and a keyed digest | a pseudonym, `h:k1:…` |
//! | [`Redacted`](Level::Redacted) | the text, with personal data and secrets replaced | – |
//! | [`Full`](Level::Full) | the text, with secrets replaced | the id |
//!
//! ```
//! use std::time::Duration;
//!
//! use llm_audit::{Absence, Facet, Key, Level, Operation, Policy, Retention, journal};
//!
//! # let dir = tempfile::tempdir()?;
//! let policy = Policy::builder()
//!     .facet(Facet::Model, Level::Full)
//!     .facet(Facet::User, Level::Digest)
//!     .facet(Facet::Prompt, Level::Redacted)
//!     .key(Key::bytes("k1", &[7; 32])?)
//!     .retention(Retention::Days30)
//!     .build()?;
//! let audit = llm_audit::builder().policy(policy).journal(dir.path()).spawn()?;
//!
//! let mut call = audit.begin(Operation::Chat);
//! call.request_model("small").user_id("ada").session_id("s-4").prompt("I am ada@example.org");
//! call.finish();
//! audit.shutdown(Duration::from_secs(5));
//!
//! let mut events = journal::Reader::open(dir.path())?.events().flatten();
//! let event = events.find(|event| event.kind().is_capture()).unwrap();
//! assert_eq!(event.model(), Some("small"));
//! assert!(event.user_id().unwrap().starts_with("h:k1:"));
//! assert_eq!(event.prompt().as_deref(), Some("I am [EMAIL]"));
//! assert_eq!(event.session_id(), None);
//!
//! // An event says what is missing and why; a facet without a reason was not provided.
//! assert_eq!(event.absence(Facet::Prompt), Some(Absence::Redacted));
//! assert_eq!(event.absence(Facet::Session), Some(Absence::Withheld));
//! assert_eq!(event.absence(Facet::Response), None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Not every facet accepts every level: [`Facet::accepted_levels`] tells, and a policy that asks
//! for another does not build. A [`FacetGroup`] stands for its facets. [`Field::facet`] says which
//! facet a field belongs to; a part of a message has the lower level of its message's facet and its
//! own, so that tool arguments in a prompt stay away where [`Facet::ToolIo`] is off.
//!
//! Where making a value is dear, ask [`Interaction::allows`] first.

#[cfg(doc)]
use crate::{Facet, FacetGroup, Field, Interaction, Level};
