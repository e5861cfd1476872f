#![allow(unused)]

use llm_audit::audit;

struct Client;

#[audit(tool, args)]
fn refund(client: &Client, order: u64) {}

#[audit(tool, args)]
fn generic<T: std::fmt::Debug>(value: T) {}

fn main() {}
