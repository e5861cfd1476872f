//! What an agent does besides talking: tools and searches.

use std::collections::BTreeMap;

use llm_audit::{Document, Operation};

use crate::log::Log;
use crate::random::Random;
use crate::text;

const TOOLS: &[&str] = &[
    "look_up_order",
    "search_mail",
    "create_ticket",
    "send_invoice",
];

/// Runs a tool, now and then a search.
pub(crate) fn run(log: &Log, random: &mut Random) {
    if random.once_in(4) {
        search(log, random);
    } else {
        tool(log, random);
    }
}

fn tool(log: &Log, random: &mut Random) {
    let order = random.within(1_000, 9_999);
    let mut call = log.audit.begin(Operation::ExecuteTool);
    call.tool_name(random.word(TOOLS)).tool_type("function");
    call.tool_call_id(format!("call-{:08x}", random.within(0, 1 << 32)));
    call.tool_arguments(&BTreeMap::from([("order", order)]));
    log.time.pass(random.within(2_000, 90_000) as i64);
    if random.once_in(15) {
        call.tool_error("the order is not known");
        call.fail("not found");
    } else {
        call.tool_result(&BTreeMap::from([("order", order), ("items", order % 7)]));
        call.finish();
    }
}

fn search(log: &Log, random: &mut Random) {
    let mut call = log.audit.begin(Operation::Retrieval);
    call.query(text::words(random, 5))
        .data_source_id("handbook");
    let count = random.within(1, 4);
    let documents = (0..count).map(|number| {
        let document = Document::default().id(format!("doc-{}", random.within(1, 400)));
        document
            .score(0.9 - 0.1 * number as f64)
            .text(text::words(random, 40))
    });
    call.documents(documents.collect::<Vec<_>>());
    log.time.pass(random.within(5_000, 60_000) as i64);
    call.finish();
}
