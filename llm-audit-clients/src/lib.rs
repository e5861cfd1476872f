//! Adapters of `llm-audit`: clients of language models that are audited with one line.
//!
//! A [`Capture`] is a log and how calls on the wire are recorded in it. It plugs into a client where that
//! sends its requests, so that what is recorded is what was sent and what came back: the prompt, the answer,
//! streamed or not, the tokens as the provider counts them, how it ended. What is no call of a model
//! goes by unrecorded. A request is never changed, and each piece of an answer is handed on as it comes.
//!
//! ```
//! use llm_audit_clients::Capture;
//! use llm_audit_core::{Policy, Preset};
//!
//! # let directory = tempfile::tempdir()?;
//! let policy = Policy::preset(Preset::Operations)?;
//! let audit = llm_audit_core::builder().policy(policy).journal(directory.path()).spawn()?;
//! let capture = Capture::new(&audit).fail_closed();
//! assert!(format!("{capture:?}").contains("fail_closed: true"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | feature | needs at least | adds |
//! |---|---|---|
//! | `tower` | Rust 1.89 | `Capture` is a layer for any service that takes requests of the crate `http` |
//! | `reqwest-middleware` | Rust 1.89 | `Capture` is a middleware of reqwest-middleware 0.5, for reqwest 0.13 |
//! | `async-openai` | Rust 1.89 | module `async_openai_0_43`: a service for async-openai 0.43, with its retries |
//! | `server` | Rust 1.89 | module `server`: a layer that says of each request that a service answers who asks; `axum` adds the matched route and the peer |
//! | `tracing` | Rust 1.89 | module `tracing`: a layer of tracing-subscriber 0.3 for the `gen_ai.*` spans of other crates, such as rig and genai |
//! | `gateway` | Rust 1.89 | module `gateway`: a reverse proxy on loopback, for clients in any language |
//!
//! The identifier of the event is in the extensions of each answer, as an
//! [`EventId`](llm_audit_core::EventId).
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "async-openai")]
#[cfg_attr(docsrs, doc(cfg(feature = "async-openai")))]
pub mod async_openai_0_43;
#[cfg(any(
    feature = "async-openai",
    feature = "gateway",
    feature = "reqwest-middleware",
    feature = "tower"
))]
mod body;
mod capture;
#[cfg(feature = "gateway")]
#[cfg_attr(docsrs, doc(cfg(feature = "gateway")))]
pub mod gateway;
#[cfg(any(
    feature = "async-openai",
    feature = "gateway",
    feature = "reqwest-middleware"
))]
mod reqwest_0_13;
#[cfg(feature = "reqwest-middleware")]
mod reqwest_middleware_0_5;
#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub mod server;
#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub mod tower;
#[cfg(feature = "tracing")]
#[cfg_attr(docsrs, doc(cfg(feature = "tracing")))]
pub mod tracing;

pub use capture::Capture;
