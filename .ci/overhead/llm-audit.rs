use llm_audit::{Facet, Level, Operation, Policy, Retention, Usage};

fn main() -> Result<(), llm_audit::Error> {
    let policy = Policy::builder()
        .facet(Facet::Model, Level::Full)
        .facet(Facet::Usage, Level::Full)
        .facet(Facet::Prompt, Level::Redacted)
        .retention(Retention::Days90)
        .build()?;
    let audit = llm_audit::builder().policy(policy).journal("log").spawn()?;
    let mut call = audit.begin(Operation::Chat);
    call.request_model("small").prompt("hello").usage(Usage::openai(12, 1));
    call.finish();
    Ok(())
}
