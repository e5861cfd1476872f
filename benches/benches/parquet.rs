//! What the Parquet sink costs beside a bare writer of the same library on the same records.
//!
//! `cargo bench -p benches --bench parquet -- DIR` takes what `--example generate` wrote to `DIR`.
//! The sink gets batches of events, as the log gives them. The bare writer gets the same records once as
//! their lines, which arrow-json makes columns of, and once as finished columns; it neither synchronises nor
//! names a file. All compress alike, and have the statistics, dictionaries and bloom filters that the sink's
//! files show. They run in turns, on one thread; CPU time is theirs alone, whatever else the machine does.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "it prints its result, and a benchmark that cannot go on fails"
)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_json::ReaderBuilder;
use arrow_schema::{DataType, Schema, SchemaRef};
use benches::batches::{self, cpu_time};
use llm_audit_core::{Batch, Sink};
use llm_audit_sinks::ParquetSink;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};

const ROUNDS: u32 = 3;

fn main() {
    // `cargo test` runs this too, without the word.
    let words: Vec<_> = std::env::args().skip(1).collect();
    let dir = words.iter().find(|word| !word.starts_with("--"));
    let (true, Some(dir)) = (words.iter().any(|word| word == "--bench"), dir) else {
        return println!("skipped: no directory that `--example generate` filled was given");
    };
    let scratch = Path::new(dir).join("bench-parquet");
    fs::remove_dir_all(&scratch).ok();
    let batches = copied(&Path::new(dir).join("journal"), &scratch.join("journal"));
    let events: usize = batches.iter().map(Batch::len).sum();
    let lines: usize = batches.iter().map(|batch| batch.json_lines().len()).sum();

    let mut sink = Measured::default();
    let mut lined = Measured::default();
    let mut bare = Measured::default();
    for round in 0..ROUNDS {
        let root = scratch.join(format!("parquet-{round}"));
        sink.measure(&root, || write(&batches, &root));
        let rows = rows(&root);
        let properties = properties(&root);
        let schema = rows.first().unwrap().schema();
        let file = scratch.join(format!("lines-{round}.parquet"));
        let columns = batches.iter().flat_map(|batch| decoded(batch, &schema));
        lined.measure(&file, || {
            write_bare(
                columns,
                &offsets_for_zones(&schema),
                properties.clone(),
                &file,
            )
        });
        let file = scratch.join(format!("bare-{round}.parquet"));
        bare.measure(&file, || write_bare(rows, &schema, properties, &file));
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
    lined.print("bare, records", events, lines);
    bare.print("bare, finished columns", events, lines);
    let speed = |other: &Measured| other.cpu.as_secs_f64() / sink.cpu.as_secs_f64();
    println!("sink / bare, records: {:.2}", speed(&lined));
    println!("sink / bare, finished columns: {:.2}", speed(&bare));
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

fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Returns what a new sink is brought of the journal, of which a copy is used.
fn copied(journal: &Path, copy: &Path) -> Vec<Batch> {
    fs::create_dir_all(copy).unwrap();
    for file in files(journal) {
        if file
            .extension()
            .is_some_and(|extension| extension == "jsonl")
        {
            fs::copy(&file, copy.join(file.file_name().unwrap())).unwrap();
        }
    }
    batches::of_journal(copy)
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

/// Returns the properties that the sink's files show, those of the largest.
fn properties(root: &Path) -> WriterProperties {
    let largest = files(root)
        .into_iter()
        .filter(|file| file.extension().is_some_and(|e| e == "parquet"));
    let largest = largest
        .max_by_key(|file| fs::metadata(file).unwrap().len())
        .unwrap();
    let file = ParquetRecordBatchReaderBuilder::try_new(File::open(largest).unwrap()).unwrap();
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap()))
        .set_max_row_group_row_count(Some(16_384))
        .set_max_row_group_bytes(Some(32 << 20))
        .set_statistics_enabled(EnabledStatistics::None);
    for column in file.metadata().row_group(0).columns() {
        let path = column.column_path().clone();
        let is_nested = path.parts().len() > 1;
        if column.statistics().is_some() {
            builder = builder.set_column_statistics_enabled(path.clone(), EnabledStatistics::Page);
        } else if is_nested {
            builder = builder.set_column_dictionary_page_size_limit(path.clone(), 64 << 10);
        }
        let has_values = column.uncompressed_size() > 1_024;
        if !is_nested && has_values && column.dictionary_page_offset().is_none() {
            builder = builder.set_column_dictionary_enabled(path.clone(), false);
        }
        if column.bloom_filter_offset().is_some() {
            builder = builder
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_fpp(path, 0.01);
        }
    }
    builder.build()
}

/// Returns the columns of a batch's lines; those that the sink derives are null.
fn decoded(batch: &Batch, schema: &SchemaRef) -> Vec<RecordBatch> {
    let decoder = ReaderBuilder::new(offsets_for_zones(schema)).with_batch_size(2_048);
    let mut decoder = decoder.build_decoder().unwrap();
    let mut rest = batch.json_lines();
    let mut columns = Vec::new();
    while !rest.is_empty() {
        let taken = decoder.decode(rest).unwrap();
        rest = rest.get(taken..).unwrap();
        columns.extend(decoder.flush().unwrap());
    }
    columns
}

/// Returns the schema with times as arrow-json can read them without a table of time zones.
fn offsets_for_zones(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Timestamp(unit, Some(_)) => {
            let time = DataType::Timestamp(*unit, Some("+00:00".into()));
            Arc::new(field.as_ref().clone().with_data_type(time))
        }
        _ => Arc::clone(field),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn write_bare(
    columns: impl IntoIterator<Item = RecordBatch>,
    schema: &SchemaRef,
    properties: WriterProperties,
    file: &Path,
) {
    let file = File::create(file).unwrap();
    let mut writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties)).unwrap();
    for columns in columns {
        writer.write(&columns).unwrap();
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
