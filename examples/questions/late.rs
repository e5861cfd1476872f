//! What was said later of answers.

use std::collections::BTreeMap;

use llm_audit::{Event, Kind};
use serde_json::{Value, json};

use crate::Count;
use crate::tally::{Tally, add, is_chat};
use crate::word::LastWords;

#[derive(Default)]
pub(crate) struct Late {
    models: BTreeMap<String, String>,
    thumbs: Tally<String, 2>,
    pub(crate) corrections: LastWords<String>,
    pub(crate) consents: LastWords<bool>,
}

impl Count for Late {
    fn take(&mut self, event: &Event) {
        if let Some(model) = event.model().filter(|_| is_chat(event)) {
            let id = event.event_id().to_string();
            self.models.insert(id, model.to_owned());
        }
        match event.kind() {
            Kind::Feedback => {
                let target = event.target_event_id().unwrap_or_default();
                let is = |thumb| u64::from(event.feedback_thumb() == Some(thumb));
                add(&mut self.thumbs, target.to_owned(), [is("up"), is("down")]);
            }
            Kind::Correction => {
                let text = event.correction().map(str::to_owned);
                self.corrections.take(event, text);
            }
            Kind::Consent => self.consents.take(event, event.training_allowed()),
            _ => {}
        }
    }
}

impl Late {
    pub(crate) fn by_model(&self) -> Vec<Value> {
        let mut models = Tally::<&str, 6>::new();
        for (event, model) in &self.models {
            let [up, down] = self.thumbs.get(event).copied().unwrap_or_default();
            let corrected = u64::from(self.corrections.on(event).is_some());
            let is = |allowed| u64::from(self.consents.on(event) == Some(&allowed));
            let facts = [1, up, down, corrected, is(true), is(false)];
            add(&mut models, model, facts);
        }
        let rows = models.into_iter();
        let row = |(model, [n, up, down, corrected, yes, no]): (&str, [u64; 6])| {
            json!([model, n, up, down, corrected, yes, no])
        };
        rows.map(row).collect()
    }
}
