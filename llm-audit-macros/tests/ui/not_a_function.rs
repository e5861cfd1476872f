use llm_audit::audit;

#[audit]
struct Service;

#[audit]
impl Service {}

trait Model {
    #[audit]
    fn ask(&self);

    #[audit(tool)]
    async fn run(&self);
}

fn main() {}
