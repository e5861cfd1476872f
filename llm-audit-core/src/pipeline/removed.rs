//! What sinks that were removed will not get: it is deleted when a `loss` that survives says so.

use super::chunk::{Origin, OwnWork};
use super::counters::LossReason;
use super::loss::{Stage, Window};
use super::seal::Seal;
use super::stream::{Count, Gap, Run};
use super::worker::Worker;
use crate::diagnostics::DiagnosticKind;
use crate::journal::{Bookmark, Forgotten};

/// What is being told, with the number of the event that tells it once that is written.
#[derive(Debug, Default)]
pub(super) struct Forgetting(Vec<(Forgotten, Option<u64>)>);

impl Forgetting {
    /// The event that tells was written as number `seq`, or is lost.
    pub(super) fn settle(&mut self, forgotten: &Forgotten, seq: Option<u64>) {
        match seq {
            Some(_) => {
                let mut told = self.0.iter_mut();
                if let Some(told) = told.find(|told| told.0 == *forgotten) {
                    told.1 = seq;
                }
            }
            None => self.0.retain(|told| told.0 != *forgotten),
        }
    }

    /// Takes out what was told by an event that no power cut takes back, with its number.
    pub(super) fn take_told(&mut self, is_synced: impl Fn(u64) -> bool) -> Vec<(Forgotten, u64)> {
        let told = self.0.extract_if(.., |told| told.1.is_some_and(&is_synced));
        let told = told.map(|(forgotten, seq)| Some((forgotten, seq?)));
        told.flatten().collect()
    }

    /// What event `seq` told could not be stored: it is stored later, and not told again.
    pub(super) fn put_back(&mut self, forgotten: Forgotten, seq: u64) {
        self.0.push((forgotten, Some(seq)));
    }

    pub(super) const fn is_waiting(&self) -> bool {
        !self.0.is_empty()
    }
}

impl<S: Seal> Worker<S> {
    /// Puts into `own` the losses of removed sinks that nobody has told of.
    pub(super) fn tell_forgotten(&mut self, forgotten: Vec<Forgotten>, own: &mut Vec<OwnWork>) {
        for forgotten in forgotten {
            // One at a time: what follows is found again when this one is told.
            let known = self.forgetting.0.iter();
            let known = known.filter(|(known, _)| known.sink == forgotten.sink);
            if known.count() > 0 {
                continue;
            }
            let Some(spool) = &self.spool else {
                return;
            };
            let Forgotten {
                sink,
                writer,
                after,
                to,
                ..
            } = &forgotten;
            let mut bookmark = Bookmark::new(*writer, *after);
            let to = to.unwrap_or(u64::MAX);
            let runs = match spool.runs(&mut bookmark, to, usize::MAX) {
                Ok(runs) => runs,
                Err(error) => {
                    let message = format!("what sink `{sink}` will not get is unknown: {error}");
                    self.tell(DiagnosticKind::Degraded, &message);
                    continue;
                }
            };
            let Some(gap) = gap(&runs) else {
                // There is nothing to tell.
                self.forgetting.0.push((forgotten, Some(0)));
                continue;
            };
            let mut window = Window::of(&gap, LossReason::SinkExpired, Stage::Sink);
            // It may have got some since it stored its cursor.
            window.mark_inexact();
            let event = window.event(*writer, Some(sink));
            let message = format!("missing in removed sink `{sink}`: {}", gap.count.events);
            self.tell(DiagnosticKind::EventsLost, &message);
            let origin = Origin::Forgotten(forgotten.clone());
            own.push(OwnWork { event, origin });
            self.forgetting.0.push((forgotten, None));
        }
    }
}

fn gap(runs: &[Run]) -> Option<Gap> {
    let (from, to) = (runs.first()?.from, runs.last()?.to());
    let mut count = Count::default();
    runs.iter().for_each(|run| count += run.count());
    let bytes = 0;
    Some(Gap {
        from,
        to,
        count,
        bytes,
    })
}
