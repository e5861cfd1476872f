//! Losses whose events the disk did not take.

use std::path::Path;
use std::time::Duration;

use super::super::*;
use super::world::{DIR, World};
use crate::journal::Reader;
use crate::vfs::{Fault, MemVfs, Op, Vfs};

const SECOND: Duration = Duration::from_secs(1);

/// How many losses of a sink a log tells of.
fn told(vfs: &MemVfs, sink: &str) -> usize {
    let vfs: Arc<dyn Vfs> = Arc::new(vfs.clone());
    let events = Reader::open_in(vfs, Path::new(DIR)).unwrap().events();
    let losses = events.filter_map(Result::ok);
    losses.filter(|loss| loss.loss_sink() == Some(sink)).count()
}

#[test]
fn a_loss_that_two_files_did_not_take_is_told_again_before_a_cursor_passes_it() {
    let mut world = World::new(&["far"]);
    let mut program = world.start();
    let lost = (program.writer, 5);
    world.receiver(0).poison.insert(lost);
    program.admit(10);
    program.synchronise();
    while program.outlets[0].step() == outlet::Step::GoOn {}
    assert_eq!(program.sink(0).lost(), 1);
    world.vfs.fail_one_in(Op::SyncData, Fault::Io, 1);
    for _ in 0..10 {
        program.pass(SECOND);
        assert!(program.sink(0).cursor < lost.1);
    }
    for _ in 0..600 {
        program.pass(SECOND);
    }
    // It is written, not too often, and a power cut would take it back.
    let times = told(&world.vfs, "far");
    assert!((2..13).contains(&times), "{times}");
    assert_eq!(told(&world.vfs.after_power_cut(), "far"), 0);
    world.vfs.heal();
    for _ in 0..100 {
        program.pass(SECOND * 20);
        let left = world.vfs.after_power_cut();
        assert!(program.sink(0).cursor < lost.1 || told(&left, "far") > 0);
    }
    assert!(program.sink(0).cursor > lost.1);
}

#[test]
fn the_loss_of_a_removed_sink_that_two_files_did_not_take_is_told_again_before_its_events_go() {
    let mut world = World::new(&["near", "far"]);
    world.retention = None;
    world.receiver(1).down = true;
    let mut program = world.start();
    program.admit(1_000);
    program.settle();
    let segments = format!("{}-0", program.writer);
    program.end(Duration::from_millis(30));
    world.sinks.pop().unwrap();

    let mut program = world.start();
    let files = |world: &World| world.files(&segments).len();
    let before = files(&world);
    world.vfs.fail_one_in(Op::SyncData, Fault::Io, 1);
    for _ in 0..10 {
        program.pass(SECOND);
        assert_eq!(files(&world), before);
    }
    assert!(told(&world.vfs, "far") > 0);
    assert_eq!(told(&world.vfs.after_power_cut(), "far"), 0);
    world.vfs.heal();
    let mut is_told = false;
    for _ in 0..20 {
        program.pass(SECOND);
        is_told |= told(&world.vfs.after_power_cut(), "far") > 0;
        assert!(files(&world) == before || is_told);
        while program.outlets[0].step() == outlet::Step::GoOn {}
    }
    assert_eq!(files(&world), 0);
}
