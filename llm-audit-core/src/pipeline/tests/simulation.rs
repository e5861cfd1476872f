//! Programs over one directory that come and go as a seed says, their sinks and their disk.
//!
//! `LLM_AUDIT_SEED` tries one seed again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::*;
use super::fakes::Rng;
use super::laws::{assert_balanced, seeds};
use super::world::{Id, Program, World};
use crate::event::{Event, Kind};
use crate::retention::Retention;

const SINKS: [&str; 2] = ["a", "b"];
const HOUR: Duration = Duration::from_secs(3_600);

/// In place of the name of a sink, for losses of the log itself.
const LOG: &str = "";

/// A loss that was told of: the writer, the numbers, how many of them, and whether exactly.
#[derive(Debug)]
struct Told {
    writer: WriterId,
    from: u64,
    to: u64,
    count: u64,
    exact: bool,
}

/// What the log has said so far, as one who reads it from time to time knows it.
#[derive(Default)]
struct Known {
    events: BTreeSet<Id>,
    told: BTreeMap<Id, (String, Told)>,
}

impl Known {
    fn read(&mut self, world: &World) {
        for event in world.events() {
            let Some(seq) = event.seq() else { continue };
            let id = (event.writer_id(), seq);
            if self.events.insert(id)
                && let Some((sink, told)) = told(&event)
            {
                self.told.insert(id, (sink, told));
            }
        }
    }

    /// A power cut has taken back what is not in `left`, of what was in `before`.
    fn forget(&mut self, before: &BTreeSet<Id>, left: &BTreeSet<Id>) {
        let gone = |id: &Id| before.contains(id) && !left.contains(id);
        self.events.retain(|id| !gone(id));
        self.told.retain(|id, _| !gone(id));
    }

    fn of<'a>(&'a self, sink: &'a str) -> impl Iterator<Item = &'a Told> {
        let told = self.told.values().filter(move |(of, _)| of == sink);
        told.map(|(_, told)| told)
    }

    /// How many losses of `sink` the number lies in.
    fn losses_with(&self, sink: &str, (writer, seq): Id) -> usize {
        let holds = |told: &&Told| told.writer == writer && (told.from..=told.to).contains(&seq);
        self.of(sink).filter(holds).count()
    }
}

fn told(event: &Event) -> Option<(String, Told)> {
    if *event.kind() != Kind::Loss {
        return None;
    }
    let told = Told {
        writer: event.loss_writer_id()?.parse().ok()?,
        from: event.seq_from()?,
        to: event.seq_to()?,
        count: event.count()?,
        exact: event.exact()?,
    };
    Some((event.loss_sink().unwrap_or(LOG).to_owned(), told))
}

/// Whatever a cursor has passed is at the sink, or lost to it in the open.
fn assert_behind_cursors(world: &World, known: &Known, programs: &[Program]) {
    for program in programs {
        for (sink, name) in SINKS.iter().enumerate() {
            let cursor = program.sink(sink).cursor;
            let receiver = world.receiver(sink);
            let own = (program.writer, 0)..=(program.writer, cursor);
            for id in known.events.range(own) {
                assert!(
                    receiver.times.contains_key(id) || known.losses_with(name, *id) > 0,
                    "{id:?} is behind cursor {cursor} of {name} and not there"
                );
            }
        }
    }
}

/// Each number of a writer that is gone is an event, or in one loss of the log, or was let go of when
/// the sinks had it.
fn assert_told_once(world: &World, known: &Known, alive: WriterId) {
    let last: BTreeMap<WriterId, u64> = known.events.iter().copied().collect();
    for (writer, last) in last.into_iter().filter(|(writer, _)| *writer != alive) {
        for id in (1..=last).map(|seq| (writer, seq)) {
            if known.events.contains(&id) {
                continue;
            }
            let losses = known.losses_with(LOG, id);
            let is_at = |sink| world.receiver(sink).times.contains_key(&id);
            let let_go = (0..2).any(is_at) || SINKS.iter().any(|n| known.losses_with(n, id) > 0);
            assert!(
                losses == 1 || losses == 0 && let_go,
                "{id:?} is in {losses} losses"
            );
        }
    }
}

fn admit(rng: &mut Rng, world: &World, program: &mut Program) {
    let events = rng.below(60);
    if rng.one_in(10) {
        let seq = program.pipeline.shared.lanes.last() + 1 + rng.below(events + 1);
        world
            .receiver(rng.below(2) as usize)
            .poison
            .insert((program.writer, seq));
    }
    program.admit(events);
}

