#![allow(unused)]

use llm_audit::audit;

#[derive(Debug)]
struct Request {
    id: u8,
}

#[audit(prompt = request)]
fn a_struct(request: Request) {}

#[audit(output)]
fn an_answer() -> Result<Request, String> {
    Ok(Request { id: 3 })
}

#[audit(user = Some(request))]
fn an_option(request: &Request) {}

#[audit(output)]
fn generic<T: std::fmt::Display>(value: T) -> T {
    value
}

#[audit(prompt = %request)]
fn without_display(request: Request) {}

fn main() {}
