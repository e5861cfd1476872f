//! What people ask and models answer.

use crate::random::Random;

const WORDS: &str = "the order is a to and of customer invoice in for report please summary contract we that \
    delivery when error version service account with on payment build meeting deadline function \
    return value team proposal update review budget table query index answer question policy data \
    user release note translation German French paragraph sentence example because should could";
const OPENINGS: &[&str] = &["Summarise", "Explain", "Translate", "Reply to", "Review"];

/// Returns so many words as sentences; a number now and then makes each text its own.
pub(crate) fn words(random: &mut Random, count: u64) -> String {
    let known: Vec<_> = WORDS.split(' ').filter(|word| !word.is_empty()).collect();
    let mut text = String::new();
    for number in 0..count {
        if random.once_in(14) {
            text += &random.within(10, 100_000).to_string();
        } else {
            text += random.word(&known);
        }
        text += match number {
            _ if number + 1 == count => ".",
            _ if number % 12 == 11 => ".\n",
            _ => " ",
        };
    }
    text
}

/// Returns what a person asks; some name themselves or others.
pub(crate) fn question(random: &mut Random) -> String {
    let count = 8 + random.within(0, 60) * random.within(0, 4);
    let mut text = format!("{} {}", random.word(OPENINGS), words(random, count));
    if random.once_in(6) {
        let number = random.within(100, 999);
        text += &format!(" Send it to person{number}@example.org or call +49 30 901820 {number}.");
    }
    text
}

/// Returns what a model answers.
pub(crate) fn answer(random: &mut Random) -> String {
    let count = 20 + random.within(0, 120) * random.within(0, 4);
    words(random, count)
}
