//! The conservation laws under random faults: one seed is one schedule.

use std::collections::BTreeSet;
use std::sync::Once;
use std::time::Duration;

use super::super::worker::Drain;
use super::super::*;
use super::fakes::*;
use crate::event::{Event, Kind};
use crate::sync::lock;
use crate::testing::ManualClock;

const FOR_EVER: Duration = Duration::from_secs(3_600);

/// `admitted = written + lost + pending`, and for each sink
/// `written + inherited = delivered + lost + pending`.
pub(super) fn assert_balanced(counters: &Counters) {
    let sum = counters.written + counters.lost() + counters.pending;
    assert_eq!(counters.admitted, sum, "{counters:?}");
    for sink in &counters.sinks {
        let sum = sink.delivered + sink.lost() + sink.pending;
        assert_eq!(counters.written + sink.inherited, sum, "{counters:?}");
    }
}

/// Every missing number is in exactly one window of `losses`, and each window's count is the
/// number of those that are missing in it.
pub(super) fn assert_accounted(
    expected: impl Iterator<Item = u64>,
    present: &BTreeSet<u64>,
    losses: &[&Event],
) {
    let missing: BTreeSet<_> = expected.filter(|seq| !present.contains(seq)).collect();
    let mut told = 0;
    let mut last = 0;
    for loss in losses {
        let (from, to) = (loss.seq_from().unwrap(), loss.seq_to().unwrap());
        assert!(
            from > last && to >= from,
            "windows overlap: {from} after {last}"
        );
        last = to;
        let count = missing.range(from..=to).count() as u64;
        assert_eq!(loss.count(), Some(count), "window {from}..={to}");
        assert_eq!(loss.reasons().unwrap().values().sum::<u64>(), count);
        assert_eq!(loss.exact(), Some(true));
        told += count;
    }
    assert_eq!(
        told,
        missing.len() as u64,
        "told of {told}, missing {missing:?}"
    );
}

/// Panics of fakes are part of the test, not of its output.
pub(super) fn silence() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let asked = info.to_string().contains("as the test asked");
            if !asked {
                before(info);
            }
        }));
    });
}

