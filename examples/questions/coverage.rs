//! What the log has of each day's calls.

use llm_audit::{Absence, Event, Facet};
use serde_json::{Value, json};

use crate::Count;
use crate::tally::{Tally, add, day, is_call, is_chat};

#[derive(Default)]
pub(crate) struct Coverage {
    words: Tally<String, 1>,
    days: Tally<String, 6>,
}

impl Count for Coverage {
    fn take(&mut self, event: &Event) {
        let prompt = event.prompt().filter(|_| is_call(event));
        if prompt
            .as_ref()
            .is_some_and(|prompt| prompt.to_lowercase().contains("invoice"))
        {
            add(&mut self.words, day(event), [1]);
        }
        if is_chat(event) {
            let absent = event
                .absent()
                .and_then(|absent| absent.get(Absence::Redacted.as_str()));
            let redacted = absent
                .is_some_and(|facets| facets.iter().any(|facet| facet == Facet::Prompt.name()));
            let has = [
                true,
                prompt.is_some(),
                event.response().is_some(),
                event.user_id().is_some(),
                event.total_tokens().is_some(),
                redacted,
            ];
            add(&mut self.days, day(event), has.map(u64::from));
        }
    }
}

impl Coverage {
    pub(crate) fn prompts_with_a_word(&self) -> Vec<Value> {
        self.words
            .iter()
            .map(|(day, [calls])| json!([day, calls]))
            .collect()
    }

    pub(crate) fn by_day(&self) -> Vec<Value> {
        let row = |(day, counts): (&String, &[u64; 6])| {
            let mut row = vec![json!(day)];
            row.extend(counts.iter().map(|count| json!(count)));
            Value::Array(row)
        };
        self.days.iter().map(row).collect()
    }
}
