//! A kit that finds leaks.
//!
//! Nobody can see from a policy file that nothing else gets out: content travels in error texts,
//! bodies of errors, headers, names of tools, streams that were cut off, panic messages. [`Kit`]
//! tries it: it plants a unique mark in every channel of a log that runs under a policy, and then
//! searches every byte that was written. Run it on your own policy, in CI:
//!
//! ```
//! use llm_audit_core::testing::leak::Kit;
//! use llm_audit_core::{Facet, Level, Policy, Preset};
//!
//! let policy = Policy::builder().preset(Preset::Operations).build()?;
//! let report = Kit::new().claim(Facet::Prompt, Level::Off).run(&policy)?;
//! report.assert_clean();
//! # Ok::<(), llm_audit_core::Error>(())
//! ```
//!
//! *What is planted.* In every field that a host may set, in every column and key of it, in
//! messages of every role with parts of every type, in what is said by the methods of an
//! interaction, in streams cut into small pieces, in texts of errors and panics, in verdicts,
//! scores, feedback, corrections, in words for kinds and states: a mark, an e-mail address, the
//! number of a card and an API key. The calls finish, fail, are blocked, dropped, cancelled, cut
//! off, time out and panic, with and without contexts.
//!
//! *Where it is looked for.* In all files of the journal, those of a damaged copy that was
//! recovered, with what it put in quarantine, and their names; in the directories of sinks; in what
//! a sink is given; in diagnostics; in `Debug` and errors. In every form that [`Marks`] knows.
//!
//! *What may be found* follows from the policy: a mark where its facets are at `redacted` or `full`;
//! personal data at `full` alone; a secret nowhere, unless the policy says `danger_verbatim`. What
//! the policy's redaction leaves alone by its own word is not looked for. [`Kit::claim`] asks for
//! less than the policy does.
//!
//! [`Marks`] are for a program of one's own: plant them in a request, and search what the program
//! wrote.

mod claim;
mod finding;
mod forms;
mod kit;
mod marks;
mod plant;
mod report;
mod scan;
#[cfg(test)]
mod tests;

pub use finding::{Finding, Findings};
pub use kit::Kit;
pub use marks::{Marks, What};
pub use report::{Leak, Report};
pub use scan::Encoding;