fn run(seed: u64) {
    let mut rng = Rng(seed);
    let clock = Arc::new(ManualClock::default());
    let mut config = config(Arc::clone(&clock) as Arc<dyn Clock>);
    config.max_events = 1 + rng.below(40) as usize;
    config.max_bytes = 1_000 + rng.below(4_000) as usize;
    config.sink_backlog_bytes = 1 + rng.below(20_000) as usize;
    config.retry.tries = 1 + rng.below(4) as u32;
    config.overflow = match rng.below(3) {
        0 => Overflow::DropNewest,
        1 => Overflow::FailClosed,
        _ => Overflow::block(Duration::ZERO),
    };
    let log = FakeLog::default();
    {
        let mut paper = lock(&log.paper);
        paper.rng = Some(Rng(rng.below(u64::MAX)));
        paper.fails_one_in = rng.below(4);
        paper.tears = true;
        paper.refuses_one_in = rng.below(3) * 20;
        paper.gives_up_after = 1 + rng.below(4);
    }
    let journal = !rng.one_in(4);
    let sinks = [FakeSink::new("a"), FakeSink::new("b")];
    for sink in &sinks {
        let mut shelf = lock(&sink.shelf);
        shelf.rng = Some(Rng(rng.below(u64::MAX)));
        shelf.fails_one_in = rng.below(4);
        shelf.lags = rng.one_in(2);
    }
    let sealer = FakeSealer::default();
    let sealed = Arc::clone(&sealer.sealed);

    let (max_bytes, max_events) = (config.max_bytes, config.max_events);
    let boxed = journal.then(|| Box::new(log.clone()) as Box<dyn Log>);
    let opening = vec![OwnEvent::new(Kind::LogOpened)];
    let (shared, mut worker, mut outlets) =
        assemble(config, sealer, boxed, whole(boxes(&sinks)), opening).unwrap();
    let pipeline = Pipeline {
        shared: Arc::clone(&shared),
    };
    let mut replies = Vec::new();
    let mut admitted = 0;
    for _ in 0..40 + rng.below(60) {
        match rng.below(10) {
            0..4 => {
                for _ in 0..rng.below(12) {
                    let raw = FakeRaw {
                        bytes: rng.below(300) as usize,
                        panics: rng.one_in(30),
                    };
                    // An interaction that finds no room for its content is recorded without.
                    let raw = match pipeline.budget().reserve_bytes(raw.bytes) {
                        Ok(()) => raw,
                        Err(_) => FakeRaw { bytes: 0, ..raw },
                    };
                    admitted += 1;
                    let goal = match rng.below(9) {
                        0 => Goal::Written,
                        1 => Goal::Synced,
                        2 => Goal::Delivered(rng.below(2) as usize),
                        _ => {
                            pipeline.admit(raw, None).ok();
                            continue;
                        }
                    };
                    if let Ok(reply) = pipeline.admit_for(raw, None, goal) {
                        replies.push((goal, reply));
                    }
                }
            }
            4..7 => worker.step(Drain::Open),
            7 => clock.advance(Duration::from_millis(rng.below(200))),
            8 => pipeline.own(OwnEvent::new(Kind::Exported)),
            _ => {}
        }
        let outlet = rng.below(3) as usize;
        if let Some(outlet) = outlets.get_mut(outlet) {
            outlet.step();
        }
        assert_balanced(&pipeline.counters());
        let (events, bytes) = pipeline.budget().used();
        assert!(events <= max_events && bytes <= max_bytes);
    }
    assert_eq!(pipeline.counters().admitted, admitted);

    // The faults end, and so does the log.
    lock(&log.paper).fails_one_in = 0;
    lock(&log.paper).refuses_one_in = 0;
    for sink in &sinks {
        lock(&sink.shelf).fails_one_in = 0;
    }
    let last_host = shared.lanes.last();
    let tracker = Tracker::new(sinks.len());
    shared.control.shut_down(FOR_EVER, tracker);
    let threads: Vec<_> = outlets
        .into_iter()
        .map(|outlet| thread::spawn(|| outlet.run()))
        .collect();
    worker.finish();
    for thread in threads {
        thread.join().unwrap();
    }
    drop(worker);
    shared.control.end();

    let counters = pipeline.counters();
    assert_balanced(&counters);
    assert_eq!(counters.pending, 0);
    assert!(
        counters.sinks.iter().all(|sink| sink.pending == 0),
        "{counters:?}"
    );
    assert_eq!(pipeline.budget().used(), (0, 0));

    let events = if journal {
        assert!(lock(&log.paper).closed);
        lock(&log.paper).lines.clone()
    } else {
        lock(&sealed).clone()
    };
    let seqs: BTreeSet<_> = events.iter().filter_map(Event::seq).collect();
    let of = |sink: Option<&str>| {
        let losses = events.iter().filter(|event| *event.kind() == Kind::Loss);
        losses
            .filter(|loss| loss.loss_sink() == sink)
            .collect::<Vec<_>>()
    };
    let last = *seqs.last().unwrap();
    assert_accounted(1..=last, &seqs, &of(None));
    for sink in &sinks {
        let durable = lock(&sink.shelf).durable.clone();
        let losses = of(Some(sink.name));
        // Whether a sink took the very last events, the log cannot tell any more.
        let told_to = losses.last().and_then(|loss| loss.seq_to());
        let told_to = told_to.unwrap_or(0).max(last_host);
        let due = seqs.iter().copied().filter(|seq| *seq <= told_to);
        assert_accounted(due, &durable, &losses);
    }
    if seqs.contains(&1) {
        assert_eq!(*events.first().unwrap().kind(), Kind::LogOpened);
    }
    assert_eq!(*events.last().unwrap().kind(), Kind::LogClosed);

    for (goal, reply) in replies {
        let answer = reply
            .wait(Duration::ZERO)
            .expect("every waiter is answered");
        match (goal, answer) {
            (Goal::Written | Goal::Synced, Ok(seq)) => assert!(seqs.contains(&seq)),
            (Goal::Delivered(sink), Ok(seq)) => {
                assert!(lock(&sinks[sink].shelf).durable.contains(&seq));
            }
            (Goal::Synced, Err(Failure::NotSynced)) => assert!(!journal),
            (_, Err(Failure::Lost(_))) => {}
            (goal, other) => panic!("{goal:?} was answered {other:?}"),
        }
    }
}

/// Runs `share` in a hundred of as many seeds as `LLM_AUDIT_SEEDS` says, or of 200 without it; or the
/// one that `LLM_AUDIT_SEED` names. The shares of all simulations are a hundred.
#[expect(
    clippy::disallowed_methods,
    reason = "the number of seeds comes from outside"
)]
pub(super) fn seeds(share: u64, run: fn(u64)) {
    silence();
    if let Ok(seed) = std::env::var("LLM_AUDIT_SEED") {
        return run(seed.parse().unwrap());
    }
    let seeds = std::env::var("LLM_AUDIT_SEEDS").ok();
    let seeds = seeds.map_or(200, |seeds| seeds.parse::<u64>().unwrap());
    for seed in 0..(seeds * share).div_ceil(100) {
        if let Err(panic) = std::panic::catch_unwind(|| run(seed)) {
            eprintln!("seed {seed} failed; LLM_AUDIT_SEED={seed} tries it again");
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn the_ledgers_balance_and_every_missing_number_is_in_one_loss_event() {
    seeds(86, run);
}
