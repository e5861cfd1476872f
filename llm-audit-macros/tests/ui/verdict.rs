#![allow(unused)]

use llm_audit::audit;

struct Found;

#[audit(guardrail, verdict = "pass")]
fn known_too_soon() {}

#[audit(tool, out(verdict = "pass"))]
fn of_another_operation() {}

#[audit(evaluation, out(score = out, score = out))]
fn scored_twice() -> f64 {
    0.5
}

#[audit(guardrail, out(verdit = "pass"))]
fn misspelt() {}

#[audit(evaluation, args)]
fn arguments(answer: &str) {}

fn main() {}
