use llm_audit::audit;

#[audit(model = "small", tool)]
fn not_first() {}

#[audit(chat, name = "small")]
fn without_a_name() {}

#[audit(prompt = text, guardrail)]
fn a_verdict_not_first(text: &str) {}

fn main() {}
