//! What the code that `#[audit]` makes calls. It changes without notice.

mod args;
mod author;
pub mod autoref;
mod call;
pub(crate) mod claim;
mod closed;
mod slot;
pub mod slots;
pub mod span;
mod streamed;
mod value;

pub use args::{Arg, Args, AuditArg};
pub use author::{AuditVerdict, Author, Recorded};
pub use autoref::{Failure, Present, Returned};
pub use call::{Call, Log, Place, Within, installed, is_capturing};
pub use closed::{Fallible, FromError, not_recorded};
pub use slot::{Slot, Taken, kind};
pub use streamed::{StreamAnswer, Streamed};
pub use value::{
    AuditBool, AuditEntry, AuditFloat, AuditId, AuditInt, AuditJson, AuditList, AuditMap,
    AuditTexts, AuditTime, AuditUsage, AuditValue, Auditor, Debugged, Displayed,
};

pub use crate::event::Operation;
