#![allow(unused)]

use llm_audit::audit;

#[audit(ret, kind = "agent", skip_all)]
fn tracing_words() -> Result<(), String> {
    Ok(())
}

fn main() {}
