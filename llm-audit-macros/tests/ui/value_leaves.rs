#![allow(unused)]

use llm_audit::audit;

#[audit(prompt = question?)]
fn question_mark(question: Result<&str, String>) -> Result<(), String> {
    Ok(())
}

#[audit(prompt = question.await)]
async fn waits(question: std::future::Ready<&str>) {}

#[audit(output = question)]
fn of_an_argument(question: String) {
    drop(question);
}

fn main() {}
