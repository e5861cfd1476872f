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

fn main() {}
