//! What is really in the files.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

/// What the files of one recorder hold.
#[derive(Debug, Default)]
pub struct Found {
    ids: HashSet<String>,
    /// Calls that are there more than once.
    pub repeated: u64,
    /// Lines that are not whole.
    pub damaged: u64,
    /// Sum over the events of kind `loss`, those about sinks left out.
    pub told_as_lost: u64,
}

impl Found {
    /// Reads every file under `dir`, whatever it is called.
    pub fn under(dir: &Path) -> io::Result<Self> {
        let mut found = Self::default();
        found.add(dir)?;
        Ok(found)
    }

    /// Returns how many different calls are there.
    pub fn events(&self) -> u64 {
        self.ids.len() as u64
    }

    fn add(&mut self, dir: &Path) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.is_dir() {
                self.add(&path)?;
            } else if path.extension().is_some_and(|end| end == "jsonl") {
                fs::read(&path)?
                    .split(|byte| *byte == b'\n')
                    .filter(|line| !line.is_empty())
                    .for_each(|line| self.line(line));
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8]) {
        let Ok(value) = serde_json::from_slice::<Value>(line) else {
            self.damaged += 1;
            return;
        };
        // tracing puts its fields one level deeper.
        let id = value
            .get("session_id")
            .or(value.pointer("/fields/session_id"));
        if let Some(id) = id.and_then(Value::as_str) {
            self.repeated += u64::from(!self.ids.insert(id.to_owned()));
        }
        if value.get("kind").and_then(Value::as_str) == Some("loss")
            && value.get("loss_sink").is_none()
        {
            self.told_as_lost += value.get("count").and_then(Value::as_u64).unwrap_or(0);
        }
    }
}
