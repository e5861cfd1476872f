//! A detector of one's own: a list of customers' names, where a model of names could stand.
#![expect(clippy::print_stdout, reason = "the example prints")]

use std::error::Error;
use std::time::Duration;

use llm_audit::redact::{DataType, Detector, DetectorContext, Family, Findings, Operator};
use llm_audit::redact::{RedactionRules, Redactor};
use llm_audit::{Facet, Level, Operation, Policy, Retention, journal};

struct Customers(Vec<&'static str>);

impl Detector for Customers {
    fn name(&self) -> &str {
        "customers"
    }

    fn data_types(&self) -> Vec<DataType> {
        vec![DataType::Person]
    }

    fn find(&self, text: &str, _: &DetectorContext<'_>, findings: &mut Findings) {
        for name in &self.0 {
            for (start, found) in text.match_indices(name) {
                findings.add(start..start + found.len(), DataType::Person);
            }
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let tools = RedactionRules::new().path("$..password", Operator::Drop);
    let redactor = Redactor::builder()
        .detector(Customers(vec!["Ada Lovelace", "Alan Turing"]))
        .operator(Family::Pii, Operator::Numbered)
        .facet(Facet::ToolIo, tools)
        .build()?;
    let policy = Policy::builder()
        .facet(Facet::Prompt, Level::Redacted)
        .facet(Facet::ToolIo, Level::Redacted)
        .retention(Retention::Days30)
        .redactor(redactor)
        .build()?;
    let dir = std::env::temp_dir().join(format!("custom-detector-{}", std::process::id()));
    let audit = llm_audit::builder().policy(policy).journal(&dir).spawn()?;

    let mut call = audit.begin(Operation::Chat);
    call.prompt("Ada Lovelace wrote to Alan Turing, and Ada Lovelace waits.");
    call.tool_arguments(&serde_json::json!({ "to": "Alan Turing", "password": "x" }));
    call.finish();
    println!("{}", audit.shutdown(Duration::from_secs(5)));

    for event in journal::Reader::open(&dir)?.events() {
        let event = event?;
        if let (Some(prompt), Some(arguments)) = (event.prompt(), event.tool_arguments()) {
            println!("{prompt}\n{arguments}");
        }
    }
    Ok(std::fs::remove_dir_all(&dir)?)
}
