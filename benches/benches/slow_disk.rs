//! What a call costs its caller while every synchronisation of the disk takes 200 ms.
//!
//! Prints one table: a paced caller records beside a thread that asks for durability all the time,
//! on the disk as it is and on one whose `fdatasync` and `fsync` take 200 ms. Both run in turns, in
//! pairs; each pair gives a ratio, of which the table has the median and the range.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "it prints its result, and a benchmark that cannot go on fails"
)]

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use benches::{Call, policy, record};
use llm_audit_core::vfs::{Access, DirEntry, OsVfs, Vfs, VfsFile};

/// How much longer a slow disk takes.
const SLOW: Duration = Duration::from_millis(200);
const PAIRS: usize = 9;
const ROUND: Duration = Duration::from_secs(3);
const CALLS_A_SECOND: u64 = 4_000;
/// What is looked at of the calls of a round.
const SHARES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)];

fn main() {
    // `cargo test` runs this too, without the word.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let pairs: Vec<_> = (0..PAIRS)
        .map(|number| {
            // Neither comes always first.
            if number % 2 == 0 {
                let as_is = Round::run(Duration::ZERO);
                (as_is, Round::run(SLOW))
            } else {
                let slow = Round::run(SLOW);
                (Round::run(Duration::ZERO), slow)
            }
        })
        .collect();
    println!(
        "{CALLS_A_SECOND} calls a second for {ROUND:?}, {PAIRS} pairs: median (lowest to highest)"
    );
    println!("| of a call | disk as it is | 200 ms slower | ratio of a pair |");
    println!("|---|--:|--:|--:|");
    for (name, share) in SHARES {
        let micros = |round: &Round| round.at(share).as_secs_f64() * 1e6;
        let as_is = spread(pairs.iter().map(|(as_is, _)| micros(as_is)), 1);
        let slow = spread(pairs.iter().map(|(_, slow)| micros(slow)), 1);
        let ratio = spread(
            pairs
                .iter()
                .map(|(as_is, slow)| micros(slow) / micros(as_is)),
            2,
        );
        println!("| {name}, µs | {as_is} | {slow} | {ratio} |");
    }
    let per_sync = |round: &Round| round.syncing.as_secs_f64() * 1e3 / round.syncs.max(1) as f64;
    let as_is = spread(pairs.iter().map(|(as_is, _)| per_sync(as_is)), 1);
    let slow = spread(pairs.iter().map(|(_, slow)| per_sync(slow)), 1);
    println!("| a synchronisation, ms | {as_is} | {slow} | |");
    let as_is = spread(pairs.iter().map(|(as_is, _)| as_is.syncs as f64), 0);
    let slow = spread(pairs.iter().map(|(_, slow)| slow.syncs as f64), 0);
    println!("| synchronisations | {as_is} | {slow} | |");
}

/// Returns the median and the range.
fn spread(numbers: impl Iterator<Item = f64>, digits: usize) -> String {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    let [low, middle, high] = [0, numbers.len() / 2, numbers.len() - 1].map(|at| numbers[at]);
    format!("{middle:.digits$} ({low:.digits$} to {high:.digits$})")
}

/// What one run gave.
struct Round {
    calls: Vec<Duration>,
    syncs: u64,
    syncing: Duration,
}

impl Round {
    fn run(delay: Duration) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let disk = SlowVfs(Arc::new(Disk {
            os: OsVfs::new(),
            delay,
            syncs: AtomicU64::new(0),
            micros: AtomicU64::new(0),
        }));
        let audit = llm_audit_core::builder()
            .policy(policy().unwrap())
            .journal(dir.path())
            .vfs(Arc::new(disk.clone()))
            .spawn()
            .unwrap();
        let is_over = AtomicBool::new(false);
        let mut calls = Vec::new();
        thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    assert_eq!(audit.flush(Duration::from_secs(30)).synced, Some(true));
                }
            });
            let call = Call::default();
            let start = Instant::now();
            let mut due = Duration::ZERO;
            while due < ROUND {
                thread::sleep(due.saturating_sub(start.elapsed()));
                let before = Instant::now();
                record(&audit, &call);
                calls.push(before.elapsed());
                due += Duration::from_nanos(1_000_000_000 / CALLS_A_SECOND);
            }
            is_over.store(true, Ordering::Relaxed);
        });
        let report = audit.shutdown(Duration::from_secs(30));
        assert!(report.is_complete(), "{report}");
        calls.sort_unstable();
        Self {
            calls,
            syncs: disk.0.syncs.load(Ordering::Relaxed),
            syncing: Duration::from_micros(disk.0.micros.load(Ordering::Relaxed)),
        }
    }

    fn at(&self, share: f64) -> Duration {
        let index = (self.calls.len() as f64 * share) as usize;
        self.calls.get(index).copied().unwrap_or_default()
    }
}

/// The operating system's files, with slow synchronisation.
#[derive(Clone, Debug)]
struct SlowVfs(Arc<Disk>);

#[derive(Debug)]
struct Disk {
    os: OsVfs,
    delay: Duration,
    syncs: AtomicU64,
    micros: AtomicU64,
}

impl Disk {
    fn sync(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let start = Instant::now();
        let done = sync();
        thread::sleep(self.delay);
        self.syncs.fetch_add(1, Ordering::Relaxed);
        let micros = start.elapsed().as_micros() as u64;
        self.micros.fetch_add(micros, Ordering::Relaxed);
        done
    }
}

impl Vfs for SlowVfs {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.0.os.create_dir(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        self.0.os.list(dir)
    }

    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn VfsFile>> {
        let file = self.0.os.create_new(path)?;
        Ok(Arc::new(SlowFile(file, Arc::clone(&self.0))))
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn VfsFile>> {
        let file = self.0.os.open(path, access)?;
        Ok(Arc::new(SlowFile(file, Arc::clone(&self.0))))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.os.rename(from, to)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.0.os.unlink(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.sync(|| self.0.os.sync_dir(dir))
    }
}

#[derive(Debug)]
struct SlowFile(Arc<dyn VfsFile>, Arc<Disk>);

impl VfsFile for SlowFile {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn size(&self) -> io::Result<u64> {
        self.0.size()
    }

    fn truncate(&self, size: u64) -> io::Result<()> {
        self.0.truncate(size)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.1.sync(|| self.0.sync_data())
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.0.try_lock()
    }
}
