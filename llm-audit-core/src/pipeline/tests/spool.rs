//! The journal as the spool of sinks that are away.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::*;
use super::world::{Id, World};
use crate::event::Kind;

const SHORT: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn a_sink_that_was_down_for_an_hour_gets_everything_once_in_order_from_bounded_memory() {
    let mut world = World::new(&["far"]);
    let mut program = world.start();
    world.receiver(0).down = true;
    for _ in 0..360 {
        program.admit(20);
        program.outlets[0].step();
        program.pass(Duration::from_secs(10));
        assert!(program.backlogs[0].bytes() <= world.backlog_bytes);
    }
    let counters = program.sink(0);
    assert_eq!((counters.delivered, counters.pending), (0, 7_200));
    assert_eq!(counters.breaker, Breaker::Open);
    assert_eq!((counters.cursor, counters.lost()), (0, 0));
    world.receiver(0).down = false;
    program.settle();
    let counters = program.sink(0);
    assert_eq!((counters.delivered, counters.pending), (7_200, 0));
    assert_eq!(counters.breaker, Breaker::Closed);
    let receiver = world.receiver(0);
    receiver.assert_in_order();
    assert_eq!(receiver.durable(), world.ids());
    assert!(receiver.times.values().all(|times| *times == 1));
    assert!(receiver.largest < 4 << 20, "{}", receiver.largest);
}

#[test]
fn after_a_restart_a_sink_gets_what_it_missed_before_what_is_new() {
    let mut world = World::new(&["far"]);
    let mut program = world.start();
    program.admit(10);
    program.settle();
    world.receiver(0).down = true;
    program.admit(500);
    program.settle();
    let counters = program.end(SHORT);
    assert_eq!((counters.sinks[0].pending, counters.lost()), (500, 0));
    assert_eq!(counters.sinks[0].lost(), 0);

    world.receiver(0).down = false;
    let mut program = world.start();
    program.admit(5);
    program.settle();
    let counters = program.sink(0);
    assert_eq!((counters.inherited, counters.delivered), (500, 505));
    let receiver = world.receiver(0);
    assert_eq!(receiver.durable(), world.ids());
    assert!(receiver.order.is_sorted());
    assert!(receiver.times.values().all(|times| *times == 1));
    drop(receiver);
    assert_eq!(program.end(LONG).sinks[0].pending, 0);
    assert_eq!(world.receiver(0).durable(), world.ids());

    let mut program = world.start();
    program.settle();
    assert_eq!(program.sink(0).inherited, 0);
    assert_eq!(world.files(".cursor").len(), 1);
}

#[test]
fn what_was_delivered_and_not_stored_before_a_crash_comes_again() {
    let mut world = World::new(&["far"]);
    let mut program = world.start();
    program.admit(10);
    program.outlets[0].step();
    assert_eq!(world.receiver(0).order.len(), 11);
    world.crash(program);
    let mut program = world.start();
    program.settle();
    let receiver = world.receiver(0);
    assert_eq!(receiver.durable(), world.ids());
    let twice = receiver.times.values().filter(|times| **times == 2);
    assert_eq!(twice.count(), 11);
    drop(receiver);
    assert_eq!(program.sink(0).inherited, 10);
}

#[test]
fn what_was_taken_and_not_durable_before_a_crash_comes_again() {
    let mut world = World::new(&["far"]);
    world.receiver(0).lags = true;
    let mut program = world.start();
    program.admit(10);
    while program.outlets[0].step() == outlet::Step::GoOn {}
    program.pass(Duration::from_secs(2));
    assert!(world.receiver(0).order.is_empty());
    world.crash(program);
    world.receiver(0).lags = false;
    let mut program = world.start();
    program.settle();
    assert_eq!(world.receiver(0).durable(), world.ids());
}

#[test]
fn a_new_sink_gets_what_happens_from_now_on_or_all_when_it_is_told_so() {
    let mut world = World::new(&["known"]);
    let mut program = world.start();
    program.admit(10);
    program.settle();
    program.end(LONG);
    let before = world.ids();

    world.sinks.extend(World::new(&["now", "start"]).sinks);
    let mut program = world.start_with(&["start"]);
    program.admit(3);
    program.settle();
    let since: BTreeSet<Id> = world.ids().difference(&before).copied().collect();
    assert_eq!(world.receiver(1).durable(), since);
    assert_eq!(world.receiver(2).durable(), world.ids());
    assert_eq!(program.sink(2).inherited, 10);
    program.end(LONG);

    let mut program = world.start_with(&["start"]);
    program.settle();
    assert!(world.receiver(2).times.values().all(|times| *times == 1));
}

