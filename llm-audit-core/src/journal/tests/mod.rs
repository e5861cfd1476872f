//! Tests of the journal as a whole, in memory, with one clock that only moves when told.

mod check;
mod cursor;
mod damage;
mod disk;
mod expire;
mod fixture;
mod letters;
mod narrow;
mod reader;
mod recovery;
mod rewrite;
mod roll;
mod room;
mod spared;
mod spool;
mod sync;
mod unsynced;
mod writer;
