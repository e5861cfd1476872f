use llm_audit_core::Interaction;

fn needs_serialize<T: serde::Serialize>() {}

fn main() {
    needs_serialize::<Interaction>();
}
