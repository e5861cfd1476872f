//! The pipeline as a whole.

mod behaviour;
mod disk;
mod fakes;
mod laws;
mod retry;
mod shutdown;
mod spool;
mod world;
