//! Printing of how fast an answer came.

use llm_audit::Event;

/// Prints how fast the answer came.
pub(crate) fn print(event: &Event) {
    let millis = |micros: Option<u64>| micros.unwrap_or_default() as f64 / 1_000.0;
    println!(
        "  first chunk   {:.1} ms",
        millis(event.time_to_first_chunk_us())
    );
    println!("  latency       {:.1} ms", millis(event.latency_us()));
    println!(
        "  chunks        {}",
        event.chunk_count().unwrap_or_default()
    );
    println!("  tokens        {:?}", event.total_tokens());
    println!("  finish reason {:?}", event.finish_reasons());
}
