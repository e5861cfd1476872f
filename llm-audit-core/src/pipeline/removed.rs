//! What sinks that were removed will not get: it is deleted when a `loss` that survives says so.

use super::chunk::{Origin, OwnWork};
use super::loss::Window;
use super::seal::Seal;
use super::survey::Subject;
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

    /// Drops what was told by an event that the disk did not take: it is found, and told, again. Returns
    /// whether there is any.
    pub(super) fn drop_refused(&mut self, is_synced: impl Fn(u64) -> Option<bool>) -> bool {
        let before = self.0.len();
        self.0
            .retain(|told| told.1.and_then(&is_synced) != Some(false));
        self.0.len() < before
    }

    /// Takes out what was told by an event that no power cut takes back, with its number.
    pub(super) fn take_told(
        &mut self,
        is_synced: impl Fn(u64) -> Option<bool>,
    ) -> Vec<(Forgotten, u64)> {
        let fate = |told: &(Forgotten, Option<u64>)| told.1.and_then(&is_synced);
        let told = self.0.extract_if(.., |told| fate(told) == Some(true));
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
    /// Has counted what removed sinks will not get, unless that is under way.
    pub(super) fn survey_forgotten(&mut self, forgotten: Vec<Forgotten>) {
        for forgotten in forgotten {
            // One at a time: what follows is found again when this one is told.
            let told = self.forgetting.0.iter().map(|(known, _)| known);
            let counted = self.surveys.subjects().filter_map(|subject| match subject {
                Subject::Forgotten(forgotten) => Some(forgotten),
                Subject::Expired(_) => None,
            });
            if told
                .chain(counted)
                .any(|known| known.sink == forgotten.sink)
            {
                continue;
            }
            let bookmark = Bookmark::new(forgotten.writer, forgotten.after);
            let to = forgotten.to.unwrap_or(u64::MAX);
            let subject = Subject::Forgotten(forgotten);
            self.surveys.add(subject, bookmark, to);
        }
    }

    /// Counts on, and puts into `own` the losses of removed sinks that nobody has told of.
    pub(super) fn survey(&mut self, own: &mut Vec<OwnWork>) {
        let Some(spool) = &self.spool else {
            return;
        };
        for surveyed in self.surveys.step(spool) {
            match surveyed.subject {
                Subject::Expired(held) => self.expire_held(held, &surveyed.runs, surveyed.error),
                Subject::Forgotten(forgotten) => match surveyed.error {
                    Some(error) => {
                        let sink = &forgotten.sink;
                        let message =
                            format!("what sink `{sink}` will not get is unknown: {error}");
                        self.tell(DiagnosticKind::Degraded, &message);
                    }
                    None => own.extend(self.tell_forgotten(forgotten, surveyed.window)),
                },
            }
        }
    }

    fn tell_forgotten(&mut self, forgotten: Forgotten, window: Option<Window>) -> Option<OwnWork> {
        let Some(window) = window else {
            // There is nothing to tell.
            self.forgetting.0.push((forgotten, Some(0)));
            return None;
        };
        let sink = &forgotten.sink;
        let event = window.event(forgotten.writer, Some(sink));
        let count = window.counts().total();
        let message = format!("missing in removed sink `{sink}`: {count}");
        self.tell(DiagnosticKind::EventsLost, &message);
        let origin = Origin::Forgotten(forgotten.clone());
        self.forgetting.0.push((forgotten, None));
        Some(OwnWork { event, origin })
    }
}
