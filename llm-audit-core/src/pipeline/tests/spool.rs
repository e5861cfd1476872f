//! The journal as the spool of sinks that are away.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::super::*;
use super::fakes::Rng;
use super::laws::{assert_balanced, seeds};
use super::world::{Id, World, away};
use crate::event::{Event, Kind};
use crate::sink::SinkLimits;
use crate::vfs::{Fault, Op};

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
    let own = away(&mut world, 0, 400);
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
    away(&mut world, 1, 1_500);
    let all = world.files(".jsonl").len();
    assert!(all > 2);

    world.receiver(1).down = false;
    let mut program = world.start();
    program.admit(1);
    program.settle();
    assert_eq!(world.receiver(0).durable().len(), 1_504);
    assert_eq!(world.receiver(1).durable(), world.receiver(0).durable());
    assert_eq!(world.files(".jsonl").len(), 1);
}

#[test]
fn an_event_that_is_never_taken_is_found_in_its_batch_and_kept_as_a_dead_letter() {
    for panics in [false, true] {
        super::laws::silence();
        let mut world = World::new(&["far"]);
        let mut program = world.start();
        let poison = (program.writer, 7);
        world.receiver(0).poison.insert(poison);
        world.receiver(0).panics = panics;
        program.admit(40);
        for _ in 0..60 {
            program.outlets[0].step();
        }
        program.pass(Duration::from_secs(1));
        let counters = program.sink(0);
        assert_eq!((counters.delivered, counters.lost()), (39, 1));
        assert_eq!(counters.dead_lettered, 1);
        assert!(world.receiver(0).calls < 40, "{}", world.receiver(0).calls);
        let letters = world.files("dead-letters/");
        let [letter] = letters.as_slice() else {
            panic!("{letters:?}");
        };
        assert!(letter.ends_with("-far.jsonl"), "{letter}");
        let lines = world.vfs.files()[Path::new(letter)].clone();
        let event = Event::from_json(lines.trim_ascii_end()).unwrap();
        assert_eq!((event.writer_id(), event.seq()), (poison.0, Some(poison.1)));
        let told = world.events().into_iter();
        let told = told.filter(|event| event.loss_sink() == Some("far"));
        assert_eq!(
            told.map(|loss| loss.seq_from()).collect::<Vec<_>>(),
            [Some(7)]
        );

        for _ in 0..32 {
            program.pass(DAY);
        }
        assert!(world.files("dead-letters/").is_empty());
    }
}

#[test]
fn what_a_sink_of_a_spool_never_took_goes_when_the_policy_says() {
    let mut world = World::new(&["far"]);
    world.retention = None;
    let mut program = world.start();
    world.receiver(0).poison.insert((program.writer, 7));
    program.admit(40);
    program.settle();
    for _ in 0..29 {
        program.pass(DAY);
        assert_eq!(world.files("dead-letters/").len(), 1);
    }
    program.pass(DAY * 2);
    program.pass(DAY);
    assert!(world.files("dead-letters/").is_empty());
}

#[test]
fn a_sink_that_refuses_everything_is_not_asked_about_each_event() {
    let mut world = World::new(&["far"]);
    let mut program = world.start();
    let poison = (1..=700).map(|seq| (program.writer, seq));
    world.receiver(0).poison.extend(poison);
    program.admit(600);
    program.settle();
    let counters = program.sink(0);
    assert_eq!((counters.lost(), counters.dead_lettered), (600, 600));
    assert!(world.receiver(0).calls < 300, "{}", world.receiver(0).calls);
}

#[test]
fn one_bad_event_in_each_batch_never_costs_the_others() {
    let mut world = World::new(&["far"]);
    let mut program = world.start();
    for _ in 0..60 {
        let bad = program.sink(0).cursor + 3;
        world.receiver(0).poison.insert((program.writer, bad));
        program.admit(30);
        program.settle();
    }
    let counters = program.sink(0);
    assert_eq!((counters.delivered, counters.lost()), (1_740, 60));
}

