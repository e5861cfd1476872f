//! Pairs for supervised fine-tuning: the last finished turn of each conversation, as chat JSON lines.

use std::collections::{BTreeMap, BTreeSet};

use llm_audit::Event;
use serde_json::{Value, json};

use crate::Count;
use crate::late::Late;
use crate::turn::Turn;

#[derive(Default)]
pub(crate) struct Pairs(BTreeMap<Option<String>, Turn>);

impl Count for Pairs {
    fn take(&mut self, event: &Event) {
        let Some(turn) = Turn::of(event) else {
            return;
        };
        let conversation = event.conversation_id().map(str::to_owned);
        let place = |turn: &Turn| (turn.index, turn.event.clone());
        let before = self.0.get(&conversation);
        if before.is_none_or(|before| place(before) < place(&turn)) {
            self.0.insert(conversation, turn);
        }
    }
}

impl Pairs {
    /// Returns one line for each pair that may be used, none twice; what was said later counts.
    pub(crate) fn lines(&self, late: &Late) -> Vec<Value> {
        let mut turns: Vec<_> = self.0.values().collect();
        turns.sort_unstable_by_key(|turn| turn.event.as_str());
        let mut seen = BTreeSet::new();
        let row = |turn: &Turn| {
            let allowed = late.consents.on(&turn.event).copied().or(turn.allowed);
            let answer = late.corrections.on(&turn.event).unwrap_or(&turn.answer);
            let mut messages = turn.asked.clone();
            messages.push(json!({"role": "assistant", "content": answer}));
            let line = json!({ "messages": messages }).to_string();
            let is_new = allowed == Some(true) && seen.insert(line.clone());
            is_new.then(|| json!([turn.event, line]))
        };
        turns.into_iter().filter_map(row).collect()
    }
}
