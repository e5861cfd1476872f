//! Prompts that were sent and never came back.

use std::collections::{BTreeMap, BTreeSet};

use llm_audit::{Event, Kind};
use serde_json::{Value, json};

use crate::Count;
use crate::tally::{day, is_call};

#[derive(Default)]
pub(crate) struct Sent {
    prompts: BTreeMap<String, (String, Value)>,
    answered: BTreeSet<String>,
}

impl Count for Sent {
    fn take(&mut self, event: &Event) {
        let id = event.event_id().to_string();
        if *event.kind() == Kind::PromptSent {
            let call = event.target_event_id().unwrap_or_default().to_owned();
            let row = json!([id, event.model(), day(event)]);
            self.prompts.insert(id, (call, row));
        } else if is_call(event) {
            self.answered.insert(id);
        }
    }
}

impl Sent {
    pub(crate) fn unanswered(&self) -> Vec<Value> {
        let rows = self.prompts.values();
        let lost = rows.filter(|(call, _)| !self.answered.contains(call));
        lost.map(|(_, row)| row.clone()).collect()
    }
}
