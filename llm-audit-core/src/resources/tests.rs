use std::thread;
use std::time::Duration;

use super::{ProcessProbe, ResourceProbe, Resources};
use crate::sync::{Arc, AtomicUsize, Mutex, Ordering, lock};
use crate::testing::{ManualClock, MemorySink};
use crate::{AuditBuilder, DiagnosticKind, Event, Facet, Kind, Level, Operation, Policy, builder};

const LONG: Duration = Duration::from_secs(30);

/// Says a number that rises, and on which thread it was asked.
#[derive(Clone, Default)]
struct Counting {
    asked: Arc<AtomicUsize>,
    thread: Arc<Mutex<Option<String>>>,
}

impl ResourceProbe for Counting {
    fn sample(&mut self) -> Resources {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) as u64 + 1;
        *lock(&self.thread) = thread::current().name().map(str::to_owned);
        Resources {
            cpu_us: Some(asked),
            gpu_utilization: Some(f64::NAN),
            ..Resources::default()
        }
    }
}

struct Fixed(Resources);

impl ResourceProbe for Fixed {
    fn sample(&mut self) -> Resources {
        self.0
    }
}

fn log(facet: Facet) -> (AuditBuilder, MemorySink) {
    let policy = Policy::builder().facet(facet, Level::Full).build().unwrap();
    let memory = MemorySink::new();
    (builder().policy(policy).sink(memory.clone()), memory)
}

fn calls(memory: &MemorySink) -> Vec<Event> {
    let is_call = |event: &Event| event.kind() == &Kind::Interaction;
    memory.events().into_iter().filter(is_call).collect()
}

#[test]
fn probes_fill_what_the_host_did_not_say() {
    let (log, memory) = log(Facet::Resources);
    let second = Resources {
        cpu_us: Some(70_000),
        memory_bytes: Some(4_096),
        energy_joules: Some(0.5),
        ..Resources::default()
    };
    let audit = log
        .resources(Counting::default())
        .resources(Fixed(second))
        .spawn()
        .unwrap();
    audit.begin(Operation::Chat).finish();
    let mut call = audit.begin(Operation::Chat);
    call.cpu_us(42);
    call.finish();
    assert!(audit.shutdown(LONG).is_complete());
    let calls = calls(&memory);
    assert!(calls[0].cpu_us().is_some_and(|cpu| cpu < 70_000));
    assert_eq!(calls[1].cpu_us(), Some(42));
    for call in calls {
        assert_eq!(call.memory_bytes(), Some(4_096));
        assert_eq!(call.energy_joules(), Some(0.5));
        assert_eq!(call.gpu_utilization(), None);
    }
}

#[test]
fn no_probe_is_asked_while_the_facet_is_off() {
    let (log, memory) = log(Facet::Usage);
    let probe = Counting::default();
    let audit = log.resources(probe.clone()).spawn().unwrap();
    audit.begin(Operation::Chat).finish();
    assert!(audit.shutdown(LONG).is_complete());
    assert_eq!(calls(&memory)[0].cpu_us(), None);
    assert_eq!(probe.asked.load(Ordering::Relaxed), 0);
}

#[test]
fn a_probe_is_asked_on_the_logs_thread_and_not_for_every_event() {
    let (log, memory) = log(Facet::Resources);
    let clock = ManualClock::new();
    let probe = Counting::default();
    let audit = log
        .clock(clock.clone())
        .resources(probe.clone())
        .spawn()
        .unwrap();
    for expected in 1..4 {
        for _ in 0..50 {
            audit.begin(Operation::Chat).finish();
        }
        while calls(&memory).len() < expected * 50 {
            thread::yield_now();
        }
        assert_eq!(probe.asked.load(Ordering::Relaxed), expected);
        clock.advance(Duration::from_millis(100));
    }
    assert_eq!(lock(&probe.thread).as_deref(), Some("llm-audit"));
    let calls = calls(&memory);
    assert_eq!((calls[0].cpu_us(), calls[149].cpu_us()), (Some(1), Some(3)));
}

/// Returns the calls of a log with two probes, and how often it told that one fails.
fn beside(clock: &ManualClock, probe: impl ResourceProbe) -> (Vec<Event>, usize) {
    let (log, memory) = log(Facet::Resources);
    let told = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&told);
    let audit = log
        .clock(clock.clone())
        .resources(probe)
        .resources(Counting::default())
        .on_diagnostic(move |diagnostic| {
            if diagnostic.kind == DiagnosticKind::ProbeFailing {
                count.fetch_add(1, Ordering::Relaxed);
            }
        })
        .spawn()
        .unwrap();
    for number in 1..3 {
        audit.begin(Operation::Chat).finish();
        while calls(&memory).len() < number {
            thread::yield_now();
        }
        clock.advance(LONG);
    }
    (calls(&memory), told.load(Ordering::Relaxed))
}

#[test]
fn a_probe_that_takes_too_long_is_told_of_and_asked_no_more() {
    struct Slow(ManualClock, Arc<AtomicUsize>);

    impl ResourceProbe for Slow {
        fn sample(&mut self) -> Resources {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.advance(Duration::from_millis(1_001));
            Resources::default()
        }
    }

    let (clock, asked) = (ManualClock::new(), Arc::new(AtomicUsize::new(0)));
    let (calls, told) = beside(&clock, Slow(clock.clone(), Arc::clone(&asked)));
    assert!(calls.iter().all(|call| call.cpu_us().is_some()));
    assert_eq!((asked.load(Ordering::Relaxed), told), (1, 1));
}

#[test]
fn a_probe_that_panics_is_told_of_and_asked_no_more() {
    struct Broken(Arc<AtomicUsize>);

    impl ResourceProbe for Broken {
        fn sample(&mut self) -> Resources {
            self.0.fetch_add(1, Ordering::Relaxed);
            panic!("no such device")
        }
    }

    let asked = Arc::new(AtomicUsize::new(0));
    let (calls, told) = beside(&ManualClock::new(), Broken(Arc::clone(&asked)));
    assert!(calls.iter().all(|call| call.cpu_us().is_some()));
    assert_eq!((asked.load(Ordering::Relaxed), told), (1, 1));
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_uses_time_and_memory() {
    let mut probe = ProcessProbe::new();
    let before = probe.sample();
    let block = vec![1_u8; 16 << 20];
    let mut sum = 0_u64;
    let mut after = probe.sample();
    while after.cpu_us <= before.cpu_us {
        sum = block.iter().map(|byte| u64::from(*byte)).sum();
        after = probe.sample();
    }
    assert!(sum <= 16 << 20);
    assert!(after.memory_bytes.unwrap() >= 16 << 20, "{after:?}");
}
