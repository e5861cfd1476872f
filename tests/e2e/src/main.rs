//! Writes logs for other programs to read: `e2e late-kinds DIR`, `e2e otel DIR`.

mod late_kinds;
mod otel;

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["late-kinds", dir] => late_kinds::write(Path::new(dir)),
        ["otel", dir] => otel::write(Path::new(dir)),
        _ => Err("usage: e2e late-kinds DIR or otel DIR".into()),
    }
}
