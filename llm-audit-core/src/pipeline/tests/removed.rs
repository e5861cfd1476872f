//! Sinks that a program had once.

use std::path::Path;
use std::time::Duration;

use super::super::*;
use super::world::{DIR, Program, World, away};
use crate::diagnostics::DiagnosticKind;
use crate::event::Event;
use crate::journal::Reader;
use crate::retention::Retention;
use crate::vfs::{Fault, MemVfs, Op, Vfs};

const LONG: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn a_sink_that_was_removed_holds_nothing_and_goes_on_with_what_is_there() {
    let mut world = World::new(&["near", "far"]);
    world.retention = None;
    away(&mut world, 1, 1_500);
    let far = world.sinks.pop().unwrap();

    let mut program = world.start();
    program.admit(1);
    program.settle();
    // What it does not get is told first.
    program.settle();
    assert_eq!(world.files(".jsonl").len(), 1);
    program.end(LONG);
    // Its own cursor names nothing that is there.
    assert_eq!(world.files(".cursor").len(), 1);

    world.sinks.push(far);
    world.receiver(1).down = false;
    let mut program = world.start();
    program.admit(1);
    program.settle();
    let durable = world.receiver(1).durable();
    assert!(durable.iter().all(|(writer, _)| *writer == program.writer));
}

#[test]
fn what_a_removed_sink_never_got_is_told_before_it_is_deleted_and_only_once() {
    for keeps in [false, true] {
        let mut world = World::new(&["near", "far"]);
        world.retention = keeps.then_some(Retention::Days30);
        let writer = away(&mut world, 1, 1_500);
        let far = world.sinks.pop().unwrap();
        let told = |vfs: &MemVfs| {
            let losses = losses(vfs).into_iter().map(|loss| {
                assert_eq!(loss.loss_writer_id(), Some(writer.to_string().as_str()));
                assert_eq!(
                    loss.reasons().unwrap()["sink_expired"],
                    loss.count().unwrap()
                );
                loss.count().unwrap()
            });
            losses.sum::<u64>()
        };

        let mut program = world.start();
        let files = |world: &World| world.files(&format!("{writer}-0")).len();
        assert!(files(&world) > 2);
        for day in 0..40 {
            program.admit(1);
            program.settle();
            assert!(files(&world) > 0 || told(&world.vfs.after_power_cut()) > 0);
            if keeps {
                program.pass(DAY);
            } else if day == 3 {
                break;
            }
        }
        assert_eq!((files(&world), told(&world.vfs)), (0, 1_502), "{keeps}");
        program.end(LONG);

        world.sinks.push(far);
        let mut program = world.start();
        program.settle();
        // Of a spool the loss itself is delivered and gone.
        let still = if keeps { 1_502 } else { 0 };
        assert_eq!((told(&world.vfs), program.sink(1).lost()), (still, 0));
    }
}

#[test]
fn what_a_removed_sink_never_got_is_told_once_although_that_cannot_be_stored_for_a_while() {
    let mut world = World::new(&["near", "far"]);
    world.retention = None;
    let writer = away(&mut world, 1, 1_500);
    world.sinks.pop().unwrap();

    let mut program = world.start();
    world.vfs.fail_one_in(Op::Rename, Fault::Io, 1);
    for _ in 0..5 {
        program.admit(1);
        program.settle();
    }
    let files = |world: &World| world.files(&format!("{writer}-0")).len();
    assert!(files(&world) > 2);
    assert_eq!(losses(&world.vfs).len(), 1);
    world.vfs.heal();
    program.settle();
    assert_eq!(files(&world), 0);
}

/// Returns the losses of the sink `far` that are on the disk.
fn losses(vfs: &MemVfs) -> Vec<Event> {
    let vfs: Arc<dyn Vfs> = Arc::new(vfs.clone());
    let events = Reader::open_in(vfs, Path::new(DIR)).unwrap().events();
    let losses = events.filter_map(Result::ok);
    losses
        .filter(|event| event.loss_sink() == Some("far"))
        .collect()
}

#[test]
fn a_backlog_that_is_to_be_deleted_is_counted_a_bounded_step_at_a_time() {
    for expires in [false, true] {
        let mut world = World::new(&["near", "far"]);
        world.retention = expires.then_some(Retention::Days(1));
        world.receiver(1).down = true;
        let mut program = world.start();
        for _ in 0..90 {
            program.admit(100);
        }
        program.settle();
        if !expires {
            program.end(Duration::from_millis(30));
            world.sinks.pop().unwrap();
            program = world.start();
        }
        world.clock.advance(DAY * 2);
        let mut steps = 0;
        let is_told = |program: &Program| match expires {
            true => program.sink(1).lost() > 8_000,
            false => world.told(DiagnosticKind::EventsLost) > 0,
        };
        while !is_told(&program) {
            let before = world.vfs.count(Op::Read);
            program.pass(Duration::from_millis(5));
            let reads = world.vfs.count(Op::Read) - before;
            // Most is read in three steps, of 64 KiB and an end for each segment.
            assert!(reads < 100, "expires: {expires}, {reads} reads in one step");
            steps += 1;
            assert!(steps < 20);
        }
        assert!(steps > 1, "{steps}");
    }
}
