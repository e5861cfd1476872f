use llm_audit::audit;

#[audit]
const fn constant() -> u8 {
    3
}

const _: u8 = constant();

fn main() {}
