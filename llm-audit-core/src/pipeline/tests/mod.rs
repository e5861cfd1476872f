//! The pipeline as a whole.

mod behaviour;
mod fakes;
mod laws;
mod retry;
