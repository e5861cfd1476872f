use llm_audit_core::seal::Sealer;

fn main() {}
