//! Counting what is about to be deleted, a portion a step: a backlog may be years of log, and the
//! worker's thread has events to write.

use std::collections::VecDeque;

use super::counters::LossReason;
use super::loss::{Stage, Window};
use super::stream::{Gap, Run};
use crate::id::WriterId;
use crate::journal::{Bookmark, Forgotten, Held, Portion, Spool};

/// So many events a step.
const STEP_EVENTS: usize = 4_096;
/// And so many bytes of them.
const STEP_BYTES: usize = 8 << 20;

/// What is counted, one after the other.
#[derive(Debug, Default)]
pub(super) struct Surveys(VecDeque<Survey>);

/// The events of a range that somebody does not get.
#[derive(Debug)]
struct Survey {
    subject: Subject,
    bookmark: Bookmark,
    to: u64,
    /// What was found, where the sinks' books ask for it.
    runs: Vec<Run>,
    gap: Option<Gap>,
}

/// Why a range is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// Sinks do not have it, and it has expired.
    Expired(Held),
    /// A sink that was removed does not get it.
    Forgotten(Forgotten),
}

/// What was counted.
pub(super) struct Surveyed {
    pub(super) subject: Subject,
    pub(super) runs: Vec<Run>,
    /// What is lost, unless there is nothing in the range.
    pub(super) window: Option<Window>,
    /// Why it could not be read.
    pub(super) error: Option<std::io::Error>,
}

impl Surveys {
    /// Counts what `subject` says, of the events behind `bookmark` up to number `to`.
    pub(super) fn add(&mut self, subject: Subject, bookmark: Bookmark, to: u64) {
        self.0.push_back(Survey {
            subject,
            bookmark,
            to,
            runs: Vec::new(),
            gap: None,
        });
    }

    pub(super) fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.0.iter().map(|survey| &survey.subject)
    }

    /// Returns what is counted because it has expired, of one writer.
    pub(super) fn expired(&self, writer: WriterId) -> impl Iterator<Item = &Held> {
        self.subjects().filter_map(move |subject| match subject {
            Subject::Expired(held) if held.name.writer == writer => Some(held),
            _ => None,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads on, a step at most; returns what is counted to its end.
    pub(super) fn step(&mut self, spool: &Spool) -> Vec<Surveyed> {
        let mut done = Vec::new();
        let mut left = Portion {
            events: STEP_EVENTS,
            bytes: STEP_BYTES,
        };
        while let Some(survey) = self.0.front_mut().filter(|_| left.is_left()) {
            match spool.runs(&mut survey.bookmark, survey.to, &mut left) {
                Ok(runs) if !runs.is_empty() => survey.take(runs),
                result => {
                    let writer = survey.bookmark.writer();
                    let error = result.err();
                    let is_known = error.is_none();
                    done.extend(self.0.pop_front().map(|survey| survey.end(error)));
                    // What follows on the unknown is found again.
                    self.0
                        .retain(|next| is_known || next.bookmark.writer() != writer);
                }
            }
        }
        done
    }
}

impl Survey {
    fn take(&mut self, runs: Vec<Run>) {
        for run in runs {
            let mut gap = Gap {
                from: run.from,
                to: run.to(),
                count: run.count(),
                bytes: 0,
            };
            if let Some(before) = self.gap {
                gap.from = before.from;
                gap.count += before.count;
            }
            self.gap = Some(gap);
            if matches!(self.subject, Subject::Expired(_)) {
                self.runs.push(run);
            }
        }
    }

    fn end(self, error: Option<std::io::Error>) -> Surveyed {
        let window = self.gap.map(|gap| {
            let mut window = Window::of(&gap, LossReason::SinkExpired, Stage::Sink);
            // It may have got some since it stored its cursor.
            window.mark_inexact();
            window
        });
        Surveyed {
            subject: self.subject,
            runs: self.runs,
            window,
            error,
        }
    }
}
