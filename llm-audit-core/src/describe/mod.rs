//! Requests and answers that say of themselves what is to be recorded of them.

mod answer;
mod request;
mod values;

pub use answer::{AuditOutput, ResponseRecorder};
pub use request::{AuditInput, RequestRecorder};
