//! What becomes of records when things go wrong, here and with other recorders.
//!
//! ```text
//! rivals                       every recorder in every scenario; the tables go to standard output
//! rivals --only WORD           one scenario
//! rivals --bless               also writes them to docs/what-happens-when.md
//! rivals child NAME WORD DIR   one recorder, started by the program itself
//! rivals reopen DIR            the next start of llm-audit, which completes what is left
//! ```
//!
//! It fails when llm-audit lost an event that it did not tell of, or left a damaged line.

mod child;
mod disk;
mod found;
mod page;
mod parent;
mod scenario;
mod systems;
mod work;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use parent::{Outcome, Told};
use scenario::{Beyond, Disk, Scenario};
use systems::Entry;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["child", name, word, dir] => {
            let entry = systems::ALL.iter().find(|entry| entry.name == *name);
            let entry = entry.ok_or("no such recorder")?;
            child::run(entry, scenario(word)?, Path::new(dir))?;
            Ok(ExitCode::SUCCESS)
        }
        ["reopen", dir] => {
            systems::llm_audit::reopen(Path::new(dir))?;
            Ok(ExitCode::SUCCESS)
        }
        ["--only", word] => Ok(run(&[scenario(word)?])?.1),
        ["--bless"] => {
            let (tables, code) = run(&scenario::ALL.iter().collect::<Vec<_>>())?;
            page::write(&tables)?;
            Ok(code)
        }
        [] => Ok(run(&scenario::ALL.iter().collect::<Vec<_>>())?.1),
        _ => Err("usage: rivals [--bless | --only SCENARIO]".into()),
    }
}

fn scenario(word: &str) -> Result<&'static Scenario, Box<dyn Error>> {
    let mut all = scenario::ALL.iter();
    let found = all.find(|scenario| scenario.word == word);
    found.ok_or_else(|| "no such scenario".into())
}

/// Returns the tables, and whether what llm-audit promises was kept.
fn run(scenarios: &[&Scenario]) -> Result<(String, ExitCode), Box<dyn Error>> {
    let mut tables = page::circumstances()?;
    let mut code = ExitCode::SUCCESS;
    print!("{tables}");
    for scenario in scenarios {
        let mut outcomes = Vec::new();
        for entry in systems::ALL
            .iter()
            .filter(|entry| takes_part(entry, scenario))
        {
            match parent::run(entry, scenario) {
                Ok(more) => outcomes.extend(more),
                Err(error) => println!("skipped: {} in {}: {error}", entry.name, scenario.word),
            }
        }
        let table = page::table(scenario, &outcomes);
        print!("{table}");
        tables.push_str(&table);
        for broken in outcomes.iter().filter(|outcome| is_broken(outcome)) {
            println!("broken promise: {} in {}", broken.name, scenario.word);
            code = ExitCode::FAILURE;
        }
    }
    Ok((tables, code))
}

fn takes_part(entry: &Entry, scenario: &Scenario) -> bool {
    if entry.only_for_overflow {
        return scenario.disk == Disk::Slow;
    }
    scenario.beyond == Beyond::Nothing || entry.has_far_end
}

/// llm-audit tells of each event that is missing, in its log too, and leaves whole lines.
fn is_broken(outcome: &Outcome) -> bool {
    let untold = matches!(outcome.told, Told::Only(_) | Told::NoNumber | Told::Nothing);
    outcome.name.starts_with(systems::llm_audit::PACKAGE)
        && (untold || outcome.is_untold_in_files || outcome.found.damaged > 0)
}
