//! Numbers that neither an event has nor a loss tells of.

use std::collections::{BTreeMap, BTreeSet};

use llm_audit::{Event, Kind, WriterId};
use serde_json::{Value, json};

use crate::Count;

#[derive(Default)]
pub(crate) struct Numbers {
    seen: BTreeMap<WriterId, BTreeSet<u64>>,
    losses: Vec<(String, u64, u64)>,
}

impl Count for Numbers {
    fn take(&mut self, event: &Event) {
        if let Some(seq) = event.seq() {
            self.seen.entry(event.writer_id()).or_default().insert(seq);
        }
        // What a sink did not get is in the journal all the same.
        if *event.kind() == Kind::Loss && event.loss_sink().is_none() {
            let range = event
                .loss_writer_id()
                .zip(event.seq_from())
                .zip(event.seq_to());
            self.losses
                .extend(range.map(|((writer, from), to)| (writer.to_owned(), from, to)));
        }
    }
}

impl Numbers {
    pub(crate) fn untold_gaps(&self) -> Vec<Value> {
        let mut rows = Vec::new();
        for (writer, seqs) in &self.seen {
            let writer = writer.to_string();
            let mut before = 0;
            for seq in seqs {
                let (first, last) = (before + 1, seq - 1);
                before = *seq;
                let losses = self.losses.iter().filter(|(of, ..)| *of == writer);
                let told = losses
                    .map(|(_, from, to)| (last.min(*to) + 1).saturating_sub(first.max(*from)));
                let untold = (last + 1 - first).saturating_sub(told.sum());
                if untold > 0 {
                    rows.push(json!([writer, first, last, untold]));
                }
            }
        }
        rows
    }
}
