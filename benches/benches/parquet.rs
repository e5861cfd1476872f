//! What the Parquet sink costs beside a bare writer of the same library on the same records.
//!
//! `cargo bench -p benches --bench parquet -- DIR` takes what `--example generate` wrote to `DIR`.
//! The sink gets batches of events, as the log gives them; the bare writer gets the finished columns
//! and neither synchronises nor names a file. Both run in turns, on one thread; CPU time is theirs
//! alone, whatever else the machine does.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "it prints its result, and a benchmark that cannot go on fails"
)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use async_trait::async_trait;
use llm_audit_core::{Batch, Durable, Policy, Sink, SinkError, SinkLimits};
use llm_audit_sinks::ParquetSink;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

const ROUNDS: u32 = 3;
const PATIENCE: Duration = Duration::from_secs(600);

fn main() {
    // `cargo test` runs this too, without the word.
    let words: Vec<_> = std::env::args().skip(1).collect();
    let dir = words.iter().find(|word| !word.starts_with("--"));
    let (true, Some(dir)) = (words.iter().any(|word| word == "--bench"), dir) else {
        return println!("skipped: no directory that `--example generate` filled was given");
    };
    let scratch = Path::new(dir).join("bench-parquet");
    fs::remove_dir_all(&scratch).ok();
    let batches = batches(&Path::new(dir).join("journal"), &scratch.join("journal"));
    let events: usize = batches.iter().map(Batch::len).sum();
    let lines: usize = batches.iter().map(|batch| batch.json_lines().len()).sum();

    let mut sink = Measured::default();
    let mut bare = Measured::default();
    for round in 0..ROUNDS {
        let root = scratch.join(format!("parquet-{round}"));
        sink.measure(&root, || write(&batches, &root));
        let rows = rows(&root);
        let file = scratch.join(format!("bare-{round}.parquet"));
        bare.measure(&file, || write_bare(&rows, &file));
    }
    println!(
        "{events} events, {:.1} MB of JSON Lines, {ROUNDS} rounds in turns",
        mega(lines)
    );
    println!(
        "| writer | rows/s of CPU | MB/s | rows/s | MB of files | JSON Lines / files | peak memory, MB |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    sink.print("sink", events, lines);
    bare.print("bare", events, lines);
    println!(
        "sink / bare: {:.2}",
        bare.cpu.as_secs_f64() / sink.cpu.as_secs_f64()
    );
    fs::remove_dir_all(&scratch).unwrap();
}

/// The fastest round, and the most memory of any.
struct Measured {
    cpu: Duration,
    wall: Duration,
    bytes: u64,
    peak_kib: u64,
}

impl Default for Measured {
    fn default() -> Self {
        Self {
            cpu: Duration::MAX,
            wall: Duration::MAX,
            bytes: 0,
            peak_kib: 0,
        }
    }
}

impl Measured {
    fn measure(&mut self, path: &Path, run: impl FnOnce()) {
        // Forgets the highest mark of memory.
        fs::write("/proc/self/clear_refs", "5").unwrap();
        let before = status("VmRSS:");
        let (cpu, wall) = (cpu_time(), Instant::now());
        run();
        self.cpu = self.cpu.min(cpu_time() - cpu);
        self.wall = self.wall.min(wall.elapsed());
        self.peak_kib = self.peak_kib.max(status("VmHWM:").saturating_sub(before));
        self.bytes = files(path)
            .iter()
            .map(|file| fs::metadata(file).unwrap().len())
            .sum();
    }

    fn print(&self, name: &str, events: usize, lines: usize) {
        let cpu = self.cpu.as_secs_f64();
        println!(
            "| {name} | {:.0} | {:.1} | {:.0} | {:.1} | {:.1} | {:.1} |",
            events as f64 / cpu,
            mega(lines) / cpu,
            events as f64 / self.wall.as_secs_f64(),
            self.bytes as f64 / 1e6,
            lines as f64 / self.bytes as f64,
            self.peak_kib as f64 / 1_024.0,
        );
    }
}

fn mega(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

/// Time that this thread was on a processor.
fn cpu_time() -> Duration {
    let schedstat = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(schedstat.split(' ').next().unwrap().parse().unwrap())
}

fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Keeps the batches that it is given.
#[derive(Clone, Debug, Default)]
struct Keep(Arc<Mutex<Vec<Batch>>>);

#[async_trait]
impl Sink for Keep {
    fn name(&self) -> &str {
        "keep"
    }

    async fn write(&mut self, batch: &Batch) -> Result<Durable, SinkError> {
        self.0.lock().unwrap().push(batch.clone());
        Ok(Durable::up_to(batch.last_seq()))
    }

    async fn flush(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }

    async fn shutdown(&mut self) -> Result<Durable, SinkError> {
        Ok(Durable::UNCHANGED)
    }

    fn limits(&self) -> SinkLimits {
        SinkLimits::default()
            .max_batch_events(2_048)
            .max_batch_bytes(4 << 20)
    }
}

/// Returns what a new sink is brought of the journal, of which a copy is used.
fn batches(journal: &Path, copy: &Path) -> Vec<Batch> {
    fs::create_dir_all(copy).unwrap();
    for file in files(journal) {
        if file
            .extension()
            .is_some_and(|extension| extension == "jsonl")
        {
            fs::copy(&file, copy.join(file.file_name().unwrap())).unwrap();
        }
    }
    let keep = Keep::default();
    let log = llm_audit_core::builder()
        .policy(Policy::none())
        .journal(copy);
    let audit = log
        .sink_from_start(keep.clone())
        .on_diagnostic(|_| {})
        .spawn()
        .unwrap();
    assert!(audit.shutdown(PATIENCE).settled);
    let kept = std::mem::take(&mut *keep.0.lock().unwrap());
    assert!(!kept.is_empty(), "the journal is empty");
    kept
}

fn write(batches: &[Batch], root: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut sink = ParquetSink::dir(root).unwrap();
    for batch in batches {
        runtime.block_on(sink.write(batch)).unwrap();
    }
    runtime.block_on(sink.shutdown()).unwrap();
}

/// Returns what the sink wrote, as columns of 2,048 rows.
fn rows(root: &Path) -> Vec<RecordBatch> {
    let parquet = files(root)
        .into_iter()
        .filter(|file| file.extension().is_some_and(|e| e == "parquet"));
    let open = |file: PathBuf| {
        let rows = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
        rows.with_batch_size(2_048)
            .build()
            .unwrap()
            .map(Result::unwrap)
    };
    parquet.flat_map(open).collect()
}

fn write_bare(rows: &[RecordBatch], file: &Path) {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap()))
        .set_max_row_group_row_count(Some(16_384))
        .set_max_row_group_bytes(Some(32 << 20))
        .build();
    let file = File::create(file).unwrap();
    let mut writer =
        ArrowWriter::try_new(file, rows.first().unwrap().schema(), Some(properties)).unwrap();
    for rows in rows {
        writer.write(rows).unwrap();
    }
    writer.close().unwrap();
}

fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut entries: Vec<_> = entries.collect();
    entries.sort_unstable();
    entries.iter().flat_map(|path| files(path)).collect()
}
