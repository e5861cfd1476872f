//! The code that `#[audit]` makes gives no reason for a warning, in crates that are strict.
#![cfg(feature = "macros")]
#![deny(warnings, clippy::all, clippy::pedantic, clippy::nursery)]
#![allow(
    clippy::must_use_candidate,
    reason = "it is about the functions, not about the attribute"
)]
#![forbid(unsafe_code)]

use std::future::Future;
use std::pin::Pin;

use llm_audit::audit;

/// Asks.
///
/// # Errors
///
/// Never.
#[audit(model = "small", prompt = question, user = %(user + 1), output = out.len())]
pub async fn ask(question: &str, user: u8) -> Result<String, String> {
    std::future::ready(()).await;
    Ok(question.to_owned())
}

/// Does nothing.
#[audit(step)]
pub fn nothing() {}

/// Does nothing later.
#[audit]
pub async fn nothing_later() {
    std::future::ready(()).await;
}

/// Consumes its argument.
#[audit(tool, tool_arguments = order, output)]
#[must_use]
pub fn consume(mut order: Vec<u8>) -> usize {
    order.push(3);
    order.into_iter().map(usize::from).sum()
}

/// Returns a future.
#[audit(agent, out(usage = None::<llm_audit::Usage>))]
pub fn boxed<'a>(question: &'a str) -> Pin<Box<dyn Future<Output = Option<usize>> + Send + 'a>> {
    Box::pin(async move { Some(question.len()) })
}

/// Checks a text.
#[audit(guardrail, stage = "output", prompt = text, output = if *out { "pass" } else { "fail" })]
pub fn check(text: &str) -> bool {
    !text.contains('@')
}

/// Takes its arguments.
#[audit(tool, args(other = ?other), skip(flag))]
pub fn take(flag: bool, count: usize, other: &dyn std::fmt::Debug) -> usize {
    if flag {
        count
    } else {
        format!("{other:?}").len()
    }
}

#[test]
fn functions_do_what_they_did() {
    nothing();
    assert_eq!(consume(vec![1]), 4);
    assert!(check("no address"));
    assert_eq!(take(true, 3, &()), 3);
}
