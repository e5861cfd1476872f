use llm_audit_core::Recorder;

fn needs_serialize<T: serde::Serialize>() {}

fn main() {
    needs_serialize::<Recorder>();
}
