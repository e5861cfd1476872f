//! What the examples share: an endpoint to ask, and printing of what the log holds.
#![allow(dead_code, reason = "each example uses a part")]
#![expect(clippy::print_stdout, reason = "the examples print")]

mod answers;
pub(crate) mod chunks;
pub(crate) mod endpoint;
pub(crate) mod facts;
pub(crate) mod print;
pub(crate) mod reply;
pub(crate) mod request;
#[cfg(feature = "http")]
pub(crate) mod send;
mod stub;
pub(crate) mod timing;
pub(crate) mod tree;