#[test]
fn an_idle_sink_is_flushed() {
    let mut world = World::new(&["far"]);
    world.receiver(0).lags = true;
    let mut program = world.start();
    program.admit(5);
    while program.outlets[0].step() == outlet::Step::GoOn {}
    assert_eq!(program.sink(0).delivered, 0);
    world.clock.advance(Duration::from_secs(4));
    let left = Some(Duration::from_secs(1));
    assert_eq!(program.outlets[0].step(), outlet::Step::Wait(left));
    assert_eq!(program.sink(0).lag, Duration::from_secs(4));
    world.clock.advance(Duration::from_secs(1));
    program.outlets[0].step();
    assert_eq!(program.sink(0).delivered, 5);
    assert_eq!(program.outlets[0].step(), outlet::Step::Wait(None));
    assert_eq!(program.sink(0).lag, Duration::ZERO);
}

#[test]
fn batches_are_as_small_as_the_sink_asks_for() {
    let mut world = World::new(&["far"]);
    world.sinks[0].limits = SinkLimits::default().max_batch_events(3);
    let mut program = world.start();
    program.admit(40);
    program.settle();
    assert_eq!(world.receiver(0).most_events, 3);
    assert_eq!(world.receiver(0).durable(), world.ids());
}

#[test]
fn what_a_program_that_crashed_left_is_brought_by_one_that_lives() {
    let mut world = World::new(&["far"]);
    world.receiver(0).down = true;
    let mut first = world.start();
    let mut second = world.start();
    first.admit(50);
    world.crash(first);
    world.receiver(0).down = false;
    second.pass(Duration::from_secs(3_601));
    second.settle();
    assert_eq!(world.receiver(0).durable(), world.ids());
    assert_eq!(second.sink(0).inherited, 50);
}

fn run(seed: u64) {
    let mut rng = Rng(seed);
    let mut world = World::new(&["a", "b"]);
    if rng.one_in(3) {
        world.retention = None;
    }
    world.backlog_bytes = 1 + rng.below(60_000) as usize;
    for sink in 0..2 {
        let mut receiver = world.receiver(sink);
        receiver.rng = Some(Rng(rng.below(u64::MAX)));
        receiver.lags = rng.one_in(2);
        receiver.fails_one_in = rng.below(4);
    }
    let mut written = BTreeSet::new();
    for _ in 0..1 + rng.below(4) {
        let mut program = world.start();
        for _ in 0..10 + rng.below(30) {
            match rng.below(8) {
                0..3 => program.admit(rng.below(60)),
                3 => program.pass(Duration::from_millis(rng.below(3_000))),
                4 => world.receiver(rng.below(2) as usize).down ^= true,
                5 if rng.one_in(4) => world.vfs.fail_one_in(Op::Read, Fault::Io, 20),
                5 => world.vfs.heal(),
                _ => {}
            }
            let sink = rng.below(2) as usize;
            for _ in 0..rng.below(5) {
                program.outlets[sink].step();
                assert_balanced(&program.pipeline.counters());
            }
            world.vfs.heal();
            if world.retention.is_none() {
                // What is delivered is gone soon.
                written.extend(world.ids());
            }
            let most = world.backlog_bytes.max(60_000);
            assert!(
                program
                    .backlogs
                    .iter()
                    .all(|backlog| backlog.bytes() <= most)
            );
        }
        if rng.one_in(2) {
            world.crash(program);
        } else {
            program.end(Duration::from_millis(rng.below(3)));
        }
        written.extend(world.ids());
    }
    for sink in 0..2 {
        let mut receiver = world.receiver(sink);
        (receiver.down, receiver.fails_one_in) = (false, 0);
    }
    let mut program = world.start();
    program.admit(1);
    for _ in 0..3 {
        program.settle();
    }
    written.extend(world.ids());
    for sink in 0..2 {
        let counters = program.sink(sink);
        assert_eq!((counters.pending, counters.lost()), (0, 0), "{counters:?}");
        let receiver = world.receiver(sink);
        receiver.assert_in_order();
        // What a recovery wrote may have come and gone without having been seen here.
        let missing = written.difference(&receiver.durable()).count();
        assert_eq!(missing, 0, "of {}", written.len());
    }
}

