//! Printing of what the log holds.

use llm_audit::{Kind, WriterId, journal};

/// Prints each call that `writer` recorded in the log in `dir`, and returns how many they are.
pub(crate) fn calls(dir: &str, writer: WriterId) -> Result<usize, llm_audit::Error> {
    let mut calls = 0;
    for event in journal::Reader::open(dir)?.events() {
        let event = event?;
        if *event.kind() != Kind::Interaction || event.writer_id() != writer {
            continue;
        }
        calls += 1;
        println!("{} {:?}", event.event_id(), event.status());
        println!("  model     {}", event.response_model().unwrap_or_default());
        println!("  prompt    {}", event.prompt().unwrap_or_default());
        println!("  response  {}", event.response().unwrap_or_default());
        let tokens = (event.input_tokens(), event.output_tokens());
        println!("  tokens    {tokens:?}");
    }
    Ok(calls)
}
