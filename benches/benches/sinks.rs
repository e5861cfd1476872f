//! What each sink costs its thread for an event: encoding, and handing on to a file or to a server on loopback.
//!
//! Beside them is serde_json with the same record, into a buffered file. They run in turns; CPU time is of the one thread
//! that runs the sink, so neither the disk nor the server nor the rest of the machine is in it.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "it prints its result, and a benchmark that cannot go on fails"
)]

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use benches::{Call, batches};
use llm_audit_core::{Batch, Sink};
use llm_audit_sinks::http::{Compression, Endpoint};
use llm_audit_sinks::otlp::{Encoding, OtlpConfig};
use llm_audit_sinks::{HttpSink, JsonlSink, OtlpSink, ParquetSink};

const CALLS: usize = 20_000;
const ROUNDS: u32 = 3;

type Make = fn(&Path, &str) -> Box<dyn Sink>;

const SINKS: &[(&str, Make)] = &[
    ("JsonlSink", |dir, _| Box::new(JsonlSink::dir(dir).unwrap())),
    ("ParquetSink", |dir, _| {
        Box::new(ParquetSink::dir(dir).unwrap())
    }),
    ("HttpSink", |_, url| Box::new(HttpSink::new(url).unwrap())),
    ("HttpSink, gzip", |_, url| {
        let endpoint = Endpoint::new(url).compression(Compression::Gzip);
        Box::new(HttpSink::new(endpoint).unwrap())
    }),
    ("OtlpSink, protobuf", |_, url| {
        Box::new(OtlpSink::new(url).unwrap())
    }),
    ("OtlpSink, JSON", |_, url| {
        let config = OtlpConfig::new(url).encoding(Encoding::Json);
        Box::new(OtlpSink::with(config).unwrap())
    }),
];

fn main() {
    // `cargo test` runs this too, without the word.
    if !std::env::args().any(|word| word == "--bench") {
        return println!("skipped: not run by `cargo bench`");
    }
    let given = batches::of_calls(CALLS);
    let events: usize = given.iter().map(Batch::len).sum();
    let bytes: usize = given.iter().map(|batch| batch.json_lines().len()).sum();
    let url = server();
    let mut floor = Duration::MAX;
    let mut spent = vec![Duration::MAX; SINKS.len()];
    for _ in 0..ROUNDS {
        let dir = tempfile::tempdir().unwrap();
        floor = floor.min(measured(|| bare(&dir.path().join("bare.jsonl"))));
        for ((name, make), spent) in SINKS.iter().zip(&mut spent) {
            let dir = dir.path().join(name);
            let cpu = measured(|| write(make(&dir, &url), &given));
            *spent = cpu.min(*spent);
        }
    }
    println!(
        "{events} events, {} MB of JSON Lines, the best of {ROUNDS} rounds",
        bytes / 1_000_000
    );
    println!("| sink | CPU µs an event | MB/s of JSON Lines | ÷ serde_json |");
    println!("|---|--:|--:|--:|");
    let each = floor.as_secs_f64() / CALLS as f64;
    println!(
        "| serde_json into a `BufWriter` | {:.1} | – | 1.00 |",
        each * 1e6
    );
    for ((name, _), cpu) in SINKS.iter().zip(spent) {
        let seconds = cpu.as_secs_f64();
        let event = seconds / events as f64;
        let speed = bytes as f64 / 1e6 / seconds;
        println!(
            "| {name} | {:.1} | {speed:.0} | {:.2} |",
            event * 1e6,
            event / each
        );
    }
}

fn measured(run: impl FnOnce()) -> Duration {
    let before = batches::cpu_time();
    run();
    batches::cpu_time() - before
}

fn bare(file: &Path) {
    let mut file = BufWriter::new(File::create(file).unwrap());
    for _ in 0..CALLS {
        serde_json::to_writer(&mut file, &Call::default()).unwrap();
        file.write_all(b"\n").unwrap();
    }
    file.flush().unwrap();
}

fn write(mut sink: Box<dyn Sink>, given: &[Batch]) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    for batch in given {
        runtime.block_on(sink.write(batch)).unwrap();
    }
    runtime.block_on(sink.shutdown()).unwrap();
}

/// Starts a server that says yes to everything, and returns its URL.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || answer(stream.unwrap()));
        }
    });
    url
}

fn answer(stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut stream, mut body) = (stream, Vec::new());
    while let Some((length, content_type)) = head(&mut reader) {
        body.resize(length, 0);
        reader.read_exact(&mut body).unwrap();
        let nothing = if content_type.contains("json") {
            "{}"
        } else {
            ""
        };
        let length = nothing.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all((head + nothing).as_bytes()).unwrap();
    }
}

/// Returns the length and the type of the next request's body, or `None` after the last.
fn head(reader: &mut impl BufRead) -> Option<(usize, String)> {
    let (mut length, mut content_type) = (0, String::new());
    let mut line = String::new();
    while reader.read_line(&mut line).ok()? > 2 {
        let (name, value) = line.trim().split_once(':').unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "content-type" => value.trim().clone_into(&mut content_type),
            _ => {}
        }
        line.clear();
    }
    (!line.is_empty()).then_some((length, content_type))
}
