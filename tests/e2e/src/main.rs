//! Writes logs for other programs to read: `e2e late-kinds DIR`, `e2e otel DIR`; and records beside a
//! receiver that goes away for so many seconds: `e2e outage DIR http|otlp SECONDS`.
#![expect(clippy::print_stdout, reason = "its table is for people to read")]

mod late_kinds;
mod otel;
mod outage;

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["late-kinds", dir] => late_kinds::write(Path::new(dir)),
        ["otel", dir] => otel::write(Path::new(dir)),
        ["outage", dir, kind, away] => outage::run(Path::new(dir), kind, away.parse()?),
        _ => Err("usage: e2e late-kinds DIR, otel DIR or outage DIR http|otlp SECONDS".into()),
    }
}
