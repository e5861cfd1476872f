//! The journal: every event, as a line of JSON, in files that outlive the process.

mod check;
mod clockwatch;
mod config;
mod copies;
mod cursor;
mod dead;
mod envelope;
mod expire;
mod extent;
mod finding;
mod holds;
mod kept;
mod letters;
mod line;
mod name;
mod narrowing;
mod numbers;
mod open;
mod pending;
mod reader;
mod recovery;
mod removed;
mod repair;
mod reservation;
mod retiring;
mod rewrite;
mod roll;
mod room;
mod scan;
mod sinks;
mod spool;
mod structure;
mod subdirectory;
mod sync;
mod upkeep;
mod writer;
mod writers;

#[cfg(test)]
mod tests;

pub use check::{Check, check};
pub use config::JournalConfig;
#[doc(hidden)]
pub use copies::{Copies, Found};
pub(crate) use cursor::{Cursor, SinkStart};
pub(crate) use dead::DeadLetters;
pub(crate) use expire::{Held, RetentionRun};
pub use finding::{Condition, Finding, Problem};
pub(crate) use pending::Lost;
pub use reader::{Entry, Reader};
pub(crate) use removed::Forgotten;
pub(crate) use retiring::RUN_BYTES;
pub(crate) use scan::Lines;
pub(crate) use spool::{Bookmark, Portion, Spool};
pub(crate) use sync::{SyncStatus, Syncer};
#[doc(hidden)]
#[cfg(any(test, feature = "testing"))]
pub use upkeep::Trial;
#[doc(hidden)]
pub use upkeep::{Round, Upkeep};
pub(crate) use writer::{Closed, Journal, WriteFailed, Written};
