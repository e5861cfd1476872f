use llm_audit_core::raw::RawEvent;

fn main() {}
