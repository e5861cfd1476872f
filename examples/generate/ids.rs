//! Identifiers that do not depend on the machine.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, ThreadId};

use llm_audit::Ids;

/// Numbers that count up, for the thread that captures and for all others apart.
#[derive(Debug)]
pub(crate) struct Numbers {
    own: ThreadId,
    count: AtomicU64,
    others_count: AtomicU64,
}

impl Numbers {
    pub(crate) fn new() -> Self {
        Self {
            own: thread::current().id(),
            count: AtomicU64::new(0),
            others_count: AtomicU64::new(1 << 60),
        }
    }
}

impl Ids for Numbers {
    fn unique(&self) -> u128 {
        let count = match thread::current().id() == self.own {
            true => &self.count,
            false => &self.others_count,
        };
        u128::from(count.fetch_add(1, Ordering::Relaxed))
    }
}
