//! The pipeline as a whole.

mod behaviour;
mod disk;
mod fakes;
mod laws;
mod numbers;
mod removed;
mod retry;
#[cfg(shuttle)]
mod schedules;
mod shutdown;
mod spool;
mod world;
