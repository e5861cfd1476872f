//! What every recorder is given: the same calls, at the same times.

use std::ops::Range;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// So many calls are recorded in each scenario.
pub const EVENTS: u64 = 50_000;
/// Offered in a second, where they are not offered as fast as possible.
const RATE: u64 = 10_000;
/// A program that is held back gives up after so long: twice the time that the calls should take.
const LONGEST: Duration = Duration::from_secs(2 * EVENTS / RATE);

/// One call of a model.
#[derive(Debug)]
pub struct Call {
    /// `event-` and six digits: by it the call is found in the files.
    pub id: String,
    /// 2,000 bytes.
    pub prompt: &'static str,
    pub model: &'static str,
    pub input_tokens: u64,
}

impl Call {
    fn new(number: u64) -> Self {
        Self {
            id: format!("event-{number:06}"),
            prompt: prompt(),
            model: "small",
            input_tokens: 512,
        }
    }
}

/// How a round of calls went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offered {
    /// Calls that were made; fewer than wanted when the recorder held the program back.
    pub events: u64,
    /// The longest time that recording one call took.
    pub longest: Duration,
}

impl Offered {
    /// Returns this round and a later one together.
    pub fn and(self, later: Self) -> Self {
        Self {
            events: self.events + later.events,
            longest: self.longest.max(later.longest),
        }
    }
}

/// Offers calls to `record`, on time or as fast as it takes them.
pub fn offer(events: Range<u64>, on_time: bool, mut record: impl FnMut(&Call)) -> Offered {
    let start = Instant::now();
    let mut offered = Offered::default();
    for number in events {
        while on_time && due(start) <= offered.events {
            thread::sleep(Duration::from_millis(1));
        }
        if start.elapsed() > LONGEST {
            break;
        }
        let call = Call::new(number);
        let before = Instant::now();
        record(&call);
        offered.longest = offered.longest.max(before.elapsed());
        offered.events += 1;
    }
    offered
}

fn due(start: Instant) -> u64 {
    start.elapsed().as_micros() as u64 * RATE / 1_000_000
}

fn prompt() -> &'static str {
    const SENTENCE: &str = "The boats lay in the reeds as if they had been forgotten. ";
    static PROMPT: OnceLock<String> = OnceLock::new();
    PROMPT.get_or_init(|| {
        let mut text = SENTENCE.repeat(2_000 / SENTENCE.len() + 1);
        text.truncate(2_000);
        text
    })
}
