use std::future::Future;
use std::pin::Pin;

use llm_audit::audit;

async fn answer() -> u8 {
    3
}

#[audit]
fn from_elsewhere() -> impl Future<Output = u8> {
    answer()
}

#[audit]
fn boxed_from_elsewhere() -> Pin<Box<dyn Future<Output = u8> + Send>> {
    Box::pin(answer())
}

fn main() {}
