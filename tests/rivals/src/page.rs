//! The tables, as Markdown, and their place in the page.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::parent::{Outcome, Told};
use crate::scenario::Scenario;
use crate::systems;

const BEGIN: &str = "<!-- begin: written by `cargo run --release -p rivals -- --bless` -->\n";
const END: &str = "<!-- end -->\n";

/// Returns the table of one scenario.
pub fn table(scenario: &Scenario, outcomes: &[Outcome]) -> String {
    let mut table = format!("### {}\n\n{}\n\n", scenario.title, scenario.text);
    table.push_str(
        "| | calls made | in the files | lost | said so | where and how | longest call |\n\
         |---|--:|--:|--:|---|---|--:|\n",
    );
    for outcome in outcomes {
        let Outcome { name, found, .. } = outcome;
        let words = Some(outcome.words.as_str()).filter(|words| !words.is_empty());
        let _ = writeln!(
            table,
            "| {name} | {} | {}{} | {} | {} | {} | {} |",
            thousands(outcome.offered.events),
            thousands(found.events()),
            blemishes(outcome),
            thousands(outcome.lost()),
            told(outcome.told),
            words.unwrap_or("–"),
            time(outcome.offered.longest.as_micros()),
        );
    }
    table.push('\n');
    table
}

/// Returns the versions and the machine.
pub fn circumstances() -> Result<String, Box<dyn Error>> {
    let lock = fs::read_to_string(root().join("Cargo.lock"))?;
    let mut packages: Vec<_> = systems::ALL.iter().map(|entry| entry.package).collect();
    packages.extend(["emit", "tracing-subscriber"]);
    packages.sort_unstable();
    packages.dedup();
    let versions: Vec<_> = packages
        .iter()
        .filter_map(|package| Some(format!("{package} {}", version(&lock, package)?)))
        .collect();
    let cpus = std::thread::available_parallelism()?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let model = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |(_, model)| model);
    Ok(format!(
        "Versions: {}.\n\nMachine: {cpus} CPUs ({model}), Linux {}, load {} at the start.\n\n",
        versions.join(", "),
        kernel.trim(),
        load.split(' ').next().unwrap_or("unknown"),
    ))
}

/// Puts `tables` between the marks of the page.
pub fn write(tables: &str) -> Result<(), Box<dyn Error>> {
    let path = root().join("docs/what-happens-when.md");
    let page = fs::read_to_string(&path)?;
    let (before, rest) = page.split_once(BEGIN).ok_or("the page has no begin mark")?;
    let (_, after) = rest.split_once(END).ok_or("the page has no end mark")?;
    fs::write(&path, format!("{before}{BEGIN}\n{tables}{END}{after}"))?;
    Ok(())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    rest.split('"').next()
}

fn told(told: Told) -> String {
    match told {
        Told::NothingLost => "–".to_owned(),
        Told::Exactly => "**exactly**".to_owned(),
        Told::AtMost(count) => format!("at most {}", thousands(count)),
        Told::Only(count) => format!("only {}", thousands(count)),
        Told::NoNumber => "without a number".to_owned(),
        Told::Nothing => "no".to_owned(),
    }
}

fn blemishes(outcome: &Outcome) -> String {
    let mut blemishes = String::new();
    for (count, what) in [
        (outcome.found.repeated, "twice"),
        (outcome.found.damaged, "damaged"),
    ] {
        if count > 0 {
            let _ = write!(blemishes, ", {} {what}", thousands(count));
        }
    }
    blemishes
}

fn time(micros: u128) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{:.1} ms", micros as f64 / 1e3),
        _ => format!("{} ms", micros / 1_000),
    }
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
