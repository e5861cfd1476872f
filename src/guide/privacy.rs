//! Privacy: what is hidden, and what is left to find.
//!
//! # What is hidden
//!
//! At level [`Redacted`](Level::Redacted) the detectors of the policy's
//! [`Redactor`](crate::redact::Redactor) replace personal data and secrets, before anything is
//! written anywhere. Those of secrets run at level [`Full`](Level::Full) too. An
//! [`Operator`](crate::redact::Operator) says what takes the place of a value, for a type or for a
//! family of types. Where a detector fails, the text is dropped, never passed on.
//!
//! ```
//! use llm_audit::redact::{DataType, Family, Operator, Redactor};
//!
//! let redactor = Redactor::builder()
//!     .operator(Family::Pii, Operator::Numbered)
//!     .operator(DataType::CreditCard, Operator::KeepLast(4))
//!     .allow_value("help@example.org")
//!     .build()?;
//! assert_eq!(
//!     redactor.redact_str("ada@example.org paid with 4111 1111 1111 1111, says help@example.org"),
//!     "[EMAIL_1] paid with [CREDIT_CARD:1111], says help@example.org"
//! );
//! # Ok::<(), llm_audit::Error>(())
//! ```
//!
//! Operators can be chosen for a facet, and for values at a path in JSON; a path stands over a type,
//! a type over its family:
//!
//! ```
//! use llm_audit::Facet;
//! use llm_audit::redact::{Operator, RedactionRules, Redactor};
//!
//! let tools = RedactionRules::new().path("$..password", Operator::Drop);
//! let redactor = Redactor::builder().facet(Facet::ToolIo, tools).build()?;
//! assert_eq!(
//!     redactor.redact_json(Facet::ToolIo, r#"{"user":"u-17","password":"x"}"#),
//!     r#"{"user":"u-17"}"#
//! );
//! # Ok::<(), llm_audit::Error>(())
//! ```
//!
//! What no detector knows, a [`Detector`](crate::redact::Detector) of your own can find, and what the
//! program knows it can name: [`Interaction::hide`](crate::Interaction::hide).
//!
//! No detector finds everything. What must not be stored at all belongs at level
//! [`Off`](Level::Off).
//!
//! # Finding a person without names
//!
//! At level [`Digest`](Level::Digest) an id becomes a pseudonym under the policy's [`Key`], another
//! one for each tenant. [`KeyRing::pseudonyms`] says what somebody stands as, under every key that
//! was ever in use; `docs/keys.md` in the repository is about making, keeping and rotating keys, and
//! about who can do what with one.
//!
//! ```
//! use llm_audit::{Field, Key, KeyRing};
//!
//! let keys = KeyRing::new(Key::bytes("k1", &[7; 32])?);
//! let acme = keys.pseudonyms(Field::UserId, Some("acme"), "ada@example.org");
//! assert_eq!(acme, keys.pseudonyms(Field::UserId, Some("acme"), "ada@example.org"));
//! assert_ne!(acme, keys.pseudonyms(Field::UserId, Some("zeta"), "ada@example.org"));
//! # Ok::<(), llm_audit::Error>(())
//! ```
//!
//! # What an event says of it
//!
//! Counts of what was hidden, and sizes of what was cut, never a value:
//!
//! ```
//! use llm_audit::{Event, RedactionCount, Truncation};
//!
//! let line = br#"{"schema_version":1,"event_id":"019b76da-a800-7000-8000-000000000001",
//!     "kind":"interaction","writer_id":"019b76da-a800-7000-8000-000000000002",
//!     "recorded_at":"2026-01-01T00:00:00.000000Z",
//!     "redactions":[{"field":"input_messages","data_type":"email","operator":"redact","count":2,
//!         "path":"[*].parts[*].content","detector":"email"}],
//!     "truncations":[{"field":"input_messages","bytes":70000}]}"#;
//! let event = Event::from_json(line)?;
//! let hidden: &[RedactionCount] = event.redactions().unwrap();
//! assert_eq!((hidden[0].data_type.as_deref(), hidden[0].count), (Some("email"), Some(2)));
//! let cut: &[Truncation] = event.truncations().unwrap();
//! assert_eq!(cut[0].bytes, Some(70_000));
//! # Ok::<(), llm_audit::Error>(())
//! ```
//!
//! # What cannot leak
//!
//! A sink takes a [`Batch`], and only the log makes one, of events that policy and redaction have
//! passed. `Debug` of what holds content shows its kind or its size; an [`Error`] and a
//! [`Diagnostic`] name places, never values:
//!
//! ```
//! use llm_audit::Message;
//!
//! let message = Message::text("user", "I am ada@example.org");
//! assert_eq!(format!("{message:?}"), r#"Message {"role", "parts"}"#);
//! ```
//!
//! The names of tenants and the values that a redactor lets pass stand in the log as digests, where
//! the policy's text does.

#[cfg(doc)]
use crate::{Batch, Diagnostic, Error, Key, KeyRing, Level};
