#![allow(unused)]

use llm_audit::audit;

struct Opaque;

#[audit(max_tokens = "many")]
fn an_integer() {}

#[audit(temperature = "hot")]
fn a_number() {}

#[audit(stream = "yes")]
fn a_bool() {}

#[audit(parent_event_id = "e-1")]
fn an_identifier() {}

#[audit(sent_at = "today")]
fn a_moment() {}

#[audit(tags = "one")]
fn texts() {}

#[audit(documents = ["d-1"])]
fn records() {}

#[audit(metrics = [("score", "high")])]
fn numbers_by_name() {}

#[audit(tool, tool_arguments = argument)]
fn json(argument: Opaque) {}

#[audit(out(usage = 3))]
fn usage() {}

#[audit(auditor = "log")]
fn auditor() {}

fn main() {}
