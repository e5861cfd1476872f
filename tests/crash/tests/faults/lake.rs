//! Processes that write Parquet files are killed.

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::Duration;

use llm_audit_core::journal::Reader;
use llm_audit_core::{Event, Kind, WriterId};
use llm_audit_sinks::ParquetSink;
use llm_audit_sinks::parquet::ParquetReader;

use crate::loops;
use crate::program::{Program, Promise};
use crate::random::Random;
use crate::row::{Row, builder, needs};
use crate::sweep::{CALLS, stride, sweep};

const KILLS_IN_ONE_DIRECTORY: u64 = 5;
const LONGEST_LIFE: Duration = Duration::from_millis(900);

#[test]
fn parquet_killed_at_random_moments() {
    let mut row = Row::new("parquet_killed_at_random_moments");
    let mut random = Random::from_environment();
    let seed = random.seed();
    let mut dir = tempfile::tempdir().unwrap();
    let mut promised = Vec::new();
    // To read the files takes longer than to write them.
    for number in 0..loops().div_ceil(4) {
        if number % KILLS_IN_ONE_DIRECTORY == 0 {
            dir = tempfile::tempdir().unwrap();
            promised.clear();
        }
        let place = format!("LLM_AUDIT_KILL_SEED={seed}, loop {number}");
        let program = Program::crash("lake", dir.path()).start();
        // Every other one may be killed while it starts.
        if number % 2 == 0 {
            program.wait_until_ready();
        }
        thread::sleep(random.up_to(LONGEST_LIFE));
        promised.extend(program.kill_alive().acks);
        look(&mut row, dir.path(), &promised, &place);
    }
    row.end();
}

#[test]
fn parquet_killed_at_the_nth_call() {
    let mut row = Row::new("parquet_killed_at_the_nth_call");
    let swept = sweep(&CALLS, stride(9), |fault| {
        let dir = tempfile::tempdir().unwrap();
        let program = Program::crash("lake", dir.path()).arg("12");
        let (said, place) = fault.run(program)?;
        look(&mut row, dir.path(), &said.acks, &place);
        Some(())
    });
    if needs("parquet_killed_at_the_nth_call", swept).is_some() {
        row.end();
    }
}

/// Looks for half files under final names, and, when the sink has caught up, for events that are missing or
/// doubled.
fn look(row: &mut Row, dir: &Path, promised: &[Promise], place: &str) {
    let lake = dir.join("lake");
    if lake.exists() {
        counted(row, &lake, place);
    }
    row.look(dir, promised, place);
    // What a busy machine does not write in the time of a shutdown is for the next start.
    for _ in 0..10 {
        let sink = ParquetSink::dir(&lake).unwrap();
        let audit = builder(dir).sink(sink).spawn().unwrap();
        if audit.shutdown(Duration::from_secs(60)).is_complete() {
            break;
        }
    }
    let written = counted(row, &lake, place);
    let kept = Reader::open(dir).unwrap().events().map(Result::unwrap);
    for event in kept.filter(|event| *event.kind() == Kind::Interaction) {
        if !key(&event).is_some_and(|key| written.contains_key(&key)) {
            row.problem(place, &format!("{} is in no file", event.event_id()));
        }
    }
}

/// Reads every file under a final name; each event is to be there once.
fn counted(row: &mut Row, lake: &Path, place: &str) -> BTreeMap<(WriterId, u64), usize> {
    let mut counts = BTreeMap::new();
    for event in ParquetReader::open(lake).unwrap() {
        match event {
            Ok(event) => *counts.entry(key(&event).unwrap()).or_default() += 1,
            Err(error) => row.problem(place, &error.to_string()),
        }
    }
    for ((writer, seq), count) in &counts {
        if *count != 1 {
            row.problem(place, &format!("{writer} {seq} is there {count} times"));
        }
    }
    counts
}

fn key(event: &Event) -> Option<(WriterId, u64)> {
    Some((event.writer_id(), event.seq()?))
}
