//! A fault at the first, second, third … call of a kind.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use crate::has_time;
use crate::program::{Program, Said};

/// Calls that change what is on disk, or are to make it durable.
pub(crate) const CALLS: [&str; 6] = [
    "write",
    "fdatasync",
    "fsync",
    "rename",
    "unlink",
    "ftruncate",
];
/// No thread of a program makes more calls of one kind; a sweep that gets here would not end.
const MOST_CALLS: usize = 2000;

/// A kill at one call.
pub(crate) struct Kill {
    call: &'static str,
    when: usize,
}

impl Kill {
    /// Runs the program until that call of one of its threads, and returns what it had said by then,
    /// and the place; `None` when it made fewer such calls.
    pub(crate) fn run(&self, program: Program) -> Option<(Said, String)> {
        let Self { call, when } = self;
        let program = program.inject(call, &format!("signal=KILL:when={when}"));
        let (status, said) = program.start().end();
        // A program that is not killed may fail when it is swept on a place that fails.
        (status.signal() == Some(9)).then(|| (said, format!("{call} number {when}")))
    }
}

/// Returns the stride of a sweep: one, or `quick` when there is little time.
pub(crate) fn stride(quick: usize) -> usize {
    if has_time() { 1 } else { quick }
}

/// Tries a kill at each call of each kind, in strides, until `run` says that a program made fewer.
pub(crate) fn sweep(
    calls: &[&'static str],
    stride: usize,
    mut run: impl FnMut(&Kill) -> Option<()>,
) -> Result<(), String> {
    strace()?;
    for call in calls {
        let mut when = (1..MOST_CALLS).step_by(stride);
        let end = when.find(|&when| run(&Kill { call, when }).is_none());
        assert!(end.is_some(), "{call}: the program does not end");
    }
    Ok(())
}

/// Fails when programs cannot be traced here.
pub(crate) fn strace() -> Result<(), String> {
    let run = Command::new("strace")
        .args(["-D", "-f", "-qq", "-o", "/dev/null", "-e"])
        .args(["trace=fsync", "-e", "inject=fsync:error=EIO", "true"])
        .stderr(Stdio::null())
        .status();
    match run {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("strace cannot trace: {status}")),
        Err(_) => Err("strace is not installed".into()),
    }
}
