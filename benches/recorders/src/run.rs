//! One measured run of one recorder, in a process of its own.

use std::error::Error;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use benches::Call;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::recorders::{MARK, Recorder, Start};

/// How calls are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// As fast as the threads can.
    Burst,
    /// 4,000 a second over all threads, each of which wakes every millisecond.
    Paced,
    /// As fast as tasks on two workers of a runtime can, which yield after each call.
    Tasks,
    /// The recorder's level, filter, sampler or policy says no.
    Off,
}

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub load: Load,
    /// Threads, or tasks.
    pub producers: usize,
    /// Calls of all producers together.
    pub calls: usize,
    /// Bytes of a prompt; 0 for the usual 2,304.
    pub prompt: usize,
}

/// What was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    pub name: String,
    pub plan: Plan,
    pub p50_ns: f64,
    pub p99_ns: f64,
    /// CPU time of the producers' threads for each call; with tasks, of none.
    pub caller_ns: f64,
    pub allocations: f64,
    pub allocated_bytes: f64,
    /// CPU time of the whole process for each call.
    pub cpu_ns: f64,
    pub stored_per_s: f64,
    pub lost: usize,
    pub disk_bytes: f64,
    pub peak_mib: f64,
}

const RATE: usize = 4_000;
/// Calls with texts of their own, so that neither a cache nor a dictionary holds them all.
const DISTINCT: usize = 2_000;
/// Bytes of all texts together.
const MOST_TEXT: usize = 64 << 20;
/// Calls that are timed together where one is faster than the clock.
const BATCH: usize = 100;

/// Bytes of a line without which a text was cut: what is redacted in it takes a few hundred of 3.3 KB.
const LEAST_LINE: usize = 3_000;

/// What the producers of a run saw.
#[derive(Default)]
struct Seen {
    ns: Vec<u64>,
    allocations: u64,
    allocated: u64,
    cpu: Duration,
}

pub fn run(name: &str, start: Start, plan: Plan) -> Result<Measured, Box<dyn Error>> {
    let calls = calls(plan.prompt);
    let dir = tempfile::tempdir()?;
    let off = plan.load == Load::Off;
    let recorder = start(dir.path(), off)?;
    let resident = reset_peak();
    let cpu = time(ClockId::ProcessCPUTime);
    let begun = Instant::now();
    let seen = match plan.load {
        Load::Tasks => tasks(&recorder, &calls, plan),
        _ => threads(&*recorder, &calls, plan),
    };
    let files = recorder.finish()?;
    let wall = begun.elapsed();
    let cpu = time(ClockId::ProcessCPUTime) - cpu;
    let peak = peak();

    let least = if plan.prompt == 0 { LEAST_LINE } else { 0 };
    let (stored, bytes) = stored(&files, least)?;
    let offered = plan.calls / plan.producers * plan.producers;
    let mut ns: Vec<_> = seen.iter().flat_map(|seen| &seen.ns).copied().collect();
    ns.sort_unstable();
    let unit = if off { BATCH as f64 } else { 1.0 };
    let quantile = |part: f64| {
        let at = (ns.len().saturating_sub(1)) as f64 * part;
        ns.get(at as usize).copied().unwrap_or(0) as f64 / unit
    };
    let sum = |of: fn(&Seen) -> f64| seen.iter().map(of).sum::<f64>() / offered as f64;
    Ok(Measured {
        name: name.to_owned(),
        plan,
        p50_ns: quantile(0.5),
        p99_ns: quantile(0.99),
        caller_ns: sum(|seen| seen.cpu.as_nanos() as f64),
        allocations: sum(|seen| seen.allocations as f64),
        allocated_bytes: sum(|seen| seen.allocated as f64),
        cpu_ns: cpu.as_nanos() as f64 / offered as f64,
        stored_per_s: stored as f64 / wall.as_secs_f64(),
        lost: if off || files.is_empty() {
            0
        } else {
            offered - stored.min(offered)
        },
        disk_bytes: bytes as f64 / stored.max(1) as f64,
        peak_mib: peak.saturating_sub(resident) as f64 / 1_024.0,
    })
}

fn calls(prompt: usize) -> Vec<Call> {
    let distinct = match prompt {
        0 => DISTINCT,
        bytes => (MOST_TEXT / bytes).clamp(2, DISTINCT),
    };
    (0..distinct)
        .map(|number| {
            let mut call = Call::default();
            if prompt > 0 {
                call.prompt = benches::repeated(benches::PROSE, prompt);
            }
            let head = format!("{number:08} ");
            for text in [&mut call.prompt, &mut call.response] {
                text.replace_range(..head.len(), &head);
            }
            call
        })
        .collect()
}

