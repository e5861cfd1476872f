#![allow(unused)]

use llm_audit::audit;

#[audit(prompt)]
fn a_role(prompt: &str) {}

#[audit(model = )]
fn nothing() {}

#[audit(model = , user = "u-17")]
fn nothing_before_a_comma() {}

#[audit(fields(temperature))]
fn a_field(temperature: f64) {}

#[audit(fields)]
fn a_list() {}

#[audit(chat, err)]
fn an_error() -> Result<(), String> {
    Ok(())
}

#[audit(err = err.code())]
fn an_error_that_is_no_list() -> Result<(), String> {
    Ok(())
}

#[audit(stream)]
fn a_stream() {}

#[audit("chat")]
fn a_literal() {}

fn main() {}
