//! Printing of what a log holds.

use std::collections::BTreeSet;
use std::error::Error;

use llm_audit::{Event, Facet, Field, Kind, WriterId, journal};

/// Returns the interactions that `writer` recorded in the log in `dir`.
pub(crate) fn interactions(dir: &str, writer: WriterId) -> Result<Vec<Event>, llm_audit::Error> {
    let mut events = journal::Reader::open(dir)?
        .events()
        .collect::<Result<Vec<_>, _>>()?;
    events.retain(|event| *event.kind() == Kind::Interaction && event.writer_id() == writer);
    Ok(events)
}

/// Prints the newest interaction of `writer`, and how much the log holds, of every run.
pub(crate) fn newest(dir: &str, writer: WriterId) -> Result<(), Box<dyn Error>> {
    if let Some(event) = interactions(dir, writer)?.last() {
        println!("\nthe newest event: {}", event.prompt().unwrap_or_default());
        facets(event);
    }
    let entries = journal::Reader::open(dir)?.collect::<Result<Vec<_>, _>>()?;
    let segments: BTreeSet<_> = entries.iter().map(|entry| entry.file()).collect();
    println!(
        "\n./{dir} holds {} events in {} segments",
        entries.len(),
        segments.len()
    );
    Ok(())
}

/// Prints which facets of the event were captured, and which were redacted or withheld.
pub(crate) fn facets(event: &Event) {
    let has = |facet: &&Facet| Field::of(**facet).any(|field| event.get(field).is_some());
    let captured: Vec<_> = Facet::ALL
        .iter()
        .filter(has)
        .map(|facet| facet.name())
        .collect();
    println!("  captured  {}", captured.join(", "));
    for (reason, facets) in event.absent().into_iter().flatten() {
        println!("  {reason:<9} {}", facets.join(", "));
    }
    for found in event.redactions().unwrap_or_default() {
        let word = |text: &Option<String>| text.clone().unwrap_or_default();
        let count = found.count.unwrap_or_default();
        println!(
            "  hidden    {count} × {} in {}",
            word(&found.data_type),
            word(&found.field)
        );
    }
}
