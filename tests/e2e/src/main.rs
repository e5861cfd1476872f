//! Writes logs for other programs to read: `e2e late-kinds DIR`, `e2e otel DIR`; takes out of one of the generator
//! what has expired, and merges its days: `e2e narrow DIR`; and records beside a receiver that goes away for so many seconds: `e2e outage DIR http|otlp SECONDS`; and uploads to a server of S3,
//! compares what is there with the journal, and takes out of both what has expired: `e2e upload DIR URL EVENTS FILE_BYTES`,
//! `e2e uploaded DIR URL`, `e2e expire DIR URL prompts|days`.
#![expect(clippy::print_stdout, reason = "its table is for people to read")]

mod expire;
mod late_kinds;
mod narrow;
mod otel;
mod outage;
mod upload;

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["late-kinds", dir] => late_kinds::write(Path::new(dir)),
        ["narrow", dir] => narrow::narrow(Path::new(dir)),
        ["otel", dir] => otel::write(Path::new(dir)),
        ["outage", dir, kind, away] => outage::run(Path::new(dir), kind, away.parse()?),
        ["upload", dir, url, events, bytes] => {
            upload::write(Path::new(dir), url, events.parse()?, bytes.parse()?)
        }
        ["expire", dir, url, what] => expire::expire(Path::new(dir), url, what),
        ["uploaded", dir, url] => upload::check(Path::new(dir), url),
        _ => Err(
            "usage: e2e late-kinds DIR, narrow DIR, otel DIR, outage DIR http|otlp SECONDS, \
                  upload DIR URL EVENTS FILE_BYTES, uploaded DIR URL or expire DIR URL prompts|days"
                .into(),
        ),
    }
}