fn run(seed: u64) {
    let mut rng = Rng(seed);
    let mut world = World::new(&SINKS);
    world.retention =
        [None, Some(Retention::Days30), Some(Retention::Days(1))][rng.below(3) as usize];
    world.backlog_bytes = 1 + rng.below(60_000) as usize;
    for sink in 0..2 {
        let mut receiver = world.receiver(sink);
        receiver.rng = Some(Rng(rng.below(u64::MAX)));
        receiver.lags = rng.one_in(2);
        receiver.fails_one_in = rng.below(4);
        receiver.parts_one_in = rng.below(3) * 5;
        receiver.rejects_one_in = rng.below(3) * 10;
        receiver.panics = rng.one_in(3);
    }
    let mut known = Known::default();
    let mut crashes = 0;
    let mut programs = vec![world.start()];
    for step in 0..20 + rng.below(60) {
        let chosen = rng.below(programs.len() as u64) as usize;
        let program = &mut programs[chosen];
        match rng.below(16) {
            0..6 => admit(&mut rng, &world, program),
            6..8 => program.pass(Duration::from_millis(rng.below(3_000))),
            8 if rng.one_in(2) => {
                known.read(&world);
                program.pass(HOUR * rng.below(12) as u32);
            }
            9 => world.receiver(rng.below(2) as usize).down ^= true,
            // Another process over the same directory; it may take over what this one leaves.
            10 if programs.len() < 3 => programs.push(world.start()),
            11 if rng.one_in(2) => {
                known.read(&world);
                programs
                    .swap_remove(chosen)
                    .end(Duration::from_millis(rng.below(3)));
            }
            12 if rng.one_in(2) => {
                crashes += 1;
                world.crash(programs.swap_remove(chosen));
            }
            13 if rng.one_in(4) => {
                crashes += 1;
                known.read(&world);
                let before = world.ids();
                world.power_cut(std::mem::take(&mut programs), rng.below(u64::MAX));
                known.forget(&before, &world.ids());
            }
            14 => programs[chosen].synchronise(),
            _ => {}
        }
        if programs.is_empty() {
            programs.push(world.start());
        }
        for program in &mut programs {
            let sink = rng.below(2) as usize;
            for _ in 0..rng.below(6) {
                program.outlets[sink].step();
                assert_balanced(&program.pipeline.counters());
            }
        }
        if step % 4 == 0 {
            known.read(&world);
            assert_behind_cursors(&world, &known, &programs);
        }
    }

    // The trouble ends; one program takes over from the others and brings what is left.
    for sink in 0..2 {
        let mut receiver = world.receiver(sink);
        (receiver.down, receiver.fails_one_in, receiver.panics) = (false, 0, false);
        (receiver.parts_one_in, receiver.rejects_one_in) = (0, 0);
    }
    known.read(&world);
    for program in programs {
        program.end(Duration::from_millis(1));
        known.read(&world);
    }
    let mut program = world.start();
    program.admit(1);
    for _ in 0..4 {
        program.settle();
        known.read(&world);
    }
    assert_told_once(&world, &known, program.writer);
    for (sink, name) in SINKS.iter().enumerate() {
        assert_eq!(program.sink(sink).pending, 0, "{:?}", program.sink(sink));
        let receiver = world.receiver(sink);
        receiver.assert_in_order();
        let durable = receiver.durable();
        let missing: BTreeSet<Id> = known.events.difference(&durable).copied().collect();
        for id in &missing {
            let losses = known.losses_with(name, *id);
            assert!(losses > 0, "{id:?} is not at {name}, and no loss says so");
            // What was told before a crash may be tried, and lost, again after it.
            assert!(
                losses == 1 || crashes > 0,
                "{id:?} is in {losses} losses of {name}"
            );
        }
        for told in known.of(name).filter(|told| told.exact && crashes == 0) {
            let range = (told.writer, told.from)..=(told.writer, told.to);
            assert_eq!(
                missing.range(range).count() as u64,
                told.count,
                "{name}: {told:?}"
            );
        }
    }
}

#[test]
fn every_sink_gets_every_event_or_one_loss_whatever_happens_to_programs_disk_and_sinks() {
    // A schedule reads and writes files for several starts.
    seeds(2, run);
}
