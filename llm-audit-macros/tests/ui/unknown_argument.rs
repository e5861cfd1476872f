#![allow(unused)]

use llm_audit::audit;

#[audit(promt = question)]
fn misspelt(question: &str) {}

#[audit(fields(temprature = 0.7, xyzzy = 1))]
fn in_a_list() {}

#[audit(embedings)]
fn operation() {}

#[audit(model = "small", frobnicate)]
fn word() {}

fn main() {
    // The functions are there all the same.
    misspelt("why?");
    in_a_list();
    operation();
    word();
}
