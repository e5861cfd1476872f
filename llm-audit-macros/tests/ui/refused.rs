#![allow(unused)]

use llm_audit::audit;

#[audit(fail_closed)]
fn fail_closed() {}

#[audit(tool, args)]
fn args(order: u64) {}

#[audit(skip(client))]
fn skip(client: ()) {}

#[audit(ret, kind = "agent", skip_all)]
fn tracing_words() -> Result<(), String> {
    Ok(())
}

fn main() {}
