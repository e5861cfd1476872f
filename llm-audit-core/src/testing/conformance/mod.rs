//! The suite that every sink passes.
//!
//! It runs a sink through the contract of [`Sink`] as the log would, and compares what arrived with
//! what was sent. The author of a sink gives it a closure that makes a fresh sink together with
//! what reads back what that sink wrote:
//!
//! ```
//! use llm_audit_core::testing::{MemorySink, conformance};
//!
//! conformance::check(|| {
//!     let sink = MemorySink::new();
//!     (sink.clone(), move || sink.events())
//! });
//! ```
//!
//! A sink of files would make a temporary directory there and read the files; one that sends would
//! start a receiver and decode what it got. The reader owns what must live as long as the sink.
//!
//! | rule | what must hold |
//! |---|---|
//! | `name` | the name is not empty, the same for every sink of one kind, and stays as it is |
//! | `whole` | every event arrives as it was sent: large ones, batches of one, unknown members, unknown kinds |
//! | `in_order` | events arrive in the order of their numbers |
//! | `again` | an event that comes again after a failure is taken, and arrives at least once |
//! | `durable_taken` | nothing is called durable that was not taken |
//! | `durable_there` | what is called durable can be read at once |
//! | `flush` | a flush after each batch, and two in a row, are answered, and nothing is lost by it |
//! | `empty` | a sink that was given nothing is flushed and shut down, and calls nothing durable |
//! | `shutdown` | a shutdown without an error has made durable all that was taken |
//! | `dropped` | a call that is dropped half-way leaves a sink that takes the batch again |
//! | `silent` | neither name nor `Debug` holds content |
//! | `errors` | an error holds no content, and its numbers are those of the batch ([`check_errors`]) |

mod bench;
mod events;
mod rules;
#[cfg(test)]
mod tests;

use std::fmt;
use std::panic::resume_unwind;

use bench::{Bench, Subject};
use rules::{ERRORS, RULES};

use crate::event::Event;
use crate::sink::Sink;
use crate::sync::thread;

/// A rule that a sink breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The rule, as the [module's](self) table names it.
    pub rule: &'static str,
    /// What the sink did; events appear by their numbers alone.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule `{}` is broken: {}", self.rule, self.what)
    }
}

/// Checks that the sinks of `factory` keep the contract, each rule on a fresh one.
///
/// It blocks the thread, and may be called within a runtime.
///
/// # Panics
///
/// When a rule is broken, naming every one that is.
#[track_caller]
#[expect(clippy::panic, reason = "a check that does not hold fails the test")]
pub fn check<S, R>(factory: impl FnMut() -> (S, R) + Send)
where
    S: Sink + fmt::Debug,
    R: FnMut() -> Vec<Event> + 'static,
{
    if let Some(list) = listed(&violations(factory)) {
        panic!("{list}");
    }
}

/// Returns the rules that the sinks of `factory` break, for those who want to see them fail.
///
/// # Examples
///
/// ```
/// use llm_audit_core::testing::{FaultSink, conformance};
///
/// // A sink that nobody can read back.
/// let broken = conformance::violations(|| (FaultSink::new(), Vec::new));
/// assert!(broken.iter().any(|violation| violation.rule == "whole"));
/// ```
pub fn violations<S, R>(mut factory: impl FnMut() -> (S, R) + Send) -> Vec<Violation>
where
    S: Sink + fmt::Debug,
    R: FnMut() -> Vec<Event> + 'static,
{
    run(RULES, move || {
        let (sink, read) = factory();
        Subject::new(Box::new(sink), Box::new(read))
    })
}

/// Checks the errors of sinks that cannot write: their disk is full, or nobody answers.
///
/// # Examples
///
/// ```
/// use llm_audit_core::testing::{FaultSink, conformance};
///
/// conformance::check_errors(|| FaultSink::new().retry(100));
/// ```
///
/// # Panics
///
/// When an error holds content or numbers of events that were not in the batch, or when the sink
/// takes every batch.
#[track_caller]
#[expect(clippy::panic, reason = "a check that does not hold fails the test")]
pub fn check_errors<S>(mut factory: impl FnMut() -> S + Send)
where
    S: Sink + fmt::Debug,
{
    let broken = run(ERRORS, move || {
        Subject::new(Box::new(factory()), Box::new(Vec::new))
    });
    if let Some(list) = listed(&broken) {
        panic!("{list}");
    }
}

/// Runs `rules` on a thread of its own: the sink gets a runtime as it does from the log, and the
/// caller may be within another one.
fn run(rules: &[rules::Rule], mut factory: impl FnMut() -> Subject + Send) -> Vec<Violation> {
    let run = || {
        let mut bench = Bench::new(&mut factory);
        let results = rules.iter().map(|rule| (rule, (rule.run)(&mut bench)));
        let broken = results.filter_map(|(rule, result)| {
            let what = result.err()?;
            let rule = rule.name;
            Some(Violation { rule, what })
        });
        broken.collect()
    };
    let run = thread::scope(|scope| scope.spawn(run).join());
    run.unwrap_or_else(|panic| resume_unwind(panic))
}

fn listed(broken: &[Violation]) -> Option<String> {
    let list: Vec<_> = broken.iter().map(Violation::to_string).collect();
    (!list.is_empty()).then(|| list.join("\n"))
}
