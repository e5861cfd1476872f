//! What goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// One way in which things go wrong, the same for every recorder.
#[derive(Debug)]
pub struct Scenario {
    /// On the command line.
    pub word: &'static str,
    pub title: &'static str,
    pub text: &'static str,
    /// 10,000 calls a second, or as many as the recorder takes.
    pub on_time: bool,
    pub end: End,
    pub disk: Disk,
    pub beyond: Beyond,
}

/// How the program ends.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// As the recorder's documentation says, within [`GRACE`].
    InOrder,
    /// By SIGKILL, when the last call has returned.
    Killed,
}

/// What the files are on.
#[derive(Debug, PartialEq, Eq)]
pub enum Disk {
    Normal,
    /// A file system of [`SMALL`] bytes, which may grow later.
    Small {
        grows_after: Option<Duration>,
    },
    /// One that takes a hundredth of what is offered.
    Slow,
}

/// What becomes of a collector, where a recorder has one.
#[derive(Debug, PartialEq, Eq)]
pub enum Beyond {
    Nothing,
    Down,
    Hanging,
}

impl Scenario {
    pub fn has_far_end(&self) -> bool {
        self.beyond != Beyond::Nothing
    }
}

/// How long a program may take to end.
pub const GRACE: Duration = Duration::from_secs(5);
/// The size of a small disk.
pub const SMALL: &str = "32m";
/// And when it has grown.
pub const LARGE: &str = "512m";
/// Bytes a second: 100 calls, of the 10,000 that are offered.
pub const SLOW: u64 = 230_000;
/// Calls that are made while a collector is down for an hour; the rest come after it.
pub const DURING_THE_HOUR: u64 = 45_000;

pub const ALL: &[Scenario] = &[
    Scenario {
        word: "kill",
        title: "`kill -9` at a steady pace",
        text: "10,000 calls a second for five seconds; the process is killed when the last call has \
               returned.",
        on_time: true,
        end: End::Killed,
        disk: Disk::Normal,
        beyond: Beyond::Nothing,
    },
    Scenario {
        word: "kill-burst",
        title: "`kill -9` in a burst",
        text: "All calls as fast as one thread can make them; the process is killed when the last \
               call has returned.",
        on_time: false,
        end: End::Killed,
        disk: Disk::Normal,
        beyond: Beyond::Nothing,
    },
    Scenario {
        word: "disk-full",
        title: "The disk is full, then it has room again",
        text: "A file system of 32 MiB, too small after some 1.4 seconds of five; after three \
               seconds it grows. The program ends in good order.",
        on_time: true,
        end: End::InOrder,
        disk: Disk::Small {
            grows_after: Some(Duration::from_secs(3)),
        },
        beyond: Beyond::Nothing,
    },
    Scenario {
        word: "disk-stays-full",
        title: "The disk is full and stays full",
        text: "The same file system, which never grows.",
        on_time: true,
        end: End::InOrder,
        disk: Disk::Small { grows_after: None },
        beyond: Beyond::Nothing,
    },
    Scenario {
        word: "overflow",
        title: "A hundred times more than the disk takes",
        text: "10,000 calls a second, and a disk that takes the bytes of 100. The program makes \
               50,000 calls, or as many as it can in ten seconds, and has five more to end.",
        on_time: true,
        end: End::InOrder,
        disk: Disk::Slow,
        beyond: Beyond::Nothing,
    },
    Scenario {
        word: "collector-down",
        title: "The collector is down for an hour",
        text: "The recorder's other output fails at once for an hour, in which 45,000 calls are \
               made; then it works, and 5,000 follow. llm-audit's clock is moved through the hour; \
               opentelemetry_sdk has no clock to move, and none is needed, as it does not try again.",
        on_time: true,
        end: End::InOrder,
        disk: Disk::Normal,
        beyond: Beyond::Down,
    },
    Scenario {
        word: "collector-hangs",
        title: "The collector hangs",
        text: "The recorder's other output takes the first batch and never answers. The next start of \
               llm-audit finds one that works; the other recorder leaves nothing for a next start.",
        on_time: true,
        end: End::InOrder,
        disk: Disk::Normal,
        beyond: Beyond::Hanging,
    },
];

/// The state of a collector, shared with whoever plays it.
#[derive(Clone, Debug)]
pub struct FarEnd(Arc<AtomicU8>);

const UP: u8 = 0;
const DOWN: u8 = 1;
const HANGING: u8 = 2;

impl FarEnd {
    pub fn new(beyond: &Beyond) -> Self {
        let state = match beyond {
            Beyond::Nothing => UP,
            Beyond::Down => DOWN,
            Beyond::Hanging => HANGING,
        };
        Self(Arc::new(AtomicU8::new(state)))
    }

    pub fn come_back(&self) {
        self.0.store(UP, Ordering::Relaxed);
    }

    pub fn is_down(&self) -> bool {
        self.0.load(Ordering::Relaxed) == DOWN
    }

    pub fn hangs(&self) -> bool {
        self.0.load(Ordering::Relaxed) == HANGING
    }
}
