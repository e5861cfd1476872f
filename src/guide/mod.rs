//! How to use this crate, a page for each question.
//!
//! | page | answers |
//! |---|---|
//! | [`facets`] | what of a call can be kept, how much of it, and how an event says what is missing |
//! | [`policy`] | how to say what is kept, for the process, a tenant, a label, a request, a call |
//! | [`capture`] | how to tell the log of a call, of a stream, and of what is learnt later |
//! | `attribute` | how to have `#[audit]` do that (feature `macros`) |
//! | [`privacy`] | what is hidden, how people are found in a log without names, what cannot leak |
//! | [`inspectors`] | how to look at events as they are written: rules, toxicity, distress |
//! | [`sinks`] | where events go, what is durable when, and how to write a destination |
//! | `testing` | how to test all that (feature `testing`) |
//!
//! Each page shows one program in pieces and asserts what it says. Details have their homes
//! elsewhere: those of an item on the item's page, formats and tables in `docs/` of the repository.

#[cfg(feature = "macros")]
pub mod attribute;
pub mod capture;
pub mod facets;
pub mod inspectors;
pub mod policy;
pub mod privacy;
pub mod sinks;
#[cfg(feature = "testing")]
pub mod testing;
