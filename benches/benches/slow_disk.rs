//! What a call costs its caller while every synchronisation of the disk takes 200 ms.
//!
//! Prints one table: a paced caller records beside a thread that asks for durability all the time,
//! on the disk as it is and on one whose `fdatasync` and `fsync` take 200 ms, in turns.

#![expect(
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
const ROUNDS: u32 = 4;
const ROUND: Duration = Duration::from_secs(3);
const CALLS_A_SECOND: u64 = 4_000;

fn main() {
    // `cargo test` runs this too, without the word.
    if !std::env::args().any(|word| word == "--bench") {
        return;
    }
    let mut as_is = Measured::default();
    let mut slow = Measured::default();
    for _ in 0..ROUNDS {
        as_is.round(Duration::ZERO);
        slow.round(SLOW);
    }
    println!("{CALLS_A_SECOND} calls a second, {ROUNDS} rounds of {ROUND:?} each");
    println!("| disk | synchronisations | mean | call p50 | p99 | p99.9 | longest |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    as_is.print("as it is");
    slow.print("200 ms slower");
    let ratio = |share| slow.at(share).as_secs_f64() / as_is.at(share).as_secs_f64();
    println!(
        "ratio: p50 {:.2}, p99 {:.2}, p99.9 {:.2}",
        ratio(0.5),
        ratio(0.99),
        ratio(0.999)
    );
}

#[derive(Default)]
struct Measured {
    calls: Vec<Duration>,
    syncs: u64,
    syncing: Duration,
}

impl Measured {
    fn round(&mut self, delay: Duration) {
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
                self.calls.push(before.elapsed());
                due += Duration::from_nanos(1_000_000_000 / CALLS_A_SECOND);
            }
            is_over.store(true, Ordering::Relaxed);
        });
        let report = audit.shutdown(Duration::from_secs(30));
        assert!(report.is_complete(), "{report}");
        self.syncs += disk.0.syncs.load(Ordering::Relaxed);
        self.syncing += Duration::from_micros(disk.0.micros.load(Ordering::Relaxed));
        self.calls.sort_unstable();
    }

    fn at(&self, share: f64) -> Duration {
        let index = (self.calls.len() as f64 * share) as usize;
        self.calls.get(index).copied().unwrap_or_default()
    }

    fn print(&self, disk: &str) {
        let mean = self.syncing / self.syncs.max(1) as u32;
        let [p50, p99, p999, longest] = [0.5, 0.99, 0.999]
            .map(|share| self.at(share))
            .into_iter()
            .chain(self.calls.last().copied())
            .map(|time| time.as_secs_f64() * 1e6)
            .collect::<Vec<_>>()
            .try_into()
            .unwrap();
        println!(
            "| {disk} | {} | {:.1} ms | {p50:.1} µs | {p99:.1} µs | {p999:.1} µs | {longest:.0} µs |",
            self.syncs,
            mean.as_secs_f64() * 1e3,
        );
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
