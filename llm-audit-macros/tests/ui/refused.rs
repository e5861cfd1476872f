#![allow(unused)]

use llm_audit::audit;

#[audit(fail_closed)]
fn fail_closed() {}

#[audit(ret, kind = "agent", skip_all)]
fn tracing_words() -> Result<(), String> {
    Ok(())
}

fn main() {}
