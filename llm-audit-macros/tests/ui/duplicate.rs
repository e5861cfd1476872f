#![allow(unused)]

use llm_audit::audit;

#[audit(model = "small", model = "large")]
fn twice() {}

#[audit(model = "small", fields(request_model = "large"))]
fn by_two_names() {}

#[audit(tool, name = "search", tool_name = "find")]
fn named_twice() {}

#[audit(output, output = out.len())]
fn answered_twice() -> String {
    String::new()
}

fn main() {}
