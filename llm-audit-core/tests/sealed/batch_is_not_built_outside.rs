use llm_audit_core::Batch;

fn main() {
    let _ = Batch { shared: panic!(), start: 0 };
}
