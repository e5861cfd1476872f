use llm_audit_core::{Batch, Event};

fn main() {
    let events: Vec<Event> = Vec::new();
    let _ = Batch::new(events);
}