#[test]
fn sinks_that_fail_over_starts_and_crashes_get_every_event_in_order() {
    // A schedule reads and writes files for several starts.
    seeds(2, run);
}

/// A program whose sink was down and has to be brought what an earlier one recorded.
fn behind(events: u64) -> (World, super::world::Program) {
    let mut world = World::new(&["far"]);
    away(&mut world, 0, events);
    world.receiver(0).down = false;
    let program = world.start();
    (world, program)
}

#[test]
fn a_flush_burns_no_try_of_a_file_that_cannot_be_read() {
    let (world, mut program) = behind(10);
    world.vfs.fail_one_in(Op::Read, Fault::Io, 1);
    for _ in 0..100 {
        assert!(matches!(program.outlets[0].step(), outlet::Step::Pause(_)));
    }
    world.vfs.heal();
    program.settle();
    assert_eq!(world.receiver(0).durable(), world.ids());
}

/// Has files be unreadable until one is given up.
fn give_up(world: &World, program: &mut super::world::Program) {
    world.vfs.fail_one_in(Op::Read, Fault::Io, 1);
    while program.outlets[0].step() != outlet::Step::GoOn {
        world.clock.advance(Duration::from_secs(5));
    }
    world.vfs.heal();
}

#[test]
fn a_segment_that_cannot_be_read_is_lost_and_those_around_it_are_brought() {
    for before in 0..2 {
        let (world, mut program) = behind(1_500);
        for _ in 0..before {
            program.outlets[0].step();
        }
        give_up(&world, &mut program);
        program.settle();
        let counters = program.sink(0);
        let lost = counters.lost_by_reason.get(LossReason::SinkExpired);
        assert_eq!((counters.pending, counters.lost()), (0, lost));
        let receiver = world.receiver(0);
        receiver.assert_in_order();
        let ids = world.ids();
        let missing: BTreeSet<_> = ids.difference(&receiver.durable()).copied().collect();
        assert_eq!(missing.len() as u64, lost);
        let first = missing.first().unwrap().1;
        assert_eq!(first == 1, before == 0, "{first}");
    }
}

#[test]
fn the_last_segment_of_a_dead_writer_that_cannot_be_read_stays_due() {
    let (mut world, mut program) = behind(10);
    give_up(&world, &mut program);
    program.settle();
    let counters = program.end(LONG);
    assert_eq!(
        (counters.sinks[0].inherited, counters.sinks[0].lost()),
        (0, 0)
    );
    assert_ne!(world.receiver(0).durable(), world.ids());
    let mut program = world.start();
    program.settle();
    assert_eq!(world.receiver(0).durable(), world.ids());
}

#[test]
fn the_last_segment_of_a_dead_writer_that_cannot_be_read_is_tried_again_while_the_log_runs() {
    let (world, mut program) = behind(10);
    give_up(&world, &mut program);
    while program.outlets[0].step() == outlet::Step::GoOn {}
    assert_eq!(program.sink(0).inherited, 0);
    let outlet::Step::Wait(Some(pause)) = program.outlets[0].step() else {
        panic!("nobody comes back to it");
    };
    world.clock.advance(pause);
    program.settle();
    assert_eq!(program.sink(0).inherited, 10);
    assert_eq!(world.receiver(0).durable(), world.ids());
    let cursors = program.end(LONG);
    assert_eq!(cursors.sinks[0].pending, 0);
}

#[test]
fn a_loss_that_is_not_on_disk_holds_the_cursor() {
    let mut world = World::new(&["far"]);
    let mut program = world.start();
    let poison = (program.writer, 7);
    world.receiver(0).poison.insert(poison);
    program.admit(10);
    while program.outlets[0].step() == outlet::Step::GoOn {}
    assert_eq!(program.sink(0).cursor, 6, "the loss is told nowhere");
    program.pass(Duration::from_secs(2));
    let mut told = world.events().into_iter();
    assert!(told.any(|event| event.loss_sink().is_some()));
    assert_eq!(program.sink(0).cursor, 6, "a power cut takes the loss back");
    program.pass(Duration::from_secs(2));
    assert_eq!(program.sink(0).cursor, 11);
}
