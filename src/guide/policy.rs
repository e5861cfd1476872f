//! Policies: who says what is kept.
//!
//! A [`Policy`] is built once, checked as a whole, and passed to the log. It starts from a
//! [`Preset`] or from nothing; [`Policy::from_file`] reads one that somebody else approved. All that
//! is wrong with it is told at once, each with its remedy:
//!
//! ```
//! use llm_audit::{Facet, Level, Policy};
//!
//! let error = Policy::builder().facet(Facet::User, Level::Digest).build().unwrap_err();
//! assert!(error.is_policy());
//! assert!(error.to_string().contains("choose one of Days30, Days90, Days120, Forever"));
//! assert!(error.to_string().contains("level digest needs a key"));
//! ```
//!
//! # Layers
//!
//! Below the process there are layers: a tenant's, a classification label's, a context's and a
//! call's. They combine by minimum, so each can narrow what stands above it and none can widen it.
//! [`Policy::explain`] prints every facet's level in a [`Scope`] and the layer that decided.
//!
//! ```
//! use llm_audit::{Facet, Layer, Level, Policy, Preset, Retention, Scope};
//!
//! let policy = Policy::builder()
//!     .preset(Preset::Operations)
//!     .facet(Facet::Prompt, Level::Full)
//!     .retention(Retention::Days90)
//!     .tenant("acme", |t| t.facet(Facet::Prompt, Level::Redacted))
//!     .tenants_default(|t| t.facet(Facet::Prompt, Level::Off))
//!     .classification_order(["public", "secret"])
//!     .rule("secret", |r| r.facet(Facet::Prompt, Level::Off))
//!     .unclassified(|r| r)
//!     .build()?;
//!
//! let acme = Scope::new().tenant("acme");
//! assert_eq!(policy.effective(&acme).get(Facet::Prompt), Level::Redacted);
//!
//! let secret = acme.classification(&["secret"]);
//! let explained = policy.explain(&secret);
//! let prompt = explained.iter().find(|one| one.facet == Facet::Prompt).unwrap();
//! assert_eq!(prompt.layer, Layer::Rule("secret".to_owned()));
//! # Ok::<(), llm_audit::Error>(())
//! ```
//!
//! A tenant whose facets are all off has no events at all. What a [`Context`](crate::Context) or a
//! call narrows leaves the event with its reasons for absence: that something was left out is
//! evidence too.
//!
//! # What the log says of it
//!
//! Every start writes the policy's canonical text and its hash, every event names the hash of what
//! held for it, and [`Audit::replace_policy`](crate::Audit::replace_policy) records who changed it
//! and why. Calls in flight keep the stricter word of both policies: the lower level, the lower
//! limit, and what either redactor hides.

#[cfg(doc)]
use crate::{Policy, Preset, Scope};
