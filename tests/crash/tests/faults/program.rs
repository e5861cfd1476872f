//! The programs that are killed and made to suffer, and what they say.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{self, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::random::Random;

/// Longer than any of them takes for anything, on a machine that does a lot else.
const PATIENCE: Duration = Duration::from_secs(90);

/// An event that a program has acknowledged, by its id or its number.
#[derive(Clone, Debug)]
pub(crate) struct Promise {
    pub(crate) writer: String,
    pub(crate) event: String,
}

/// What a program has printed so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    /// Its writer, when its log has started.
    pub(crate) ready: Option<String>,
    pub(crate) acks: Vec<Promise>,
    /// Commits that failed, each with the reason.
    pub(crate) refused: Vec<String>,
    /// Whether its log counts itself as degraded.
    pub(crate) is_degraded: bool,
    /// Numbers that it gives about itself, such as `end ADMITTED WRITTEN LOST PENDING`.
    pub(crate) numbers: Vec<u64>,
    /// Whether its output has ended.
    is_over: bool,
}

/// A program, how it is run, and under what.
pub(crate) struct Program {
    command: Vec<OsString>,
    environment: Vec<(String, String)>,
}

impl Program {
    /// Returns the program `crash` in a mode.
    pub(crate) fn crash(mode: &str, dir: &Path) -> Self {
        Self::new(&[env!("CARGO_BIN_EXE_crash").as_ref(), mode.as_ref(), dir])
    }

    /// Returns the example `durable_writer`.
    pub(crate) fn durable_writer(dir: &Path, events: usize, producers: usize) -> Self {
        let exe = env!("CARGO_BIN_EXE_durable_writer");
        Self::new(&[exe.as_ref(), "--dir".as_ref(), dir])
            .arg("--events")
            .arg(&events.to_string())
            .arg("--producers")
            .arg(&producers.to_string())
    }

    pub(crate) fn new(command: &[&Path]) -> Self {
        Self {
            command: command.iter().map(OsString::from).collect(),
            environment: Vec::new(),
        }
    }

    pub(crate) fn arg(mut self, arg: &str) -> Self {
        self.command.push(arg.into());
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs it by another program, which gets its command as last arguments.
    pub(crate) fn under(mut self, wrapper: &[&str]) -> Self {
        let wrapper = wrapper.iter().map(OsString::from);
        self.command = wrapper.chain(self.command).collect();
        self
    }

    /// Runs it under `strace`, which injects a fault into some of its calls. The program stays our
    /// child, so that we can kill it and see how it ends.
    pub(crate) fn inject(self, call: &str, fault: &str) -> Self {
        let (trace, inject) = (format!("trace={call}"), format!("inject={call}:{fault}"));
        let out = ["-D", "-f", "-qq", "-o", "/dev/null"];
        let strace = [&["strace"], &out[..], &["-e", &trace, "-e", &inject]].concat();
        self.under(&strace)
    }

    /// Runs it on a disk that takes so long for each `fdatasync`; nothing else gets slower.
    pub(crate) fn slow_disk(self, delay: Duration) -> Self {
        let inject = format!("inject=fdatasync:delay_exit={}", delay.as_micros());
        let strace = [
            "strace",
            "-D",
            "-f",
            "-qq",
            "--seccomp-bpf",
            "-o",
            "/dev/null",
        ];
        self.under(&[&strace[..], &["-e", "trace=fdatasync", "-e", &inject]].concat())
    }

    pub(crate) fn command(&self) -> Command {
        let mut words = self.command.iter();
        let mut command = Command::new(words.next().unwrap());
        command.args(words).envs(self.environment.iter().cloned());
        // Cargo names directories to the loader, whose looks into each would be among the calls that fail.
        command.env_remove("LD_LIBRARY_PATH");
        command
    }

    pub(crate) fn start(&self) -> Running {
        let mut process = self
            .command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let said = Arc::new((Mutex::new(Said::default()), Condvar::new()));
        let (shared, news) = (Arc::clone(&said), process.id());
        thread::spawn(move || {
            let mut line = String::new();
            // A kill may cut the last line; what is cut was not said.
            while out.read_line(&mut line).is_ok_and(|size| size > 0) && line.ends_with('\n') {
                lock(&shared.0).hear(&line, news);
                shared.1.notify_all();
                line.clear();
            }
            lock(&shared.0).is_over = true;
            shared.1.notify_all();
        });
        let input = process.stdin.take();
        Running {
            process,
            input,
            said,
        }
    }
}

impl Said {
    fn hear(&mut self, line: &str, pid: u32) {
        let (what, rest) = {
            let line = line.trim_end();
            line.split_once(' ').unwrap_or((line, ""))
        };
        match (what, rest.split_once(' ')) {
            ("ready", _) => self.ready = Some(rest.to_owned()),
            ("ack", Some((writer, event))) => self.acks.push(Promise {
                writer: writer.to_owned(),
                event: event.to_owned(),
            }),
            ("refused", _) => self.refused.push(rest.to_owned()),
            ("degraded", _) => self.is_degraded = true,
            ("recovered", _) => self.is_degraded = false,
            ("end" | "slow", _) => {
                let words = rest.split(' ');
                self.numbers = words.map(|word| word.parse().unwrap()).collect();
            }
            _ => panic!("process {pid} says {line}"),
        }
    }
}

/// A program that runs.
pub(crate) struct Running {
    process: process::Child,
    input: Option<ChildStdin>,
    said: Arc<(Mutex<Said>, Condvar)>,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn said(&self) -> Said {
        lock(&self.said.0).clone()
    }

