//! Numbers that are drawn while the worker cannot set any aside.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::worker::Drain;
use super::super::*;
use super::fakes::*;
use super::laws::{assert_accounted, assert_balanced};
use super::world::{Program, World};
use crate::event::{Event, Kind};

const MANY: u64 = 50_000;

/// A program whose queue overflowed by far since its worker hangs.
fn overflowing() -> (World, Program) {
    let mut world = World::new(&[]);
    let mut program = world.start();
    program.admit(5);
    for _ in 0..MANY {
        program.pipeline.admit(FakeRaw::default(), None).ok();
    }
    (world, program)
}

fn losses(events: &[Event], writer: WriterId) -> Vec<&Event> {
    let losses = events.iter().filter(|event| *event.kind() == Kind::Loss);
    losses.filter(|loss| loss.writer_id() == writer).collect()
}

#[test]
fn a_crash_in_an_overflow_leaves_no_number_that_is_told_nowhere() {
    let (mut world, program) = overflowing();
    let (writer, last) = (program.writer, program.pipeline.shared.lanes.last());
    world.crash(program);
    drop(world.start());
    let events = world.events();
    let told = losses(&events, writer);
    let [loss] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!(loss.exact(), Some(false));
    assert_eq!(loss.seq_from(), Some(7));
    assert!(loss.seq_to() >= Some(last), "{:?} {last}", loss.seq_to());
}

#[test]
fn what_an_overflow_turns_away_beyond_the_numbers_set_aside_is_counted_exactly() {
    let (world, mut program) = overflowing();
    let counters = program.pipeline.counters();
    assert_balanced(&counters);
    assert_eq!(counters.lost() + 8_192, MANY);
    program.pass(Duration::from_secs(1));
    program.worker.step(Drain::Open);
    program.admit(1);
    let events = world.events();
    let seqs: BTreeSet<_> = events.iter().filter_map(Event::seq).collect();
    let last = *seqs.last().unwrap();
    assert!(last > MANY, "{last}");
    let told = losses(&events, program.writer);
    assert_accounted(1..=last, &seqs, &told);
    let counters = program.pipeline.counters();
    assert_eq!(
        counters.lost(),
        told.iter().filter_map(|loss| loss.count()).sum::<u64>()
    );
    assert_eq!(counters.written, 5 + 8_192 + 1);
}
