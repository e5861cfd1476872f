//! Requests and answers that say of themselves what is to be recorded of them.

mod answer;
#[cfg(feature = "async-openai")]
mod async_openai_0_43;
mod json;
mod request;
mod values;

pub use answer::{AuditOutput, ResponseRecorder};
pub use json::Json;
pub use request::{AuditInput, RequestRecorder};