fn threads(recorder: &dyn Recorder, calls: &[Call], plan: Plan) -> Vec<Seen> {
    let barrier = Barrier::new(plan.producers);
    thread::scope(|scope| {
        let producers: Vec<_> = (0..plan.producers)
            .map(|producer| {
                let barrier = &barrier;
                scope.spawn(move || produce(recorder, calls, plan, producer, barrier))
            })
            .collect();
        let seen = producers.into_iter().map(|producer| producer.join());
        seen.map(|seen| seen.expect("a producer ends")).collect()
    })
}

fn produce(
    recorder: &dyn Recorder,
    calls: &[Call],
    plan: Plan,
    producer: usize,
    barrier: &Barrier,
) -> Seen {
    let times = plan.calls / plan.producers;
    // Written once, so that no measured call meets a new page.
    let mut seen = Seen {
        ns: vec![u64::MAX; times],
        ..Seen::default()
    };
    seen.ns.clear();
    let mut texts = calls
        .iter()
        .cycle()
        .skip(producer * calls.len() / plan.producers);
    barrier.wait();
    let cpu = time(ClockId::ThreadCPUTime);
    let begun = Instant::now();
    if plan.load == Load::Off {
        let call = texts.next().expect("there are calls");
        for _ in 0..times / BATCH {
            timed(&mut seen, || {
                (0..BATCH).for_each(|_| recorder.record(black_box(call)))
            });
        }
    } else {
        for (number, call) in texts.take(times).enumerate() {
            if plan.load == Load::Paced {
                // Whole milliseconds: the calls of one tick come back to back.
                let due = Duration::from_millis((number * plan.producers * 1_000 / RATE) as u64);
                if let Some(wait) = due.checked_sub(begun.elapsed()) {
                    thread::sleep(wait);
                }
            }
            record(&mut seen, recorder, call);
        }
    }
    seen.cpu = time(ClockId::ThreadCPUTime) - cpu;
    seen
}

fn tasks(recorder: &Arc<dyn Recorder>, calls: &[Call], plan: Plan) -> Vec<Seen> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .expect("a runtime starts");
    let calls: Arc<[Call]> = calls.into();
    let times = plan.calls / plan.producers;
    let tasks: Vec<_> = (0..plan.producers)
        .map(|producer| {
            let (recorder, calls) = (Arc::clone(recorder), Arc::clone(&calls));
            runtime.spawn(async move {
                let mut seen = Seen {
                    ns: vec![u64::MAX; times],
                    ..Seen::default()
                };
                seen.ns.clear();
                let first = producer * calls.len() / plan.producers;
                for call in calls.iter().cycle().skip(first).take(times) {
                    record(&mut seen, &*recorder, call);
                    tokio::task::yield_now().await;
                }
                seen
            })
        })
        .collect();
    let seen = tasks.into_iter().map(|task| runtime.block_on(task));
    seen.map(|seen| seen.expect("a task ends")).collect()
}

fn record(seen: &mut Seen, recorder: &dyn Recorder, call: &Call) {
    if recorder.is_given() {
        let call = call.clone();
        timed(seen, || recorder.record_owned(call));
    } else {
        timed(seen, || recorder.record(call));
    }
}

fn timed(seen: &mut Seen, work: impl FnOnce()) {
    let mut took = Duration::ZERO;
    let counted = allocation_counter::measure(|| {
        let begun = Instant::now();
        work();
        took = begun.elapsed();
    });
    seen.ns.push(took.as_nanos() as u64);
    seen.allocations += counted.count_total;
    seen.allocated += counted.bytes_total;
}

/// Counts the calls that are really in the files, in lines of at least so many bytes, and their bytes.
fn stored(files: &[PathBuf], least: usize) -> Result<(usize, u64), Box<dyn Error>> {
    let (mut stored, mut bytes) = (0, 0);
    for path in files {
        bytes += fs::metadata(path)?.len();
        let mut lines = BufReader::new(File::open(path)?);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            let is_whole = line.len() >= least && String::from_utf8_lossy(&line).contains(MARK);
            stored += usize::from(is_whole);
            line.clear();
        }
    }
    Ok((stored, bytes))
}

pub fn time(clock: ClockId) -> Duration {
    let at = clock_gettime(clock);
    Duration::new(at.tv_sec as u64, at.tv_nsec as u32)
}

/// Sets the peak of resident memory back to what is resident now, and returns that in KiB.
fn reset_peak() -> usize {
    // Where this is refused the peak is that of the whole run, which is no less.
    let _ = fs::write("/proc/self/clear_refs", "5");
    peak()
}

fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}
