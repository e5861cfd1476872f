#![allow(unused)]

use llm_audit::audit;

#[derive(Debug)]
struct Found;

#[audit(guardrail, output)]
fn check() -> Found {
    Found
}

#[audit(evaluation, output)]
fn judge() -> &'static str {
    "good"
}

#[audit(evaluation, out(passed = out))]
fn passes() -> f64 {
    0.5
}

fn main() {}
