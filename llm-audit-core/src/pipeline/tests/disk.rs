//! The pipeline over the real journal on a disk that fails.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use super::super::worker::Drain;
use super::super::*;
use super::fakes::*;
use super::laws::{assert_accounted, assert_balanced, seeds};
use super::world::World;
use crate::diagnostics::DiagnosticKind;
use crate::event::{Event, Kind};
use crate::id::RandomIds;
use crate::journal::{Journal, JournalConfig, Reader};
use crate::retention::Retention;
use crate::testing::ManualClock;
use crate::vfs::{Fault, MemVfs, Op, Vfs};

const DIR: &str = "/log";

fn run(seed: u64) {
    let mut rng = Rng(seed);
    let vfs = MemVfs::seeded(seed);
    let clock = Arc::new(ManualClock::default());
    let mut config = config(Arc::clone(&clock) as Arc<dyn Clock>);
    config.overflow = Overflow::DropNewest;
    config.max_events = 40;
    let journal = JournalConfig::keep(DIR, Retention::Forever)
        .segment_max_bytes(64 << 10)
        .min_free(rng.below(3) * 1_000)
        .sync_thread(false);
    let shared_vfs: Arc<dyn Vfs> = Arc::new(vfs.clone());
    let ids = Arc::new(RandomIds::new());
    let open = Journal::open(
        journal,
        Arc::clone(&shared_vfs),
        Arc::clone(&config.clock),
        ids,
        WRITER,
    );
    let (journal, _) = open.unwrap();
    let log = JournalLog::new(
        journal,
        false,
        Arc::clone(&config.clock),
        config.diagnostics.clone(),
    );
    let sink = FakeSink::new("archive");
    let (shared, mut worker, outlets) = assemble(
        config,
        FakeSealer::default(),
        Some(Box::new(log)),
        whole(boxes(std::slice::from_ref(&sink))),
        vec![OwnEvent::new(Kind::LogOpened)],
    )
    .unwrap();
    let pipeline = Pipeline {
        shared: Arc::clone(&shared),
    };
    let threads: Vec<_> = outlets
        .into_iter()
        .map(|outlet| thread::spawn(|| outlet.run()))
        .collect();

    let faults = [Fault::Io, Fault::NoSpace, Fault::Short, Fault::Interrupted];
    for _ in 0..60 {
        if rng.one_in(5) {
            let op = [Op::Write, Op::Create, Op::Truncate][rng.below(3) as usize];
            let fault = faults[rng.below(4) as usize];
            // A call that is interrupted every time would be repeated for ever.
            let least = if fault == Fault::Interrupted { 2 } else { 1 };
            vfs.fail_one_in(op, fault, least + rng.below(3));
        }
        if rng.one_in(8) {
            // A disk with a size: full, nearly full, or with some room.
            vfs.resize(vfs.used() + rng.below(4) * 900);
        }
        if rng.one_in(8) {
            vfs.heal();
        }
        for _ in 0..rng.below(20) {
            pipeline.admit(FakeRaw::default(), None).ok();
        }
        worker.step(Drain::Open);
        clock.advance(Duration::from_millis(rng.below(4_000)));
        assert_balanced(&pipeline.counters());
    }

    vfs.heal();
    clock.advance(Duration::from_secs(5));
    let deadline = clock.monotonic() + Duration::from_secs(3_600);
    shared.control.shut_down(deadline, Tracker::new(1));
    worker.finish();
    for thread in threads {
        thread.join().unwrap();
    }
    drop(worker);
    shared.control.end();

    let counters = pipeline.counters();
    assert_balanced(&counters);
    assert_eq!(counters.pending, 0);
    // Half a line that could not be cut off stays; its event is whole in the next segment.
    let reader = Reader::open_in(shared_vfs, Path::new(DIR)).unwrap();
    let events: Vec<_> = reader.events().filter_map(Result::ok).collect();
    let seqs: BTreeSet<_> = events.iter().filter_map(Event::seq).collect();
    let losses: Vec<_> = events
        .iter()
        .filter(|event| *event.kind() == Kind::Loss)
        .collect();
    assert_accounted(1..=*seqs.last().unwrap(), &seqs, &losses);
    let own = counters.own_written;
    assert_eq!(seqs.len() as u64, counters.written + own);
    assert_eq!(sink.durable(), seqs);
}

