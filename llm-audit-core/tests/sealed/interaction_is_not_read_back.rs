use llm_audit_core::{Field, Interaction};

fn read(call: &Interaction) {
    let _ = call.get(Field::InputMessages);
}

fn main() {}
