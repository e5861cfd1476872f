use llm_audit::audit;

#[audit(model = "small", tool)]
fn not_first() {}

#[audit(chat, name = "small")]
fn without_a_name() {}

#[audit(guardrail)]
fn guardrail() {}

#[audit(evaluation)]
fn evaluation() {}

fn main() {}
