use llm_audit::audit;

#[audit]
async fn wrong_type() -> Result<u8, String> {
    "three"
}

#[audit]
fn wrong_type_at_once() -> Result<u8, String> {
    3
}

#[audit]
async fn not_send() {
    let count = std::rc::Rc::new(3);
    std::future::ready(()).await;
    drop(count);
}

fn main() {
    fn is_send<T: Send>(_: T) {}
    is_send(not_send());
}