    /// Waits until what the program has said is `enough`, and fails when it ends before.
    pub(crate) fn wait(&self, what: &str, mut enough: impl FnMut(&Said) -> bool) {
        let start = Instant::now();
        let mut said = lock(&self.said.0);
        while !enough(&said) {
            let left = PATIENCE.checked_sub(start.elapsed());
            let count = (said.acks.len(), said.refused.len());
            assert!(
                left.is_some() && !said.is_over,
                "no {what} after {count:?} that were acknowledged and refused; last {:?}",
                said.refused.last()
            );
            let (back, _) = self
                .said
                .1
                .wait_timeout(said, left.unwrap_or_default())
                .unwrap_or_else(PoisonError::into_inner);
            said = back;
        }
    }

    pub(crate) fn wait_until_ready(&self) {
        self.wait("start", |said| said.ready.is_some());
    }

    /// Waits for so many more acknowledgements.
    pub(crate) fn wait_for_acks(&self, more: usize) {
        let goal = self.said().acks.len() + more;
        self.wait("acknowledgement", |said| said.acks.len() >= goal);
    }

    /// Lets it live for a while at random, every other time from its first acknowledgement on: some are
    /// to end while they start, and not all where the machine is slow.
    pub(crate) fn live(&self, number: u64, random: &mut Random, longest: Duration) {
        if number % 2 == 1 {
            self.wait_for_acks(1);
        }
        thread::sleep(random.up_to(longest));
    }

    /// Waits for so many more commits that fail.
    pub(crate) fn wait_for_refusals(&self, more: usize) {
        let goal = self.said().refused.len() + more;
        self.wait("refusal", |said| said.refused.len() >= goal);
    }

    /// Stops every thread of the program where it is outside of a call, does something, and lets it
    /// go on.
    pub(crate) fn while_stopped(&self, what: impl FnOnce()) {
        let pid = Pid::from_raw(self.pid().cast_signed());
        kill(pid, Signal::SIGSTOP).unwrap();
        let is_stopped = |task: io::Result<fs::DirEntry>| {
            let stat = fs::read_to_string(task.unwrap().path().join("stat"));
            // A thread that is gone needs no stopping.
            stat.is_ok_and(|stat| stat.contains(") T "))
        };
        let tasks = format!("/proc/{pid}/task");
        while !fs::read_dir(&tasks).unwrap().all(is_stopped) {
            thread::sleep(Duration::from_millis(1));
        }
        what();
        kill(pid, Signal::SIGCONT).unwrap();
    }

    /// Kills the program, wherever it is, and returns what it had said.
    pub(crate) fn kill(mut self) -> Said {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.hear_all()
    }

    /// Kills the program, which must not have ended by itself.
    pub(crate) fn kill_alive(mut self) -> Said {
        let early = self.process.try_wait().unwrap();
        assert!(early.is_none(), "the program ended by itself: {early:?}");
        self.kill()
    }

    /// Ends its input, waits until it ends, and returns how, and what it said.
    pub(crate) fn end(mut self) -> (ExitStatus, Said) {
        drop(self.input.take());
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                break status;
            }
            assert!(start.elapsed() < PATIENCE, "the program does not end");
            thread::sleep(Duration::from_millis(5));
        };
        (status, self.hear_all())
    }

    /// Ends its input, and returns what it said, after a good end.
    pub(crate) fn end_well(self) -> Said {
        let (status, said) = self.end();
        assert!(status.success(), "the program ended with {status}");
        said
    }

    /// Returns all that it said, when nobody has its output any more.
    fn hear_all(&self) -> Said {
        let mut said = lock(&self.said.0);
        while !said.is_over {
            said = self
                .said
                .1
                .wait(said)
                .unwrap_or_else(PoisonError::into_inner);
        }
        said.clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that failed leaves nothing behind; after a good end there is nothing to kill.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn lock(said: &Mutex<Said>) -> MutexGuard<'_, Said> {
    said.lock().unwrap_or_else(PoisonError::into_inner)
}