#[test]
fn two_programs_do_not_bring_each_others_events() {
    let mut world = World::new(&["far"]);
    world.receiver(0).down = true;
    let mut first = world.start();
    first.admit(10);
    let mut second = world.start();
    world.receiver(0).down = false;
    second.admit(5);
    second.settle();
    assert_eq!(second.sink(0).inherited, 0);
    let writers: BTreeSet<_> = world.receiver(0).order.iter().map(|id| id.0).collect();
    assert_eq!(writers, BTreeSet::from([second.writer]));
    first.settle();
    assert_eq!(world.receiver(0).durable(), world.ids());
}

#[test]
fn retention_deletes_what_a_sink_does_not_have_once_the_loss_is_on_record() {
    let mut world = World::new(&["far"]);
    world.receiver(0).down = true;
    let mut program = world.start();
    program.admit(400);
    let own = program.writer;
    program.settle();
    program.end(SHORT);
    let mut program = world.start();
    assert!(!world.files(&format!("{own}-0")).is_empty());
    for day in 0..32 {
        // A clock that jumps is not believed; one that moves on is.
        program.pass(DAY);
        if day == 9 {
            program.admit(10);
        }
    }
    let told = |world: &World| {
        let events = world.events().into_iter();
        let losses = events.filter(|event| {
            *event.kind() == Kind::Loss
                && event.loss_sink() == Some("far")
                && event.loss_writer_id() == Some(own.to_string().as_str())
        });
        losses
            .map(|loss| (loss.count().unwrap(), loss.exact().unwrap()))
            .collect::<Vec<_>>()
    };
    for _ in 0..10 {
        program.pass(Duration::from_secs(1));
        let gone = world.files(&format!("{own}-0")).is_empty();
        assert!(!gone || !told(&world).is_empty());
    }
    assert!(world.files(&format!("{own}-0")).is_empty());
    let counters = program.sink(0);
    assert_eq!(counters.lost_by_reason.get(LossReason::SinkExpired), 400);
    // The log's own first and last event are lost with them.
    let losses = told(&world);
    assert_eq!(losses.iter().map(|(count, _)| count).sum::<u64>(), 402);
    assert!(losses.iter().all(|(_, exact)| *exact));

    world.receiver(0).down = false;
    program.settle();
    let ids = world.ids();
    assert_eq!(world.receiver(0).durable(), ids);
}

#[test]
fn a_spool_keeps_what_a_sink_needs_and_nothing_else() {
    let mut world = World::new(&["near", "far"]);
    world.retention = None;
    world.receiver(1).down = true;
    let mut program = world.start();
    program.admit(1_500);
    program.settle();
    let all = world.files(".jsonl").len();
    assert!(all > 2);
    program.end(SHORT);

    world.receiver(1).down = false;
    let mut program = world.start();
    program.admit(1);
    program.settle();
    assert_eq!(world.receiver(0).durable().len(), 1_504);
    assert_eq!(world.receiver(1).durable(), world.receiver(0).durable());
    assert_eq!(world.files(".jsonl").len(), 1);
}

#[test]
fn a_sink_that_was_removed_holds_nothing_and_goes_on_with_what_is_there() {
    let mut world = World::new(&["near", "far"]);
    world.retention = None;
    world.receiver(1).down = true;
    let mut program = world.start();
    program.admit(1_500);
    program.settle();
    program.end(SHORT);
    let far = world.sinks.pop().unwrap();

    let mut program = world.start();
    program.admit(1);
    program.settle();
    assert_eq!(world.files(".jsonl").len(), 1);
    program.end(LONG);
    assert_eq!(world.files(".cursor").len(), 2);

    world.sinks.push(far);
    world.receiver(1).down = false;
    let mut program = world.start();
    program.admit(1);
    program.settle();
    let durable = world.receiver(1).durable();
    assert!(durable.iter().all(|(writer, _)| *writer == program.writer));
}
