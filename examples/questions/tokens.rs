//! Tokens, by project and by user.

use std::cmp::Reverse;

use llm_audit::Event;
use serde_json::{Value, json};

use crate::Count;
use crate::tally::{Tally, add, day, is_call};

#[derive(Default)]
pub(crate) struct Tokens {
    projects: Tally<(String, String), 2>,
    users: Tally<String, 2>,
}

impl Count for Tokens {
    fn take(&mut self, event: &Event) {
        let Some(tokens) = event.total_tokens().filter(|_| is_call(event)) else {
            return;
        };
        let project = event.project_path().unwrap_or_default().to_owned();
        add(&mut self.projects, (project, day(event)), [1, tokens]);
        let digest = || event.digests()?.get("user_id").map(String::as_str);
        if let Some(user) = event.user_id().or_else(digest) {
            add(&mut self.users, user.to_owned(), [1, tokens]);
        }
    }
}

impl Tokens {
    pub(crate) fn by_project_and_day(&self) -> Vec<Value> {
        let rows = self.projects.iter();
        rows.map(|((project, day), [calls, tokens])| json!([project, day, calls, tokens]))
            .collect()
    }

    pub(crate) fn top_users(&self) -> Vec<Value> {
        let mut users: Vec<_> = self.users.iter().collect();
        users.sort_by_key(|(user, [_, tokens])| (Reverse(*tokens), user.as_str()));
        let rows = users.into_iter().take(10);
        rows.map(|(user, [calls, tokens])| json!([user, calls, tokens]))
            .collect()
    }
}
