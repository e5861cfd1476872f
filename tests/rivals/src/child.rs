//! A program that records: one recorder in one scenario.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::disk;
use crate::scenario::{Beyond, DURING_THE_HOUR, Disk, End, FarEnd, GRACE, SLOW, Scenario};
use crate::systems::{Entry, Said};
use crate::work::{self, EVENTS, Offered};

/// What is printed begins so: recorders print too.
pub const MARK: &str = "rivals:";

/// Runs until the end, or until it is killed.
pub fn run(entry: &Entry, scenario: &Scenario, dir: &Path) -> Result<(), Box<dyn Error>> {
    let far_end = FarEnd::new(&scenario.beyond);
    let system = (entry.start)(dir, scenario, &far_end)?;
    if scenario.disk == Disk::Slow {
        disk::slow_down(SLOW);
    }
    say("started")?;
    let record = |call: &work::Call| system.record(call);
    let offered = if scenario.beyond == Beyond::Down {
        let mut calls = 0;
        let during = work::offer(0..DURING_THE_HOUR, scenario.on_time, |call| {
            calls += 1;
            if calls % 25 == 0 {
                system.pass(HOUR / (DURING_THE_HOUR / 25) as u32);
            }
            record(call);
        });
        far_end.come_back();
        during.and(work::offer(
            DURING_THE_HOUR..EVENTS,
            scenario.on_time,
            record,
        ))
    } else {
        work::offer(0..EVENTS, scenario.on_time, record)
    };
    let Offered { events, longest } = offered;
    say(&format!("offered {events} {}", longest.as_micros()))?;
    if scenario.end == End::Killed {
        thread::sleep(Duration::MAX);
    }
    for said in system.end(GRACE) {
        let lost = said.lost.map_or("-".to_owned(), |lost| lost.to_string());
        say(&format!("said {lost} {} {}", said.noticed, said.words))?;
    }
    Ok(())
}

const HOUR: Duration = Duration::from_secs(3_600);

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{MARK} {line}")?;
    out.flush()
}

/// Reads back what [`run`] printed last.
pub fn said(line: &str) -> Option<Said> {
    let mut words = line.strip_prefix("said ")?.splitn(3, ' ');
    Some(Said {
        lost: words.next()?.parse().ok(),
        noticed: words.next()? == "true",
        words: words.next()?.to_owned(),
    })
}

/// Reads back what [`run`] printed after the calls.
pub fn offered(line: &str) -> Option<Offered> {
    let (events, longest) = line.strip_prefix("offered ")?.split_once(' ')?;
    Some(Offered {
        events: events.parse().ok()?,
        longest: Duration::from_micros(longest.parse().ok()?),
    })
}
