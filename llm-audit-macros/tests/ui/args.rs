#![allow(unused)]

use async_trait::async_trait;
use llm_audit::audit;

#[audit(tool, skip(client))]
fn skip_without_args(client: ()) {}

#[audit(tool, args, skip(clinet))]
fn unknown_name(client: (), order: u64) {}

#[audit(tool, args, skip(self))]
fn no_names() {}

#[audit(tool, args(ordre = %order))]
fn unknown_replacement(order: u64) {}

#[audit(tool, args, skip)]
fn skip_of_nothing(order: u64) {}

#[audit(tool, args, skip(order = 3))]
fn skip_of_a_value(order: u64) {}

#[audit(tool, args, skip(order, order))]
fn skipped_twice(order: u64) {}

#[audit(tool, args(order = %order), skip(order))]
fn skipped_and_captured(order: u64) {}

#[audit(tool, args(order = %order, order = ?order))]
fn captured_twice(order: u64) {}

#[audit(tool, args(order))]
fn captured_as_it_is(order: u64) {}

#[audit(tool, args = order)]
fn args_of_a_value(order: u64) {}

#[audit(tool, args, tool_arguments = order)]
fn set_twice(order: u64) {}

#[audit(retrieval, args)]
fn of_another_operation(query: &str) {}

struct Shop;

#[async_trait]
trait Tool {
    async fn run(&self, order: (u64, u64));
}

#[async_trait]
impl Tool for Shop {
    #[audit(tool, args)]
    async fn run(&self, (id, line): (u64, u64)) {}
}

fn main() {}
