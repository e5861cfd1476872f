#![allow(unused)]

use llm_audit::{Usage, audit};

#[audit(usage = Usage::openai(1, 2))]
fn usage_before() {}

#[audit(out(prompt = out.question))]
fn prompt_after() {}

#[audit(fields(output = out.text))]
fn output_in_a_list() {}

#[audit(auditor = %log)]
fn displayed_auditor(log: &llm_audit::Audit) {}

#[audit(model("small"))]
fn a_list_of_one() {}

#[audit(model(name = "small"))]
fn no_list() {}

#[audit(err(error_code = err.code()))]
fn an_error_that_is_none() {}

fn main() {}
