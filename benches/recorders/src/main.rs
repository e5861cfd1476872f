//! What recording a call costs the thread that makes it, and the machine, beside other recorders.
//!
//! ```text
//! recorders [all] [--reps N] [--only NAME,NAME]   tables of every recorder under every load
//! recorders scale [--save FILE]                    1 to 64 tasks; prompts of 100 B to 32 MB
//! recorders read                                   journals of growing size, read back and checked
//! recorders one NAME LOAD PRODUCERS CALLS [BYTES]  one run, as a line of JSON
//! ```
//!
//! Each run is a process of its own, and repetitions are interleaved: medians, and ratios to
//! `serde_json` in the same table, stay true on a machine that does other things too.

mod read;
mod recorders;
mod run;
mod table;

use std::error::Error;
use std::process::Command;

use recorders::ALL;
use run::{Load, Measured, Plan};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |flag: &str| {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1).cloned()
    };
    let repetitions = value("--reps").map_or(Ok(3), |reps| reps.parse())?;
    let only = value("--only");
    let names: Vec<_> = ALL
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| {
            let asked = |only: &String| only.split(',').any(|asked| asked == *name);
            *name == "serde_json" || only.as_ref().is_none_or(asked)
        })
        .collect();
    if arguments.first().is_none_or(|first| first != "one") {
        println!("load average at the start: {}", load_average());
    }
    match arguments.first().map(String::as_str) {
        Some("one") => return one(&arguments),
        Some("read") => read::tables(&[10_000, 30_000, 90_000])?,
        Some("scale") => {
            let measured = all(&scale(), &["serde_json", "llm-audit"], repetitions)?;
            table::scaling(&measured);
            if let Some(file) = value("--save") {
                std::fs::write(file, table::tsv(&measured))?;
            }
        }
        _ => {
            let measured = all(&loads(), &names, repetitions)?;
            table::loads(&measured, &loads());
        }
    }
    println!("load average at the end: {}", load_average());
    Ok(())
}

fn loads() -> Vec<Plan> {
    let plan = |load, producers, calls| Plan {
        load,
        producers,
        calls,
        prompt: 0,
    };
    vec![
        plan(Load::Burst, 1, 60_000),
        plan(Load::Burst, 4, 60_000),
        plan(Load::Tasks, 16, 60_000),
        plan(Load::Paced, 4, 12_000),
        plan(Load::Off, 1, 1_000_000),
    ]
}

fn scale() -> Vec<Plan> {
    let tasks = [1, 4, 16, 64].map(|producers| Plan {
        load: Load::Tasks,
        producers,
        calls: 32_000,
        prompt: 0,
    });
    let prompts = [100, 1_000, 10_000, 100_000, 1_000_000, 32_000_000].map(|prompt| Plan {
        load: Load::Burst,
        producers: 1,
        calls: (256_000_000 / (prompt + 10_000)).clamp(8, 20_000),
        prompt,
    });
    tasks.into_iter().chain(prompts).collect()
}

fn one(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let argument = |at: usize| arguments.get(at).ok_or("see the head of main.rs");
    let name = argument(1)?;
    let (_, start) = ALL
        .iter()
        .find(|(known, _)| known == name)
        .ok_or("no recorder has that name")?;
    let plan = Plan {
        load: serde_json::from_value(argument(2)?.as_str().into())?,
        producers: argument(3)?.parse()?,
        calls: argument(4)?.parse()?,
        prompt: argument(5).map_or(Ok(0), |bytes| bytes.parse())?,
    };
    let measured = run::run(name, *start, plan)?;
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}

/// Runs every plan with everybody, over and over.
fn all(
    plans: &[Plan],
    names: &[&str],
    repetitions: usize,
) -> Result<Vec<Measured>, Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let mut measured = Vec::new();
    for repetition in 0..repetitions {
        for plan in plans {
            for name in names {
                let load = serde_json::to_value(plan.load)?;
                let numbers = [plan.producers, plan.calls, plan.prompt];
                let child = Command::new(&program)
                    .args(["one", name, load.as_str().unwrap_or_default()])
                    .args(numbers.map(|number| number.to_string()))
                    .output()?;
                let said = String::from_utf8_lossy(&child.stdout);
                let line = said.lines().rev().find(|line| line.starts_with('{'));
                match line.map(serde_json::from_str) {
                    Some(line) => measured.push(line?),
                    None => {
                        let error = String::from_utf8_lossy(&child.stderr);
                        return Err(format!("{name}, {plan:?}: {error}").into());
                    }
                }
                eprintln!("{repetition}: {name}, {plan:?}");
            }
        }
    }
    Ok(measured)
}

fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
