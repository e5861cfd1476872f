//! Writes realistic events as a journal and as Parquet: the data of demonstrations and benchmarks.
//!
//! `generate --events N --seed S --dir D [--days K]` fills `D/journal` and `D/parquet`; the same seed
//! makes the same events, save for the moment at which late facts are written. Sessions have turns, tools, guardrails, errors, intents and late facts; once a day an
//! event has every field that a program can set.
#![expect(clippy::print_stdout, reason = "the examples print")]

mod arguments;
mod call;
#[path = "../every_field/fields/mod.rs"]
#[allow(dead_code, reason = "its policy keeps what this one redacts")]
mod fields;
mod guard;
mod ids;
mod late;
mod log;
mod opening;
mod people;
mod picky;
mod policy;
mod random;
mod reply;
mod request;
mod session;
mod text;
mod time;
mod tools;

use std::error::Error;

use arguments::Arguments;
use log::{Log, PATIENCE};
use random::Random;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let mut random = Random::new(arguments.seed);
    // Two starts, so that two writers and a change of the policy are in the log.
    let middle = arguments.days / 2;
    for days in [0..middle, middle..arguments.days] {
        let mut log = Log::open(&arguments, days.start)?;
        for day in days {
            let before = arguments.events * day / arguments.days;
            let mut left = arguments.events * (day + 1) / arguments.days - before;
            log.begin_day(day);
            while left > 0 {
                left -= session::run(&mut log, &mut random, left);
            }
        }
        println!("{}", log.audit.shutdown(PATIENCE));
    }
    Ok(())
}
