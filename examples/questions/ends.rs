//! How calls ended: how long they took, and what guardrails stopped.

use std::collections::BTreeMap;

use llm_audit::{Event, Status};
use serde_json::{Value, json};

use crate::Count;
use crate::tally::{Tally, add, is_call};

#[derive(Default)]
pub(crate) struct Ends {
    latencies: BTreeMap<String, Vec<u64>>,
    blocked: Tally<Option<String>, 2>,
}

impl Count for Ends {
    fn take(&mut self, event: &Event) {
        let status = event.status().filter(|_| is_call(event));
        match (status, event.model(), event.latency_us()) {
            (Some(Status::Ok), Some(model), Some(latency)) => {
                let times = self.latencies.entry(model.to_owned()).or_default();
                times.push(latency);
            }
            (Some(Status::Blocked), ..) => {
                let guardrails = event.guardrails().unwrap_or_default().iter();
                let failed = guardrails.filter(|one| one.verdict.as_deref() == Some("fail"));
                let session = event.session_id().map(str::to_owned);
                add(&mut self.blocked, session, [1, failed.count() as u64]);
            }
            _ => {}
        }
    }
}

impl Ends {
    pub(crate) fn p95_latency_by_model(&mut self) -> Vec<Value> {
        let row = |(model, times): (&String, &mut Vec<u64>)| {
            times.sort_unstable();
            let rank = (times.len() * 95).div_ceil(100);
            json!([model, times.len(), times.get(rank - 1)])
        };
        self.latencies.iter_mut().map(row).collect()
    }

    pub(crate) fn blocked_sessions(&self) -> Vec<Value> {
        let rows = self.blocked.iter();
        rows.map(|(session, [calls, verdicts])| json!([session, calls, verdicts]))
            .collect()
    }
}
