#![allow(unused)]

use llm_audit::audit;

#[audit(fail_closed)]
fn nothing() {}

#[audit(fail_closed)]
fn never() -> ! {
    panic!()
}

#[audit(fail_closed = true)]
fn a_value() -> Result<(), llm_audit::Error> {
    Ok(())
}

fn main() {}
