//! The program that is killed, and what it has said.

use std::cell::OnceCell;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{self, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// A line of the child, without its first word: a writer, and an event when it is acknowledged.
type Said = (String, Option<String>);

/// A writer, and an event that it has acknowledged.
pub(crate) type Promise = (String, String);

/// A running program that records.
pub(crate) struct Child {
    process: process::Child,
    said: Receiver<Said>,
    writer: OnceCell<String>,
}

impl Child {
    pub(crate) fn spawn(dir: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_crash"))
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let (tell, said) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            // The kill may cut the last line; what is cut was not said.
            while out.read_line(&mut line).is_ok_and(|size| size > 0) && line.ends_with('\n') {
                let mut words = line.split_ascii_whitespace().skip(1).map(str::to_owned);
                if let Some(writer) = words.next()
                    && tell.send((writer, words.next())).is_err()
                {
                    return;
                }
                line.clear();
            }
        });
        Self {
            process,
            said,
            writer: OnceCell::new(),
        }
    }

    /// Waits until the child records, and returns its writer.
    pub(crate) fn writer(&self) -> String {
        let first = || self.said.recv_timeout(Duration::from_secs(60)).unwrap().0;
        self.writer.get_or_init(first).clone()
    }

    /// Kills the child, wherever it is, and returns what it has acknowledged: writers and events.
    pub(crate) fn kill(mut self) -> Vec<Promise> {
        let early = self.process.try_wait().unwrap();
        assert!(early.is_none(), "the child ended by itself: {early:?}");
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let acknowledged = |(writer, event): Said| Some((writer, event?));
        self.said.iter().filter_map(acknowledged).collect()
    }
}
