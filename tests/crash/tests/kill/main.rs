//! Programs that record are killed, at random moments and at every call that changes the disk; the
//! log keeps what it promised.
//!
//! `LLM_AUDIT_KILL_LOOPS` says how often (5), `LLM_AUDIT_KILL_SEED` brings back the moments of a run.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod child;
mod random;
mod state;
mod sweep;

use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use child::{Child, Promise};
use random::Random;
use state::{State, catch_up, files, recover};

/// So many programs are killed one after the other in one directory.
const KILLS_IN_ONE_DIRECTORY: u64 = 5;
/// A kill comes while the log opens, or soon after, or much later.
const LONGEST_LIFE: Duration = Duration::from_millis(700);

fn loops() -> u64 {
    number_from_environment("LLM_AUDIT_KILL_LOOPS").unwrap_or(5)
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are told how long to search"
)]
fn number_from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What was seen over all loops.
#[derive(Default)]
struct Table {
    loops: u64,
    acknowledged: usize,
    recovered: usize,
    lost_by_crash: u64,
    silent: usize,
}

impl Table {
    /// Counts what is in `state` and was not in `before`, an earlier state of the same directory.
    fn add(&mut self, acknowledged: usize, state: &State, before: &State) {
        self.loops += 1;
        self.acknowledged += acknowledged;
        self.recovered += state.calls - before.calls;
        self.lost_by_crash += state.lost_by_crash - before.lost_by_crash;
        self.silent += state.problems.len();
    }

    /// The numbers are worth to be seen when all is well.
    fn print(&self, name: &str, seed: u64) {
        let Self {
            loops,
            acknowledged,
            recovered,
            lost_by_crash,
            silent,
        } = self;
        let table = format!(
            "\n{name} (LLM_AUDIT_KILL_SEED={seed})\n\
             | loops | acknowledged | recovered | perhaps lost, and said so | lost silently |\n\
             |--:|--:|--:|--:|--:|\n\
             | {loops} | {acknowledged} | {recovered} | {lost_by_crash} | {silent} |\n"
        );
        say(&table);
    }
}

/// Prints past the capture of the test harness.
fn say(text: &str) {
    io::stdout().write_all(text.as_bytes()).unwrap();
}

#[test]
fn what_was_acknowledged_survives_kill_9_at_random_moments() {
    let mut random = Random::from_environment();
    let seed = random.seed();
    let mut table = Table::default();
    let mut dir = tempfile::tempdir().unwrap();
    let mut promised = Vec::new();
    let mut before = State::default();
    for number in 0..loops() {
        if number % KILLS_IN_ONE_DIRECTORY == 0 {
            dir = tempfile::tempdir().unwrap();
            promised.clear();
            before = State::default();
        }
        let child = Child::spawn(dir.path());
        thread::sleep(random.up_to(LONGEST_LIFE));
        let acknowledged = child.kill();
        promised.extend_from_slice(&acknowledged);
        let state = check(
            dir.path(),
            &promised,
            &format!("seed {seed}, loop {number}"),
        );
        table.add(acknowledged.len(), &state, &before);
        before = state;
        if number % KILLS_IN_ONE_DIRECTORY == KILLS_IN_ONE_DIRECTORY - 1 || number + 1 == loops() {
            let missing = catch_up(dir.path());
            assert_eq!(
                missing, 0,
                "seed {seed}, loop {number}: the copy has not all"
            );
        }
    }
    table.print("one process at a time", seed);
    assert_eq!(table.silent, 0);
    assert!(
        table.acknowledged > 0,
        "no child lived long enough, seed {seed}"
    );
}

#[test]
fn two_processes_share_a_directory_and_die_one_after_the_other() {
    let mut random = Random::from_environment();
    let seed = random.seed();
    let place = format!("seed {seed}, two processes");
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (Child::spawn(dir.path()), Child::spawn(dir.path()));
    let writers = [first.writer(), second.writer()];
    assert_ne!(writers[0], writers[1], "{place}");
    thread::sleep(random.up_to(LONGEST_LIFE));

    // A reader beside the living sees no damage.
    let state = State::read(dir.path(), &[]);
    assert_eq!(state.damage, Vec::<String>::new(), "{place}");

    let mut promised = first.kill();
    // The dead one is completed while the other goes on, and nobody touches the living.
    recover(dir.path());
    let state = State::read(dir.path(), &promised);
    assert_eq!(state.damage, Vec::<String>::new(), "{place}");
    assert!(state.is_closed(&writers[0]), "{place}");
    assert!(!state.is_closed(&writers[1]), "{place}");
    thread::sleep(random.up_to(LONGEST_LIFE));
    promised.extend(second.kill());

    let mut table = Table::default();
    let state = check(dir.path(), &promised, &place);
    assert!(state.is_closed(&writers[1]), "{place}");
    table.add(promised.len(), &state, &State::default());
    table.print("two processes in one directory", seed);
    assert_eq!(table.silent, 0);
}

/// Recovers, checks every promise, and recovers once more to see that nothing changes.
fn check(dir: &Path, promised: &[Promise], place: &str) -> State {
    recover(dir);
    let before = files(dir);
    let state = State::read(dir, promised);
    assert_eq!(state.problems, Vec::<String>::new(), "{place}");
    assert_eq!(state.damage, Vec::<String>::new(), "{place}");
    let quarantine = dir.join("quarantine");
    let quarantined = std::fs::read_dir(quarantine).map_or(0, Iterator::count);
    assert_eq!(quarantined, 0, "{place}: a kill damages nothing");

    recover(dir);
    let mut after = files(dir);
    after.retain(|name, _| before.contains_key(name));
    for (name, bytes) in &before {
        assert!(
            after.get(name) == Some(bytes),
            "{place}: a second recovery changed `{name}`"
        );
    }
    state
}
