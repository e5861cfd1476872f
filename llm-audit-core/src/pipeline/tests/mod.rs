//! The pipeline as a whole.

mod abandoned;
mod behaviour;
mod disk;
mod fakes;
mod fork;
mod killed_start;
mod laws;
mod numbers;
mod overload;
mod refused;
mod removed;
mod retry;
#[cfg(shuttle)]
mod schedules;
mod shutdown;
mod simulation;
mod spool;
mod world;
