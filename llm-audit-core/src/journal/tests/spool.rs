//! Reading back for sinks.

use super::fixture::{DIR, World, writer_id};
use crate::journal::{Bookmark, Spool};
use crate::sink::SinkLimits;
use crate::sync::Arc;
use crate::vfs::Op;

#[test]
fn the_directory_is_listed_when_what_it_held_is_read_and_not_for_each_batch() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=10);
    let spool = Spool::new(Arc::new(world.vfs.clone()), DIR.into());
    let mut bookmark = Bookmark::new(writer_id(1), 0);
    let limits = SinkLimits::default().max_batch_events(1);
    let mut read = |to| {
        let before = world.vfs.count(Op::List);
        let mut seqs = Vec::new();
        while let Some(batch) = spool.read(&mut bookmark, to, &limits).unwrap() {
            seqs.extend(batch.seqs().to_vec());
        }
        (seqs, world.vfs.count(Op::List) - before)
    };
    assert_eq!(read(10), ((1..=10).collect(), 1));

    // What is begun later is found.
    journal.roll();
    world.write(&mut journal, 1, 11..=12);
    journal.roll();
    world.write(&mut journal, 1, 13..=20);
    assert_eq!(read(20), ((11..=20).collect(), 1));
}
