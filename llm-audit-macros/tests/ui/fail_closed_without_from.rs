#![allow(unused)]

use std::future::Future;

use llm_audit::audit;

#[derive(Debug)]
struct Failed;

#[audit(fail_closed)]
async fn an_error_of_its_own() -> Result<(), Failed> {
    Ok(())
}

#[audit(fail_closed)]
fn at_once() -> std::io::Result<u8> {
    Ok(3)
}

#[audit(fail_closed)]
async fn no_result() -> Option<u8> {
    Some(3)
}

#[audit(fail_closed)]
fn no_result_at_once() -> u8 {
    3
}

#[audit(fail_closed)]
fn a_future() -> impl Future<Output = u8> {
    async move { 3 }
}

fn main() {}