#[test]
fn a_log_on_a_full_disk_says_so_and_tells_what_it_lost_before_there_is_room() {
    for reason in [LossReason::Enospc, LossReason::DiskBudget] {
        let mut world = World::new(&[]);
        let mut program = world.start();
        program.admit(3);
        program.pass(Duration::from_secs(1));
        assert_eq!(world.files(".ballast").len(), 1);
        // A twentieth of it is to stay free, unless the system does not tell what is.
        let used = world.vfs.used();
        match reason {
            LossReason::Enospc => world.vfs.limit(Some(used)),
            _ => world.vfs.resize(used + used / 20),
        }
        for _ in 0..40 {
            program.admit(2);
            program.pass(Duration::from_secs(1));
        }
        let counters = program.pipeline.counters();
        assert!(counters.is_degraded, "{reason}");
        let told = |world: &World| {
            let events = world.events().into_iter();
            let losses = events.filter(|event| *event.kind() == Kind::Loss);
            let counts = losses.filter_map(|loss| loss.reasons()?.get(reason.name()).copied());
            counts.sum::<u64>()
        };
        let lost = counters.lost_by_reason.get(reason);
        assert!(lost >= 60 && told(&world) >= 50, "{lost} {}", told(&world));

        world.vfs.heal();
        for _ in 0..3 {
            program.pass(Duration::from_secs(1));
        }
        program.admit(1);
        let counters = program.pipeline.counters();
        assert!(!counters.is_degraded, "{reason}");
        assert_eq!(counters.pending, 0);
        assert_eq!(told(&world), counters.lost_by_reason.get(reason));
        let losses = counters.lost();
        assert_eq!(counters.lost_by_reason.get(reason), losses);
        program.end(Duration::from_secs(60));
        assert!(world.files(".ballast").is_empty());
    }
}

#[test]
fn a_disk_that_fails_loses_nothing_without_a_loss_event() {
    // A schedule with the real journal takes four times as long.
    seeds(10, run);
}

#[test]
fn a_log_that_gave_up_is_degraded_until_something_was_written_again() {
    let mut world = World::new(&[]);
    let mut program = world.start();
    program.admit(3);
    world.vfs.fail_one_in(Op::Write, Fault::Io, 1);
    program.admit(2);
    let mut given_up = false;
    for _ in 0..100 {
        program.admit(1);
        program.pass(Duration::from_secs(1));
        let counters = program.pipeline.counters();
        given_up |= counters.lost() > 0;
        assert!(counters.is_degraded);
        assert!(program.pipeline.check_durable().is_err());
    }
    assert!(given_up);
    assert_eq!(world.told(DiagnosticKind::Degraded), 1);
    assert_eq!(world.told(DiagnosticKind::Recovered), 0);

    // Nobody hands in anything: what the log itself has to say finds the disk in order.
    world.vfs.heal();
    for _ in 0..3 {
        program.pass(Duration::from_secs(1));
    }
    assert!(!program.pipeline.counters().is_degraded);
    program.pipeline.check_durable().unwrap();
    assert_eq!(world.told(DiagnosticKind::Recovered), 1);
    program.end(Duration::from_secs(60));
}

#[test]
fn a_log_that_writes_nothing_tells_its_own_losses_once() {
    let mut world = World::new(&[]);
    let mut program = world.start();
    program.admit(3);
    world.vfs.fail_one_in(Op::Write, Fault::Io, 1);
    program.admit(2);
    for _ in 0..400 {
        program.pass(Duration::from_secs(1));
    }
    assert_eq!(program.pipeline.counters().lost(), 2);
    assert_eq!(world.told(DiagnosticKind::EventsLost), 1);
    assert_eq!(world.told(DiagnosticKind::Degraded), 1);
    world.vfs.heal();
    program.pass(Duration::from_secs(2));
    program.end(Duration::from_secs(60));
}

#[test]
fn a_log_that_cannot_begin_a_segment_says_so_and_takes_everything() {
    let mut world = World::new(&[]);
    let mut program = world.start();
    program.admit(3);
    world.vfs.fail_one_in(Op::Create, Fault::Io, 1);
    for _ in 0..40 {
        program.admit(30);
        program.pass(Duration::from_secs(1));
    }
    let counters = program.pipeline.counters();
    assert!(counters.is_degraded);
    assert_eq!((counters.lost(), counters.pending), (0, 0));
    assert_eq!(world.files(".jsonl").len(), 1);
    program.pipeline.check_durable().unwrap();

    world.vfs.heal();
    program.pass(Duration::from_secs(1));
    assert!(!program.pipeline.counters().is_degraded);
    assert_eq!(world.files(".jsonl").len(), 2);
    assert_eq!(program.end(Duration::from_secs(60)).lost(), 0);
}

#[test]
fn numbers_that_cannot_be_set_aside_are_told_of_once_until_they_can() {
    let vfs = MemVfs::new();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
    let config = config(Arc::clone(&clock));
    let journal = JournalConfig::keep(DIR, Retention::Forever).sync_thread(false);
    let shared_vfs: Arc<dyn Vfs> = Arc::new(vfs.clone());
    let ids = Arc::new(RandomIds::new());
    let (journal, _) = Journal::open(journal, shared_vfs, clock, ids, WRITER).unwrap();
    let mut log = JournalLog::new(journal, false, config.clock, config.diagnostics);
    assert_eq!(log.reserve(1).unwrap(), 4_096);
    for bound in [4_096, 8_192] {
        vfs.limit(Some(0));
        assert!(log.reserve(bound + 1).unwrap_err().is_io());
        for _ in 0..3 {
            assert_eq!(log.reserve(bound + 1).unwrap(), bound);
        }
        vfs.heal();
        assert_eq!(log.reserve(bound + 1).unwrap(), bound + 4_096);
    }
}
