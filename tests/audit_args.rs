//! `args` captures the arguments of a function, save those that are skipped.
#![cfg(feature = "macros")]
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[path = "common/recording.rs"]
mod recording;

use std::fmt;

use async_trait::async_trait;
use llm_audit::{Absence, Audit, Facet, audit};
use recording::{Recording, poll_once};
use serde::Serialize;

#[derive(Serialize)]
struct Order {
    id: u64,
    lines: Vec<&'static str>,
}

/// It cannot be serialised.
#[derive(Debug)]
struct Client;

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("client 7")
    }
}

const ORDER: Order = Order {
    id: 7,
    lines: Vec::new(),
};

#[test]
fn the_arguments_of_a_tool_are_one_object() {
    #[audit(tool, args, skip(log, client), auditor = log)]
    fn refund(log: &Audit, client: &Client, order: Order, mut amount: f64, r#type: Option<&str>) {
        amount += 1.0;
        drop((client, order, amount, r#type));
    }

    let recording = Recording::of(&[Facet::ToolIo]);
    refund(&recording.guard, &Client, ORDER, 9.5, None);
    assert_eq!(
        recording.event().tool_arguments(),
        Some(r#"{"amount":9.5,"order":{"id":7,"lines":[]},"type":null}"#)
    );
}

#[test]
fn an_argument_can_be_captured_in_another_way() {
    #[audit(
        tool,
        auditor = log,
        skip(log),
        args(client = %client, other = ?other, order = order.id),
    )]
    fn refund(log: &Audit, client: &Client, other: Client, order: &Order, reason: &str) {}

    let recording = Recording::of(&[Facet::ToolIo]);
    refund(&recording.guard, &Client, Client, &ORDER, "late");
    assert_eq!(
        recording.event().tool_arguments(),
        Some(r#"{"client":"client 7","order":7,"other":"Client","reason":"late"}"#)
    );
}

#[test]
fn names_within_patterns_are_arguments() {
    #[audit(tool, args, skip(log), auditor = log)]
    fn refund(
        log: &Audit,
        (a, _): (u8, Client),
        [b, ref mut c]: [u8; 2],
        Order { id, lines: _ }: &Order,
        _: Client,
    ) {
        *c += a + b;
    }

    let recording = Recording::of(&[Facet::ToolIo]);
    refund(&recording.guard, (1, Client), [2, 3], &ORDER, Client);
    assert_eq!(
        recording.event().tool_arguments(),
        Some(r#"{"a":1,"b":2,"c":3,"id":7}"#)
    );
}

#[test]
fn arguments_of_a_model_are_those_of_its_prompt() {
    #[audit(args, skip(log), auditor = log)]
    async fn summarise(log: &Audit, text: &str, words: usize) -> String {
        text.chars().take(words).collect()
    }

    let recording = Recording::of(&[Facet::Prompt]);
    poll_once(summarise(&recording.guard, "Air scatters light.", 3)).unwrap();
    let event = recording.event();
    let variables = event.prompt_template_variables().unwrap();
    assert_eq!(variables.len(), 2);
    assert_eq!(variables.get("text").unwrap(), r#""Air scatters light.""#);
    assert_eq!(variables.get("words").unwrap(), "3");
}

#[test]
fn arguments_of_an_agent_are_metadata() {
    #[audit(agent, args, skip(log), auditor = log)]
    async fn refunds(log: &Audit, order: &Order) {}

    let recording = Recording::of(&[Facet::Metadata]);
    poll_once(refunds(&recording.guard, &ORDER)).unwrap();
    let event = recording.event();
    let metadata = event.metadata().unwrap();
    assert_eq!(metadata.get("order").unwrap(), r#"{"id":7,"lines":[]}"#);
}

#[test]
fn methods_behind_async_trait_have_their_arguments() {
    #[async_trait]
    trait Tool {
        async fn run(&self, log: &Audit, city: &str, mut days: u8) -> u8;
    }

    #[async_trait]
    impl Tool for Client {
        #[audit(tool, args, skip(log), auditor = log)]
        async fn run(&self, log: &Audit, city: &str, mut days: u8) -> u8 {
            days += u8::try_from(city.len()).unwrap();
            days
        }
    }

    let recording = Recording::of(&[Facet::ToolIo]);
    assert_eq!(poll_once(Client.run(&recording.guard, "Rome", 3)), Some(7));
    assert_eq!(
        recording.event().tool_arguments(),
        Some(r#"{"city":"Rome","days":3}"#)
    );
}

#[test]
fn a_tool_without_arguments_has_an_empty_object() {
    #[audit(tool, args, skip(log), auditor = log)]
    fn now(log: &Audit) {}

    let recording = Recording::of(&[Facet::ToolIo]);
    now(&recording.guard);
    assert_eq!(recording.event().tool_arguments(), Some("{}"));
}

#[test]
fn arguments_are_not_read_while_their_facet_is_off() {
    struct Bomb;

    impl Serialize for Bomb {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            unreachable!("the policy captures no arguments")
        }
    }

    #[audit(tool, args, skip(log), auditor = log)]
    fn run(log: &Audit, bomb: Bomb) {}

    let recording = Recording::of(&[Facet::Tools]);
    run(&recording.guard, Bomb);
    let event = recording.event();
    assert_eq!(event.tool_arguments(), None);
    assert_eq!(event.absence(Facet::ToolIo), Some(Absence::Withheld));
}

#[test]
fn an_argument_that_panics_costs_the_arguments_alone() {
    struct Bomb;

    impl Serialize for Bomb {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            std::panic::panic_any("on purpose")
        }
    }

    #[audit(tool, args, skip(log), auditor = log)]
    fn run(log: &Audit, bomb: Bomb) -> u8 {
        3
    }

    let recording = Recording::of(&[Facet::ToolIo]);
    assert_eq!(run(&recording.guard, Bomb), 3);
    let event = recording.event();
    assert_eq!(event.tool_arguments(), None);
    assert_eq!(event.absence(Facet::ToolIo), Some(Absence::Failed));
}
