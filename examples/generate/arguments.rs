//! What the program was asked for.

use std::error::Error;
use std::path::PathBuf;
use std::str::FromStr;

const USAGE: &str = "usage: generate --events N --seed S --dir D [--days K]";

pub(crate) struct Arguments {
    pub(crate) events: u64,
    pub(crate) seed: u64,
    pub(crate) dir: PathBuf,
    pub(crate) days: u64,
}

impl Arguments {
    pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let words: Vec<_> = words.collect();
        let (pairs, rest) = words.as_chunks::<2>();
        let known = ["--events", "--seed", "--dir", "--days"];
        let unknown = pairs
            .iter()
            .any(|[name, _]| !known.contains(&name.as_str()));
        if unknown || !rest.is_empty() {
            return Err(USAGE.into());
        }
        let value = |name: &str| {
            let pair = pairs.iter().find(|[given, _]| given == name);
            pair.map(|[_, value]| value.as_str()).ok_or(USAGE)
        };
        Ok(Self {
            events: number(value("--events")?)?,
            seed: number(value("--seed")?)?,
            dir: PathBuf::from(value("--dir")?),
            days: number(value("--days").unwrap_or("7"))?.max(1),
        })
    }

    /// Returns how long a person's pauses are, in microseconds, so that a day is long enough.
    pub(crate) fn pace(&self) -> i64 {
        // Half of a day, for pauses of 30 units or so.
        let half_a_day = 43_200_000_000 * self.days / 30;
        (half_a_day / self.events.max(1)).min(1_000_000) as i64
    }
}

fn number(text: &str) -> Result<u64, Box<dyn Error>> {
    u64::from_str(text).map_err(|_| format!("`{text}` is no number; {USAGE}").into())
}
